"""A case: our work for one author in one or more conversations.

new ──assign, note──────────► open          pending: waiting for the author
new, open ──answer──────────► pending       snoozed: set aside until a time; the date survives a "thanks"
new, open, pending ──snooze─► snoozed ──wake──► open
any live ──resolve──────────► resolved ──close──► closed
pending, resolved, closed ──the author writes again, or a person reopens──► open
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.errors import Conflict, Invalid
from domain.sla import KINDS, Policy, Target


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CLOSED = "closed"


WORKING = frozenset({Status.NEW, Status.OPEN, Status.PENDING, Status.SNOOZED})

MOVES: Mapping[str, Mapping[Status, Status]] = {
    "take": {Status.NEW: Status.OPEN, Status.OPEN: Status.OPEN, Status.PENDING: Status.PENDING}
    | {Status.SNOOZED: Status.SNOOZED},
    "answer": {status: Status.PENDING for status in (Status.NEW, Status.OPEN, Status.PENDING)}
    | {Status.SNOOZED: Status.SNOOZED, Status.RESOLVED: Status.RESOLVED, Status.CLOSED: Status.CLOSED},
    "snooze": {status: Status.SNOOZED for status in WORKING},
    "wake": {Status.SNOOZED: Status.OPEN},
    "resolve": {status: Status.RESOLVED for status in WORKING},
    "close": {Status.RESOLVED: Status.CLOSED},
    "reopen": {status: Status.OPEN for status in (Status.PENDING, Status.SNOOZED, Status.RESOLVED, Status.CLOSED)},
    "hear": {Status.NEW: Status.NEW, Status.OPEN: Status.OPEN, Status.PENDING: Status.OPEN}
    | {Status.SNOOZED: Status.OPEN, Status.RESOLVED: Status.OPEN, Status.CLOSED: Status.OPEN},
}

PRIORITIES = ("urgent", "high", "normal", "low")
PRIORITY_OF_URGENCY = {"critical": "urgent", "high": "high", "normal": "normal", "low": "low"}

DISPOSITIONS = ("solved", "refunded", "replaced", "goodwill", "explained", "not_ours", "no_answer", "other")

SYSTEM = "system"
LATEST = timedelta(days=731)
_SENTENCE_END = re.compile(r"(?<![\d.])[.!?]+ ")  # "on 1. November" goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a case. `actor`: `system`, `author` or `user:<id>`."""

    at: datetime
    actor: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Case:
    """The aggregate. Every method is a move: it changes the case and writes an event into `news`."""

    priority: str
    title: str
    opened_at: datetime
    id: int | None = None
    version: int = 1
    status: Status = Status.NEW
    assignee_id: int | None = None
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    disposition: str | None = None
    root_cause: str = ""
    remedy_sought: str = ""
    heard_at: datetime | None = None
    tags: set[str] = field(default_factory=set)
    targets: list[Target] = field(default_factory=list)
    news: list[Event] = field(default_factory=list)

    @classmethod
    def open(cls, *, priority: str, title: str, at: datetime, by: str, policy: Policy, reason: str = "") -> "Case":
        """Open a case with its clocks running."""
        case = cls(priority=priority, title=title, opened_at=at, heard_at=at)
        for kind in KINDS:
            case.targets.append(Target(kind=kind, started_at=at, due_at=policy.due_at(kind, priority, at)))
        case._tell(at, by, "opened", reason=reason, priority=priority)
        return case

    def take(self, *, assignee_id: int | None, by: str, at: datetime) -> None:
        """Give the case to a person, or to nobody."""
        self._move("take")
        self.assignee_id = assignee_id
        self._tell(at, by, "assigned", assignee_id=assignee_id)

    def note(self, text: str, *, by: str, at: datetime) -> None:
        """Keep an internal note; it never leaves the house."""
        if not text.strip():
            raise Invalid("the note is empty")
        if self.status is Status.NEW:
            self._move("take")
        self._tell(at, by, "note", text=text.strip())

    def retag(self, tags: set[str], *, by: str, at: datetime) -> None:
        """Replace the tags: lower-case words of at most 40 characters."""
        cleaned = {tag.strip().lower() for tag in tags} - {""}
        if too_long := [tag for tag in cleaned if len(tag) > 40]:
            raise Invalid(f"tag {too_long[0][:40]!r}… is longer than 40 characters")
        if cleaned != self.tags:
            self._tell(at, by, "tagged", added=sorted(cleaned - self.tags), removed=sorted(self.tags - cleaned))
            self.tags = cleaned

    def snooze(self, *, until: datetime, by: str, at: datetime) -> None:
        """Set the case aside until a time to come."""
        if not at < until <= at + LATEST:
            raise Invalid("snooze until a time to come, two years on at most")
        self._move("snooze")
        self.snoozed_until = until
        self._tell(at, by, "snoozed", until=until.isoformat())

    def wake(self, *, at: datetime) -> None:
        """Bring a snoozed case back when its time has come."""
        self._move("wake")
        self.snoozed_until = None
        self._tell(at, SYSTEM, "woke")

    def hear(self, *, mention_id: int, at: datetime, calm: bool, policy: Policy) -> None:
        """The author wrote again: the case is ours to work on.

        Only plain thanks (`calm`) leave a case snoozed, resolved or closed as it is: a date that was set stays.
        """
        if calm and self.status in (Status.SNOOZED, Status.RESOLVED, Status.CLOSED):
            self._tell(at, "author", "wrote", mention_id=mention_id, calm=True)
            return
        was = self.status
        self._move("hear")
        self.heard_at = at
        self._tell(at, "author", "wrote", mention_id=mention_id, calm=False)
        if was in (Status.RESOLVED, Status.CLOSED):
            self._restart(at, policy)
            self._tell(at, SYSTEM, "reopened", reason="the author wrote again")
        elif was is Status.SNOOZED:
            self._tell(at, SYSTEM, "woke", until=self.snoozed_until and self.snoozed_until.isoformat())
        self.snoozed_until = None

    def raise_priority(self, priority: str, *, at: datetime, policy: Policy, reason: str) -> None:
        """Raise (never lower) the priority; clocks still running are set anew from their start."""
        if PRIORITIES.index(priority) >= PRIORITIES.index(self.priority):
            return
        self._tell(at, SYSTEM, "priority", old=self.priority, new=priority, reason=reason)
        self.priority = priority
        for target in self.targets:
            if target.met_at is None and target.breached_at is None:
                target.due_at = policy.due_at(target.kind, priority, target.started_at)

    def answered(self, *, reply_id: int, by: str, at: datetime, written_at: datetime) -> None:
        """Our reply is live: the first response is met, and we wait for the author.

        Not where the author has written since the reply was `written_at`: that is still to be answered.
        """
        if self.heard_at is None or self.heard_at <= written_at:
            self._move("answer")
        elif self.status is Status.NEW:
            self._move("take")
        for target in self.targets:
            if target.kind == "first_response":
                target.meet(at)
        self._tell(at, by, "answered", reply_id=reply_id)

    def resolve(self, *, by: str, disposition: str, at: datetime, root_cause: str = "") -> None:
        """Say that it is solved, and how."""
        if disposition not in DISPOSITIONS:
            raise Invalid(f"disposition {disposition!r}: one of {', '.join(DISPOSITIONS)}")
        self._move("resolve")
        self.disposition, self.root_cause = disposition, root_cause.strip()[:500]
        self.resolved_at, self.snoozed_until = at, None
        for target in self.targets:
            if target.kind == "resolution":
                target.meet(at)
            else:
                target.look(at)  # a first response that was never given is not met by resolving
        self._tell(at, by, "resolved", disposition=disposition, root_cause=self.root_cause)

    def close(self, *, by: str, at: datetime) -> None:
        """Let go, after the follow-up."""
        self._move("close")
        self.closed_at = at
        self._tell(at, by, "closed")

    def reopen(self, *, by: str, at: datetime, reason: str, policy: Policy) -> None:
        """Take it up again; a new resolution clock starts where the old one had stopped."""
        was = self.status
        self._move("reopen")
        self.snoozed_until = None
        if was in (Status.RESOLVED, Status.CLOSED):
            self._restart(at, policy)
        self._tell(at, by, "reopened", reason=reason.strip()[:500])

    def look(self, now: datetime) -> list[Target]:
        """Write down the targets that have lapsed; return those that are new misses."""
        missed = [target for target in self.targets if target.look(now)]
        for target in missed:
            self._tell(now, SYSTEM, "breached", target=target.kind, due_at=target.due_at.isoformat())
        return missed

    @property
    def next_due(self) -> Target | None:
        """Return the running target that is due first, while the case is being worked on."""
        running = [target for target in self.targets if target.met_at is None]
        return min(running, key=lambda t: t.due_at) if running and self.status in WORKING else None

    def _restart(self, at: datetime, policy: Policy) -> None:
        self.resolved_at = self.closed_at = self.disposition = None
        due_at = policy.due_at("resolution", self.priority, at)
        self.targets.append(Target(kind="resolution", started_at=at, due_at=due_at))

    def _move(self, verb: str) -> None:
        target = MOVES[verb].get(self.status)
        if target is None:
            raise Conflict(f"a {self.status} case cannot be moved by '{verb}'")
        self.status = target

    def _tell(self, at: datetime, actor: str, kind: str, **data: Any) -> None:
        self.news.append(Event(at=at, actor=actor, kind=kind, data=data))


def title_of(text: str) -> str:
    """Return the first sentence of a post, at most 80 characters, cut at a word."""
    line = " ".join(text.split())
    end = _SENTENCE_END.search(line, 10)
    first = line[: end.end()].rstrip() if end else line
    if len(first) <= 80:
        return first or "(no text)"
    return first[:79].rsplit(" ", 1)[0] + "…"
