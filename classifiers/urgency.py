"""How urgent a post is: rules over the model's complaint score and the wording, until a head of its own is trained.

A complaint starts as normal. Wording that says it cannot wait (a deadline, a third contact, money gone, service down,
a threat to leave) makes it high; mild wording makes it low; a safety rule makes it critical whatever the model says.
"""

import math
from collections.abc import Sequence

from classifiers.normalise import folded
from classifiers.rules import Alarm
from classifiers.wording import spoken, wording
from domain.classification import URGENCIES, Graded

WEIGHTS = {
    "deadline": 0.9,
    "repeat": 0.9,
    "money": 0.9,
    "down": 0.9,
    "leaving": 0.9,
    "silence": 0.5,
    "vulnerable": 0.5,
    "mild": -0.8,
}
TITLES = {
    "deadline": "time runs out",
    "repeat": "not the first contact",
    "money": "money gone",
    "down": "does not work for this customer",
    "leaving": "threat to leave",
    "silence": "no answer",
    "vulnerable": "somebody vulnerable",
    "mild": "mild wording",
}
STEPS = (0.5, 1.55, 3.0)
"""Where low ends, normal ends, high ends; a complaint without any of the wording stands at 1."""
CEILING = 2.6
"""Wording alone is never critical."""
WIDTH = 0.3
NO_COMPLAINT = (0.94, 0.05, 0.01, 0.0)
ALARMED = (0.01, 0.01, 0.02, 0.96)


def urgency(text: str, *, language: str, complaint: float, alarms: Sequence[Alarm]) -> Graded:
    """Return the urgency of `text`, with scores over the four labels and reasons that quote the words.

    `complaint` is the calibrated probability of a complaint; below a half the post is low unless an alarm fired.
    """
    if alarms:
        return _graded(ALARMED, tuple(alarm.reason for alarm in alarms))
    strength, reasons = 1.0, []
    for kind, words in _wording(text, language).items():
        strength += WEIGHTS[kind]
        reasons.append(f"{TITLES[kind]}: “{words}”")
    levels = _spread(min(strength, CEILING))
    share = 0.5 + complaint / 2 if complaint >= 0.5 else complaint
    mixed = tuple(share * one + (1 - share) * two for one, two in zip(levels, NO_COMPLAINT, strict=True))
    return _graded(mixed, tuple(reasons) if complaint >= 0.5 else ())


def _wording(text: str, language: str) -> dict[str, str]:
    """Return the kinds of urgent wording in `text`, each with its first words; own language before English."""
    shape = folded(text)
    kinds: dict[str, str] = {}
    for each in spoken(language):
        for kind, words in wording(each, "urgency").items():
            if kind not in kinds and (found := words.first(text, shape)):
                kinds[kind] = found.words
    return kinds


def _spread(strength: float) -> tuple[float, ...]:
    """Return the four levels' shares for a strength: the differences of a logistic curve at the steps."""
    below = [1 / (1 + math.exp((strength - step) / WIDTH)) for step in STEPS]
    return below[0], below[1] - below[0], below[2] - below[1], 1 - below[2]


def _graded(shares: Sequence[float], reasons: tuple[str, ...]) -> Graded:
    total = sum(shares)
    scores = {name: round(share / total, 4) for name, share in zip(URGENCIES, shares, strict=True)}
    label = max(scores, key=lambda name: scores[name])
    scores[label] = round(1 - sum(score for name, score in scores.items() if name != label), 4)
    return Graded(label=label, score=scores[label], scores=scores, reasons=reasons)
