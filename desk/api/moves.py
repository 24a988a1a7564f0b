"""What is done with a case over the API: every move names the version it was decided on."""

from collections.abc import Callable

import sqlalchemy as sa
from starlette.responses import Response

from desk.api.base import router
from desk.api.cases import shown
from desk.api.once import Answer, Change, Write
from desk.api.shown import CaseShown
from desk.schemas import Assign, Id, Note, Reopen, Resolve, Snooze, Tag
from domain.errors import Conflict
from responders import casework


@router.post("/cases/{case_id}/assign", response_model=CaseShown, tags=["cases"])
def assign_case(case_id: Id, change: Write, body: Assign) -> Response:
    """Give a case to a person, or to nobody."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.assign(
            connection,
            case_id,
            assignee_id=body.assignee_id,
            version=body.version,
            by=change.by,
            now=change.now,
        ),
    )


@router.post("/cases/{case_id}/note", response_model=CaseShown, tags=["cases"])
def note_case(case_id: Id, change: Write, body: Note) -> Response:
    """Keep an internal note; it never leaves the house."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.note(
            connection, case_id, text=body.text, version=body.version, by=change.by, now=change.now
        ),
    )


@router.post("/cases/{case_id}/tag", response_model=CaseShown, tags=["cases"])
def tag_case(case_id: Id, change: Write, body: Tag) -> Response:
    """Replace a case's tags."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.tag(
            connection, case_id, tags=set(body.tags), version=body.version, by=change.by, now=change.now
        ),
    )


@router.post("/cases/{case_id}/snooze", response_model=CaseShown, tags=["cases"])
def snooze_case(case_id: Id, change: Write, body: Snooze) -> Response:
    """Set a case aside until a time to come."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.snooze(
            connection, case_id, until=body.until, version=body.version, by=change.by, now=change.now
        ),
    )


@router.post("/cases/{case_id}/resolve", response_model=CaseShown, tags=["cases"])
def resolve_case(case_id: Id, change: Write, body: Resolve) -> Response:
    """Say that a case is solved; a follow-up falls due."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.resolve(
            connection,
            case_id,
            disposition=body.disposition,
            root_cause=body.root_cause,
            follow_up_at=body.follow_up_at,
            version=body.version,
            by=change.by,
            now=change.now,
        ),
    )


@router.post("/cases/{case_id}/reopen", response_model=CaseShown, tags=["cases"])
def reopen_case(case_id: Id, change: Write, body: Reopen) -> Response:
    """Take a case up again."""
    return _moved(
        change,
        case_id,
        lambda connection: casework.reopen(
            connection,
            case_id,
            reason=body.reason,
            version=body.version,
            by=change.by,
            now=change.now,
            policy=change.house.policy,
        ),
    )


def _moved(change: Change, case_id: int, move: Callable[[sa.Connection], object]) -> Response:
    """Make a move; when it cannot be made, say how the case is now."""

    def step(connection: sa.Connection) -> Answer:
        try:
            move(connection)
        except Conflict as error:
            raise Conflict(str(error), present=shown(connection, case_id).model_dump(mode="json")) from error
        return Answer(body=shown(connection, case_id))

    return change.once(step)
