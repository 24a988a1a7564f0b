"""Have waiting mentions classified, a batch at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from domain.classification import Classification, Text, Unclassifiable
from domain.ports import Classifier
from store import mentions
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
        rows = mentions.take(connection, "classify", now=now(), lease=LEASE, limit=limit)
    if not rows:
        return 0
    texts = [Text(id=str(row["id"]), text=row["text"], lang=row["lang_hint"], rating=row["rating"]) for row in rows]
    try:
        results = classifier.classify(texts)
    except Exception as error:
        log.error("classifier_failed", exc_info=error)
        with database.write() as connection:
            for row in rows:
                mentions.push(connection, row["id"], until=now() + RETRY, error=f"the classifier failed: {error}")
        return len(rows)
    found: list[tuple[int, int, Classification]] = []
    with database.write() as connection:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Unclassifiable):
                mentions.fail(connection, row["id"], error=result.error)
            else:
                found.append((row["id"], row["revision"], result))
        mentions.classified(connection, found, now=now())
    return len(rows)
