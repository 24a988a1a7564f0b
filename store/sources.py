"""Sources, their cursors, what they covered and what they could not read."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.errors import Conflict, NotFound
from domain.mention import Cursor, Reject
from domain.source import SourceSpec
from store import replies
from store.changes import tell
from store.tables import brands, coverage, mention_sources, rejects, sources
from store.upsert import add_new, claim


def brand(connection: sa.Connection, name: str) -> int:
    """Return a brand's id, making it where it is new."""
    add_new(connection, brands, [{"name": name}])
    return int(connection.execute(sa.select(brands.c.id).where(brands.c.name == name)).scalar_one())


def all_brands(connection: sa.Connection) -> list[sa.RowMapping]:
    """Return the brands by name."""
    return list(connection.execute(sa.select(brands).order_by(brands.c.name)).mappings())


def add(connection: sa.Connection, spec: SourceSpec, *, origin: str, now: datetime, status: str = "active") -> int:
    """Add a source; `Conflict` when the name is taken."""
    row = {
        "name": spec.name,
        "platform": spec.platform,
        "brand_id": brand(connection, spec.brand) if spec.brand else None,
        "spec": asdict(spec) | {"options": dict(spec.options)},
        "origin": origin,
        "status": status,
        "due_at": now if status == "active" else None,
        "created_at": now,
    }
    added = add_new(connection, sources, [row], sources.c.id)
    if not added:
        raise Conflict(f"there is a source called {spec.name} already")
    tell(connection, "source", int(added[0][0]), now=now)
    return int(added[0][0])


def sync(
    connection: sa.Connection,
    specs: Sequence[SourceSpec],
    *,
    now: datetime,
    afresh: bool = False,
    origin: str = "toml",
) -> None:
    """Make the sources of an origin be as written there; one that is gone from it is paused, not deleted.

    `afresh`: at a start, one that was disabled (credentials, a wrong setting) gets another chance.
    """
    for spec in specs:
        row = by_name(connection, spec.name)
        if row is None:
            add(connection, spec, origin=origin, now=now)
            continue
        if row["origin"] != origin:
            raise Conflict(f"there are two sources called {spec.name}, one of them made elsewhere: rename one")
        values: dict[str, Any] = {
            "spec": asdict(spec) | {"options": dict(spec.options)},
            "platform": spec.platform,
            "brand_id": brand(connection, spec.brand) if spec.brand else None,
        }
        changed = values["spec"] != row["spec"]
        if any(values["spec"][key] != row["spec"].get(key) for key in _PLACE):
            values |= {"cursor": None, "cursor_version": row["cursor_version"] + 1}  # it marks a place somewhere else
        gone = row["status"] == "paused" and row["error"] == GONE
        if gone or (row["status"] == "disabled" and (changed or afresh)):
            values |= {"status": "active", "due_at": now, "error": ""}
        connection.execute(sa.update(sources).where(sources.c.id == row["id"]).values(**values))
    left = sa.and_(sources.c.origin == origin, sources.c.name.not_in([spec.name for spec in specs]))
    connection.execute(
        sa.update(sources)
        .where(left, sources.c.status.in_(("active", "disabled")))
        .values(status="paused", due_at=None, error=GONE)
    )


KEEP_COVERAGE = timedelta(days=90)
_PLACE = ("platform", "base_url", "query", "account", "options")
GONE = "no longer in the configuration file"


def spec(row: sa.RowMapping) -> SourceSpec:
    """Return a stored source's spec."""
    return SourceSpec(**row["spec"])


