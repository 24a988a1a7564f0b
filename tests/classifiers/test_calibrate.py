"""Scores that mean what they say."""

import math

import numpy as np
import pytest

from classifiers.artifact import SHIPPED, open_artifact
from classifiers.calibrate import (
    Calibration,
    Costs,
    Platt,
    calibration_error,
    fit_platt,
    fit_temperature,
    sigmoid,
    softmax,
)


def test_the_scaling_of_overconfident_logits_is_found() -> None:
    chance = np.random.default_rng(1)
    true = chance.normal(0, 2, 20_000)
    labels = (chance.random(20_000) < 1 / (1 + np.exp(-(0.5 * true - 1)))).astype(float)
    found = fit_platt(true, labels, prior=Platt())
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.shift == pytest.approx(-1, abs=0.08)


def test_a_firm_slope_stays_and_only_the_shift_moves() -> None:
    logits = np.array([-1.0, -0.5, 0.0, 0.2])
    found = fit_platt(logits, np.array([0.0, 1.0, 1.0, 1.0]), prior=Platt(2.0, 0.0), hold=(1e6, 1.0))
    assert found.slope == pytest.approx(2.0, abs=1e-3)
    assert found.shift > 0.2


def test_separable_rows_do_not_run_away() -> None:
    found = fit_platt(np.array([-3.0, 3.0]), np.array([0.0, 1.0]), prior=Platt())
    assert 0.5 < found.slope < 5


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    chance = np.random.default_rng(2)
    logits = chance.normal(0, 1, (5_000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([chance.choice(3, p=row) for row in shares])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)


def test_the_band_follows_the_costs() -> None:
    low, high = Costs(missed=10, false_alarm=4, asked=1).band
    assert (low, high) == (0.1, 0.75)
    judged = Calibration({"*": Platt()}, {"*": 1.0}, (low, high))
    assert [judged.complaint_label(score) for score in (0.05, 0.1, 0.5, 0.75, 0.9)] == [False, None, None, True, True]


def test_calibration_error_of_perfect_and_of_blind_confidence() -> None:
    assert calibration_error([1.0] * 4, [True] * 4) == 0
    assert calibration_error([0.95] * 4, [False] * 4) == pytest.approx(0.95)
    assert math.isnan(calibration_error([], []))


def test_far_logits_do_not_overflow() -> None:
    assert sigmoid(-5_000) == 0.0 and sigmoid(5_000) == 1.0
    assert softmax([5_000.0, -5_000.0]) == [1.0, 0.0]


def test_the_shipped_calibration_covers_the_five_languages() -> None:
    shipped = open_artifact(SHIPPED).calibration
    assert {"en", "fi", "lv", "nb", "pl", "*"} <= set(shipped.complaint)
    assert "*" in shipped.temperature
    assert 0 < shipped.band[0] < 0.5 < shipped.band[1] < 1
    assert Calibration.from_record(shipped.to_record()) == shipped
