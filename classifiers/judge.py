"""One text's classification put together: language, calibrated scores, rules above the model, urgency, topics."""

from collections.abc import Sequence

from classifiers.calibrate import Calibration
from classifiers.normalise import LONGEST
from classifiers.rules import alarms
from classifiers.topics import topics
from classifiers.urgency import urgency
from domain.classification import SENTIMENTS, Classification, Complaint, Graded, Language, Text

RATED = {1: 1.0, 2: 0.7, 4: -0.4, 5: -0.7}
"""What a star rating adds to the complaint's logit: an assumption, stated and not measured."""


def judge(
    text: Text,
    *,
    language: Language,
    complaint_logit: float,
    sentiment_logits: Sequence[float],
    calibration: Calibration,
    model: str,
) -> Classification:
    """Return the classification of one text from the logits of its heads; rules read its first 30,000 characters.

    Where a safety rule fires and the model sees no complaint, the label is None: a person looks.
    """
    read = text.text[:LONGEST]
    fired = alarms(read)
    lifted = complaint_logit + (RATED.get(text.rating, 0.0) if text.rating is not None else 0.0)
    score = round(calibration.complaint_score(lifted, language.code), 4)
    label = calibration.complaint_label(score)
    return Classification(
        id=text.id,
        language=language,
        complaint=Complaint(label=None if fired and label is False else label, score=score),
        urgency=urgency(read, language=language.code, complaint=score, alarms=fired),
        sentiment=graded(calibration.sentiment_scores(sentiment_logits, language.code)),
        topics=topics(read, language=language.code, alarms=fired),
        model=model,
        flags=tuple(alarm.flag() for alarm in fired),
    )


def graded(shares: Sequence[float]) -> Graded:
    """Return a sentiment from three shares that sum to 1, in the order of `SENTIMENTS`."""
    scores = {name: round(share, 4) for name, share in zip(SENTIMENTS, shares, strict=True)}
    label = max(scores, key=lambda name: scores[name])
    scores[label] = round(1 - sum(score for name, score in scores.items() if name != label), 4)
    return Graded(label=label, score=scores[label], scores=scores)
