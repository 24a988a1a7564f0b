"""What may be sent to the REST API, with its limits, and the problem it answers with."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.case import Status
from domain.follow_up import FollowUpStatus
from domain.reply import MAX_TEXT

MAX_ID = 2**63 - 1
MAX_PUSH = 500


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("unstorable", "must not contain NUL or half of a surrogate pair")
    return text


def _iso(value: object) -> object:
    """Read ISO 8601 only: a bare number is no date."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not value[:4].isdecimal() or "-" not in value:
        raise PydanticCustomError("no_time", "must be a time in ISO 8601 with a zone, such as 2026-03-01T12:30:00Z")
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("no_zone", "has no zone: write 2026-03-01T12:30:00Z or …+02:00")
    if not 1900 <= value.year <= 2200:
        raise PydanticCustomError("far_time", "must lie between the years 1900 and 2200")
    return value.astimezone(UTC)


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Ref = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1, description="The version you have seen")]
Limit = Annotated[int, Field(ge=1, le=200)]
Moment = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_aware)]
Words = Annotated[str, AfterValidator(_storable)]
Word = Annotated[Words, Field(min_length=1, max_length=200)]
Line = Annotated[Words, Field(max_length=500)]
Lang = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="ISO 639")]
Urgency = Literal["low", "normal", "high", "critical"]
Sentiment = Literal["negative", "neutral", "positive"]
Priority = Literal["urgent", "high", "normal", "low"]
Disposition = Literal["solved", "refunded", "replaced", "goodwill", "explained", "not_ours", "no_answer", "other"]
Channel = Literal["phone", "letter", "counter", "email", "other"]
SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Setting = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-MAX_ID, le=MAX_ID)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | Annotated[Words, Field(max_length=2000)]
)


class Given(BaseModel):
    """What is sent: a name that is not known is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457. `errors` names fields, `present` is the state that a stale write met, `id` is for the log."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
    present: dict[str, Any] | None = None
    id: str | None = None


class Asked(Given):
    """Where a list goes on, and how much of it to send."""

    after: Id | None = Field(None, description="`next` of the page before")
    limit: Limit = 50


class MentionsAsked(Asked):
    query: Annotated[Words, Field(max_length=200)] = ""
    brand: Word | None = None
    complaint: bool | None = None
    urgency: Urgency | None = None
    sentiment: Sentiment | None = None
    topic: Word | None = None
    lang: Lang | None = None
    platform: Word | None = None
    since: Moment | None = None
    until: Moment | None = None


class CasesAsked(Asked):
    status: Status | None = None
    priority: Priority | None = None
    assignee: Id | None = Field(None, description="The id of a person")
    tag: Word | None = None
    q: Annotated[Words, Field(max_length=200)] = ""
    due_before: Moment | None = None


class FollowUpsAsked(Asked):
    status: FollowUpStatus | None = None


class CoverageAsked(Given):
    source: SourceName
    since: Moment | None = Field(None, description="A day ago where it is left out")
    until: Moment | None = None


class Versioned(Given):
    version: Version


class Assign(Versioned):
    assignee_id: Ref | None = Field(description="A person, or null for nobody")


class Note(Versioned):
    text: Annotated[Words, Field(min_length=1, max_length=10_000)]


class Tag(Versioned):
    tags: Annotated[list[Annotated[Words, Field(max_length=40)]], Field(max_length=50)]


class Snooze(Versioned):
    until: Moment


class Resolve(Versioned):
    disposition: Disposition
    root_cause: Line = ""
    follow_up_at: Moment | None = Field(None, description="Two days on where it is left out")


class Reopen(Versioned):
    reason: Annotated[Words, Field(min_length=1, max_length=500)]


class NewCase(Given):
    """Either `mention_id` alone, or a complaint that came another way: `channel` and `text`, and what else is known."""

    mention_id: Ref | None = None
    channel: Channel | None = None
    text: Annotated[Words, Field(min_length=1, max_length=20_000)] | None = None
    author_name: Annotated[Words, Field(max_length=300)] = ""
    contact: Annotated[Words, Field(max_length=300)] = Field("", description="The same contact is the same customer")
    lang: Lang | None = None
    product: Annotated[Words, Field(max_length=300)] | None = None
    place: Annotated[Words, Field(max_length=300)] | None = None
    priority: Priority | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.mention_id is not None and self.model_fields_set != {"mention_id"}:
            raise PydanticCustomError("both", "send mention_id alone, or channel and text without it")
        if self.mention_id is None and (self.channel is None or self.text is None or not self.text.strip()):
            raise PydanticCustomError("neither", "send mention_id, or channel and text")
        return self


class NewReply(Given):
    text: Annotated[Words, Field(min_length=1, max_length=MAX_TEXT)]
    mention_id: Ref | None = Field(None, description="The case's last post where it is left out")
    lang: Lang | None = None
    suggestion_id: Ref | None = None


class ReplyWords(Versioned):
    text: Annotated[Words, Field(min_length=1, max_length=MAX_TEXT)]
    lang: Lang | None = None


class Confirm(Versioned):
    url: Annotated[Words, Field(max_length=2000)] | None = Field(None, description="Where the reply is live")


class FollowUpDone(Given):
    content: Annotated[bool, Field(strict=True, description="Whether it is solved for them; false reopens the case")]
    note: Annotated[Words, Field(max_length=2000)] = ""


class NewSource(Given):
    name: SourceName
    platform: Word
    every_s: Annotated[int, Field(strict=True, ge=5, le=7 * 24 * 3600)] = 300
    query: Annotated[Words, Field(max_length=2000)] = ""
    account: Line = ""
    base_url: Annotated[Words, Field(max_length=2000)] = ""
    brand: Annotated[Words, Field(max_length=200)] = ""
    options: Annotated[dict[Word, Setting], Field(max_length=50)] = Field(default_factory=dict)


class SourceChange(Given):
    status: Literal["active", "paused"]


class NewBrand(Given):
    name: Word
