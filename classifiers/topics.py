"""What a post is about: the topics whose words it holds, with a score that grows with the number of words."""

from collections.abc import Sequence

from classifiers.normalise import folded
from classifiers.rules import Alarm
from classifiers.wording import spoken, wording
from domain.classification import Topic

MOST = 3
FROM_ALARM = {
    "fire_injury": "safety",
    "medical": "safety",
    "self_harm": "safety",
    "data_leak": "privacy_fraud",
    "fraud": "privacy_fraud",
}
ALARMED = 0.9
OTHER = 0.3


def topics(text: str, *, language: str, alarms: Sequence[Alarm]) -> tuple[Topic, ...]:
    """Return at most three topics, the likeliest first; `other` where no word speaks for any.

    One word gives a score of 0.5, two 0.75, three 0.88: a count, not a probability. A safety rule gives 0.9.
    """
    shape = folded(text)
    scores = {FROM_ALARM[alarm.rule]: ALARMED for alarm in alarms if alarm.rule in FROM_ALARM}
    for each in spoken(language):
        for name, words in wording(each, "topics").items():
            met = len(words.all(text, shape))
            if met:
                scores[name] = max(scores.get(name, 0.0), round(1 - 0.5**met, 2))
    if not scores:
        return (Topic(name="other", score=OTHER),)
    best = sorted(scores, key=lambda name: -scores[name])[:MOST]
    return tuple(Topic(name=name, score=scores[name]) for name in best)
