"""Poll a source: each page of mentions and its cursor are kept together, and what was covered is written down."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from domain.errors import Conflict, CredentialsRejected, Invalid, RateLimited, Refused, Unavailable
from domain.mention import Page
from domain.ports import Source
from domain.source import SourceSpec
from store import sources
from store.engine import Database
from store.intake import Kept, keep

LEASE = timedelta(minutes=5)
MAX_PAGES = 200
"""Pages in one go; the source stays due when there is more."""
MAX_BACK_OFF = timedelta(hours=1)

log = structlog.get_logger()


def listen(
    database: Database,
    row: sa.RowMapping,
    *,
    connect: Callable[[SourceSpec], Source],
    now: Callable[[], datetime],
) -> Kept:
    """Poll a claimed source page by page until it has no more; return what was kept.

    Killed anywhere: pages already committed stay with their cursor, and the lease lets the next sweep go on.
    """
    total = Kept()
    version, cursor = row["cursor_version"], row["cursor"]
    started = now()
    try:
        spec = sources.spec(row)
        source = connect(spec)
        for _ in range(MAX_PAGES):
            started = now()
            page = source.poll(cursor)
            kept = store_page(database, row, page, version=version, started=started, now=now())
            version, cursor = version + 1, page.cursor
            for name in ("new", "changed", "known", "deleted"):
                setattr(total, name, getattr(total, name) + getattr(kept, name))
            if not page.more:
                break
        else:
            with database.write() as connection:
                sources.poll_now(connection, row["id"], now=now())
    except Conflict:
        log.info("poll_overtaken", source_id=row["id"])
    except Exception as error:  # noqa: BLE001 - a source that breaks must not stop the others; its row says what happened
        _failed(database, row, error, started=started, now=now())
    return total


def store_page(
    database: Database, row: sa.RowMapping, page: Page, *, version: int, started: datetime, now: datetime
) -> Kept:
    """Keep a page, its cursor, its rejects and its coverage in one transaction."""
    every = timedelta(seconds=int(row["spec"]["every_s"]))
    with database.write() as connection:
        sources.advance(connection, row["id"], version=version, cursor=page.cursor)
        kept = keep(connection, page.items, source_id=row["id"], brand_id=row["brand_id"], now=now)
        sources.reject(connection, row["id"], page.rejects, now=now)
        sources.cover(
            connection,
            row["id"],
            row={
                "started_at": started,
                "ended_at": now,
                "outcome": "truncated" if page.truncated else "polled",
                "items": len(page.items),
                "fresh": kept.new + kept.changed,
                "rejected": len(page.rejects),
                "detail": page.truncated or "",
            },
        )
        sources.polled(connection, row["id"], now=now, due_at=now if page.more else now + every)
        if page.more:
            sources.lease(connection, row["id"], until=now + LEASE)
    return kept


def _failed(database: Database, row: sa.RowMapping, error: Exception, *, started: datetime, now: datetime) -> None:
    """Write down how a poll failed, and when or whether to try again."""
    failures = row["failures"] + 1
    every = timedelta(seconds=int(row["spec"]["every_s"]))
    back_off = min(every * 2 ** min(failures, 10), MAX_BACK_OFF)
    outcome, due_at, more = "failed", now + max(back_off, every), {}
    message = str(error)
    match error:
        case RateLimited():
            outcome, due_at = "rate_limited", max(error.retry_at, now + timedelta(seconds=1))
        case CredentialsRejected():
            outcome, due_at, more = "expired", None, {"status": "disabled"}
        case Invalid():
            due_at, more = None, {"status": "disabled"}
        case Unavailable() | Refused():
            pass
        case _:
            message = f"unexpected {type(error).__name__} in the connector"
            log.error("poll_crashed", source_id=row["id"], exc_info=error)
    with database.write() as connection:
        sources.cover(
            connection,
            row["id"],
            row={"started_at": started, "ended_at": now, "outcome": outcome, "detail": message[:500]},
        )
        sources.polled(
            connection, row["id"], now=now, due_at=due_at, error=message or outcome, failures=failures, **more
        )
