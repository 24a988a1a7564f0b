"""What every command stands on: logs, the data folder, the database."""

import functools
import logging
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from config.settings import Settings
from domain.errors import AmendsError
from store.engine import Database
from store.schema import head, migrate, revision


class Unusable(AmendsError):
    """A folder, database or host cannot be used; the message is one plain line."""


def quiet_logs(level: str) -> None:
    """Log as lines of key=value on stderr: ids only, never a post's words."""
    number = {"debug": 10, "info": 20, "warning": 30, "error": 40}[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=open(2, "w", closefd=False)),  # noqa: SIM115
    )
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def data_folder(settings: Settings) -> Path:
    """Return the data folder, made where it is missing and shut to others; `Unusable` when it cannot be written."""
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".write-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Unusable(f"cannot write to the data folder {folder} (AMENDS_DATA): {error.strerror}") from error
    _shut(folder)
    return folder


def _shut(folder: Path) -> None:
    """Take a folder's access from group and others, or say that they have it."""
    found = folder.stat()
    if not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    # With the sticky bit it is a place for everybody, such as /tmp, and not ours to shut.
    if found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX:
        try:
            folder.chmod(stat.S_IRWXU)
            return
        except OSError:  # a file system without such rights
            pass
    _warn(f"others may look into the data folder {folder} (AMENDS_DATA): give Amends one of its own")


@functools.cache
def _warn(line: str) -> None:
    """Say it once."""
    print(f"amends: {line}", file=sys.stderr)


@contextmanager
def database(settings: Settings, *, bring_to_head: bool = True) -> Iterator[Database]:
    """Open the database. An embedded one is brought to head; another must be there already (`amends migrate`)."""
    url = settings.database_url or f"sqlite:///{data_folder(settings).resolve() / 'amends.sqlite'}"
    opened = Database(url)
    try:
        opened.ping()
        if opened.is_sqlite and bring_to_head:
            migrate(opened)
        elif bring_to_head and (at := revision(opened)) != head():
            cure = "a newer Amends has been here, run that" if at and at > head() else "run `amends migrate`"
            raise Unusable(f"the database is at schema {at or 'none'}, not {head()}: {cure}")
        yield opened
    finally:
        opened.close()
