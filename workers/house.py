"""Put the house together from its settings: database, connectors, classifier, bell, clock."""

from dataclasses import dataclass
from datetime import UTC, datetime

from config.playbook_files import load_playbooks
from config.settings import Settings
from domain.errors import Invalid
from domain.source import SourceSpec
from responders.answer import Rules
from store import sources
from store.bell import LocalBell
from store.engine import Database
from workers.child import ChildClassifier
from workers.clock import Clock
from workers.foundation import data_folder
from workers.jobs import THREADS, Shop, jobs
from workers.models import detector
from workers.wiring import DIRECT, PLATFORMS, WAYS, Connectors, limits

DROP = "drop"


def sync_sources(settings: Settings, opened: Database, *, drop_folder: bool) -> None:
    """Bring the sources and brands of the operator's file, and the drop folder, into the database."""
    now = datetime.now(UTC)
    for spec in settings.sources:
        if spec.platform not in PLATFORMS:
            raise Invalid(f"source {spec.name}: there is no platform {spec.platform!r}: one of {', '.join(PLATFORMS)}")
    with opened.write() as connection:
        for brand in settings.brands:
            sources.brand(connection, brand)
        sources.sync(connection, settings.sources, now=now, afresh=True)
        if drop_folder:
            folder = data_folder(settings).resolve() / "drop"
            folder.mkdir(exist_ok=True)
            spec = SourceSpec(name=DROP, platform="drop", every_s=10, trusted=True, options={"path": str(folder)})
            sources.sync(connection, [spec], now=now, afresh=True, origin="amends")


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
        playbooks=load_playbooks(settings.playbooks),
        limits=counting,
        direct=DIRECT,
        policy=settings.policy,
    )
    rung: list[LocalBell] = []
    bell = LocalBell(jobs(shop, lambda kind: rung[0].ring(kind)), threads=THREADS)
    rung.append(bell)
    bell.start()
    clock = Clock(bell)
    clock.start()
    rules = Rules(limits=counting, detect=detector(), ways=WAYS, own_contacts=settings.own_contacts)
    return Running(bell=bell, clock=clock, classifier=classifier, connectors=connectors, rules=rules)
