"""What has changed, in order: the live pages look here."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from store.tables import changes

KEEP = timedelta(hours=1)


def tell(connection: sa.Connection, kind: str, ref: int | None, *, now: datetime) -> None:
    """Say that something of `kind` (`case`, `mention`, `reply`, `source`, `follow_up`) has changed."""
    connection.execute(sa.insert(changes).values(at=now, kind=kind, ref=ref))


def since(connection: sa.Connection, after: int, *, limit: int = 200) -> list[sa.RowMapping]:
    """Return what came after change number `after`."""
    statement = sa.select(changes).where(changes.c.id > after).order_by(changes.c.id).limit(limit)
    return list(connection.execute(statement).mappings())


def last(connection: sa.Connection) -> int:
    """Return the number of the newest change, 0 before the first."""
    return connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0


def prune(connection: sa.Connection, *, now: datetime) -> None:
    """Forget what every live page has seen long since."""
    connection.execute(sa.delete(changes).where(changes.c.at < now - KEEP))
