"""The stream of mentions: everything heard, newest first, each with what was made of it."""

from typing import Annotated, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from desk.edge import InHouse, SignedIn, reading
from desk.pages.frame import any_source, frame
from desk.pages.marks import spoke
from desk.render import by_htmx, page, wants_part
from domain.classification import TOPICS, URGENCIES, Classification, Weight
from domain.errors import Conflict, NotFound
from responders import casework
from store import mentions
from store import tables as t

PAGE = 40
TABS = (("", "All"), ("yes", "Complaints"), ("unsure", "Not sure"), ("no", "Not complaints"), ("failed", "Failed"))
OUTCOMES = (("opened", "opened a case"), ("joined", "joined a case"), ("ignored", "left alone"), ("ours", "our own"))

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Query(max_length=40)]


@router.get("/mentions")
@reading
def stream(
    request: Request,
    at: InHouse,
    who: SignedIn,
    connection: sa.Connection,
    q: Annotated[str, Query(max_length=200)] = "",
    complaint: Short = "",
    urgency: Short = "",
    lang: Short = "",
    platform: Short = "",
    topic: Short = "",
    outcome: Short = "",
    after: Short = "",
) -> Response:
    """Show the stream, or only its rows where htmx asks for them."""
    chosen = {"q": q, "urgency": urgency, "lang": lang, "platform": platform, "topic": topic, "outcome": outcome}
    last = int(after) if after.isdecimal() and len(after) < 19 else None
    found = _found(connection, complaint=complaint, chosen=chosen, after=last)
    filters = {"complaint": complaint, **chosen}
    context: dict[str, Any] = {
        "rows": [(row, *_judged(connection, row)) for row in found[:PAGE]],
        "older": urlencode({k: v for k, v in filters.items() if v} | {"after": found[PAGE - 1]["id"]})
        if len(found) > PAGE
        else None,
        "filtered": any(filters.values()),
        "may_add": who.may("sources"),
    }
    if wants_part(request, "older") or (by_htmx(request) and last is not None):
        return page(request, "mention_rows.html", context | frame(connection, request, at, who, here="mentions"))
    context |= frame(connection, request, at, who, here="mentions") | {"filters": filters, "tabs": TABS}
    context |= _choices(connection) | {"failed": mentions.stages(connection).get("failed", 0)}
    context["listening"] = bool(found) or any_source(connection)
    if wants_part(request, "stream"):
        return page(request, "mention_stream.html", context)
    return page(request, "mentions.html", context)


def _found(
    connection: sa.Connection, *, complaint: str, chosen: dict[str, str], after: int | None
) -> list[sa.RowMapping]:
    if complaint == "failed":
        where = t.mentions.c.stage == "failed"
        if after is not None:
            where = sa.and_(where, t.mentions.c.id < after)
        statement = sa.select(*mentions.LIST).join(t.authors, t.authors.c.id == t.mentions.c.author_id).where(where)
        rows = connection.execute(statement.order_by(t.mentions.c.id.desc()).limit(PAGE + 1)).mappings()
        return list(rows)
    return mentions.listing(
        connection,
        query=chosen["q"],
        complaint={"yes": True, "no": False}.get(complaint),
        urgency=chosen["urgency"] or None,
        lang=chosen["lang"] or None,
        platform=chosen["platform"] or None,
        topic=chosen["topic"] or None,
        outcome="ask" if complaint == "unsure" else chosen["outcome"] or None,
        after=after,
        limit=PAGE + 1,
    )


def _judged(connection: sa.Connection, row: sa.RowMapping) -> tuple[Classification | None, list[Weight]]:
    if row["ours"] or row["deleted_at"] is not None:
        return None, []
    found = mentions.classification(connection, row["id"], row["revision"])
    if found is None:
        return None, []
    judged, why = found
    return judged, spoke(row["text"], judged, why)


def _choices(connection: sa.Connection) -> dict[str, Any]:
    """Return what can be filtered by: only what there is."""
    langs = connection.execute(sa.select(t.mentions.c.lang).where(t.mentions.c.lang.is_not(None)).distinct()).scalars()
    platforms = connection.execute(sa.select(t.mentions.c.platform).distinct()).scalars()
    return {
        "langs": sorted(langs),
        "platforms": sorted(platforms),
        "urgencies": URGENCIES[::-1],
        "topics": TOPICS,
        "outcomes": OUTCOMES,
    }


@router.post("/mentions/{mention_id}/open")
def open_case(request: Request, mention_id: int, at: InHouse, who: SignedIn) -> Response:
    """Open a case for a post by hand."""
    with at.database.write() as connection:
        case_id = casework.open_for_mention(connection, mention_id, by=who, now=at.now(), policy=at.policy)
    at.bell.ring("prepare")
    if by_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": f"/cases/{case_id}"})
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


@router.post("/mentions/{mention_id}/leave")
def leave(request: Request, mention_id: int, at: InHouse, who: SignedIn) -> Response:
    """A person says that this is no complaint."""
    with at.database.write() as connection:
        row = _row(connection, mention_id)
        if row["case_id"] is not None:
            raise Conflict("this post belongs to a case meanwhile")
        kept = mentions.settle(connection, mention_id, revision=row["revision"], outcome="ignored", case_id=None)
        if not kept:
            raise Conflict("this post has changed meanwhile: look at it again")
    return _one(request, at, who, mention_id)


@router.post("/mentions/{mention_id}/retry")
def retry(request: Request, mention_id: int, at: InHouse, who: SignedIn) -> Response:
    """Have a post that could not be judged judged again."""
    with at.database.write() as connection:
        _row(connection, mention_id)
        mentions.retry(connection, mention_id, now=at.now())
    at.bell.ring("classify")
    return _one(request, at, who, mention_id)


def _row(connection: sa.Connection, mention_id: int) -> sa.RowMapping:
    row = mentions.get(connection, mention_id)
    if row is None:
        raise NotFound(f"there is no mention {mention_id}")
    return row


def _one(request: Request, at: InHouse, who: SignedIn, mention_id: int) -> Response:
    """Answer with the post as it is now."""
    if not by_htmx(request):
        return RedirectResponse("/mentions", status_code=303)
    with at.database.read() as connection:
        row = _row(connection, mention_id)
        context = frame(connection, request, at, who, here="mentions")
        context |= {"rows": [(row, *_judged(connection, row))], "older": None}
    return page(request, "mention_rows.html", context)
