"""Send approved replies: claim, speak, settle. An unknown outcome is looked for, never repeated blindly."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from domain.case import Event
from domain.errors import Conflict, CredentialsRejected, OutcomeUnknown, RateLimited, Refused, Unavailable
from domain.mention import MentionRef, Receipt
from domain.ports import Publisher
from domain.reply import Reply, ReplyStatus
from responders.answer import answered
from store import cases, mentions, replies, sources
from store.engine import Database

LEASE = timedelta(minutes=3)
"""Longer than any write to a platform may take (time-outs add up to less than a minute)."""
TRY_AGAIN = timedelta(minutes=5)
CLOCK_SKEW = timedelta(minutes=2)
SETTLE_TRIES = 5

_SAID = {ReplyStatus.APPROVED: "waiting", ReplyStatus.FAILED: "failed", ReplyStatus.UNCERTAIN: "lost"}

Publishers = Callable[[int], tuple[int, Publisher] | None]
"""Mention id → the source to answer by and its publisher, or None where no source in use can."""

log = structlog.get_logger()


def deliver(database: Database, publishers: Publishers, *, now: Callable[[], datetime], limit: int = 20) -> int:
    """Move every due reply one step; return how many were due."""
    with database.read() as connection:
        due = replies.due(connection, now=now(), limit=limit)
    for reply_id, status in due:
        try:
            if status == ReplyStatus.APPROVED:
                _send(database, reply_id, publishers, now)
            elif status == ReplyStatus.SENDING:
                _abandoned(database, reply_id, now)
            else:
                _look(database, reply_id, publishers, now)
        except Conflict:
            log.info("reply_overtaken", reply_id=reply_id)
        except Exception as error:
            log.error("delivery_failed", reply_id=reply_id, exc_info=error)
            _put_off(database, reply_id, f"unexpected {type(error).__name__} at delivery", now())
    return len(due)


def _put_off(database: Database, reply_id: int, error: str, at: datetime) -> None:
    """Push a reply that breaks its own delivery forward, so that the others go on; past hope it goes to a person."""
    with database.write() as connection:
        reply = replies.load(connection, reply_id)
        if reply.status in (ReplyStatus.SENDING, ReplyStatus.UNCERTAIN):
            _unseen(connection, reply, error, at)
        elif reply.status is ReplyStatus.APPROVED:
            reply.due_at, reply.error = at + TRY_AGAIN, error
            replies.save(connection, reply, now=at)


def _send(database: Database, reply_id: int, publishers: Publishers, now: Callable[[], datetime]) -> None:
    found = _publisher(database, reply_id, publishers, now)
    if found is None:
        return
    source_id, publisher = found
    with database.write() as connection:  # claim
        reply = replies.load(connection, reply_id)
        if reply.status is not ReplyStatus.APPROVED or reply.due_at is None or reply.due_at > now():
            return
        ref = mentions.ref(connection, reply.mention_id)
        reply.claim(at=now(), lease=LEASE)
        replies.save(connection, reply, now=now())
    try:  # speak
        receipt = publisher.reply(ref, reply.text, idempotency_key=reply.idempotency_key)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the reply must be settled by what it means
        _not_sent(database, reply, error, source_id, now())
    else:
        _settle(database, reply, receipt, now())


def _publisher(
    database: Database, reply_id: int, publishers: Publishers, now: Callable[[], datetime]
) -> tuple[int, Publisher] | None:
    with database.read() as connection:
        mention_id = replies.load(connection, reply_id).mention_id
    problem = "no source in use can post there; once one is (pause over, credentials renewed), this goes on by itself"
    try:
        found = publishers(mention_id)
    except Exception as error:  # noqa: BLE001 - a connector that cannot be built is a row a person sees
        found, problem = None, f"the source cannot be used: {error}"
    if found is None:
        with database.write() as connection:
            reply = replies.load(connection, reply_id)
            if reply.status is ReplyStatus.UNCERTAIN:
                _unseen(connection, reply, f"it could not be looked for: {problem}", now())
            else:
                reply.due_at, reply.error = now() + TRY_AGAIN, problem
                replies.save(connection, reply, now=now())
    return found


def _settle(database: Database, reply: Reply, receipt: Receipt, at: datetime) -> None:
    """Keep the proof. Somebody changing the case at this moment must not cost it: try again from the start."""
    for left in reversed(range(SETTLE_TRIES)):
        try:
            with database.write() as connection:
                fresh = replies.load(connection, reply.id or 0)
                fresh.settle(receipt, at=at)
                replies.save(connection, fresh, now=at)
                answered(connection, fresh, by=fresh.approved_by or "system", now=at)
            return
        except Conflict:
            if not left:
                raise


def _not_sent(database: Database, reply: Reply, error: Exception, source_id: int, at: datetime) -> None:
    with database.write() as connection:
        match error:
            case RateLimited():
                reply.wait(until=max(error.retry_at, at + timedelta(seconds=1)), error=str(error))
            case Unavailable():
                reply.wait(until=reply.back_off(at), error=str(error))
            case CredentialsRejected():
                reply.wait(until=at + TRY_AGAIN, error=str(error))
                sources.polled(connection, source_id, now=at, due_at=None, error=str(error), status="disabled")
            case Refused():
                reply.refuse(str(error))
            case OutcomeUnknown():
                reply.lose(at=at, error=str(error))
            case _:
                log.error("publisher_crashed", reply_id=reply.id, exc_info=error)
                reply.lose(at=at, error=f"unexpected {type(error).__name__} while sending")
        replies.save(connection, reply, now=at)
        _tell(connection, reply, at, _SAID[reply.status])


def _abandoned(database: Database, reply_id: int, now: Callable[[], datetime]) -> None:
    """A worker died between claim and settle: nobody knows whether it spoke."""
    at = now()
    with database.write() as connection:
        reply = replies.load(connection, reply_id)
        if reply.status is ReplyStatus.SENDING and reply.due_at is not None and reply.due_at <= at:
            reply.lose(at=at, error="the worker stopped while sending")
            replies.save(connection, reply, now=at)
            _tell(connection, reply, at, "lost")


def _look(database: Database, reply_id: int, publishers: Publishers, now: Callable[[], datetime]) -> None:
    """Look on the platform for a reply whose outcome is unknown."""
    found = _publisher(database, reply_id, publishers, now)
    if found is None:
        return
    _, publisher = found
    with database.write() as connection:
        reply = replies.load(connection, reply_id)
        if reply.status is not ReplyStatus.UNCERTAIN or reply.due_at is None or reply.due_at > now():
            return
        ref: MentionRef = mentions.ref(connection, reply.mention_id)
        replies.lease(connection, reply, now=now(), lease=LEASE)
    since = (reply.sending_at or reply.created_at) - CLOCK_SKEW
    try:
        receipt = publisher.find_reply(ref, reply.text, since=since)
    except Exception as error:  # noqa: BLE001 - a look that failed found nothing out
        with database.write() as connection:
            not_before = error.retry_at if isinstance(error, RateLimited) else None
            _unseen(connection, reply, f"it could not be looked for: {error}", now(), not_before=not_before)
        return
    if receipt is not None:
        _settle(database, reply, receipt, now())
        return
    with database.write() as connection:
        _unseen(connection, reply, "sent, but no answer came, and it is not to be seen there", now())


def _unseen(
    connection: sa.Connection, reply: Reply, error: str, at: datetime, *, not_before: datetime | None = None
) -> None:
    """Count a look that found nothing; after the last one the reply goes to a person."""
    reply.lose(at=at, error=error)
    if reply.due_at is not None and not_before is not None:
        reply.due_at = max(reply.due_at, not_before)
    replies.save(connection, reply, now=at)
    if reply.needs_person:
        _tell(connection, reply, at, "unseen")


def _tell(connection: sa.Connection, reply: Reply, at: datetime, what: str) -> None:
    until = reply.due_at and reply.due_at.isoformat()
    data = {"reply_id": reply.id, "error": reply.error, "until": until}
    cases.add_event(connection, reply.case_id, Event(at=at, actor="system", kind=f"reply_{what}", data=data))