def get(connection: sa.Connection, source_id: int) -> sa.RowMapping:
    """Return a source, or raise `NotFound`."""
    row = connection.execute(sa.select(sources).where(sources.c.id == source_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no source {source_id}")
    return row


def by_name(connection: sa.Connection, name: str) -> sa.RowMapping | None:
    """Return a source by name."""
    return connection.execute(sa.select(sources).where(sources.c.name == name)).mappings().one_or_none()


def listing(connection: sa.Connection) -> list[sa.RowMapping]:
    """Return all sources with how many mentions and rejects each has brought."""
    brought = sa.select(sa.func.count()).select_from(mention_sources).where(mention_sources.c.source_id == sources.c.id)
    refused = sa.select(sa.func.count()).select_from(rejects).where(rejects.c.source_id == sources.c.id)
    statement = (
        sa.select(
            sources,
            brands.c.name.label("brand"),
            brought.scalar_subquery().label("mentions"),
            refused.scalar_subquery().label("rejects"),
        )
        .outerjoin(brands, brands.c.id == sources.c.brand_id)
        .order_by(sources.c.name)
    )
    return list(connection.execute(statement).mappings())


def take(connection: sa.Connection, *, now: datetime, lease: timedelta, limit: int) -> list[sa.RowMapping]:
    """Claim sources that are due to be polled."""
    ids = claim(
        connection,
        sources,
        where=sa.and_(sources.c.status == "active", sources.c.due_at <= now),
        due=sources.c.due_at,
        values={"due_at": now + lease},
        limit=limit,
    )
    return list(connection.execute(sa.select(sources).where(sources.c.id.in_(ids))).mappings())


def advance(connection: sa.Connection, source_id: int, *, version: int, cursor: Cursor | None) -> None:
    """Move a cursor on by compare-and-set, in the transaction that keeps its page."""
    statement = (
        sa.update(sources)
        .where(sources.c.id == source_id, sources.c.cursor_version == version)
        .values(cursor=None if cursor is None else dict(cursor), cursor_version=version + 1)
        .returning(sources.c.id)
    )
    if connection.execute(statement).first() is None:
        raise Conflict(f"source {source_id} was polled by somebody else meanwhile")


def polled(
    connection: sa.Connection, source_id: int, *, now: datetime, due_at: datetime | None, error: str = "", **more: Any
) -> None:
    """Write down how a poll ended and when the next is due."""
    values: dict[str, Any] = {"polled_at": now, "due_at": due_at, "error": error[:500]} | more
    if not error:
        values |= {"ok_at": now, "failures": 0}
    before = connection.execute(sa.select(sources.c.error, sources.c.ok_at).where(sources.c.id == source_id)).one()
    connection.execute(sa.update(sources).where(sources.c.id == source_id).values(**values))
    if error or before.error or before.ok_at is None:  # a quiet poll is no news
        tell(connection, "source", source_id, now=now)


def set_status(connection: sa.Connection, source_id: int, status: str, *, now: datetime) -> None:
    """Pause or take up a source; `Conflict` for one that is filled by hand and never polled."""
    if status == "active" and get(connection, source_id)["status"] == "manual":
        raise Conflict("this source is filled by hand: there is nothing to poll")
    values = {"status": status, "due_at": now if status == "active" else None, "error": "", "failures": 0}
    connection.execute(sa.update(sources).where(sources.c.id == source_id).values(**values))
    if status == "active":
        replies.wake(connection, source_id, now=now)
    tell(connection, "source", source_id, now=now)


def poll_now(connection: sa.Connection, source_id: int, *, now: datetime) -> None:
    """Make an active source due at once."""
    where = sa.and_(sources.c.id == source_id, sources.c.status == "active")
    connection.execute(sa.update(sources).where(where).values(due_at=now))


def cover(connection: sa.Connection, source_id: int, *, row: Mapping[str, Any]) -> None:
    """Write down what a poll covered and how it ended (L5)."""
    connection.execute(sa.insert(coverage).values(source_id=source_id, **row))


def covered(connection: sa.Connection, source_id: int, *, since: datetime, limit: int = 5000) -> list[sa.RowMapping]:
    """Return a source's polls since a time, oldest first."""
    statement = (
        sa.select(coverage)
        .where(coverage.c.source_id == source_id, coverage.c.started_at >= since)
        .order_by(coverage.c.started_at.desc(), coverage.c.id.desc())
        .limit(limit)
    )
    return list(reversed(connection.execute(statement).mappings().all()))


def reject(connection: sa.Connection, source_id: int, found: Sequence[Reject], *, now: datetime) -> None:
    """Keep what could not be read, once each, where a person can see it."""
    rows = [
        {
            "source_id": source_id,
            "place": item.place[:500],
            "reason": item.reason[:1000],
            "raw": item.raw[:2000].replace("\0", ""),
            "digest": hashlib.sha256(f"{item.place}\0{item.reason}\0{item.raw}".encode("utf-8", "replace")).hexdigest(),
            "seen_at": now,
        }
        for item in found
    ]
    add_new(connection, rejects, rows)


def rejected(connection: sa.Connection, source_id: int, *, limit: int = 100) -> list[sa.RowMapping]:
    """Return a source's newest rejects."""
    statement = sa.select(rejects).where(rejects.c.source_id == source_id).order_by(rejects.c.id.desc()).limit(limit)
    return list(connection.execute(statement).mappings())


def lease(connection: sa.Connection, source_id: int, *, until: datetime) -> None:
    """Keep a source to ourselves while its pages go on."""
    connection.execute(sa.update(sources).where(sources.c.id == source_id).values(due_at=until))


def prune(connection: sa.Connection, *, now: datetime) -> None:
    """Forget coverage of long ago."""
    connection.execute(sa.delete(coverage).where(coverage.c.started_at < now - KEEP_COVERAGE))
