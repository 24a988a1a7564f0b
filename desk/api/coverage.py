"""Coverage over the API: when a source was polled, limited or blind."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from desk.api.base import MAY_READ, router
from desk.api.shown import Covered, PollShown
from desk.edge import InHouse
from desk.schemas import CoverageAsked
from domain.errors import Invalid, NotFound
from store import sources

A_DAY = timedelta(days=1)


@router.get("/coverage", dependencies=[MAY_READ], tags=["sources"])
def get_coverage(at: InHouse, asked: Annotated[CoverageAsked, Query()]) -> Covered:
    """Show a source's polls, oldest first; a stretch without any was not listened to."""
    until = asked.until or at.now()
    since = asked.since or until - A_DAY
    if since >= until:
        raise Invalid("since must lie before until")
    with at.database.read() as connection:
        row = sources.by_name(connection, asked.source)
        if row is None:
            raise NotFound(f"there is no source {asked.source}")
        rows = sources.covered(connection, row["id"], since=since)
    polls = [PollShown.of(poll) for poll in rows if poll["started_at"] < until]
    return Covered(source=asked.source, since=since, until=until, polls=polls)
