"""The queue: a view's cases in the order to work them."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from desk.edge import House, InHouse, SignedIn, reading
from desk.pages.frame import LABELS, any_source, frame
from desk.render import page, wants_part
from domain.errors import NotFound
from domain.person import Person
from store import cases

MOST = 200
FIRST = ("urgent", "mine", "unassigned")

router = APIRouter(include_in_schema=False)


@router.get("/")
@reading
def front(at: InHouse, who: SignedIn, connection: sa.Connection) -> Response:
    """Lead to the view with something to do in it."""
    counts = cases.counts(connection, me=who.id, now=at.now())
    view = next((view for view in FIRST if counts.get(view)), "all")
    return RedirectResponse(f"/queue/{view}", status_code=303)


@router.get("/views")
@reading
def views(request: Request, at: InHouse, who: SignedIn, connection: sa.Connection, here: str = "") -> Response:
    """Show the navigation with its counts as they are now."""
    return page(request, "nav.html", frame(connection, request, at, who, here=here))


@router.get("/queue/{view}")
@reading
def queue(
    request: Request,
    view: str,
    at: InHouse,
    who: SignedIn,
    connection: sa.Connection,
    q: Annotated[str, Query(max_length=200)] = "",
    case: str = "",
) -> Response:
    """Show a view, or only its rows where htmx asks for them."""
    if view not in LABELS:
        raise NotFound(f"there is no view {view!r}")
    context = frame(connection, request, at, who, here=view)
    context |= rows(connection, at, who, view=view, query=q)
    context["selected"] = int(case) if case.isdecimal() and len(case) < 19 else None
    if wants_part(request, "rows"):
        return page(request, "rows_part.html", context)
    return page(request, "queue.html", context)


def rows(connection: sa.Connection, at: House, who: Person, *, view: str, query: str = "") -> dict[str, Any]:
    """Return what the template of the rows shows."""
    found = cases.queue(connection, view, me=who.id, now=at.now(), query=query, limit=MOST + 1)
    return {
        "view": view,
        "label": LABELS[view],
        "query": query,
        "rows": found[:MOST],
        "more": len(found) > MOST,
        "listening": bool(found) or any_source(connection),
    }
