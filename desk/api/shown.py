"""What comes back from the REST API."""

from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Shown(BaseModel):
    """What comes back. Times are UTC."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """Read a row of the store."""
        return cls.model_validate(dict(row))


class Page(BaseModel, Generic[T]):
    """A page of a list; `next` is the `after` of the following one, null on the last."""

    items: list[T]
    next: int | None


class MentionShown(Shown):
    id: int
    platform: str
    realm: str
    external_id: str
    conversation_id: int
    author_id: int
    handle: str
    name: str
    followers: int | None
    case_id: int | None
    in_reply_to: str | None
    text: str
    url: str | None
    rating: int | None
    product: str | None
    place: str | None
    ours: bool
    posted_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    revision: int
    stage: str
    outcome: str
    error: str
    lang: str | None
    complaint: bool | None
    complaint_score: float | None
    urgency: str | None
    sentiment: str | None
    topics: list[str] | None


class MentionWhole(MentionShown):
    sources: list[str]
    classification: dict[str, Any] | None


class Rejected(BaseModel):
    index: int
    id: str | None
    reason: str


class Pushed(BaseModel):
    """What became of pushed records; `rows` is the sum of the others."""

    source: str
    rows: int
    new: int
    known: int
    changed: int
    rejected: list[Rejected]


class CaseShown(Shown):
    id: int
    version: int
    status: str
    priority: str
    title: str
    platform: str
    lang: str
    brand: str | None
    author_id: int | None
    handle: str | None
    author_name: str | None
    followers: int | None
    assignee_id: int | None
    assignee: str | None
    tags: list[str] | None
    opened_at: datetime
    heard_at: datetime | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    disposition: str | None
    root_cause: str
    remedy_sought: str
    next_due_at: datetime | None
    next_due_kind: str | None
    last_mention_id: int | None
    text: str | None
    rating: int | None
    urgency: str | None
    topics: list[str] | None
    stuck: bool = Field(description="A reply failed, or may or may not be live: a person decides")


class TargetShown(Shown):
    kind: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    breached_at: datetime | None


class SuggestionShown(Shown):
    id: int
    mention_id: int
    playbook: str
    lang: str
    title: str
    text: str
    steps: list[dict[str, Any]] | None
    gaps: list[dict[str, Any]] | None
    reasons: list[Any] | None


class ReplyShown(Shown):
    id: int
    version: int
    case_id: int
    mention_id: int
    suggestion_id: int | None
    text: str
    lang: str
    channel: str
    status: str
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    sent_at: datetime | None
    external_id: str | None
    url: str | None
    attempts: int
    error: str


class FollowUpShown(Shown):
    id: int
    case_id: int
    kind: str
    status: str
    due_at: datetime
    done_at: datetime | None
    done_by: str | None
    note: str


class FollowUpListed(FollowUpShown):
    title: str


class EventShown(Shown):
    id: int
    at: datetime
    actor: str
    who: str
    kind: str
    data: dict[str, Any] | None


class CaseWhole(CaseShown):
    conversation: list[MentionShown]
    classification: dict[str, Any] | None
    targets: list[TargetShown]
    suggestions: list[SuggestionShown]
    replies: list[ReplyShown]
    follow_ups: list[FollowUpShown]
    events: list[EventShown]


class SourceShown(Shown):
    id: int
    name: str
    platform: str
    brand: str | None
    spec: dict[str, Any]
    origin: str
    status: str
    due_at: datetime | None
    polled_at: datetime | None
    ok_at: datetime | None
    failures: int
    error: str
    mentions: int
    rejects: int


class BrandShown(Shown):
    id: int
    name: str


class PollShown(Shown):
    started_at: datetime
    ended_at: datetime
    outcome: str
    items: int
    fresh: int
    rejected: int
    detail: str


class Covered(BaseModel):
    source: str
    since: datetime
    until: datetime
    polls: list[PollShown]


class Listed(BaseModel, Generic[T]):
    """A short list, whole."""

    items: list[T]


class ChangeShown(Shown):
    """A change. `kind`: case, mention, reply, source, follow_up; `ref`: its id, null for several at once."""

    id: int
    at: datetime
    kind: str
    ref: int | None
