"""The sources: where we listen, and when we were blind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from desk.edge import InHouse, SignedIn, SourceKeeper, reading
from desk.pages.frame import frame
from desk.pages.marks import link_to
from desk.render import by_htmx, page, wants_part
from domain.errors import DeskError, Invalid
from domain.source import SourceSpec
from store import sources

DAY = timedelta(hours=24)
CELLS = 96
"""The strip of a day has a cell for each quarter of an hour."""
_TONE = {"polled": "ok", "truncated": "truncated", "rate_limited": "limited"}
_TONES = {"ok": "listened", "truncated": "listened with gaps", "limited": "held back by the platform", "blind": "blind"}
_WORST = ("", *_TONES)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A day of one source: stretches of the same tone, `(start, length, tone)` in cells, and the same in words."""

    stretches: list[tuple[int, int, str]]
    words: str


@router.get("/sources")
@reading
def listing(request: Request, at: InHouse, who: SignedIn, connection: sa.Connection) -> Response:
    """Show every source with its state and its last day."""
    context = frame(connection, request, at, who, here="sources") | _shown(connection, now=at.now())
    context["may"] = who.may("sources")
    return page(request, "sources_part.html" if wants_part(request, "sources") else "sources.html", context)


def _shown(connection: sa.Connection, *, now: datetime) -> dict[str, Any]:
    found = []
    for row in sources.listing(connection):
        polls = sources.covered(connection, row["id"], since=now - DAY, limit=20_000)
        watched = row["status"] != "manual"
        found.append((row, state_of(row), strip(polls, now=now) if watched else None))
    return {"sources": found}


def state_of(row: sa.RowMapping) -> tuple[str, str]:
    """Return a source's state as the class of its dot and in words."""
    if row["status"] == "manual":
        return "", "filled by hand"
    if row["status"] == "paused":
        return "", "paused"
    if row["status"] == "disabled":
        return "late", "stopped: it needs you"
    if row["failures"]:
        return "late", f"not listening: {row['failures']} {'try' if row['failures'] == 1 else 'tries'} failed"
    return ("good", "listening") if row["ok_at"] else ("soon", "not polled yet")


def strip(polls: list[sa.RowMapping], *, now: datetime) -> Strip:
    """Return a day as stretches. A poll speaks for the time since the one before it; of several, the worst counts."""
    start, width = now - DAY, DAY / CELLS
    cells = [""] * CELLS
    since: datetime | None = None
    for poll in polls:
        tone = _TONE.get(poll["outcome"], "blind")
        begin = max(since or poll["started_at"], start)
        first = min(max(int((begin - start) / width), 0), CELLS - 1)
        last = min(max(int((poll["ended_at"] - start) / width), first), CELLS - 1)
        for cell in range(first, last + 1):
            cells[cell] = max(cells[cell], tone, key=_WORST.index)
        since = poll["ended_at"]
    stretches: list[tuple[int, int, str]] = []
    for place, tone in enumerate(cells):
        if stretches and stretches[-1][2] == tone:
            begin_at, length, _ = stretches[-1]
            stretches[-1] = (begin_at, length + 1, tone)
        else:
            stretches.append((place, 1, tone))
    return Strip(stretches=[s for s in stretches if s[2]], words=_words(cells))


def _words(cells: list[str]) -> str:
    parts = []
    for tone, name in _TONES.items():
        minutes = cells.count(tone) * 15
        if minutes:
            hours, rest = divmod(minutes, 60)
            length = " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
            parts.append(f"{name} {length}")
    return "Last 24 hours: " + (", ".join(parts) if parts else "not polled")


@router.post("/sources/{source_id}/{verb}")
def act(request: Request, source_id: int, verb: str, at: InHouse, who: SourceKeeper) -> Response:
    """Pause a source, take it up again, or poll it at once."""
    with at.database.write() as connection:
        sources.get(connection, source_id)
        if verb == "pause":
            sources.set_status(connection, source_id, "paused", now=at.now())
        elif verb == "resume":
            sources.set_status(connection, source_id, "active", now=at.now())
        elif verb == "poll":
            sources.poll_now(connection, source_id, now=at.now())
        else:
            raise Invalid("a source can be paused, resumed or polled")
    if verb != "pause":
        at.bell.ring("poll")
    if not by_htmx(request):
        return RedirectResponse("/sources", status_code=303)
    with at.database.read() as connection:
        context = frame(connection, request, at, who, here="sources") | _shown(connection, now=at.now())
    return page(request, "sources_part.html", context | {"may": True})


@router.get("/sources/new")
@reading
def new(request: Request, at: InHouse, who: SourceKeeper, connection: sa.Connection) -> Response:
    """Show the form for a new feed."""
    return _form(request, at, who, connection, typed={}, error="")


@router.post("/sources/new")
def add(
    request: Request,
    at: InHouse,
    who: SourceKeeper,
    name: Annotated[str, Form(max_length=80)] = "",
    address: Annotated[str, Form(max_length=2048)] = "",
    brand: Annotated[str, Form(max_length=100)] = "",
    minutes: Annotated[str, Form(max_length=6)] = "5",
) -> Response:
    """Add a feed. Its address was typed here, so the guard against private hosts decides where it may lead."""
    typed = {"name": name, "address": address, "brand": brand, "minutes": minutes}
    try:
        url = link_to(address.strip())
        if url is None:
            raise Invalid("the address starts with https:// and names a host")
        if not minutes.isdecimal():
            raise Invalid("say in whole minutes how often to look")
        spec = SourceSpec(
            name=name.strip(), platform="feed", every_s=int(minutes) * 60, base_url=url, brand=brand.strip()
        )
        with at.database.write() as connection:
            sources.add(connection, spec, origin="desk", now=at.now())
    except DeskError as error:
        with at.database.read() as connection:
            return _form(request, at, who, connection, typed=typed, error=str(error), status=error.status)
    at.bell.ring("poll")
    return RedirectResponse("/sources", status_code=303)


def _form(
    request: Request,
    at: InHouse,
    who: SourceKeeper,
    connection: sa.Connection,
    *,
    typed: dict[str, str],
    error: str,
    status: int = 200,
) -> Response:
    context = frame(connection, request, at, who, here="sources")
    context |= {"typed": typed, "error": error, "brands": [row["name"] for row in sources.all_brands(connection)]}
    return page(request, "source_new.html", context, status=status)


@router.get("/sources/{source_id}/rejects")
@reading
def rejects(request: Request, source_id: int, at: InHouse, who: SignedIn, connection: sa.Connection) -> Response:
    """Show what could not be read, and why."""
    context = frame(connection, request, at, who, here="sources")
    context |= {"source": sources.get(connection, source_id), "rejects": sources.rejected(connection, source_id)}
    return page(request, "rejects.html", context)
