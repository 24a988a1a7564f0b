"""Figures for labels against scores, in plain numpy: accuracy, macro-F1, average precision, calibration error."""

import math
from collections.abc import Sequence

import numpy as np

from classifiers.calibrate import calibration_error


def macro(truth: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    """Return accuracy, macro-F1 and macro recall over the labels that occur in `truth`."""
    labels = sorted(set(truth))
    f1s, recalls = [], []
    for label in labels:
        hits = sum(t == label and s == label for t, s in zip(truth, said, strict=True))
        true, claimed = sum(t == label for t in truth), sum(s == label for s in said)
        recalls.append(hits / true)
        f1s.append(2 * hits / (true + claimed))
    right = sum(t == s for t, s in zip(truth, said, strict=True))
    return {
        "accuracy": right / len(truth),
        "macro_f1": sum(f1s) / len(labels),
        "macro_recall": sum(recalls) / len(labels),
    }


def average_precision(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the area under precision over recall, a step for each distinct score; nan where nothing is true."""
    found = np.asarray(scores, dtype=float)
    order = np.argsort(-found, kind="stable")
    hits = np.cumsum(np.asarray(truth, dtype=float)[order])
    if not len(hits) or not hits[-1]:
        return math.nan
    ends = np.append(np.nonzero(np.diff(found[order]))[0], len(hits) - 1)
    precision, gained = hits[ends] / (ends + 1), np.diff(hits[ends], prepend=0.0)
    return float((precision * gained).sum() / hits[-1])


def binary(truth: Sequence[bool], scores: Sequence[float], labels: Sequence[bool | None]) -> dict[str, float]:
    """Return the figures of a yes-or-no head: at a half, by rank, by calibration, and with abstention."""
    said = [score >= 0.5 for score in scores]
    figures = macro([str(each) for each in truth], [str(each) for each in said])
    figures["recall"] = _share([s for t, s in zip(truth, said, strict=True) if t])
    figures["precision"] = _share([t for t, s in zip(truth, said, strict=True) if s])
    figures["average_precision"] = average_precision(truth, scores)
    figures["calibration_error"] = calibration_error(
        [max(score, 1 - score) for score in scores], [t == s for t, s in zip(truth, said, strict=True)]
    )
    figures["abstained"] = _share([label is None for label in labels])
    figures["accuracy_of_rest"] = _share([t == m for t, m in zip(truth, labels, strict=True) if m is not None])
    return figures


def interval(share: float, count: int) -> float:
    """Return half the width of the 95 % interval of a share (normal approximation)."""
    return 1.96 * math.sqrt(max(share * (1 - share), 0.0) / count) if count else math.nan


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else math.nan
