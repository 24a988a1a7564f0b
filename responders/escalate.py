"""What happens when time has passed: snoozed cases wake, lapsed targets become misses."""

from collections.abc import Callable
from datetime import datetime

import structlog

from domain.errors import Conflict
from store import case_work, cases, changes, sources
from store.engine import Database

BATCH = 100

log = structlog.get_logger()


def sweep(database: Database, *, now: Callable[[], datetime]) -> int:
    """Wake and mark every case whose time has come; return how many moved."""
    at = now()
    with database.read() as connection:
        to_wake = list(case_work.to_wake(connection, now=at, limit=BATCH))
        to_breach = list(case_work.to_breach(connection, now=at, limit=BATCH))
    for case_id in to_wake:
        _step(database, case_id, at, wake=True)
    for case_id in to_breach:
        _step(database, case_id, at, wake=False)
    with database.write() as connection:
        changes.prune(connection, now=at)
        sources.prune(connection, now=at)
    return len(to_wake) + len(to_breach)


def _step(database: Database, case_id: int, at: datetime, *, wake: bool) -> None:
    try:
        with database.write() as connection:
            case = cases.load(connection, case_id)
            if wake:
                case.wake(at=at)
            else:
                case.look(at)
            cases.save(connection, case, now=at)
    except Conflict:
        log.info("sweep_overtaken", case_id=case_id)
    except Exception as error:
        log.error("sweep_failed", case_id=case_id, exc_info=error)
