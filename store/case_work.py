"""Cases that time or a machine must move: to wake, to mark as late, to make drafts for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.case import WORKING
from store.changes import tell
from store.tables import cases, sla_targets
from store.upsert import claim

_LIVE = [str(status) for status in WORKING]


def to_wake(connection: sa.Connection, *, now: datetime, limit: int) -> Sequence[int]:
    """Return snoozed cases whose time has come."""
    where = sa.and_(cases.c.status == "snoozed", cases.c.snoozed_until <= now)
    return connection.execute(sa.select(cases.c.id).where(where).limit(limit)).scalars().all()


def to_breach(connection: sa.Connection, *, now: datetime, limit: int) -> Sequence[int]:
    """Return cases with a target that has lapsed and is not yet written down as a miss."""
    t = sla_targets.c
    statement = (
        sa.select(t.case_id)
        .join(cases, cases.c.id == t.case_id)
        .where(t.met_at.is_(None), t.breached_at.is_(None), t.due_at < now, cases.c.status.in_(_LIVE))
        .distinct()
        .limit(limit)
    )
    return connection.execute(statement).scalars().all()


def to_prepare(connection: sa.Connection, *, now: datetime, lease: timedelta, limit: int) -> list[int]:
    """Claim cases that want drafts."""
    return claim(
        connection,
        cases,
        where=sa.and_(cases.c.prepare_at.is_not(None), cases.c.prepare_at <= now),
        due=cases.c.prepare_at,
        values={"prepare_at": now + lease, "prepare_attempts": cases.c.prepare_attempts + 1},
        limit=limit,
    )


def prepared(
    connection: sa.Connection, case_id: int, *, mention_id: int, now: datetime, again_at: datetime | None, error: str
) -> None:
    """Drafts are there, or not yet (`again_at`), or will not be (`error`); a newer mention keeps its own turn."""
    where = sa.and_(cases.c.id == case_id, cases.c.last_mention_id == mention_id)
    values: dict[str, Any] = {"prepare_at": again_at, "error": error[:500]}
    if again_at is None:
        values["prepare_attempts"] = 0
    connection.execute(sa.update(cases).where(where).values(**values))
    tell(connection, "case", case_id, now=now)
