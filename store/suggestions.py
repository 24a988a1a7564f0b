"""Drafts proposed for a case, with their reasons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.tables import suggestions
from store.upsert import add_new


def add(
    connection: sa.Connection,
    drafts: Sequence[Mapping[str, Any]],
    *,
    case_id: int,
    mention_id: int,
    revision: int,
    now: datetime,
) -> None:
    """Keep drafts for one revision of a mention, once; made again they change nothing."""
    rows = [
        dict(draft)
        | {
            "case_id": case_id,
            "mention_id": mention_id,
            "revision": revision,
            "position": position,
            "created_at": now,
        }
        for position, draft in enumerate(drafts)
    ]
    add_new(connection, suggestions, rows)


def of_mention(connection: sa.Connection, mention_id: int, revision: int) -> list[sa.RowMapping]:
    """Return the drafts for one revision of a mention, best first."""
    columns = suggestions.c
    where = sa.and_(columns.mention_id == mention_id, columns.revision == revision, columns.text != "")
    return list(connection.execute(sa.select(suggestions).where(where).order_by(columns.position)).mappings())
