"""Replies over the API: draft, change, approve and send, confirm, withdraw."""

from collections.abc import Callable

import sqlalchemy as sa
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.once import Answer, Change, Send, Write
from desk.api.shown import ReplyShown
from desk.edge import InHouse
from desk.schemas import Confirm, Id, NewReply, ReplyWords, Versioned
from domain.errors import Conflict, Invalid
from domain.reply import Reply, ReplyStatus
from responders import answer
from store import cases, mentions, replies, suggestions


@router.get("/replies/{reply_id}", dependencies=[MAY_READ], tags=["replies"])
def get_reply(reply_id: Id, at: InHouse) -> ReplyShown:
    """Show a reply."""
    with at.database.read() as connection:
        return _shown(replies.load(connection, reply_id))


@router.post("/cases/{case_id}/replies", response_model=ReplyShown, status_code=201, tags=["replies"])
def draft_reply(case_id: Id, change: Write, body: NewReply) -> Response:
    """Keep a draft in answer to the case's last post, or to the one named."""

    def step(connection: sa.Connection) -> Answer:
        last = cases.head(connection, case_id)["last_mention_id"]
        mention_id = body.mention_id or last
        if mention_id is None:
            raise Invalid("this case has no post to answer: name a mention_id")
        if body.suggestion_id is not None:
            _check_suggestion(connection, mention_id, body.suggestion_id)
        reply = answer.draft(
            connection,
            case_id,
            mention_id=mention_id,
            text=body.text,
            lang=body.lang or "",
            suggestion_id=body.suggestion_id,
            by=change.by,
            now=change.now,
            rules=change.house.rules,
        )
        return Answer(body=_shown(reply), status=201)

    return change.once(step)


@router.put("/replies/{reply_id}", response_model=ReplyShown, tags=["replies"])
def change_reply(reply_id: Id, change: Write, body: ReplyWords) -> Response:
    """Change the words; an approval given before is void."""
    return _moved(
        change,
        reply_id,
        lambda connection: answer.edit(
            connection, reply_id, text=body.text, lang=body.lang or "", version=body.version, now=change.now
        ),
    )


@router.post("/replies/{reply_id}/approve", response_model=ReplyShown, tags=["replies"])
def approve_reply(reply_id: Id, change: Send, body: Versioned) -> Response:
    """Approve a draft: it goes out as soon as a worker is free, or waits for a person's hand where we may not post."""
    return _moved(change, reply_id, lambda connection: _approve(connection, change, reply_id, body.version), "deliver")


@router.post("/replies/{reply_id}/send", response_model=ReplyShown, tags=["replies"])
def send_reply(reply_id: Id, change: Send, body: Versioned) -> Response:
    """Approve and send a draft; or send again what failed, or may be live but is not: look before you say so."""

    def send(connection: sa.Connection) -> Reply:
        reply = replies.load(connection, reply_id)
        if reply.channel == "manual":
            raise Conflict("this platform is answered by hand: approve it, post it there, then confirm it")
        if reply.status in (ReplyStatus.FAILED, ReplyStatus.UNCERTAIN):
            return answer.resend(connection, reply_id, version=body.version, by=change.by, now=change.now)
        return _approve(connection, change, reply_id, body.version)

    return _moved(change, reply_id, send, "deliver")


@router.post("/replies/{reply_id}/confirm", response_model=ReplyShown, tags=["replies"])
def confirm_reply(reply_id: Id, change: Send, body: Confirm) -> Response:
    """Say that a reply is live: posted by hand, or seen on the platform."""
    return _moved(
        change,
        reply_id,
        lambda connection: answer.confirm(
            connection, reply_id, url=body.url, version=body.version, by=change.by, now=change.now
        ),
    )


@router.post("/replies/{reply_id}/withdraw", response_model=ReplyShown, tags=["replies"])
def withdraw_reply(reply_id: Id, change: Write, body: Versioned) -> Response:
    """Drop a reply that is not live."""
    return _moved(
        change,
        reply_id,
        lambda connection: answer.withdraw(connection, reply_id, version=body.version, by=change.by, now=change.now),
    )


def _approve(connection: sa.Connection, change: Change, reply_id: int, version: int) -> Reply:
    return answer.approve(connection, reply_id, version=version, by=change.by, now=change.now, rules=change.house.rules)


def _moved(change: Change, reply_id: int, move: Callable[[sa.Connection], Reply], *rings: str) -> Response:
    """Make a move; when it cannot be made, say how the reply is now."""

    def step(connection: sa.Connection) -> Answer:
        try:
            reply = move(connection)
        except Conflict as error:
            present = _shown(replies.load(connection, reply_id)).model_dump(mode="json")
            raise Conflict(str(error), present=present) from error
        return Answer(body=_shown(reply), rings=rings)

    return change.once(step)


def _check_suggestion(connection: sa.Connection, mention_id: int, suggestion_id: int) -> None:
    mention = mentions.get(connection, mention_id)
    drafts = suggestions.of_mention(connection, mention_id, mention["revision"]) if mention else []
    if suggestion_id not in [draft["id"] for draft in drafts]:
        raise Invalid(f"suggestion {suggestion_id} was not made for mention {mention_id} as it reads now")


def _shown(reply: Reply) -> ReplyShown:
    return ReplyShown.model_validate({name: getattr(reply, name) for name in ReplyShown.model_fields})
