"""Mentions over the API: the stream, one of them, and pushing new ones in."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Body, Query
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.once import Answer, Write
from desk.api.shown import MentionShown, MentionWhole, Page, Pushed, Rejected
from desk.edge import InHouse
from desk.schemas import MAX_PUSH, Id, MentionsAsked, SourceName
from domain.errors import Conflict, Invalid, NotFound
from domain.mention import Mention, Reject
from domain.record import COLUMNS, BadRow, mention
from domain.source import SourceSpec
from store import intake, mentions, sources

PUSH = "push"

Records = Annotated[
    dict[str, Any] | Annotated[list[Any], Body(min_length=1, max_length=MAX_PUSH)],
    Body(
        description="One import record, or a list of at most 500",
        openapi_examples={
            "one": {"value": {"id": "17", "text": "Parcel lost again", "created_at": "2026-03-01T12:30:00Z"}}
        },
    ),
]


@router.get("/mentions", dependencies=[MAY_READ], tags=["mentions"])
def list_mentions(at: InHouse, asked: Annotated[MentionsAsked, Query()]) -> Page[MentionShown]:
    """List mentions, newest post first."""
    wanted = asked.model_dump(exclude={"limit"})
    with at.database.read() as connection:
        if asked.after is not None and mentions.get(connection, asked.after) is None:
            raise Invalid(f"after: there is no mention {asked.after}")
        rows = mentions.listing(connection, **wanted, limit=asked.limit + 1)
    items = [MentionShown.of(row) for row in rows[: asked.limit]]
    return Page(items=items, next=items[-1].id if len(rows) > asked.limit else None)


@router.get("/mentions/{mention_id}", dependencies=[MAY_READ], tags=["mentions"])
def get_mention(mention_id: Id, at: InHouse) -> MentionWhole:
    """Show a mention with its classification and the sources it came by."""
    with at.database.read() as connection:
        row = mentions.get(connection, mention_id)
        if row is None:
            raise NotFound(f"there is no mention {mention_id}")
        return MentionWhole.of(
            dict(row)
            | {
                "sources": mentions.source_names(connection, mention_id),
                "classification": judged(connection, mention_id, row["revision"]),
            }
        )


@router.post("/mentions", response_model=Pushed, tags=["mentions"])
def push_mentions(change: Write, records: Records, source: Annotated[SourceName, Query()] = PUSH) -> Response:
    """Store import records under a source of platform `push`, made on first use; bad ones are reported one by one."""
    rows = records if isinstance(records, list) else [records]

    def step(connection: sa.Connection) -> Answer:
        row = _source(connection, source, now=change.now)
        found, refused = _read(rows, source=source, now=change.now)
        kept = intake.keep(connection, found, source_id=row["id"], brand_id=row["brand_id"], now=change.now)
        rejects = [Reject(place=f"record {one.index}", reason=one.reason, raw=_raw(rows[one.index])) for one in refused]
        sources.reject(connection, row["id"], rejects, now=change.now)
        sources.polled(connection, row["id"], now=change.now, due_at=None)
        known = len(rows) - len(refused) - kept.new - kept.changed
        pushed = Pushed(
            source=source, rows=len(rows), new=kept.new, known=known, changed=kept.changed, rejected=refused
        )
        return Answer(body=pushed, rings=("classify",))

    return change.once(step)


def judged(connection: sa.Connection, mention_id: int, revision: int) -> dict[str, Any] | None:
    """Return the public classification record of a mention with the words that weighed, None before there is one."""
    found = mentions.classification(connection, mention_id, revision)
    if found is None:
        return None
    result, why = found
    weights = [{"span": list(weight.span), "weight": weight.weight, "head": weight.head} for weight in why]
    return result.to_record() | {"why": weights}


def _source(connection: sa.Connection, name: str, *, now: datetime) -> sa.RowMapping:
    row = sources.by_name(connection, name)
    if row is None:
        return sources.get(connection, _made(connection, name, now=now))
    if row["platform"] != PUSH:
        raise Conflict(f"source {name} listens to {row['platform']}: push under another name")
    if row["status"] in ("paused", "disabled"):
        raise Conflict(f"source {name} is {row['status']}")
    return row


def _made(connection: sa.Connection, name: str, *, now: datetime) -> int:
    try:
        return sources.add(connection, SourceSpec(name=name, platform=PUSH), origin="api", now=now, status="manual")
    except Conflict:  # made by another push a moment ago
        row = sources.by_name(connection, name)
        if row is None:
            raise
        return int(row["id"])


def _read(rows: Sequence[Any], *, source: str, now: datetime) -> tuple[list[Mention], list[Rejected]]:
    found: list[Mention] = []
    refused: list[Rejected] = []
    for index, row in enumerate(rows):
        try:
            found.append(mention(_record(row), realm=source, now=now))
        except BadRow as error:
            refused.append(Rejected(index=index, id=_id(row), reason=str(error)))
        except RecursionError:
            refused.append(Rejected(index=index, id=_id(row), reason="the record is nested too deeply"))
    return found, refused


def _record(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise BadRow("the record is not an object")
    return {plain if (plain := key.strip().lower()) in COLUMNS else key: value for key, value in row.items()}


def _id(row: Any) -> str | None:
    value = row.get("id") if isinstance(row, dict) else None
    return str(value).encode("utf-8", "replace").decode()[:100] if isinstance(value, str | int) else None


def _raw(row: Any) -> str:
    try:
        return json.dumps(row)
    except RecursionError:
        return ""
