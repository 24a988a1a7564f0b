"""INSERT … ON CONFLICT for both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return the dialect's own INSERT, which knows ON CONFLICT."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def add_new(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *returning: sa.Column[Any]
) -> list[tuple[Any, ...]]:
    """Insert the rows that break no unique key, and return `returning` of those that are new."""
    if not rows:
        return []
    statement = insert(connection, table).on_conflict_do_nothing()
    if not returning:
        connection.execute(statement, list(rows))
        return []
    return [tuple(row) for row in connection.execute(statement.returning(*returning), list(rows))]


def put(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, key: Sequence[str]) -> None:
    """Insert rows, or bring those that exist up to date; an incoming NULL or empty text never overwrites."""
    if not rows:
        return
    statement = insert(connection, table)

    def newer(name: str) -> sa.ColumnElement[Any]:
        incoming = statement.excluded[name]
        told = sa.func.nullif(incoming, "") if isinstance(table.c[name].type, sa.Text) else incoming
        return sa.func.coalesce(told, table.c[name])

    values = {name: newer(name) for name in rows[0] if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values), list(rows))


def claim(
    connection: sa.Connection,
    table: sa.Table,
    *,
    where: sa.ColumnElement[bool],
    due: sa.Column[Any],
    values: Row,
    limit: int,
) -> list[int]:
    """Take up to `limit` due rows for ourselves, oldest first, in one statement; return their ids.

    `values` must move `due` into the future: that is the lease, and when it has passed the row is due again.
    """
    picked = sa.select(table.c.id).where(where).order_by(due, table.c.id).limit(limit)
    if connection.dialect.name != "sqlite":
        picked = picked.with_for_update(skip_locked=True)
    statement = sa.update(table).where(table.c.id.in_(picked.scalar_subquery())).values(**values)
    return sorted(connection.execute(statement.returning(table.c.id)).scalars())
