"""The kinds of work, and what is done when each is rung."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.limits import Limits
from domain.playbook import Playbooks
from domain.ports import Bell, Classifier
from domain.sla import Policy
from monitor.listen import LEASE, listen
from monitor.triage import triage
from monitor.understand import classify
from responders.deliver import deliver
from responders.escalate import sweep
from responders.prepare import prepare
from store import sources
from store.engine import Database
from workers.wiring import Connectors

THREADS = {"poll": 3}


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What the jobs work with."""

    database: Database
    connectors: Connectors
    classifier: Callable[[], Classifier]
    playbooks: Playbooks
    limits: Mapping[str, Limits]
    direct: frozenset[str] = frozenset()
    policy: Policy
    now: Callable[[], datetime] = field(default=utc_now)


def jobs(shop: Shop, ring: Callable[[str], None]) -> dict[str, Callable[[], int]]:
    """Return each kind's job: it does some due work, rings what comes next, and returns how much was due."""

    def then(count: int, *kinds: str) -> int:
        if count:
            for kind in kinds:
                ring(kind)
        return count

    def poll() -> int:
        with shop.database.write() as connection:
            rows = sources.take(connection, now=shop.now(), lease=LEASE, limit=1)
        for row in rows:
            kept = listen(shop.database, row, connect=shop.connectors.source, now=shop.now)
            then(kept.new + kept.changed, "classify")
        return len(rows)

    return {
        "poll": poll,
        "classify": lambda: then(classify(shop.database, shop.classifier(), now=shop.now), "triage"),
        "triage": lambda: then(triage(shop.database, policy=shop.policy, now=shop.now), "prepare"),
        "prepare": lambda: prepare(
            shop.database, shop.classifier(), shop.playbooks, limits=shop.limits, direct=shop.direct, now=shop.now
        ),
        "deliver": lambda: deliver(shop.database, shop.connectors.publisher, now=shop.now),
        "sweep": lambda: sweep(shop.database, now=shop.now),
    }


KINDS = ("poll", "classify", "triage", "prepare", "deliver", "sweep")


def ring_all(bell: Bell) -> None:
    """Ring every kind once."""
    for kind in KINDS:
        bell.ring(kind)
