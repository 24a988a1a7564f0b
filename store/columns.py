"""Kinds of columns, so that the tables read as a list of what is kept."""

import sqlalchemy as sa

from store.types import Json, Moment

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def key() -> sa.Column[int]:
    """The row's own number."""
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def to(table: str, name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[int]:
    """A reference to another table's row."""
    return sa.Column(name, Id, sa.ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def text(name: str, default: str = "") -> sa.Column[str]:
    """Words, empty where there are none."""
    return sa.Column(name, sa.Text, nullable=False, default=default, server_default=default)


def count(name: str, default: int = 0) -> sa.Column[int]:
    """A whole number."""
    return sa.Column(name, sa.Integer, nullable=False, default=default, server_default=str(default))


def flag(name: str, default: bool = False) -> sa.Column[bool]:
    """Yes or no."""
    server = sa.true() if default else sa.false()
    return sa.Column(name, sa.Boolean, nullable=False, default=default, server_default=server)


def at(name: str, *, nullable: bool = True, index: bool = False) -> sa.Column[object]:
    """A moment."""
    return sa.Column(name, Moment, nullable=nullable, index=index)


def json(name: str) -> sa.Column[object]:
    """A JSON value."""
    return sa.Column(name, Json)


def some(name: str, *columns: str, where: str) -> sa.Index:
    """An index of the rows that `where` picks."""
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def only_one(name: str, *columns: str, where: str) -> sa.Index:
    """An invariant: among the rows that `where` picks, no two with the same `columns`."""
    return sa.Index(name, *columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
