"""How fast and how large: texts a second beside torch in 32 bit, memory, load time, how steady a text's scores are."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers.transformer import Transformer
from domain.classification import Classification, Text

THREADS = 2


def steadiness(classifier: Transformer, texts: Sequence[str], *, rounds: int = 3) -> dict[str, float]:
    """Return how far a text's complaint score moves between being alone and being among others, in other orders.

    The largest move, the one that 99 of 100 texts stay under, the mean, and the share of labels at a half that turn.
    """
    alone = [_score(classifier, [text])[0] for text in texts]
    moves, turned = [], 0
    for seed in range(rounds):
        order = list(range(len(texts)))
        random.Random(seed).shuffle(order)
        together = _score(classifier, [texts[at] for at in order])
        for at, score in zip(order, together, strict=True):
            moves.append(abs(score - alone[at]))
            turned += (score >= 0.5) != (alone[at] >= 0.5)
    moves.sort()
    return {
        "texts": float(len(texts)),
        "largest": moves[-1],
        "p99": moves[int(len(moves) * 0.99)],
        "mean": sum(moves) / len(moves),
        "turned": turned / len(moves),
    }


def _score(classifier: Transformer, texts: Sequence[str]) -> list[float]:
    said = classifier.classify([Text(id=str(at), text=text) for at, text in enumerate(texts)])
    return [each.complaint.score if isinstance(each, Classification) else 0.0 for each in said]


def rate(classifier: Transformer, texts: Sequence[str]) -> float:
    """Return texts a second of the whole path: language, text, network, rules."""
    some = [Text(id=str(at), text=text) for at, text in enumerate(texts)]
    classifier.classify(some[:64])
    started = time.perf_counter()
    classifier.classify(some)
    return len(texts) / (time.perf_counter() - started)


def single(classifier: Transformer, texts: Sequence[str]) -> float:
    """Return the median milliseconds of one text alone, the whole path."""
    spent = []
    for text in texts:
        started = time.perf_counter()
        classifier.classify([Text(id="1", text=text)])
        spent.append(time.perf_counter() - started)
    return sorted(spent)[len(spent) // 2] * 1000


class Plain:
    """The same weights in torch, 32 bit, batches of 16, two threads: tokens and network only."""

    def __init__(self, backbone: Path, weights: Path) -> None:
        import torch
        from transformers import AutoTokenizer

        from classifiers.network import build

        torch.set_num_threads(THREADS)
        self._tokenizer = AutoTokenizer.from_pretrained(backbone, local_files_only=True)
        self._network = build(backbone, weights, attention="sdpa").eval()
        self._without = torch.inference_mode

    def rate(self, texts: Sequence[str]) -> float:
        """Return texts a second, in the order given."""
        started = time.perf_counter()
        with self._without():
            for start in range(0, len(texts), 16):
                some = self._tokenizer(
                    list(texts[start : start + 16]), padding=True, truncation=True, max_length=64, return_tensors="pt"
                )
                self._network(some["input_ids"], some["attention_mask"])
        return len(texts) / (time.perf_counter() - started)


def footprint(folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """Return seconds to load and megabytes resident of a fresh process that loads the model and classifies texts."""
    program = (
        "import json,sys,time\nfrom pathlib import Path\nstarted=time.perf_counter()\n"
        "from classifiers.transformer import Transformer\nfrom domain.classification import Text\n"
        "model=Transformer.load(Path(sys.argv[1]))\nloaded=time.perf_counter()-started\n"
        "texts=json.load(sys.stdin)\nmodel.classify([Text(id='1',text=each) for each in texts])\n"
        "status=dict(line.split(':',1) for line in open('/proc/self/status'))\n"
        "peak,now=(int(status[name].split()[0])/1024 for name in ('VmHWM','VmRSS'))\n"
        "print(json.dumps({'load_s':loaded,'peak_mb':peak,'resident_mb':now}))"
    )
    done = subprocess.run(  # noqa: S603 - our own program, our own interpreter
        [sys.executable, "-c", program, str(folder)],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, backbone: Path, weights: Path, texts: Sequence[str], *, rounds: int = 4) -> dict[str, Any]:
    """Return all figures of speed and size for one sample of texts, taken in turns, the best of some rounds each.

    The best round is the one that other programs of the machine disturbed least.
    """
    classifier, plain = Transformer.load(folder, threads=THREADS), Plain(backbone, weights)
    turns = [
        (rate(classifier, texts), plain.rate(texts), plain.rate(sorted(texts, key=len)), single(classifier, texts[:50]))
        for _ in range(rounds)
    ]
    ours, theirs, ordered = (max(turn[at] for turn in turns) for at in range(3))
    return {
        "texts": len(texts),
        "ours": ours,
        "torch": theirs,
        "torch_sorted": ordered,
        "ratio": ours / theirs,
        "ratio_sorted": ours / ordered,
        "single_ms": min(turn[3] for turn in turns),
        **footprint(folder, texts),
    }
