"""Scores that mean what they say: Platt scaling, temperature, thresholds from costs, expected calibration error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Platt:
    """A logit's way to a probability: sigmoid(slope * logit + shift)."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, logit: float) -> float:
        return sigmoid(self.slope * logit + self.shift)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a wrong answer costs, in minutes of an agent: a complaint missed, a false alarm, a person asked."""

    missed: float = 6.0
    false_alarm: float = 3.0
    asked: float = 1.0

    @property
    def band(self) -> tuple[float, float]:
        """Return the scores between which asking is the cheapest: below it is no complaint, above it is one."""
        return self.asked / self.missed, 1 - self.asked / self.false_alarm


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that stands between logits and scores, as it is kept in `model.json`.

    Groups are languages; `*` is for all that have none of their own.
    """

    complaint: dict[str, Platt]
    temperature: dict[str, float]
    band: tuple[float, float]

    def complaint_score(self, logit: float, language: str) -> float:
        return self.complaint.get(language, self.complaint["*"])(logit)

    def sentiment_scores(self, logits: Sequence[float], language: str) -> list[float]:
        return softmax(logits, self.temperature.get(language, self.temperature["*"]))

    def complaint_label(self, score: float) -> bool | None:
        """Return True above the band, False below it, None inside: ask a person."""
        low, high = self.band
        return True if score >= high else False if score < low else None

    def to_record(self) -> dict[str, Any]:
        platt = {name: {"slope": each.slope, "shift": each.shift} for name, each in self.complaint.items()}
        return {"complaint": platt, "temperature": self.temperature, "band": list(self.band)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Calibration":
        """Read what `to_record` wrote; raises KeyError, TypeError or ValueError where it is not that."""
        platt = {name: Platt(float(each["slope"]), float(each["shift"])) for name, each in record["complaint"].items()}
        temperature = {name: float(each) for name, each in record["temperature"].items()}
        low, high = record["band"]
        if "*" not in platt or "*" not in temperature:
            raise ValueError("calibration has no group *")
        return cls(platt, temperature, (float(low), float(high)))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    top = max(logits)
    raised = [math.exp((each - top) / temperature) for each in logits]
    return [each / sum(raised) for each in raised]


def fit_platt(logits: Floats, labels: Floats, *, prior: Platt, hold: tuple[float, float] = (1.0, 1.0)) -> Platt:
    """Return the scaling with the least log loss, held near the slope and shift of `prior` as firmly as `hold` says.

    Shapes (rows,). Newton's method with halved steps; a hundred rounds are far more than it takes.
    """
    firm = np.array(hold)
    start = np.array([prior.slope, prior.shift])
    at = start.copy()
    design = np.stack([logits, np.ones_like(logits)], axis=1)

    def loss(values: Floats) -> float:
        scores = design @ values
        fit = np.logaddexp(0, scores).sum() - (labels * scores).sum()
        return float(fit + (firm * (values - start) ** 2).sum() / 2)

    for _ in range(100):
        chances = 1 / (1 + np.exp(-(design @ at)))
        slope = design.T @ (chances - labels) + firm * (at - start)
        bend = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(firm)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while loss(at - size * step) > loss(at) and size > 1e-6:
            size /= 2
        at = at - size * step
        if float(np.abs(size * step).max()) < 1e-7:
            break
    return Platt(round(float(at[0]), 5), round(float(at[1]), 5))


def fit_temperature(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Return the temperature with the least log loss for logits, shape (rows, classes); a search over 0.3 to 5."""
    best, least = 1.0, math.inf
    for temperature in np.geomspace(0.3, 5, 200):
        scaled = logits / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        loss = float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]).mean())
        if loss < least:
            best, least = float(temperature), loss
    return round(best, 4)


def calibration_error(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence and accuracy are apart, over bins of equal width."""
    if not confidences:
        return math.nan
    scores, hits = np.array(confidences, dtype=float), np.array(correct, dtype=float)
    places = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs(scores[places == each].sum() - hits[places == each].sum()) for each in range(bins)]
    return float(sum(gaps) / len(scores))
