"""What changes while a page is open: a stream of small events, from which the page knows what to fetch again."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from desk.edge import COOKIE, InHouse, SignedIn
from store import changes, people
from store.engine import Database

LOOK_S = 1.0
BEAT_LOOKS = 15
LOOKS = 900
"""After so many looks a stream ends; the browser comes back by itself with the number of the last event."""

router = APIRouter(include_in_schema=False)


@dataclass(slots=True)
class Streams:
    """Whether the streams may go on; kept as `app.state.streams`. Close it before the server waits for its clients."""

    closing: bool = field(default=False)

    def close(self) -> None:
        """End every stream at its next look."""
        self.closing = True


def look(database: Database, after: int) -> tuple[int, dict[str, list[str] | list[int]] | None]:
    """Return the number of the newest change and what has changed since `after`, in a transaction of its own."""
    with database.read() as connection:
        rows = changes.since(connection, after)
    if not rows:
        return after, None
    cases = sorted({row["ref"] for row in rows if row["kind"] == "case" and row["ref"] is not None})
    return rows[-1]["id"], {"kinds": sorted({row["kind"] for row in rows}), "cases": cases}


def _start(database: Database, last_event_id: str | None) -> int:
    with database.read() as connection:
        newest = changes.last(connection)
    if last_event_id is not None and last_event_id.isdecimal() and len(last_event_id) < 19:
        return min(int(last_event_id), newest)
    return newest


def _signed_in(database: Database, request: Request) -> bool:
    house = request.app.state.house
    with database.read() as connection:
        return people.by_session(connection, request.cookies.get(COOKIE, ""), now=house.now()) is not None


async def stream(request: Request, database: Database) -> AsyncIterator[str]:
    """Yield events as text until the page goes, the session ends, the desk closes or the time is up.

    Asynchronous, unlike the rest of the desk: an open page must not hold a thread while nothing happens.
    """
    streams: Streams = request.app.state.streams
    at = await run_in_threadpool(_start, database, request.headers.get("last-event-id"))
    yield f"retry: 2000\nid: {at}\nevent: hello\ndata: {{}}\n\n"
    for turn in range(1, LOOKS):
        if streams.closing or await request.is_disconnected():
            return
        if turn % BEAT_LOOKS == 0:
            if not await run_in_threadpool(_signed_in, database, request):
                return
            yield ": still here\n\n"
        at, news = await run_in_threadpool(look, database, at)
        if news is not None:
            yield f"id: {at}\nevent: changed\ndata: {json.dumps(news)}\n\n"
        await asyncio.sleep(LOOK_S)


@router.get("/live")
def live(request: Request, at: InHouse, who: SignedIn) -> StreamingResponse:
    """Stream what changes to a signed-in page; resumes by `Last-Event-ID`."""
    return StreamingResponse(
        stream(request, at.database), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
