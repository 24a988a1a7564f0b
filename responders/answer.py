"""Replies on their way out: drafted, checked, approved by a person; never lost, never posted twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from domain.case import Event
from domain.errors import Conflict, Invalid, NotAllowed
from domain.limits import Limits
from domain.person import Person
from domain.ports import Eligibility, LanguageDetector
from domain.reply import Reply, ReplyStatus
from responders.lint import Finding, lint
from store import cases, mentions, replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a reply is checked against.

    Each platform's counting rules and way of answering, a language detector, and the brand's own addresses and
    telephone numbers, which may stand in public.
    """

    limits: Mapping[str, Limits]
    detect: LanguageDetector
    ways: Mapping[str, Eligibility] = field(default_factory=dict)
    own_contacts: tuple[str, ...] = ()

    def limits_of(self, platform: str) -> Limits:
        """Return a platform's limits; one we know nothing of has none."""
        return self.limits.get(platform, Limits())

    def way(self, platform: str) -> Eligibility:
        """Say how a platform's posts may be answered."""
        unknown = Eligibility(way="manual", reason="Amends cannot post there: answer by hand, then confirm it here.")
        return self.ways.get(platform, unknown)


def way_of(connection: sa.Connection, mention: sa.RowMapping, *, rules: Rules) -> Eligibility:
    """Say how a mention may be answered: by API only where a source of its own platform brought it."""
    way = rules.way(mention["platform"])
    if way.way == "api" and mention["platform"] not in mentions.source_platforms(connection, mention["id"]):
        reason = "No source here is connected to where this was written: answer there, then confirm it here."
        return Eligibility(way="manual", reason=reason)
    return way


def check(text: str, *, platform: str, lang: str, expected_lang: str, rules: Rules) -> list[Finding]:
    """Return the findings on a reply's text; the server refuses to approve one that blocks."""
    return lint(
        text,
        lang=lang,
        expected_lang=expected_lang,
        limits=rules.limits_of(platform),
        detect=rules.detect,
        own_contacts=rules.own_contacts,
    )


def draft(
    connection: sa.Connection,
    case_id: int,
    *,
    mention_id: int,
    text: str,
    by: Person,
    now: datetime,
    rules: Rules,
    lang: str = "",
    suggestion_id: int | None = None,
) -> Reply:
    """Keep a new draft in answer to a mention of the case."""
    mention = mentions.get(connection, mention_id)
    if mention is None or mention["case_id"] != case_id:
        raise Invalid(f"mention {mention_id} does not belong to case {case_id}")
    if mention["deleted_at"] is not None:
        raise Invalid("this post was deleted: there is nothing to answer")
    way = way_of(connection, mention, rules=rules)
    if way.way == "none":
        raise NotAllowed(way.reason)
    channel: Literal["api", "manual"] = "api" if way.way == "api" else "manual"
    reply = Reply(
        case_id=case_id,
        mention_id=mention_id,
        text="",
        lang=lang or mention["lang"] or "und",
        created_by=by.actor,
        created_at=now,
        channel=channel,
        suggestion_id=suggestion_id,
    )
    reply.edit(text)
    replies.add(connection, reply, now=now)
    return reply


def edit(connection: sa.Connection, reply_id: int, *, text: str, version: int, now: datetime, lang: str = "") -> Reply:
    """Change the words; an approval given before is void."""
    reply = _load(connection, reply_id, version)
    reply.edit(text, lang=lang or None)
    replies.save(connection, reply, now=now)
    return reply


def approve(
    connection: sa.Connection, reply_id: int, *, version: int, by: Person, now: datetime, rules: Rules
) -> Reply:
    """Approve a draft: it goes out as soon as a worker is free, or by the agent's own hand where we may not post."""
    reply = _load(connection, reply_id, version)
    mention = mentions.get(connection, reply.mention_id)
    if mention is None or mention["deleted_at"] is not None:
        raise Invalid("this post was deleted: there is nothing to answer")
    expected = mention["lang"] or reply.lang
    found = check(reply.text, platform=mention["platform"], lang=reply.lang, expected_lang=expected, rules=rules)
    if blocking := [finding for finding in found if finding.severity == "block"]:
        raise Invalid("not ready to send: " + " ".join(finding.message for finding in blocking))
    reply.approve(by=by.actor, at=now)
    replies.save(connection, reply, now=now)
    replies.retire_failed(connection, reply)
    _tell(connection, reply, by.actor, "approved", now)
    return reply


def confirm(
    connection: sa.Connection, reply_id: int, *, url: str | None, version: int, by: Person, now: datetime
) -> Reply:
    """A person has posted it, or has seen it live; `url` is the proof where there is one."""
    if url and not url.startswith(("https://", "http://")):
        raise Invalid("the proof is the address of the live reply: it starts with https://")
    reply = _load(connection, reply_id, version)
    reply.confirm(url=url, at=now)
    replies.save(connection, reply, now=now)
    answered(connection, reply, by=by.actor, now=now)
    return reply


def resend(connection: sa.Connection, reply_id: int, *, version: int, by: Person, now: datetime) -> Reply:
    """A person has looked and it is not live: send it again, unless another reply to the post has gone out since."""
    reply = _load(connection, reply_id, version)
    mention = mentions.get(connection, reply.mention_id)
    if mention is None or mention["deleted_at"] is not None:
        raise Invalid("this post was deleted: there is nothing to answer")
    if replies.sent_after(connection, reply):
        raise Conflict("another reply to this post has been sent since: withdraw this one")
    reply.resend(by=by.actor, at=now)
    replies.save(connection, reply, now=now)
    _tell(connection, reply, by.actor, "resent", now)
    return reply


def withdraw(connection: sa.Connection, reply_id: int, *, version: int, by: Person, now: datetime) -> Reply:
    """Drop a reply that is not live."""
    reply = _load(connection, reply_id, version)
    reply.withdraw()
    replies.save(connection, reply, now=now)
    _tell(connection, reply, by.actor, "withdrawn", now)
    return reply


def answered(connection: sa.Connection, reply: Reply, *, by: str, now: datetime) -> None:
    """Write a live reply into its case: the first response is met, and we wait for the author."""
    if reply.id is None:
        raise ValueError("a reply that was never stored cannot be live")
    case = cases.load(connection, reply.case_id)
    written_at = reply.approved_at or reply.created_at
    case.answered(reply_id=reply.id, by=by, at=reply.sent_at or now, written_at=written_at)
    cases.save(connection, case, now=now)


def _tell(connection: sa.Connection, reply: Reply, actor: str, kind: str, now: datetime) -> None:
    event = Event(at=now, actor=actor, kind=f"reply_{kind}", data={"reply_id": reply.id, "error": reply.error})
    cases.add_event(connection, reply.case_id, event)


def _load(connection: sa.Connection, reply_id: int, version: int) -> Reply:
    reply = replies.load(connection, reply_id)
    if reply.version != version:
        present = {
            "id": reply.id,
            "version": reply.version,
            "status": str(ReplyStatus(reply.status)),
            "text": reply.text,
        }
        raise Conflict("this reply has changed meanwhile", present=present)
    return reply
