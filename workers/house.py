"""Put the house together from its settings: database, connectors, classifier, bell, clock."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from config.playbook_files import load_playbooks
from config.settings import Settings
from domain.errors import AmendsError
from domain.source import SourceSpec
from responders.answer import Rules
from store import sources
from store.bell import LocalBell
from store.engine import Database
from store.schema import head, migrate, revision
from workers.child import ChildClassifier
from workers.clock import Clock
from workers.jobs import THREADS, Shop, jobs
from workers.models import detector
from workers.wiring import WAYS, Connectors, limits

DROP = "drop"


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
    """Return the data folder, made where it is missing; `Unusable` when it cannot be written."""
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".write-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Unusable(f"cannot write to the data folder {folder} (AMENDS_DATA): {error.strerror}") from error
    return folder


@contextmanager
def database(settings: Settings, *, bring_to_head: bool = True) -> Iterator[Database]:
    """Open the database. An embedded one is brought to head; another must be there already (`amends migrate`)."""
    url = settings.database_url or f"sqlite:///{data_folder(settings).resolve() / 'amends.sqlite'}"
    opened = Database(url)
    try:
        opened.ping()
        if opened.is_sqlite and bring_to_head:
            migrate(opened)
        elif bring_to_head and revision(opened) != head():
            raise Unusable(
                f"the database is at schema {revision(opened) or 'none'}, not {head()}: run `amends migrate`"
            )
        yield opened
    finally:
        opened.close()


def sync_sources(settings: Settings, opened: Database, *, drop_folder: bool) -> None:
    """Bring the sources and brands of the operator's file, and the drop folder, into the database."""
    now = datetime.now(UTC)
    specs = list(settings.sources)
    if drop_folder and not any(spec.name == DROP for spec in specs):
        folder = data_folder(settings).resolve() / "drop"
        folder.mkdir(exist_ok=True)
        specs.append(SourceSpec(name=DROP, platform="drop", every_s=10, trusted=True, options={"path": str(folder)}))
    with opened.write() as connection:
        for brand in settings.brands:
            sources.brand(connection, brand)
        sources.sync(connection, specs, now=now)


@dataclass(frozen=True, kw_only=True)
class Running:
    """Everything that works while `amends run` runs."""

    bell: LocalBell
    clock: Clock
    classifier: ChildClassifier
    connectors: Connectors
    rules: Rules

    def stop(self) -> None:
        """Stop in the order that lets work in hand end well."""
        self.clock.stop()
        self.bell.stop()
        self.classifier.close()
        self.connectors.close()


def start(settings: Settings, opened: Database) -> Running:
    """Start bell, clock and classifier; the caller stops them."""
    connectors = Connectors(settings, opened)
    classifier = ChildClassifier(settings.model, threads=settings.threads)
    counting = limits()
    shop = Shop(
        database=opened,
        connectors=connectors,
        classifier=lambda: classifier,
        playbooks=load_playbooks(),
        limits=counting,
        policy=settings.policy,
    )
    rung: list[LocalBell] = []
    bell = LocalBell(jobs(shop, lambda kind: rung[0].ring(kind)), threads=THREADS)
    rung.append(bell)
    bell.start()
    clock = Clock(bell)
    clock.start()
    rules = Rules(limits=counting, detect=detector(), ways=WAYS)
    return Running(bell=bell, clock=clock, classifier=classifier, connectors=connectors, rules=rules)
