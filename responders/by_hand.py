"""Complaints that come by phone, letter or at the counter: logged by hand into the same record (C1)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.case import Case, title_of
from domain.errors import Conflict, Invalid
from domain.mention import Author, Mention
from domain.person import Person
from domain.sla import Policy
from domain.source import SourceSpec
from store import cases, intake, mentions, sources

PLATFORM = "hand"
SOURCE = "by-hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What somebody told us. `channel`: phone, letter, counter, email or other; `contact`: how to reach them."""

    channel: str
    text: str
    author_name: str = ""
    contact: str = ""
    lang: str | None = None
    product: str | None = None
    place: str | None = None
    priority: str = "normal"


def log(connection: sa.Connection, complaint: Complaint, *, by: Person, now: datetime, policy: Policy) -> int:
    """Keep a complaint as a mention of platform `hand` and open its case at once; return the case's id.

    The mention is classified like any other; its case does not wait for that.
    """
    if not complaint.text.strip():
        raise Invalid("the complaint has no text")
    external_id = secrets.token_hex(16)
    item = Mention(
        platform=PLATFORM,
        realm=complaint.channel,
        external_id=external_id,
        text=complaint.text.strip(),
        author=Author(external_id=_author_id(complaint), handle=complaint.contact, name=complaint.author_name),
        posted_at=now,
        lang=complaint.lang,
        product=complaint.product,
        place=complaint.place,
        raw={"by_hand": True, "channel": complaint.channel, "logged_by": by.actor},
    )
    intake.keep(connection, [item], source_id=_source_id(connection, now), brand_id=None, now=now)
    return _open(connection, item, priority=complaint.priority, by=by, now=now, policy=policy)


def _open(connection: sa.Connection, item: Mention, *, priority: str, by: Person, now: datetime, policy: Policy) -> int:
    mention_id = mentions.by_key(connection, item.key) or 0
    row = mentions.get(connection, mention_id)
    if row is None:
        raise LookupError(f"mention {mention_id} was just stored")
    reason = f"logged by hand: {item.realm}"
    case = Case.open(priority=priority, title=title_of(item.text), at=now, by=by.actor, policy=policy, reason=reason)
    case_id = cases.add(connection, case, mention=dict(row) | {"lang": item.lang}, brand_id=None, now=now)
    mentions.attach(connection, mention_id, case_id=case_id)
    return case_id


def _author_id(complaint: Complaint) -> str:
    """The same contact is the same customer; without one, nobody we know."""
    plain = "".join(complaint.contact.casefold().split())
    return hashlib.sha256(plain.encode()).hexdigest()[:32] if plain else secrets.token_hex(16)


def _source_id(connection: sa.Connection, now: datetime) -> int:
    row = sources.by_name(connection, SOURCE)
    if row is None:
        try:
            spec = SourceSpec(name=SOURCE, platform=PLATFORM)
            return sources.add(connection, spec, origin="desk", now=now, status="manual")
        except Conflict:  # made by somebody else a moment ago
            row = sources.by_name(connection, SOURCE)
    if row is None or row["platform"] != PLATFORM:
        raise Conflict(f"the name {SOURCE} is taken by another source: rename that one")
    return int(row["id"])
