"""Our own model behind the classifier's port: load once, classify in batches, say which words weighed."""

import math
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from classifiers.artifact import SHIPPED, Artifact, open_artifact
from classifiers.judge import judge
from classifiers.language import Detector
from classifiers.normalise import LONGEST, normalise
from classifiers.reader import Floats, Reader
from classifiers.rules import alarms
from domain.classification import Classification, Text, Unclassifiable, Weight

MOST_WORDS = 40
"""Words of a post that `why` leaves out one by one; of a longer post it reads the first so many and no more."""
MOST_WEIGHTS = 6
LEAST = 0.05
"""A word that moves the log-odds by less is not named,"""
SHARE = 0.3
"""nor one that moves them by less than this part of what the heaviest word does."""
TOGETHER = 256
"""Texts that are normalised and read together; more are taken in turns, so that memory stays flat."""

# A word of two signs or more, or an emoji: punctuation says nothing to a person.
_WORD = re.compile(r"[^\W_](?:[\w'’-]*\w)|[\u2600-\u27bf\U0001f300-\U0001faff]+")


class Transformer:
    """The transformer of one artifact: implements `domain.ports.Classifier`."""

    def __init__(self, artifact: Artifact, reader: Reader, detector: Detector) -> None:
        self.model = artifact.model
        self.calibration = artifact.calibration
        self._reader = reader
        self._detector = detector

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int = 2) -> "Transformer":
        """Load the artifact in `folder`, or the one that is shipped; 1 to 3 s.

        Raises `Invalid` with the file's name where one is missing, changed or not what it should be.
        """
        artifact = open_artifact(folder or SHIPPED)
        return cls(artifact, Reader(artifact, threads=threads), Detector())

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        """Classify texts, one result each, in order.

        A text without a word is `Unclassifiable`. A long text is read in windows: its complaint score is that of the
        window that speaks for one most, its sentiment the mean of all. A text's scores may move a little with its
        neighbours, since the 8-bit network sets its scale over a batch; the model card states by how much.
        """
        results: list[Classification | Unclassifiable] = []
        for start in range(0, len(texts), TOGETHER):
            results += self._some(texts[start : start + TOGETHER])
        return results

    def why(self, text: Text) -> list[Weight]:
        """Return the words of `text.text` that weighed, heaviest first, at most six a head.

        `complaint` and `sentiment`: by how much the log-odds of a complaint, and the log-probability of the
        sentiment's label, fall when the word is left out (negative: they rise); words that weigh little beside the
        heaviest are not named. `urgency`: the words that a safety rule met, with weight 1.
        """
        alarmed = [Weight(span=alarm.found.span, weight=1.0, head="urgency") for alarm in alarms(text.text[:LONGEST])]
        spans = [match.span() for match in islice(_WORD.finditer(text.text[:LONGEST]), MOST_WORDS)]
        read = text.text[: spans[-1][1]] if len(spans) == MOST_WORDS else text.text[:LONGEST]
        whole = normalise(read)
        if not whole or not spans:
            return alarmed
        language = self._detector(read, hint=text.lang).code
        without = [normalise(read[:start] + " " + read[end:]) for start, end in spans]
        logits = [_pooled(each) for each in self._reader.read([whole, *without])]
        complaint = [_log_odds(self.calibration.complaint_score(float(each[0]), language)) for each in logits]
        shares = [self.calibration.sentiment_scores(each[1:].tolist(), language) for each in logits]
        label = int(np.argmax(shares[0]))
        weights = alarmed
        for head, scores in (("complaint", complaint), ("sentiment", [math.log(each[label]) for each in shares])):
            weights += _named(head, spans, [scores[0] - score for score in scores[1:]])
        return sorted(weights, key=lambda each: -abs(each.weight))

    def _some(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        plain = [normalise(text.text) for text in texts]
        readable = [
            at for at, each in enumerate(plain) if any(letter.isalnum() or ord(letter) > 8000 for letter in each)
        ]
        logits: dict[int, Floats] = {}
        for at, windows in zip(readable, self._reader.read([plain[at] for at in readable]), strict=True):
            logits[at] = _pooled(windows)
        return [
            self._one(text, logits[at]) if at in logits else Unclassifiable(id=text.id, error="the text holds no word")
            for at, text in enumerate(texts)
        ]

    def _one(self, text: Text, logits: Floats) -> Classification:
        return judge(
            text,
            language=self._detector(text.text, hint=text.lang),
            complaint_logit=float(logits[0]),
            sentiment_logits=logits[1:].tolist(),
            calibration=self.calibration,
            model=self.model,
        )


def _log_odds(score: float) -> float:
    sure = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(sure / (1 - sure))


def _named(head: str, spans: Sequence[tuple[int, int]], falls: Sequence[float]) -> list[Weight]:
    """Return the words worth naming: those that come near the heaviest one."""
    least = max(LEAST, SHARE * max(abs(fall) for fall in falls))
    found = [
        Weight(span=span, weight=round(fall, 4), head=head)
        for span, fall in zip(spans, falls, strict=True)
        if abs(fall) >= least
    ]
    return sorted(found, key=lambda each: -abs(each.weight))[:MOST_WEIGHTS]


def _pooled(windows: Floats) -> Floats:
    """Return one row of logits, shape (outputs,), from those of a text's windows: complaint the most, rest the mean."""
    return np.concatenate([windows[:, :1].max(axis=0), windows[:, 1:].mean(axis=0)])
