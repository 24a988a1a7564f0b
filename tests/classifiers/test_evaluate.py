"""Figures for labelled rows."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from classifiers.baseline import Rules
from classifiers.evaluate import evaluate_files, markdown
from classifiers.language import Detector
from classifiers.metrics import average_precision, binary, macro
from classifiers.rows import corpus


def test_macro_figures() -> None:
    found = macro(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    assert found["accuracy"] == 0.75
    assert found["macro_recall"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)


@pytest.mark.parametrize(
    ("truth", "scores", "expected"),
    [([True, False], [0.9, 0.1], 1.0), ([False, True], [0.9, 0.1], 0.5), ([True, False, True], [0.9, 0.8, 0.7], 5 / 6)],
)
def test_average_precision(truth: Sequence[bool], scores: Sequence[float], expected: float) -> None:
    assert average_precision(truth, scores) == pytest.approx(expected)
    assert math.isnan(average_precision([False], [0.5]))


def test_abstention_is_told_apart() -> None:
    found = binary([True, False, True], [0.9, 0.2, 0.4], [True, False, None])
    assert found["abstained"] == pytest.approx(1 / 3)
    assert found["accuracy_of_rest"] == 1
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_a_file_gives_groups_and_a_table(detector: Detector) -> None:
    told: list[tuple[int, int]] = []
    path: Path = corpus()[0]
    found = evaluate_files(Rules(detector), [path], part="held-out", tell=lambda done, all_: told.append((done, all_)))
    assert found["model"] == "rules@1" and found["rows"] == 12 and told == [(12, 12)]
    assert {group["head"] for group in found["groups"]} == {"complaint", "sentiment", "urgency", "topics"}
    table = markdown([found], "complaint", ("macro_f1",))
    assert table.splitlines()[0] == "| source | language | rows | macro f1, rules@1 |"
    assert "| amends | en | 12 |" in table
