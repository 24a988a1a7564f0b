"""Sources over the API: what is listened to; made, paused and taken up again by those who may."""

import sqlalchemy as sa
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.mentions import PUSH
from desk.api.once import Administer, Answer
from desk.api.shown import Listed, SourceShown
from desk.edge import InHouse
from desk.schemas import Id, NewSource, SourceChange
from domain.errors import Conflict, Invalid
from domain.source import SourceSpec
from store import sources


@router.get("/sources", dependencies=[MAY_READ], tags=["sources"])
def list_sources(at: InHouse) -> Listed[SourceShown]:
    """List all sources with their state."""
    with at.database.read() as connection:
        return Listed(items=[SourceShown.of(row) for row in sources.listing(connection)])


@router.post("/sources", response_model=SourceShown, status_code=201, tags=["sources"])
def add_source(change: Administer, body: NewSource) -> Response:
    """Add a source; its addresses pass the guard against private hosts. Platform `push` takes `POST /mentions`."""

    def step(connection: sa.Connection) -> Answer:
        allowed = (PUSH, *change.house.platforms)
        if body.platform not in allowed:
            raise Invalid(f"platform {body.platform!r}: one of {', '.join(allowed)}")
        status = "manual" if body.platform == PUSH else "active"
        spec = SourceSpec(**body.model_dump())
        source_id = sources.add(connection, spec, origin="api", now=change.now, status=status)
        return Answer(body=_shown(connection, source_id), status=201, rings=("poll",))

    return change.once(step)


@router.patch("/sources/{source_id}", response_model=SourceShown, tags=["sources"])
def change_source(source_id: Id, change: Administer, body: SourceChange) -> Response:
    """Pause a source, or take it up again."""

    def step(connection: sa.Connection) -> Answer:
        row = sources.get(connection, source_id)
        if row["status"] == "manual" and row["platform"] != PUSH:
            raise Conflict(f"source {row['name']} is not polled: there is nothing to pause")
        status = "manual" if row["platform"] == PUSH and body.status == "active" else body.status
        sources.set_status(connection, source_id, status, now=change.now)
        return Answer(body=_shown(connection, source_id), rings=("poll",))

    return change.once(step)


def _shown(connection: sa.Connection, source_id: int) -> SourceShown:
    found = [row for row in sources.listing(connection) if row["id"] == source_id]
    return SourceShown.of(found[0])
