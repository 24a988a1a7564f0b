"""Events over the API: a stream of what has changed, which goes on where it broke off."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import anyio
import sqlalchemy as sa
from fastapi import Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from desk.api.base import MAY_READ, router
from desk.api.shown import ChangeShown
from desk.edge import House, InHouse
from desk.schemas import MAX_ID
from store import changes

EVERY_S = 1.0

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_ID, description="The last event you have seen")
]


def seen(at: InHouse, last_event_id: LastEventId = None) -> int:
    """Return the number of the last change a client has seen: from now on, where it does not say."""
    if last_event_id is not None:
        return last_event_id
    with at.database.read() as connection:
        return changes.last(connection)


@router.get("/events", dependencies=[MAY_READ], response_class=EventSourceResponse, tags=["events"])
async def stream_events(
    at: InHouse, after: Annotated[int, Depends(seen)], once: bool = False
) -> AsyncIterator[ServerSentEvent]:
    """Stream changes as they happen, a heartbeat when nothing does; `once` ends it when all so far is sent.

    The changes of the last hour are kept: whoever was away longer reads the lists again.
    """
    while True:
        rows = await run_in_threadpool(_look, at, after)
        for row in rows:
            after = row["id"]
            yield ServerSentEvent(data=ChangeShown.of(row), event=row["kind"], id=str(after))
        if not rows:
            if once:
                return
            await anyio.sleep(EVERY_S)


def _look(at: House, after: int) -> Sequence[sa.RowMapping]:
    with at.database.read() as connection:
        return changes.since(connection, after)
