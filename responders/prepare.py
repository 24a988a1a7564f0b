"""Make a case ready for an agent: the words that weighed, and drafts to choose from."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from domain.classification import Classification, Text
from domain.errors import AmendsError
from domain.limits import Limits
from domain.playbook import Playbooks
from domain.ports import Classifier
from responders.suggest import SuggestRequest, suggest
from store import case_work, cases, mentions, suggestions
from store.engine import Database

LEASE = timedelta(minutes=5)
RETRY = timedelta(minutes=1)
MAX_ATTEMPTS = 10

log = structlog.get_logger()


def prepare(
    database: Database,
    classifier: Classifier,
    playbooks: Playbooks,
    *,
    limits: Mapping[str, Limits],
    now: Callable[[], datetime],
    direct: Collection[str] = (),
    batch: int = 10,
) -> int:
    """Claim cases that want drafts and make them outside any transaction; return how many were claimed.

    `direct`: platforms whose people are answered directly and not in public.
    """
    with database.write() as connection:
        ids = case_work.to_prepare(connection, now=now(), lease=LEASE, limit=batch)
    for case_id in ids:
        try:
            _one(database, case_id, classifier, playbooks, limits, direct, now)
        except Exception as error:  # noqa: BLE001 - one case must not hold up the others; its row says why
            _failed(database, case_id, error, now())
    return len(ids)


def _one(
    database: Database,
    case_id: int,
    classifier: Classifier,
    playbooks: Playbooks,
    limits: Mapping[str, Limits],
    direct: Collection[str],
    now: Callable[[], datetime],
) -> None:
    with database.read() as connection:
        head = cases.head(connection, case_id)
        mention_id = head["last_mention_id"]
        mention = mentions.get(connection, mention_id)
        judged = mentions.classification(connection, mention_id, mention["revision"]) if mention else None
    if mention is None or judged is None or mention["deleted_at"] is not None:
        _done(database, case_id, mention_id, now())
        return
    result, why = judged
    if not why:
        why = classifier.why(Text(id=str(mention_id), text=mention["text"], lang=result.language.code))
    request = _request(mention_id, mention["text"], mention["rating"], mention["name"], head, result)
    if mention["platform"] in direct:
        request = replace(request, route="direct")
    drafts = suggest(request, playbooks, limits.get(mention["platform"], Limits()))
    rows = [
        {
            "playbook": draft.playbook,
            "lang": draft.lang,
            "title": draft.title,
            "text": draft.text,
            "steps": [{"step": s.step, "span": list(s.span)} for s in draft.steps],
            "gaps": [{"name": g.name, "span": list(g.span)} for g in draft.gaps],
            "reasons": list(draft.reasons),
        }
        for draft in drafts
    ]
    at = now()
    with database.write() as connection:
        present = mentions.get(connection, mention_id)
        if present is not None and present["revision"] == mention["revision"] and present["deleted_at"] is None:
            mentions.set_why(connection, mention_id, mention["revision"], why=why)
            suggestions.add(
                connection, rows, case_id=case_id, mention_id=mention_id, revision=mention["revision"], now=at
            )
        case_work.prepared(connection, case_id, mention_id=mention_id, now=at, again_at=None, error="")


def _request(
    mention_id: int, text: str, rating: int | None, name: str, head: sa.RowMapping, result: Classification
) -> SuggestRequest:
    return SuggestRequest(
        id=str(mention_id),
        text=text,
        lang=result.language.code,
        platform=str(head["platform"]),
        rating=rating,
        author_name=name,
        brand=str(head["brand"] or ""),
        topics=result.topics,
        urgency=result.urgency.label,
        urgency_reasons=result.urgency.reasons,
        complaint=result.complaint,
        flags=result.flags,
    )


def _done(database: Database, case_id: int, mention_id: int, at: datetime) -> None:
    with database.write() as connection:
        case_work.prepared(connection, case_id, mention_id=mention_id, now=at, again_at=None, error="")


def _failed(database: Database, case_id: int, error: Exception, at: datetime) -> None:
    if not isinstance(error, AmendsError):
        log.error("prepare_failed", case_id=case_id, exc_info=error)
    with database.write() as connection:
        row = cases.head(connection, case_id)
        again = at + RETRY if row["prepare_attempts"] < MAX_ATTEMPTS else None
        message = f"no drafts could be made: {error}"
        case_work.prepared(
            connection, case_id, mention_id=row["last_mention_id"], now=at, again_at=again, error=message
        )
