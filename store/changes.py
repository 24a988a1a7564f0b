"""What has changed, in order: the live pages look here."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from store.tables import answered_keys, changes

KEEP = timedelta(hours=1)
KEEP_ANSWERS = timedelta(days=2)
# PostgreSQL gives numbers before commit: only what is older than every transaction still under way is in order.
_IN_ORDER = sa.text("changes.xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296")


def tell(connection: sa.Connection, kind: str, ref: int | None, *, now: datetime) -> None:
    """Say that something of `kind` (`case`, `mention`, `reply`, `source`, `follow_up`) has changed."""
    connection.execute(sa.insert(changes).values(at=now, kind=kind, ref=ref))


def since(connection: sa.Connection, after: int, *, limit: int = 200) -> list[sa.RowMapping]:
    """Return what came after change number `after`, nothing behind a number still to come."""
    statement = sa.select(changes).where(changes.c.id > after).order_by(changes.c.id).limit(limit)
    if connection.dialect.name == "postgresql":
        statement = statement.where(_IN_ORDER)
    return list(connection.execute(statement).mappings())


def last(connection: sa.Connection) -> int:
    """Return the number of the newest change, 0 before the first."""
    statement = sa.select(sa.func.max(changes.c.id))
    if connection.dialect.name == "postgresql":
        statement = statement.where(_IN_ORDER)
    return connection.execute(statement).scalar() or 0


def prune(connection: sa.Connection, *, now: datetime) -> None:
    """Forget what every live page has seen long since, and answers kept for requests that will not be repeated."""
    connection.execute(sa.delete(changes).where(changes.c.at < now - KEEP))
    connection.execute(sa.delete(answered_keys).where(answered_keys.c.at < now - KEEP_ANSWERS))
