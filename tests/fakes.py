"""Fakes of our ports, and short ways to make things."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from domain.classification import (
    Classification,
    Complaint,
    Flag,
    Graded,
    Language,
    Text,
    Topic,
    Unclassifiable,
    Weight,
)
from domain.limits import Limits
from domain.mention import Author, Cursor, Deletion, Mention, MentionRef, Page, Receipt, Reject
from domain.person import Person
from domain.ports import Eligibility
from domain.source import SourceSpec
from responders.answer import Rules
from store import people, sources
from store.engine import Database

POSTED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def post(
    external_id: str,
    text: str,
    *,
    author: str = "ann",
    root: str = "",
    minutes: int = 0,
    ours: bool = False,
    platform: str = "fake",
) -> Mention:
    """Return a post as a platform shows it."""
    return Mention(
        platform=platform,
        external_id=external_id,
        text=text,
        author=Author(external_id=f"id-{author}", handle=author, name=author.title()),
        posted_at=POSTED + timedelta(minutes=minutes),
        conversation_id=root or external_id,
        url=f"https://fake.example/{external_id}",
        ours=ours,
        in_reply_to=root or None,
    )


class FakeClassifier:
    """Says "complaint" of what is "broken", "not sure" of what is "odd", and fails on what is "unreadable"."""

    model = "fake@1"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        self.calls.append([text.id for text in texts])
        return [self._one(text) for text in texts]

    def _one(self, text: Text) -> Classification | Unclassifiable:
        words = text.text.lower()
        if "unreadable" in words:
            return Unclassifiable(id=text.id, error="unreadable")
        label = None if "odd" in words else "broken" in words
        urgency = "critical" if "fire" in words else "high" if "today" in words else "normal" if label else "low"
        scores = {name: 0.1 for name in ("low", "normal", "high", "critical")} | {urgency: 0.7}
        mood = {"negative": 0.2, "neutral": 0.2, "positive": 0.6}
        return Classification(
            id=text.id,
            language=Language(code="fi" if "rikki" in words else "en", score=0.9),
            complaint=Complaint(label=label, score=0.5 if label is None else 0.9 if label else 0.1),
            urgency=Graded(label=urgency, score=0.7, scores=scores, reasons=(f"{urgency} words",)),
            sentiment=Graded(label="positive", score=0.6, scores=mood),
            topics=(Topic(name="delivery" if "parcel" in words else "other", score=0.8),),
            flags=(Flag(name="safety", reason="a fire"),) if "fire" in words else (),
            model=self.model,
        )

    def why(self, text: Text) -> list[Weight]:
        at = text.text.lower().find("broken")
        return [Weight(span=(at, at + 6), weight=0.5, head="complaint")] if at >= 0 else []


class FakePlatform:
    """A source and a publisher whose every answer a test decides."""

    platform = "fake"
    limits = Limits(max_length=300)

    def __init__(self, *pages: Page) -> None:
        self.pages = list(pages)
        self.posted: list[tuple[str, str, str]] = []
        self.before: Exception | None = None
        self.after: Exception | None = None
        self.visible = True

    def poll(self, cursor: Cursor | None) -> Page:
        at = int((cursor or {}).get("page", 0))
        if at >= len(self.pages):
            return Page(items=(), cursor={"page": at})
        page = self.pages[at]
        return Page(items=page.items, rejects=page.rejects, cursor={"page": at + 1}, more=at + 1 < len(self.pages))

    def check(self) -> str:
        return "fine"

    def reply(self, ref: MentionRef, text: str, *, idempotency_key: str) -> Receipt:
        if self.before is not None:
            raise self.before
        self.posted.append((ref.external_id, text, idempotency_key))
        if self.after is not None:
            raise self.after
        return Receipt(external_id=f"r{len(self.posted)}", posted_at=POSTED, url="https://fake.example/r")

    def find_reply(self, ref: MentionRef, text: str, *, since: datetime) -> Receipt | None:
        for number, (external_id, said, _) in enumerate(self.posted, 1):
            if self.visible and (external_id, said) == (ref.external_id, text):
                return Receipt(external_id=f"r{number}", posted_at=POSTED)
        return None

    def eligibility(self, mention: Mention) -> Eligibility:
        return Eligibility(way="api", reason="a fake")


def page(*items: Mention | Deletion, rejects: Sequence[Reject] = ()) -> Page:
    """Return a page of posts."""
    return Page(items=items, cursor={}, rejects=tuple(rejects))


def detect(text: str, *, hint: str | None = None) -> Language:
    """Everything is in English."""
    return Language(code=hint or "en", score=0.9)


def rules() -> Rules:
    """Return the rules of the fake platform."""
    way = Eligibility(way="api", reason="a fake")
    return Rules(limits={"fake": FakePlatform.limits}, detect=detect, ways={"fake": way})


def person(database: Database, *, role: str = "agent", email: str = "anna@example.com") -> Person:
    """Add a person."""
    with database.write() as connection:
        user_id = people.add(
            connection, email=email, name=email.split("@")[0].title(), role=role, password_hash="", now=POSTED
        )
        return people.get(connection, user_id)


def source(database: Database, name: str = "fake", *, brand: str = "Nordvik") -> sa.RowMapping:
    """Add a source and return its row."""
    with database.write() as connection:
        spec = SourceSpec(name=name, platform="fake", every_s=60, brand=brand)
        source_id = sources.add(connection, spec, origin="desk", now=POSTED)
        return sources.get(connection, source_id)
