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
    revision: str = "",
    standing: str = "",
    newest: str = "",
    keep: bool = False,
) -> Response:
    """Show what has changed of an open case. `keep`: words are being typed, so the composer stays as it is.

    The page says what its composer shows: the post with its revision, the drafts, the reply and its version; and what
    stood there when it was drawn: whether the case was at work, and the newest post.
    """
    context = shown(connection, request, at, who, case_id=case_id, answering=number(answer))
    now: Composer = context["composer"]
    reply = now.draft or now.underway
    same_reply = (str(reply.id), str(reply.version)) == (reply_id, version) if reply else not (reply_id or version)
    same_post = now.mention is None or now.underway is not None or str(now.mention["id"]) == mention
    same_drafts = now.underway is not None or ",".join(str(row["id"]) for row in now.choices) == drafts
    redrawn = not keep and not (same_reply and same_post and same_drafts)
    said = mentions.get(connection, number(mention) or 0)
    news = []
    if said is not None and (keep or now.draft is not None):
        if said["deleted_at"] is not None:
            news.append("deleted")
        elif now.underway is not None:
            news.append("answered")
        elif revision and str(said["revision"]) != revision:
            news.append("edited")
        if newest and str(context["head"]["last_mention_id"]) != newest:
            news.append("wrote")
        if standing == "work" and standing_of(context["head"]) == "done":
            news.append("done")
    if redrawn and same_post and now.draft is not None:
        # Words are kept there: what their writer has not seen yet is asked about when they are approved.
        context |= {"seen_revision": revision, "seen_standing": standing}
    context |= {"with_composer": redrawn, "news": news}
    return page(request, "case_parts.html", context)


def done(request: Request, at: House, who: Person, case_id: int, *, composer: bool = False) -> Response:
    """Answer a move that was made: the parts of the case that it changed, or the case's page."""
    if not by_htmx(request):
        return RedirectResponse(f"/cases/{case_id}", status_code=303)
    with at.database.read() as connection:
        context = shown(connection, request, at, who, case_id=case_id)
    context |= {"with_composer": composer, "own": True}
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
        "targets": _targets(connection, case_id, read, head["status"], silent=all(gone(item.row) for item in theirs)),
        "follow_up": waiting,
        "follow_up_due": waiting is not None and waiting.due_at <= at.now(),
        "composer": compose(connection, head, at, answering=answering),
        "can": _can(head["status"]),
        "snoozes": snoozes(read),
        "next_due": _next_due(connection, case_id, head),
        "standing": standing_of(head),
        "ender": next(
            (item for item in reversed(story_so_far) if item.row.get("kind") in ("resolved", "closed")), None
        ),
        "news": [],
        "again": False,
        "own": False,
        "seen_revision": "",
        "seen_standing": "",
        "follow_up_default": (at.now() + timedelta(days=2)).astimezone(read.zone).strftime("%Y-%m-%dT%H:%M"),
    } | _customer(connection, head)


def standing_of(head: sa.RowMapping) -> str:
    """Return whether a case is at `work` or `done`, as its composer remembers it."""
    return "work" if head["status"] in WORKING else "done"


def _next_due(connection: sa.Connection, case_id: int, head: sa.RowMapping) -> dict[str, Any] | None:
    """Return what is due next in a case that is worked on, and when, while that is still to come."""
    running = [row for row in cases.targets(connection, case_id) if row["met_at"] is None]
    if not running or head["status"] not in WORKING:
        return None
    first = min(running, key=lambda row: row["due_at"])
    return {"kind": first["kind"], "at": first["due_at"]}


def _can(status: str) -> dict[str, bool]:
    working = Status(status) in WORKING
    return {"work": working, "reopen": not working or status in ("pending", "snoozed")}


def gone(post: sa.RowMapping) -> bool:
    """Whether a post was deleted."""
    return post["deleted_at"] is not None


def _targets(
    connection: sa.Connection, case_id: int, read: Clock, status: str, *, silent: bool
) -> list[dict[str, Any]]:
    """Return the newest target of each kind with how much of its time has passed, in hundredths.

    `silent`: there is no post left to answer, so a first response presses nobody.
    """
    newest = {row["kind"]: row for row in cases.targets(connection, case_id)}
    found = []
    for row in newest.values():
        allowed = max((row["due_at"] - row["started_at"]).total_seconds(), 1.0)
        used = min(max((read.now - row["started_at"]).total_seconds() / allowed, 0.0), 1.0)
        tone = "late" if read.now > row["due_at"] else "soon" if used > 0.75 else ""
        idle = silent and row["kind"] == "first_response"
        more = {"used": round(used * 100), "tone": tone, "runs": Status(status) in WORKING, "idle": idle}
        found.append(dict(row) | more)
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
    if local.weekday() != 6:  # on a Sunday, next week is tomorrow
        choices.append(("Next week", at_hour(7 - local.weekday(), 9)))
    return choices
