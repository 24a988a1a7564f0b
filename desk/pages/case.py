"""The case: what was said, what is known, what to do next."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from desk.edge import House, InHouse, SignedIn, reading
from desk.pages.composer import Composer, compose, number
from desk.pages.frame import LABELS, clock, frame
from desk.pages.history import story
from desk.pages.queue import rows
from desk.pages.wording import Clock
from desk.render import by_htmx, page, wants_part
from domain.case import WORKING, Status
from domain.person import Person
from store import cases, follow_ups, mentions, people

router = APIRouter(include_in_schema=False)
Search = Annotated[str, Query(max_length=200)]


@router.get("/cases/{case_id}")
@reading
def case(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    connection: sa.Connection,
    view: str = "",
    q: Search = "",
    answer: int | None = None,
) -> Response:
    """Show a case beside its queue, or alone where htmx asks for it."""
    context = shown(connection, request, at, who, case_id=case_id, answering=answer)
    view = view if view in LABELS else ("all" if context["head"]["status"] in WORKING else "done")
    context |= {"view": view, "query": q}
    if wants_part(request, "case"):
        return page(request, "case.html", context)
    context |= frame(connection, request, at, who, here=view) | rows(connection, at, who, view=view, query=q)
    return page(request, "queue.html", context | {"selected": case_id})


@router.get("/cases/{case_id}/live")
@reading
def live(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    connection: sa.Connection,
    answer: str = "",
    mention: str = "",
    drafts: str = "",
    reply_id: str = "",
    version: str = "",
    keep: bool = False,
) -> Response:
    """Show what has changed of an open case. `keep`: words are being typed, so the composer stays as it is.

    The page says what its composer shows: the post, the drafts, the reply and its version.
    """
    context = shown(connection, request, at, who, case_id=case_id, answering=number(answer))
    now: Composer = context["composer"]
    reply = now.draft or now.underway
    same_reply = (str(reply.id), str(reply.version)) == (reply_id, version) if reply else not (reply_id or version)
    same_post = now.mention is None or now.underway is not None or str(now.mention["id"]) == mention
    same_drafts = now.underway is not None or ",".join(str(row["id"]) for row in now.choices) == drafts
    news = ""
    if keep and now.underway is not None:
        news = "answered"
    elif keep and not same_post:
        news = "wrote"
    context |= {"with_composer": not keep and not (same_reply and same_post and same_drafts), "news": news}
    return page(request, "case_parts.html", context)


def done(request: Request, at: House, who: Person, case_id: int, *, composer: bool = False) -> Response:
    """Answer a move that was made: the parts of the case that it changed, or the case's page."""
    if not by_htmx(request):
        return RedirectResponse(f"/cases/{case_id}", status_code=303)
    with at.database.read() as connection:
        context = shown(connection, request, at, who, case_id=case_id)
    context |= {"with_composer": composer, "news": ""}
    headers = {"HX-Trigger": '{"amends:done": {"target": "body"}}'}
    return page(request, "case_parts.html", context, headers=headers)


def shown(
    connection: sa.Connection,
    request: Request,
    at: House,
    who: Person,
    *,
    case_id: int,
    answering: int | None = None,
) -> dict[str, Any]:
    """Return what the case's templates show."""
    head = cases.head(connection, case_id)
    read = clock(request, at)
    team = people.everyone(connection)
    waiting = follow_ups.waiting(connection, case_id)
    story_so_far = story(connection, head, read, {person.id: person.name for person in team})
    theirs = [item for item in story_so_far if item.kind == "post" and item.by == "theirs"]
    return {
        "at": at,
        "who": who,
        "clock": read,
        "head": head,
        "selected": case_id,
        "story": story_so_far,
        "several": len(theirs) > 1,
        "newest": theirs[-1].row["id"] if theirs else None,
        "team": team,
        "targets": _targets(connection, case_id, read, head["status"]),
        "follow_up": waiting,
        "follow_up_due": waiting is not None and waiting.due_at <= at.now(),
        "composer": compose(connection, head, at, answering=answering),
        "can": _can(head["status"]),
        "snoozes": snoozes(read),
        "follow_up_default": (at.now() + timedelta(days=2)).astimezone(read.zone).strftime("%Y-%m-%dT%H:%M"),
    } | _customer(connection, head)


def _can(status: str) -> dict[str, bool]:
    working = Status(status) in WORKING
    return {"work": working, "reopen": not working or status in ("pending", "snoozed")}


def _targets(connection: sa.Connection, case_id: int, read: Clock, status: str) -> list[dict[str, Any]]:
    """Return the newest target of each kind with how much of its time has passed, in hundredths."""
    newest = {row["kind"]: row for row in cases.targets(connection, case_id)}
    found = []
    for row in newest.values():
        allowed = max((row["due_at"] - row["started_at"]).total_seconds(), 1.0)
        used = min(max((read.now - row["started_at"]).total_seconds() / allowed, 0.0), 1.0)
        tone = "late" if read.now > row["due_at"] else "soon" if used > 0.75 else ""
        found.append(dict(row) | {"used": round(used * 100), "tone": tone, "runs": Status(status) in WORKING})
    return found


def _customer(connection: sa.Connection, head: sa.RowMapping) -> dict[str, Any]:
    """Return what is known of the author: earlier posts and cases (C8)."""
    author_id = head["author_id"]
    if author_id is None:
        return {"past_cases": [], "past_posts": [], "contacts": 0, "since": None}
    posts = [row for row in mentions.by_author(connection, author_id) if row["deleted_at"] is None]
    return {
        "past_cases": cases.of_author(connection, author_id, but=head["id"]),
        "past_posts": [row for row in posts if row["case_id"] != head["id"]],
        "contacts": len(posts),
        "since": posts[-1]["posted_at"] if posts else None,
    }


def snoozes(read: Clock) -> list[tuple[str, datetime]]:
    """Return the quick choices for setting a case aside, in the reader's own day."""
    local = read.now.astimezone(read.zone)

    def at_hour(days: int, hour: int) -> datetime:
        return datetime.combine(local.date() + timedelta(days=days), time(hour), read.zone)

    later = ("This afternoon", at_hour(0, 15)) if local.hour < 14 else ("This evening", at_hour(0, 18))
    choices = [("In an hour", local + timedelta(hours=1)), ("Tomorrow", at_hour(1, 9))]
    if local.hour < 17:
        choices.insert(1, later)
    else:
        choices.insert(1, ("In three hours", local + timedelta(hours=3)))
    return [*choices, ("Next week", at_hour(7 - local.weekday(), 9))]
