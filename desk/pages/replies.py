"""Sending what was written: approve, and what a person does when a machine cannot go on."""

import json
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from desk.edge import InHouse, SignedIn
from desk.pages.case import done
from desk.pages.composer import Field, Text, clash, kept, number, plain
from desk.pages.problems import fragment
from domain.errors import Conflict, Invalid, NotFound
from domain.reply import Reply
from responders import answer
from store import replies

router = APIRouter(include_in_schema=False)
Version = Annotated[int, Form(ge=0)]


@router.post("/cases/{case_id}/approve")
def approve(
    request: Request,
    case_id: int,
    at: InHouse,
    who: SignedIn,
    mention_id: Field,
    text: Text = "",
    lang: Field = "",
    reply_id: Field = "",
    version: Field = "",
    suggestion_id: Field = "",
) -> Response:
    """Keep the words, then let them go out. What was typed is stored even where it may not be sent yet."""
    words = plain(text)
    try:
        reply = kept(
            at, case_id, by=who, text=words, mention_id=number(mention_id) or 0, lang=lang,
            reply_id=number(reply_id), version=number(version), suggestion_id=number(suggestion_id),
        )  # fmt: skip
    except Conflict:
        return clash(
            request, at, case_id, by=who, text=words, mention_id=number(mention_id) or 0, reply_id=number(reply_id)
        )
    try:
        with at.database.write() as connection:
            answer.approve(connection, reply.id or 0, version=reply.version, by=who, now=at.now(), rules=at.rules)
    except Invalid as error:
        news = {"amends:kept": {"target": "body", "reply_id": reply.id, "version": reply.version}}
        return fragment(request, error, headers={"HX-Trigger": json.dumps(news)})
    at.bell.ring("deliver")
    return done(request, at, who, case_id, composer=True)


@router.post("/cases/{case_id}/replies/{reply_id}/confirm")
def confirm(
    request: Request,
    case_id: int,
    reply_id: int,
    at: InHouse,
    who: SignedIn,
    version: Version,
    url: Annotated[str, Form(max_length=2048)] = "",
) -> Response:
    """A person has seen it live."""
    with at.database.write() as connection:
        _of_case(connection, reply_id, case_id)
        answer.confirm(connection, reply_id, url=url.strip() or None, version=version, by=who, now=at.now())
    return done(request, at, who, case_id, composer=True)


@router.post("/cases/{case_id}/replies/{reply_id}/resend")
def resend(request: Request, case_id: int, reply_id: int, at: InHouse, who: SignedIn, version: Version) -> Response:
    """A person has looked and it is not there."""
    with at.database.write() as connection:
        _of_case(connection, reply_id, case_id)
        answer.resend(connection, reply_id, version=version, by=who, now=at.now())
    at.bell.ring("deliver")
    return done(request, at, who, case_id, composer=True)


@router.post("/cases/{case_id}/replies/{reply_id}/withdraw")
def withdraw(request: Request, case_id: int, reply_id: int, at: InHouse, who: SignedIn, version: Version) -> Response:
    """Drop it."""
    with at.database.write() as connection:
        _of_case(connection, reply_id, case_id)
        answer.withdraw(connection, reply_id, version=version, by=who, now=at.now())
    return done(request, at, who, case_id, composer=True)


@router.post("/cases/{case_id}/replies/{reply_id}/rework")
def rework(request: Request, case_id: int, reply_id: int, at: InHouse, who: SignedIn, version: Version) -> Response:
    """Take it back to be written anew; the approval is void."""
    with at.database.write() as connection:
        reply = _of_case(connection, reply_id, case_id)
        answer.edit(connection, reply_id, text=reply.text, version=version, now=at.now())
    return done(request, at, who, case_id, composer=True)


def _of_case(connection: sa.Connection, reply_id: int, case_id: int) -> Reply:
    reply = replies.load(connection, reply_id)
    if reply.case_id != case_id:
        raise NotFound(f"there is no reply {reply_id} in this case")
    return reply
