"""Sending what was written: approve, and what a person does when a machine cannot go on."""

import json
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from desk.edge import House, InHouse, SignedIn
from desk.pages.case import done, shown, standing_of
from desk.pages.composer import Field, Text, clash, kept, number, plain
from desk.pages.problems import fragment
from desk.render import page
from domain.errors import Conflict, Invalid, NotFound
from domain.person import Person
from domain.reply import Reply
from responders import answer
from store import mentions, replies

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
    revision: Field = "",
    standing: Field = "",
) -> Response:
    """Keep the words, then let them go out. What was typed is stored even where it may not be sent yet.

    `revision` of the post and `standing` of the case are as the writer has seen them: where they have changed
    meanwhile, it says so, and the next press goes through.
    """
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
    if moved := _moved(request, at, who, case_id, reply, revision=revision, standing=standing):
        return moved
    try:
        with at.database.write() as connection:
            answer.approve(connection, reply.id or 0, version=reply.version, by=who, now=at.now(), rules=at.rules)
    except Invalid as error:
        return fragment(request, error, headers=_held(reply))
    at.bell.ring("deliver")
    return done(request, at, who, case_id, composer=True)


def _moved(
    request: Request, at: House, who: Person, case_id: int, reply: Reply, *, revision: str, standing: str
) -> Response | None:
    """Say what has changed since the writer looked; a form that tells nothing has seen everything."""
    with at.database.read() as connection:
        context = shown(connection, request, at, who, case_id=case_id, answering=reply.mention_id)
        mention = mentions.get(connection, reply.mention_id)
    now = {"revision": str(mention["revision"]) if mention else "", "standing": standing_of(context["head"])}
    news = []
    if revision and revision != now["revision"]:
        news.append("edited")
    if standing == "work" and now["standing"] == "done":
        news.append("done")
    if not news:
        return None
    headers = {"HX-Retarget": "#composer-news", "HX-Reswap": "innerHTML"} | _held(reply, **now)
    return page(request, "composer_news.html", context | {"news": news, "again": True}, status=409, headers=headers)


def _held(reply: Reply, **more: str) -> dict[str, str]:
    """Tell the page what the server holds now."""
    state = {"target": "body", "reply_id": reply.id, "version": reply.version} | more
    return {"HX-Trigger": json.dumps({"amends:kept": state})}


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
