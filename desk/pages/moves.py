"""What is done with a case from its page: assign, note, snooze, resolve, reopen, and the look back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from desk.edge import InHouse, SignedIn
from desk.pages.case import done
from desk.pages.composer import number
from desk.pages.frame import clock
from desk.pages.wording import Clock
from domain.errors import Invalid
from responders import casework
from store import cases, follow_ups

router = APIRouter(include_in_schema=False)
Version = Annotated[int, Form(ge=0)]
Words = Annotated[str, Form(max_length=12_000)]
Short = Annotated[str, Form(max_length=64)]


@router.post("/cases/{case_id}/assign")
def assign(
    request: Request, case_id: int, at: InHouse, who: SignedIn, version: Version, assignee: Short = ""
) -> Response:
    """Give the case to a person, or to nobody."""
    with at.database.write() as connection:
        casework.assign(
            connection, case_id, assignee_id=number(assignee), version=version, by=who, now=at.now()
        )  # fmt: skip
    return done(request, at, who, case_id)


@router.post("/cases/{case_id}/note")
def note(request: Request, case_id: int, at: InHouse, who: SignedIn, text: Words = "") -> Response:
    """Keep an internal note. It takes nothing away from anybody, so it goes with whatever version there is."""
    with at.database.write() as connection:
        version = cases.head(connection, case_id)["version"]
        words = text.replace("\r\n", "\n")
        casework.note(connection, case_id, text=words, version=version, by=who, now=at.now())
    return done(request, at, who, case_id)


@router.post("/cases/{case_id}/snooze")
def snooze(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    version: Version,
    until: Short = "",
    custom: Short = "",
) -> Response:
    """Set the case aside until a time."""
    moment = when(until or custom, clock(request, at))
    if moment is None:
        raise Invalid("say until when")
    with at.database.write() as connection:
        casework.snooze(connection, case_id, until=moment, version=version, by=who, now=at.now())
    return done(request, at, who, case_id)


@router.post("/cases/{case_id}/resolve")
def resolve(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    version: Version,
    disposition: Short = "",
    root_cause: Annotated[str, Form(max_length=500)] = "",
    follow_up: Short = "",
) -> Response:
    """Say that the case is solved, how, and when to look back."""
    moment = when(follow_up, clock(request, at))
    with at.database.write() as connection:
        casework.resolve(
            connection, case_id, disposition=disposition, version=version, by=who, now=at.now(),
            root_cause=root_cause, follow_up_at=moment,
        )  # fmt: skip
    return done(request, at, who, case_id)


@router.post("/cases/{case_id}/reopen")
def reopen(
    request: Request, case_id: int, at: InHouse, who: SignedIn, version: Version, reason: Words = ""
) -> Response:
    """Take the case up again."""
    with at.database.write() as connection:
        casework.reopen(
            connection, case_id, reason=reason, version=version, by=who, now=at.now(), policy=at.policy
        )  # fmt: skip
    return done(request, at, who, case_id)


@router.post("/cases/{case_id}/follow-up")
def follow_up_done(
    request: Request, case_id: int, at: InHouse, who: SignedIn, content: Annotated[bool, Form()], note: Words = ""
) -> Response:
    """End the look back: they are content, or they are not."""
    with at.database.write() as connection:
        waiting = follow_ups.waiting(connection, case_id)
        if waiting is None or waiting.id is None:
            raise Invalid("no follow-up is waiting for this case any more")
        casework.follow_up_done(
            connection, waiting.id, content=content, by=who, now=at.now(), policy=at.policy, note=note
        )  # fmt: skip
    return done(request, at, who, case_id)


def when(value: str, read: Clock) -> datetime | None:
    """Return a form's time; one without a zone is in the reader's own."""
    if not value.strip():
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise Invalid("this is not a date and time") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=read.zone)
