"""Follow-ups over the API: what is due, and how it ended."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.once import Answer, Write
from desk.api.shown import FollowUpListed, FollowUpShown, Page
from desk.edge import InHouse
from desk.schemas import FollowUpDone, FollowUpsAsked, Id
from domain.errors import Invalid, NotFound
from responders import casework
from store import follow_ups


@router.get("/follow-ups", dependencies=[MAY_READ], tags=["follow-ups"])
def list_follow_ups(at: InHouse, asked: Annotated[FollowUpsAsked, Query()]) -> Page[FollowUpListed]:
    """List follow-ups, first due first."""
    with at.database.read() as connection:
        if asked.after is not None:
            try:
                follow_ups.load(connection, asked.after)
            except NotFound as error:
                raise Invalid(f"after: {error}") from error
        status = asked.status and str(asked.status)
        rows = follow_ups.listing(connection, status=status, after=asked.after, limit=asked.limit + 1)
    items = [FollowUpListed.of(row) for row in rows[: asked.limit]]
    return Page(items=items, next=items[-1].id if len(rows) > asked.limit else None)


@router.post("/follow-ups/{follow_up_id}/done", response_model=FollowUpShown, tags=["follow-ups"])
def end_follow_up(follow_up_id: Id, change: Write, body: FollowUpDone) -> Response:
    """End a follow-up: content closes the case, not content reopens it."""

    def step(connection: sa.Connection) -> Answer:
        ended = casework.follow_up_done(
            connection,
            follow_up_id,
            content=body.content,
            note=body.note,
            by=change.by,
            now=change.now,
            policy=change.house.policy,
        )
        values = {name: getattr(ended, name) for name in FollowUpShown.model_fields}
        return Answer(body=FollowUpShown.model_validate(values))

    return change.once(step)
