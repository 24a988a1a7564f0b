"""Events over the API: a stream of what has changed, which goes on where it broke off."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import anyio
import sqlalchemy as sa
from fastapi import Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from desk.api.base import MAY_READ, router
from desk.api.shown import ChangeShown
from desk.edge import House, InHouse
from desk.schemas import MAX_ID
from store import changes, people

LOOK_S = 1.0
TOKEN_LOOKS = 15

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_ID, description="The last event you have seen")
]


def seen(at: InHouse, last_event_id: LastEventId = None) -> int:
    """Return the number of the last change a client has seen: the newest there is, where it does not say."""
    with at.database.read() as connection:
        newest = changes.last(connection)
    return newest if last_event_id is None else min(last_event_id, newest)


@router.get("/events", dependencies=[MAY_READ], response_class=EventSourceResponse, tags=["events"])
async def stream_events(
    request: Request, at: InHouse, after: Annotated[int, Depends(seen)], once: bool = False
) -> AsyncIterator[ServerSentEvent]:
    """Stream changes as they happen, a heartbeat when nothing does; `once` ends it when all so far is sent.

    The changes of the last hour are kept: whoever was away longer reads the lists again.
    """
    # Asynchronous, unlike the rest: an open stream must not hold a thread while nothing happens.
    turn = 0
    while not _closing(request):
        turn += 1
        if turn % TOKEN_LOOKS == 0 and not await run_in_threadpool(_token_holds, at, request):
            return
        rows = await run_in_threadpool(_look, at, after)
        for row in rows:
            after = row["id"]
            yield ServerSentEvent(data=ChangeShown.of(row), event=row["kind"], id=str(after))
        if rows:
            continue
        if once:
            return
        await anyio.sleep(LOOK_S)


def _look(at: House, after: int) -> Sequence[sa.RowMapping]:
    with at.database.read() as connection:
        return changes.since(connection, after)


def _closing(request: Request) -> bool:
    streams = getattr(request.app.state, "streams", None)
    return streams is not None and streams.closing


def _token_holds(at: House, request: Request) -> bool:
    secret = request.headers.get("Authorization", "").partition(" ")[2]
    with at.database.read() as connection:
        found = people.by_token(connection, secret)
    return found is not None and "read" in found[1]
