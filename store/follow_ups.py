"""Follow-ups: due looks back."""

from datetime import datetime

import sqlalchemy as sa

from domain.errors import Conflict, NotFound
from domain.follow_up import FollowUp, FollowUpStatus
from store.changes import tell
from store.tables import cases, follow_ups
from store.upsert import add_new


def add(connection: sa.Connection, follow_up: FollowUp, *, now: datetime) -> int | None:
    """Store a follow-up; None when one of its kind is waiting for this case already."""
    values = {
        "case_id": follow_up.case_id,
        "kind": follow_up.kind,
        "status": str(follow_up.status),
        "due_at": follow_up.due_at,
    }
    added = add_new(connection, follow_ups, [values], follow_ups.c.id)
    if not added:
        return None
    follow_up.id = int(added[0][0])
    tell(connection, "follow_up", follow_up.id, now=now)
    return follow_up.id


def load(connection: sa.Connection, follow_up_id: int) -> FollowUp:
    """Return a follow-up, or raise `NotFound`."""
    row = connection.execute(sa.select(follow_ups).where(follow_ups.c.id == follow_up_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no follow-up {follow_up_id}")
    return FollowUp(**{**row, "status": FollowUpStatus(row["status"])})


def save(connection: sa.Connection, follow_up: FollowUp, *, now: datetime) -> None:
    """Store how a follow-up ended; `Conflict` when somebody else has ended it meanwhile."""
    values = {
        "status": str(follow_up.status),
        "done_at": follow_up.done_at,
        "done_by": follow_up.done_by,
        "note": follow_up.note,
    }
    where = sa.and_(follow_ups.c.id == follow_up.id, follow_ups.c.status == str(FollowUpStatus.WAITING))
    ended = sa.update(follow_ups).where(where).values(**values).returning(follow_ups.c.id)
    if connection.execute(ended).first() is None:
        raise Conflict("somebody else has ended this follow-up meanwhile")
    tell(connection, "follow_up", follow_up.id, now=now)
    tell(connection, "case", follow_up.case_id, now=now)


def waiting(connection: sa.Connection, case_id: int) -> FollowUp | None:
    """Return the follow-up that waits for a case."""
    where = sa.and_(follow_ups.c.case_id == case_id, follow_ups.c.status == "waiting")
    row = connection.execute(sa.select(follow_ups).where(where).limit(1)).mappings().one_or_none()
    return FollowUp(**{**row, "status": FollowUpStatus(row["status"])}) if row else None


def drop(connection: sa.Connection, case_id: int, *, by: str, now: datetime, note: str) -> None:
    """Drop the follow-up that waits for a case, overtaken by events."""
    overtaken = waiting(connection, case_id)
    if overtaken is not None:
        overtaken.end(FollowUpStatus.DROPPED, by=by, at=now, note=note)
        save(connection, overtaken, now=now)


def listing(
    connection: sa.Connection, *, status: str | None = None, after: int | None = None, limit: int = 50
) -> list[sa.RowMapping]:
    """Return follow-ups with their case's title, first due first; `after` is the id of the last one before."""
    statement = sa.select(follow_ups, cases.c.title).join(cases, cases.c.id == follow_ups.c.case_id)
    if status is not None:
        statement = statement.where(follow_ups.c.status == status)
    if after is not None:
        mark = connection.execute(sa.select(follow_ups.c.due_at).where(follow_ups.c.id == after)).scalar()
        if mark is not None:
            here = sa.tuple_(follow_ups.c.due_at, follow_ups.c.id)
            statement = statement.where(here > sa.tuple_(sa.literal(mark, follow_ups.c.due_at.type), sa.literal(after)))
    return list(connection.execute(statement.order_by(follow_ups.c.due_at, follow_ups.c.id).limit(limit)).mappings())


def of_case(connection: sa.Connection, case_id: int) -> list[sa.RowMapping]:
    """Return a case's follow-ups, newest first."""
    statement = sa.select(follow_ups).where(follow_ups.c.case_id == case_id).order_by(follow_ups.c.id.desc())
    return list(connection.execute(statement).mappings())
