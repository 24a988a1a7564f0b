"""What people do with a case: each move is one load, one method of the aggregate, one save."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from domain.case import LATEST, Case
from domain.errors import Conflict, Invalid
from domain.follow_up import FollowUp, FollowUpStatus
from domain.person import Person
from domain.sla import Policy
from store import cases, follow_ups, mentions, people

FOLLOW_UP_AFTER = timedelta(days=2)


def assign(
    connection: sa.Connection, case_id: int, *, assignee_id: int | None, version: int, by: Person, now: datetime
) -> Case:
    """Give a case to an active person, or to nobody."""
    if assignee_id is not None:
        people.get(connection, assignee_id)
    return _move(
        connection, case_id, version, now, lambda case: case.take(assignee_id=assignee_id, by=by.actor, at=now)
    )


def note(connection: sa.Connection, case_id: int, *, text: str, version: int, by: Person, now: datetime) -> Case:
    """Keep an internal note."""
    if len(text) > 10_000:
        raise Invalid("a note holds at most 10,000 characters")
    return _move(connection, case_id, version, now, lambda case: case.note(text, by=by.actor, at=now))


def tag(connection: sa.Connection, case_id: int, *, tags: set[str], version: int, by: Person, now: datetime) -> Case:
    """Replace a case's tags."""
    return _move(connection, case_id, version, now, lambda case: case.retag(tags, by=by.actor, at=now))


def snooze(
    connection: sa.Connection, case_id: int, *, until: datetime, version: int, by: Person, now: datetime
) -> Case:
    """Set a case aside until a time to come."""
    return _move(connection, case_id, version, now, lambda case: case.snooze(until=until, by=by.actor, at=now))


def resolve(
    connection: sa.Connection,
    case_id: int,
    *,
    disposition: str,
    version: int,
    by: Person,
    now: datetime,
    root_cause: str = "",
    follow_up_at: datetime | None = None,
) -> Case:
    """Say that a case is solved; a follow-up falls due, two days on unless said otherwise (F2)."""
    due_at = follow_up_at or now + FOLLOW_UP_AFTER
    if not now < due_at <= now + LATEST:
        raise Invalid("the follow-up must lie in the future, two years on at most")
    case = _move(
        connection,
        case_id,
        version,
        now,
        lambda case: case.resolve(by=by.actor, disposition=disposition, at=now, root_cause=root_cause),
    )
    follow_ups.add(connection, FollowUp(case_id=case_id, due_at=due_at), now=now)
    return case


def reopen(
    connection: sa.Connection,
    case_id: int,
    *,
    reason: str,
    version: int,
    by: Person,
    now: datetime,
    policy: Policy,
) -> Case:
    """Take a case up again; a follow-up that waited for it is dropped."""
    case = _move(
        connection,
        case_id,
        version,
        now,
        lambda case: case.reopen(by=by.actor, at=now, reason=reason, policy=policy),
    )
    follow_ups.drop(connection, case_id, by=by.actor, now=now, note="the case was reopened")
    return case


def follow_up_done(
    connection: sa.Connection,
    follow_up_id: int,
    *,
    content: bool,
    by: Person,
    now: datetime,
    policy: Policy,
    note: str = "",
) -> FollowUp:
    """End a follow-up: the author is content, and the case is closed; or is not, and the case is reopened."""
    follow_up = follow_ups.load(connection, follow_up_id)
    case = cases.load(connection, follow_up.case_id)
    status = FollowUpStatus.DONE if content else FollowUpStatus.REOPENED
    follow_up.end(status, by=by.actor, at=now, note=note)
    follow_ups.save(connection, follow_up, now=now)
    if case.status == "resolved" and content:
        case.close(by=by.actor, at=now)
        cases.save(connection, case, now=now)
    elif case.status in ("resolved", "closed") and not content:
        case.reopen(by=by.actor, at=now, reason=note or "not content at the follow-up", policy=policy)
        cases.save(connection, case, now=now)
    return follow_up


def open_for_mention(connection: sa.Connection, mention_id: int, *, by: Person, now: datetime, policy: Policy) -> int:
    """Open a case for a mention by hand, or return the one it belongs to."""
    row = mentions.get(connection, mention_id)
    if row is None:
        raise Invalid(f"there is no mention {mention_id}")
    if row["ours"]:
        raise Invalid("this is our own post")
    if row["case_id"] is not None:
        return int(row["case_id"])
    try:
        case_id = cases.open_for(connection, row, by=by.actor, now=now, policy=policy, reason="opened by hand")
    except Conflict:  # there is one for this author and conversation: this post belongs there
        found = cases.of_conversation(connection, row["conversation_id"], row["author_id"])
        if found is None:
            raise
        case_id = found
    mentions.attach(connection, mention_id, case_id=case_id)
    if row["stage"] == "triage":
        mentions.settle(connection, mention_id, revision=row["revision"], outcome="opened", case_id=case_id)
    return case_id


def _move(connection: sa.Connection, case_id: int, version: int, now: datetime, step: Callable[[Case], None]) -> Case:
    case = cases.load(connection, case_id)
    if case.version != version:
        raise Conflict(f"case {case_id} has changed meanwhile", present=dict(cases.head(connection, case_id)))
    step(case)
    cases.save(connection, case, now=now)
    return case
