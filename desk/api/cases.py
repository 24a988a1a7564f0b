"""Cases over the API: the list, one of them whole, and opening one by hand."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Query
from starlette.responses import Response

from desk.api.base import MAY_READ, router
from desk.api.mentions import judged
from desk.api.once import Answer, Change, Write
from desk.api.shown import CaseShown, CaseWhole, Page
from desk.edge import InHouse
from desk.schemas import CasesAsked, Id, NewCase
from responders import by_hand, casework
from store import cases, follow_ups, mentions, replies, suggestions


@router.get("/cases", dependencies=[MAY_READ], tags=["cases"])
def list_cases(at: InHouse, asked: Annotated[CasesAsked, Query()]) -> Page[CaseShown]:
    """List cases, newest first."""
    with at.database.read() as connection:
        rows = cases.listing(
            connection,
            status=asked.status and str(asked.status),
            priority=asked.priority,
            assignee=asked.assignee,
            tag=asked.tag and asked.tag.strip().lower(),
            query=asked.q,
            due_before=asked.due_before,
            after=asked.after,
            limit=asked.limit + 1,
        )
    items = [CaseShown.of(row) for row in rows[: asked.limit]]
    return Page(items=items, next=items[-1].id if len(rows) > asked.limit else None)


@router.get("/cases/{case_id}", dependencies=[MAY_READ], tags=["cases"])
def get_case(case_id: Id, at: InHouse) -> CaseWhole:
    """Show a case with all that belongs to it."""
    with at.database.read() as connection:
        head = cases.head(connection, case_id)
        last = mentions.get(connection, head["last_mention_id"]) if head["last_mention_id"] else None
        drafts = suggestions.of_mention(connection, last["id"], last["revision"]) if last else []
        conversation = mentions.conversation(connection, cases.conversation_ids(connection, case_id), case_id=case_id)
        return CaseWhole.of(
            dict(head)
            | {
                "conversation": _plain(conversation),
                "classification": judged(connection, last["id"], last["revision"]) if last else None,
                "targets": _plain(cases.targets(connection, case_id)),
                "suggestions": _plain(drafts),
                "replies": _plain(replies.of_case(connection, case_id)),
                "follow_ups": _plain(follow_ups.of_case(connection, case_id)),
                "events": _plain(cases.events(connection, case_id)),
            }
        )


@router.post("/cases", response_model=CaseShown, status_code=201, tags=["cases"])
def open_case(change: Write, body: NewCase) -> Response:
    """Open a case by hand: for a mention (200 with the case it has, if any), or for a complaint that came another way.

    A complaint by phone, letter or at the counter becomes a mention of platform `hand`; the same contact on the same
    channel is the same customer.
    """

    def step(connection: sa.Connection) -> Answer:
        if body.mention_id is not None:
            return _for_mention(connection, change, body.mention_id)
        case_id = by_hand.log(
            connection,
            by_hand.Complaint(
                channel=body.channel or "other",
                text=body.text or "",
                author_name=body.author_name.strip(),
                contact=body.contact.strip(),
                lang=body.lang,
                product=body.product,
                place=body.place,
                priority=body.priority or "normal",
            ),
            by=change.by,
            now=change.now,
            policy=change.house.policy,
        )
        return Answer(body=shown(connection, case_id), status=201, rings=("classify",))

    return change.once(step)


def shown(connection: sa.Connection, case_id: int) -> CaseShown:
    """Return a case as lists show it."""
    return CaseShown.of(cases.head(connection, case_id))


def _for_mention(connection: sa.Connection, change: Change, mention_id: int) -> Answer:
    before = mentions.get(connection, mention_id)
    case_id = casework.open_for_mention(
        connection, mention_id, by=change.by, now=change.now, policy=change.house.policy
    )
    fresh = before is None or before["case_id"] is None
    return Answer(body=shown(connection, case_id), status=201 if fresh else 200, rings=("prepare",))


def _plain(rows: list[sa.RowMapping]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
