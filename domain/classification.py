"""What a classifier says of one text: language, complaint, urgency, sentiment, topics, each with a score in 0..1."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

URGENCIES = ("low", "normal", "high", "critical")
SENTIMENTS = ("negative", "neutral", "positive")
TOPICS = (
    "delivery",
    "billing_refund",
    "product_quality",
    "service_staff",
    "app_technical",
    "outage",
    "safety",
    "privacy_fraud",
    "cancellation",
    "other",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text to classify. `lang` is a hint (ISO 639-1), `rating` 1 to 5 stars."""

    id: str
    text: str
    lang: str | None = None
    rating: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """ISO 639-1 code, `und` where it cannot be told."""

    code: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """`score` is the calibrated probability of a complaint; `label` None means: ask a person."""

    label: bool | None
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One label of several. `scores` holds every label and sums to 1; `score` is the label's own."""

    label: str
    score: float
    scores: Mapping[str, float]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A rule above the model: safety, legal and self-harm wording, or a call for silence."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A stretch of the given text that weighed. `span` counts code points, end exclusive; `weight` > 0 speaks for."""

    span: tuple[int, int]
    weight: float
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Everything said of one text. `model` is `name@version`."""

    id: str
    language: Language
    complaint: Complaint
    urgency: Graded
    sentiment: Graded
    topics: tuple[Topic, ...]
    model: str
    flags: tuple[Flag, ...] = ()
    why: tuple[Weight, ...] = field(default=())

    def to_record(self, *, why: bool = False) -> dict[str, Any]:
        """Return the public classification record : plain JSON types only."""
        record: dict[str, Any] = {
            "id": self.id,
            "language": {"code": self.language.code, "score": self.language.score},
            "complaint": {"label": self.complaint.label, "score": self.complaint.score},
            "urgency": {
                "label": self.urgency.label,
                "score": self.urgency.score,
                "scores": dict(self.urgency.scores),
                "reasons": list(self.urgency.reasons),
            },
            "sentiment": {
                "label": self.sentiment.label,
                "score": self.sentiment.score,
                "scores": dict(self.sentiment.scores),
            },
            "topics": [{"name": topic.name, "score": topic.score} for topic in self.topics],
            "flags": [{"name": flag.name, "reason": flag.reason} for flag in self.flags],
            "model": self.model,
        }
        if why:
            record["why"] = [{"span": list(w.span), "weight": w.weight, "head": w.head} for w in self.why]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Classification":
        """Read a public classification record back."""
        urgency, sentiment = record["urgency"], record["sentiment"]
        return cls(
            id=record["id"],
            language=Language(**record["language"]),
            complaint=Complaint(**record["complaint"]),
            urgency=Graded(
                label=urgency["label"],
                score=urgency["score"],
                scores=urgency["scores"],
                reasons=tuple(urgency.get("reasons", ())),
            ),
            sentiment=Graded(label=sentiment["label"], score=sentiment["score"], scores=sentiment["scores"]),
            topics=tuple(Topic(**topic) for topic in record["topics"]),
            flags=tuple(Flag(**flag) for flag in record["flags"]),
            model=record["model"],
            why=tuple(
                Weight(span=(w["span"][0], w["span"][1]), weight=w["weight"], head=w["head"])
                for w in record.get("why", ())
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclassifiable:
    """A text that could not be classified, and why."""

    id: str
    error: str
