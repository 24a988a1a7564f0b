"""Have waiting mentions classified, a batch at a time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from domain.classification import Classification, Text, Unclassifiable
from domain.ports import Classifier
from store import mention_work
from store.engine import Database

BATCH = 64
LEASE = timedelta(minutes=5)
RETRY = timedelta(minutes=1)

log = structlog.get_logger()


def classify(database: Database, classifier: Classifier, *, now: Callable[[], datetime], limit: int = BATCH) -> int:
    """Claim due mentions, classify them outside any transaction, keep the results; return how many were claimed.

    Killed in between: the lease passes and they are classified again, into the same unique rows.
    """
    with database.write() as connection:
        rows = mention_work.take(connection, "classify", now=now(), lease=LEASE, limit=limit)
    if not rows:
        return 0
    failed: list[tuple[sa.RowMapping, str]] = []
    for batch in _batches(rows):
        failed += _classify(database, classifier, batch, now)
    # When nothing at all could be judged, the model is at fault and not the posts.
    blameless = 1 < len(failed) == len(rows)
    with database.write() as connection:
        for row, error in failed:
            mention_work.push(connection, row, until=now() + RETRY, error=error, blameless=blameless)
    return len(rows)


def _batches(rows: Sequence[sa.RowMapping]) -> Iterator[Sequence[sa.RowMapping]]:
    """Keep together what is new; what has failed before goes alone, so that one text cannot hold up the others."""
    if fresh := [row for row in rows if not row["error"]]:
        yield fresh
    yield from ([row] for row in rows if row["error"])


def _classify(
    database: Database, classifier: Classifier, rows: Sequence[sa.RowMapping], now: Callable[[], datetime]
) -> list[tuple[sa.RowMapping, str]]:
    """Classify a batch and keep the results; return the rows that could not be, each with the reason."""
    texts = [Text(id=str(row["id"]), text=row["text"], lang=row["lang_hint"], rating=row["rating"]) for row in rows]
    try:
        results = classifier.classify(texts)
    except Exception as error:
        log.error("classifier_failed", exc_info=error)
        return [(row, f"the classifier failed: {error}") for row in rows]
    found: list[tuple[int, int, Classification]] = []
    with database.write() as connection:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Unclassifiable):
                mention_work.fail(connection, row, error=result.error)
            else:
                found.append((row["id"], row["revision"], result))
        mention_work.classified(connection, found, now=now())
    return []
