"""Texts to logits: tokenizer and ONNX Runtime behind one call, in windows and in batches by length; no torch."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.artifact import Artifact
from domain.errors import Invalid

Floats = npt.NDArray[np.float64]

BATCH = 8
"""Windows that go through the network together; more cost more padding than they save on two cores."""
MOST_WINDOWS = 48
"""Windows of one text; of a longer text so many are taken, evenly over its whole length."""
OVERLAP = 8
"""Word pieces that a window shares with the one before."""
PAD = 1


class Reader:
    """The network of one artifact. `read` may be called from several threads."""

    def __init__(self, artifact: Artifact, *, threads: int = 2) -> None:
        """Load tokenizer and network, with at most `threads` threads; raises `Invalid` where one of them is broken."""
        self.window = artifact.window
        self._tokenizer = _tokenizer(artifact)
        self._session = _session(artifact, threads)

    def read(self, texts: Sequence[str]) -> list[Floats]:
        """Return the logits of each normalised text, shape (windows, outputs), in the order given.

        Windows of like length run together, so little is padded; nothing is cut off but the windows over the most.
        """
        windows: list[list[int]] = []
        owners: list[int] = []
        for owner, ids in enumerate(self._ids(texts)):
            cut = self._windows(ids)
            windows += cut
            owners += [owner] * len(cut)
        order = sorted(range(len(windows)), key=lambda at: len(windows[at]))
        results: list[Floats | None] = [None] * len(windows)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            for at, logits in zip(some, self._run([windows[at] for at in some]), strict=True):
                results[at] = logits
        grouped: list[list[Floats]] = [[] for _ in texts]
        for owner, result in zip(owners, results, strict=True):
            assert result is not None
            grouped[owner].append(result)
        return [np.stack(each) for each in grouped]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        found = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)
        ids: list[list[int]] = found["input_ids"]
        return ids

    def _windows(self, ids: list[int]) -> list[list[int]]:
        inside = self.window - 2
        if len(ids) <= inside:
            return [[0, *ids, 2]]
        starts = list(range(0, len(ids) - OVERLAP, inside - OVERLAP))
        if len(starts) > MOST_WINDOWS:
            starts = [starts[round(at)] for at in np.linspace(0, len(starts) - 1, MOST_WINDOWS)]
        return [[0, *ids[start : start + inside], 2] for start in starts]

    def _run(self, windows: Sequence[list[int]]) -> Floats:
        length = max(len(each) for each in windows)
        ids = np.full((len(windows), length), PAD, dtype=np.int64)
        mask = np.zeros((len(windows), length), dtype=np.int64)
        for at, each in enumerate(windows):
            ids[at, : len(each)] = each
            mask[at, : len(each)] = 1
        (logits,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(logits, dtype=np.float64)


def _tokenizer(artifact: Artifact) -> Any:
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # it would say on stderr that torch is missing
    from transformers import PreTrainedTokenizerFast

    try:
        return PreTrainedTokenizerFast.from_pretrained(artifact.folder, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - the library raises whatever its parser does
        raise Invalid(f"{artifact.folder / 'tokenizer.json'}: not a tokenizer ({error})") from None


def _session(artifact: Artifact, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(artifact.network), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime raises its own, undocumented kinds
        raise Invalid(f"{artifact.network}: not a network that can be run ({error})") from None
