"""Mentions on their way through the machine: claimed, classified, pushed forward or set aside."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from domain.classification import Classification
from store.tables import classifications, mentions
from store.upsert import add_new, claim

MAX_ATTEMPTS = 20
"""Claims after which a row is set aside: it may be what brings the worker down."""
FAILURE = 3
"""A claim that is known to have failed counts for so many more: five failures are enough."""


def take(connection: sa.Connection, stage: str, *, now: datetime, lease: timedelta, limit: int) -> list[sa.RowMapping]:
    """Claim due mentions of a stage for `lease`; one claimed too often is set aside as failed, where people see it."""
    columns = mentions.c
    ids = claim(
        connection,
        mentions,
        where=sa.and_(columns.stage == stage, columns.due_at.is_not(None), columns.due_at <= now),
        due=columns.due_at,
        values={"due_at": now + lease, "attempts": columns.attempts + 1},
        limit=limit,
    )
    worn = (
        sa.update(mentions)
        .where(columns.id.in_(ids), columns.attempts > MAX_ATTEMPTS)
        .values(stage="failed", due_at=None, error=sa.func.coalesce(sa.func.nullif(columns.error, ""), "gave up"))
        .returning(columns.id)
    )
    gone = set(connection.execute(worn).scalars()) if ids else set()
    statement = sa.select(mentions).where(columns.id.in_([i for i in ids if i not in gone])).order_by(columns.id)
    return list(connection.execute(statement).mappings())


def push(
    connection: sa.Connection, row: sa.RowMapping, *, until: datetime, error: str, blameless: bool = False
) -> None:
    """Push a claimed row that would not be worked forward, with its error; one edited meanwhile keeps its place.

    `blameless`: nothing could be worked at all, and the claim does not count.
    """
    weight = -1 if blameless else FAILURE
    values = {"due_at": until, "error": error[:500], "attempts": mentions.c.attempts + weight}
    connection.execute(_claimed(row).values(**values))


def fail(connection: sa.Connection, row: sa.RowMapping, *, error: str) -> None:
    """Set a claimed row aside for good, with its error; one edited meanwhile keeps its place."""
    connection.execute(_claimed(row).values(stage="failed", due_at=None, error=error[:500]))


def _claimed(row: sa.RowMapping) -> sa.Update:
    columns = mentions.c
    return sa.update(mentions).where(
        columns.id == row["id"], columns.revision == row["revision"], columns.stage == row["stage"]
    )


def classified(connection: sa.Connection, found: Sequence[tuple[int, int, Classification]], *, now: datetime) -> None:
    """Keep classifications of `(mention id, revision, …)` and pass the mentions on to triage.

    A mention edited meanwhile has another revision: it keeps its place in the queue.
    """
    rows = [
        {
            "mention_id": mention_id,
            "revision": revision,
            "model_version": result.model,
            "record": result.to_record(),
            "created_at": now,
        }
        for mention_id, revision, result in found
    ]
    add_new(connection, classifications, rows)
    if not found:
        return
    columns = mentions.c
    statement = (
        sa.update(mentions)
        .where(
            columns.id == sa.bindparam("the_id"),
            columns.revision == sa.bindparam("the_revision"),
            columns.stage == "classify",
        )
        .values(
            stage="triage",
            due_at=now,
            attempts=0,
            error="",
            lang=sa.bindparam("the_lang"),
            complaint=sa.bindparam("the_complaint"),
            complaint_score=sa.bindparam("the_score"),
            urgency=sa.bindparam("the_urgency"),
            sentiment=sa.bindparam("the_sentiment"),
            topics=sa.bindparam("the_topics", type_=columns.topics.type),
        )
    )
    connection.execute(
        statement,
        [
            {
                "the_id": mention_id,
                "the_revision": revision,
                "the_lang": result.language.code,
                "the_complaint": result.complaint.label,
                "the_score": result.complaint.score,
                "the_urgency": result.urgency.label,
                "the_sentiment": result.sentiment.label,
                "the_topics": [topic.name for topic in result.topics],
            }
            for mention_id, revision, result in found
        ],
    )
