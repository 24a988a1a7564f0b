"""The database: one engine, and one transaction per edge."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from domain.errors import Invalid, Unavailable

BUSY_MS = 15_000


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


# Errors must not carry what people wrote; JSON is searched as text, so its letters stay letters.
_QUIET: dict[str, Any] = {"hide_parameters": True, "json_serializer": _json}


class Database:
    """A SQLite or PostgreSQL database.

    `read()` is deferred and never blocks a writer; `write()` takes SQLite's write lock at once (`BEGIN IMMEDIATE`),
    so that two writers queue up instead of failing half-way. Either commits at its end and rolls back on an error.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = sa.create_engine(self.url, pool_size=10, max_overflow=20, **_QUIET)
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
        else:
            self.engine = sa.create_engine(
                self.url,
                pool_size=5,
                max_overflow=15,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 5},
                **_QUIET,
            )

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(amends_write=True)
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Raise `Unavailable` with one plain line when the database cannot be reached."""
        try:
            with self.read() as connection:
                connection.execute(sa.select(1))
        except sa.exc.DBAPIError as error:
            where = self.url.render_as_string(hide_password=True)
            raise Unavailable(f"cannot use the database {where}: {str(error.orig).strip().splitlines()[0]}") from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise Invalid("AMENDS_DATABASE_URL is not a URL: use sqlite:///file or postgresql://user@host/name") from error
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise Invalid(f"AMENDS_DATABASE_URL starts with {parsed.drivername}: use sqlite:///file or postgresql://…")
    if not Path(parsed.database).parent.is_dir():
        raise Unavailable(f"AMENDS_DATABASE_URL: the folder {Path(parsed.database).parent} does not exist")
    return parsed


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a claim that a power cut undoes would be spoken twice
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-16000")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("amends_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
