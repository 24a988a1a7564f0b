"""What the rooms in the middle ask of the rooms at the border."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from domain.classification import Classification, Language, Text, Unclassifiable, Weight
from domain.limits import Limits
from domain.mention import Cursor, Mention, MentionRef, Page, Receipt

Way = Literal["api", "manual", "private", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """How a mention may be answered, and why."""

    way: Way
    reason: str


class Source(Protocol):
    """Listens to one outside place. Raises only `domain.errors.OutsideError`s, and `Invalid` for a wrong setting."""

    platform: str

    def poll(self, cursor: Cursor | None) -> Page:
        """Read one network page from `cursor` (None: from the beginning). Changes nothing on either side."""
        ...

    def check(self) -> str:
        """Say in one line that credentials and reach are fine, or raise with what is wrong and how to mend it."""
        ...


class Publisher(Protocol):
    """Speaks on one outside place."""

    platform: str
    limits: Limits

    def reply(self, ref: MentionRef, text: str, *, idempotency_key: str) -> Receipt:
        """Post `text` in answer to `ref`. `OutcomeUnknown` when it may have been posted and no answer came."""
        ...

    def find_reply(self, ref: MentionRef, text: str, *, since: datetime) -> Receipt | None:
        """Look for our own reply to `ref` with this text, posted after `since`."""
        ...

    def eligibility(self, mention: Mention) -> Eligibility:
        """Say how this mention may be answered."""
        ...


class Classifier(Protocol):
    """Text → Classification."""

    model: str

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        """Classify a batch, in order, one result each; one bad text never costs the batch."""
        ...

    def why(self, text: Text) -> list[Weight]:
        """Return the words of `text.text` that weighed, heaviest first."""
        ...


class LanguageDetector(Protocol):
    """Text → language, fast enough to answer while a person types."""

    def __call__(self, text: str, *, hint: str | None = None) -> Language: ...


class Bell(Protocol):
    """A ring names a kind of work, never content. Losing or doubling a ring is harmless."""

    def ring(self, kind: str) -> None: ...
