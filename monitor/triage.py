"""Decide what becomes of a classified mention: ignore it, join a case, open one, or ask a person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
import structlog

from domain.case import PRIORITY_OF_URGENCY, Event
from domain.classification import Classification
from domain.errors import Conflict
from domain.sla import Policy
from store import cases, follow_ups, mention_work, mentions
from store.engine import Database

BATCH = 50
RETRY = timedelta(minutes=1)
CALM_LENGTH = 160
SAME_MATTER = timedelta(days=14)
"""A post by somebody whose case is being worked on joins it for this long, in whatever conversation."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a mention that belongs to no case yet, and why."""

    outcome: Literal["opened", "ignored", "ask"]
    reason: str


def decide(result: Classification) -> Decision:
    """Decide about a mention by its classification alone."""
    if result.flags:
        return Decision(outcome="opened", reason="; ".join(flag.reason for flag in result.flags))
    score = f"{result.complaint.score:.2f}"
    if result.complaint.label is None:
        return Decision(outcome="ask", reason=f"not sure that this is a complaint ({score})")
    if result.complaint.label:
        return Decision(outcome="opened", reason=f"complaint ({score})")
    return Decision(outcome="ignored", reason=f"not a complaint ({score})")


def is_calm(text: str, result: Classification) -> bool:
    """Whether this is plain thanks ("thanks, OK"), which must not undo what was arranged.

    Anything that asks, counts or is not kind wants an answer, whether or not it is a complaint.
    """
    asks = "?" in text or any(letter.isdigit() for letter in text)
    kind = result.sentiment.label == "positive" and result.complaint.label is False
    return kind and not asks and not result.flags and len(text) <= CALM_LENGTH


def triage(database: Database, *, policy: Policy, now: Callable[[], datetime], limit: int = BATCH) -> int:
    """Work up to `limit` classified mentions in one transaction, each in its own savepoint; return how many were due.

    Killed in between: nothing is committed, and all of it is due again.
    """
    at = now()
    with database.write() as connection:
        rows = mention_work.take(connection, "triage", now=at, lease=RETRY, limit=limit)
        for row in rows:
            try:
                with connection.begin_nested():
                    _one(connection, row, policy=policy, now=at)
            except Exception as error:
                log.error("triage_failed", mention_id=row["id"], exc_info=error)
                mention_work.push(connection, row, until=at + RETRY, error=f"triage failed: {type(error).__name__}")
    return len(rows)


def _one(connection: sa.Connection, row: sa.RowMapping, *, policy: Policy, now: datetime) -> None:
    judged = mentions.classification(connection, row["id"], row["revision"])
    if judged is None or row["deleted_at"] is not None:
        mentions.settle(connection, row["id"], revision=row["revision"], outcome="ignored", case_id=None)
        return
    result, _ = judged
    case_id = _case_for(connection, row, now)
    if case_id is None:
        decision = decide(result)
        if decision.outcome != "opened":
            mentions.settle(connection, row["id"], revision=row["revision"], outcome=decision.outcome, case_id=None)
            return
        try:
            case_id = cases.open_for(connection, row, by="system", now=now, policy=policy, reason=decision.reason)
        except Conflict:  # another triage opened it a moment ago
            case_id = cases.of_conversation(connection, row["conversation_id"], row["author_id"])
            if case_id is None:
                raise
        else:
            mentions.settle(connection, row["id"], revision=row["revision"], outcome="opened", case_id=case_id)
            return
    _join(connection, case_id, row, result, policy=policy, now=now)


def _case_for(connection: sa.Connection, row: sa.RowMapping, now: datetime) -> int | None:
    """Return the case a mention belongs to: its own, its conversation's, or the one open for the same identity."""
    if row["case_id"] is not None:
        return int(row["case_id"])
    found = cases.of_conversation(connection, row["conversation_id"], row["author_id"])
    return found or cases.working_of_author(connection, row["author_id"], since=now - SAME_MATTER)


def _join(
    connection: sa.Connection,
    case_id: int,
    row: sa.RowMapping,
    result: Classification,
    *,
    policy: Policy,
    now: datetime,
) -> None:
    case = cases.load(connection, case_id)
    calm = is_calm(row["text"], result)
    by_hand = row["case_id"] == case_id and row["edited_at"] is None
    if row["case_id"] == case_id and row["edited_at"] is not None:
        case.news.append(Event(at=now, actor="author", kind="edited", data={"mention_id": row["id"]}))
    elif not by_hand:
        was = case.status
        case.hear(mention_id=row["id"], at=now, calm=calm, policy=policy)
        if was in ("resolved", "closed") and case.status == "open":
            follow_ups.drop(connection, case_id, by="system", now=now, note="the author wrote again")
    if not calm:
        priority = PRIORITY_OF_URGENCY[result.urgency.label]
        reason = "; ".join(result.urgency.reasons) or f"{result.urgency.label} urgency"
        case.raise_priority(priority, at=now, policy=policy, reason=reason)
    more: dict[str, Any] = {}
    if mentions.is_newest(connection, case_id, row):  # an old post that was edited is not the one to answer
        more["last_mention_id"] = row["id"]
        if by_hand or not calm:
            more["prepare_at"] = now
    if by_hand:
        more["lang"] = result.language.code
    cases.save(connection, case, now=now, **more)
    cases.join(connection, case_id, conversation_id=row["conversation_id"], author_id=row["author_id"])
    mentions.settle(
        connection, row["id"], revision=row["revision"], outcome="opened" if by_hand else "joined", case_id=case_id
    )
