"""Cases: load and save the aggregate, and the lists people work from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.case import PRIORITIES, PRIORITY_OF_URGENCY, WORKING, Case, Event, Status, title_of
from domain.errors import Conflict, NotFound
from domain.sla import Policy, Target
from store import mentions as mentions_of
from store.changes import tell
from store.fold import fold, like
from store.tables import (
    authors,
    brands,
    case_conversations,
    case_events,
    cases,
    follow_ups,
    mentions,
    replies,
    sla_targets,
    users,
)
from store.upsert import add_new

_LIVE = [str(status) for status in WORKING]
VIEWS = ("mine", "urgent", "unassigned", "waiting", "attention", "follow-ups", "snoozed", "all", "done")


def add(
    connection: sa.Connection,
    case: Case,
    *,
    mention: sa.RowMapping | Mapping[str, Any],
    brand_id: int | None,
    now: datetime,
) -> int:
    """Store a new case for the author and conversation of `mention`.

    Raises `Conflict` when there is a live one: the database decides, so two triages at once open one case.
    """
    with connection.begin_nested() as savepoint:
        values = _values(case) | {
            "version": 1,
            "brand_id": brand_id,
            "platform": mention["platform"],
            "lang": mention["lang"] or "",
            "author_id": mention["author_id"],
            "last_mention_id": mention["id"],
            "prepare_at": now,
            "search_text": fold(case.title, mention["text"]),
        }
        case_id = int(connection.execute(sa.insert(cases).values(**values).returning(cases.c.id)).scalar_one())
        link = {
            "case_id": case_id,
            "conversation_id": mention["conversation_id"],
            "author_id": mention["author_id"],
            "live": True,
        }
        if not add_new(connection, case_conversations, [link], case_conversations.c.id):
            savepoint.rollback()
            raise Conflict("there is a live case for this author and conversation")
    case.id = case_id
    _save_parts(connection, case, now)
    return case_id


def open_for(
    connection: sa.Connection,
    mention: sa.RowMapping,
    *,
    by: str,
    now: datetime,
    policy: Policy,
    reason: str,
) -> int:
    """Open a case for a mention's author and conversation; its clocks run from now, when we could first know of it."""
    case = Case.open(
        priority=PRIORITY_OF_URGENCY.get(mention["urgency"] or "normal", "normal"),
        title=title_of(mention["text"]),
        at=now,
        by=by,
        policy=policy,
        reason=reason,
    )
    return add(connection, case, mention=mention, brand_id=mentions_of.brand_id(connection, mention["id"]), now=now)


def join(connection: sa.Connection, case_id: int, *, conversation_id: int, author_id: int) -> None:
    """Let a case span another conversation of its author."""
    row = {"case_id": case_id, "conversation_id": conversation_id, "author_id": author_id, "live": True}
    add_new(connection, case_conversations, [row])


def working_of_author(connection: sa.Connection, author_id: int, *, since: datetime) -> int | None:
    """Return the newest case somebody is working on for an author, opened after `since`."""
    where = sa.and_(cases.c.author_id == author_id, cases.c.status.in_(_LIVE), cases.c.opened_at > since)
    return connection.execute(sa.select(sa.func.max(cases.c.id)).where(where)).scalar()


def load(connection: sa.Connection, case_id: int) -> Case:
    """Return the aggregate, or raise `NotFound`."""
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no case {case_id}")
    statement = sa.select(sla_targets).where(sla_targets.c.case_id == case_id).order_by(sla_targets.c.id)
    targets = [
        Target(
            id=t["id"],
            kind=t["kind"],
            started_at=t["started_at"],
            due_at=t["due_at"],
            met_at=t["met_at"],
            breached_at=t["breached_at"],
        )
        for t in connection.execute(statement).mappings()
    ]
    return Case(
        id=row["id"],
        version=row["version"],
        status=Status(row["status"]),
        priority=row["priority"],
        title=row["title"],
        opened_at=row["opened_at"],
        heard_at=row["heard_at"],
        assignee_id=row["assignee_id"],
        snoozed_until=row["snoozed_until"],
        resolved_at=row["resolved_at"],
        closed_at=row["closed_at"],
        disposition=row["disposition"],
        root_cause=row["root_cause"],
        remedy_sought=row["remedy_sought"],
        tags=set(row["tags"] or ()),
        targets=targets,
    )


def save(connection: sa.Connection, case: Case, *, now: datetime, **more: Any) -> None:
    """Store a case by compare-and-set on its version, with its news; `more` sets columns outside the aggregate."""
    values = _values(case) | more | {"version": case.version + 1}
    statement = (
        sa.update(cases)
        .where(cases.c.id == case.id, cases.c.version == case.version)
        .values(**values)
        .returning(cases.c.id)
    )
    if connection.execute(statement).first() is None:
        raise Conflict(f"case {case.id} has changed meanwhile", present=dict(head(connection, case.id or 0)))
    case.version += 1
    live = case.status is not Status.CLOSED
    link = case_conversations.c
    try:
        with connection.begin_nested():
            connection.execute(
                sa.update(case_conversations).where(link.case_id == case.id, link.live != live).values(live=live)
            )
    except sa.exc.IntegrityError as error:
        raise Conflict("another case is open for this author and conversation: go on there") from error
    _save_parts(connection, case, now)


def _values(case: Case) -> dict[str, Any]:
    due = case.next_due
    return {
        "status": str(case.status),
        "priority": case.priority,
        "rank": PRIORITIES.index(case.priority),
        "title": case.title,
        "assignee_id": case.assignee_id,
        "opened_at": case.opened_at,
        "heard_at": case.heard_at,
        "snoozed_until": case.snoozed_until,
        "resolved_at": case.resolved_at,
        "closed_at": case.closed_at,
        "disposition": case.disposition,
        "root_cause": case.root_cause,
        "remedy_sought": case.remedy_sought,
        "tags": sorted(case.tags),
        "next_due_at": due.due_at if due else None,
        "next_due_kind": due.kind if due else None,
    }


def _save_parts(connection: sa.Connection, case: Case, now: datetime) -> None:
    for target in case.targets:
        values = {"due_at": target.due_at, "met_at": target.met_at, "breached_at": target.breached_at}
        if target.id is None:
            row = {"case_id": case.id, "kind": target.kind, "started_at": target.started_at} | values
            added = add_new(connection, sla_targets, [row], sla_targets.c.id)
            target.id = int(added[0][0]) if added else None
        else:
            connection.execute(sa.update(sla_targets).where(sla_targets.c.id == target.id).values(**values))
    if case.news:
        rows = [
            {"case_id": case.id, "at": e.at, "actor": e.actor, "kind": e.kind, "data": dict(e.data)} for e in case.news
        ]
        connection.execute(sa.insert(case_events), rows)
        case.news.clear()
    tell(connection, "case", case.id, now=now)


def head(connection: sa.Connection, case_id: int) -> sa.RowMapping:
    """Return a case's row with author, assignee and brand, or raise `NotFound`."""
    row = connection.execute(_rows().where(cases.c.id == case_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no case {case_id}")
    return row


def _rows() -> sa.Select[Any]:
    last = mentions.alias("last")
    stuck = (
        sa.select(replies.c.id)
        .where(replies.c.case_id == cases.c.id, replies.c.status.in_(("failed", "uncertain")))
        .correlate(cases)
    )
    columns = [c for c in cases.c if c.name not in ("search_text", "rank")]
    return (
        sa.select(
            *columns,
            authors.c.handle,
            authors.c.name.label("author_name"),
            authors.c.followers,
            users.c.name.label("assignee"),
            brands.c.name.label("brand"),
            last.c.text.label("text"),
            last.c.rating.label("rating"),
            last.c.urgency.label("urgency"),
            last.c.topics.label("topics"),
            sa.exists(stuck).label("stuck"),
        )
        .select_from(cases)
        .outerjoin(authors, authors.c.id == cases.c.author_id)
        .outerjoin(users, users.c.id == cases.c.assignee_id)
        .outerjoin(brands, brands.c.id == cases.c.brand_id)
        .outerjoin(last, last.c.id == cases.c.last_mention_id)
    )


def _in_view(view: str, *, me: int | None, now: datetime) -> sa.ColumnElement[bool]:
    columns = cases.c
    active = columns.status.in_(("new", "open"))
    live = columns.status.in_(_LIVE)
    if view == "mine":
        return sa.and_(live, columns.status != "snoozed", columns.assignee_id == me)
    if view == "urgent":
        return sa.and_(active, columns.rank <= 1)
    if view == "unassigned":
        return sa.and_(active, columns.assignee_id.is_(None))
    if view == "waiting":
        return columns.status == "pending"
    if view == "snoozed":
        return columns.status == "snoozed"
    if view == "done":
        return columns.status.in_(("resolved", "closed"))
    if view == "attention":
        stuck = sa.select(replies.c.case_id).where(
            sa.or_(
                sa.and_(replies.c.status.in_(("failed", "uncertain")), replies.c.due_at.is_(None)),
                sa.and_(replies.c.status == "approved", replies.c.error != ""),
                sa.and_(replies.c.status == "approved", replies.c.channel == "manual"),
            )
        )
        return columns.id.in_(stuck)
    if view == "follow-ups":
        due = sa.select(follow_ups.c.case_id).where(follow_ups.c.status == "waiting", follow_ups.c.due_at <= now)
        return columns.id.in_(due)
    if view == "all":
        return live
    raise NotFound(f"there is no view {view!r}: {', '.join(VIEWS)}")


def queue(
    connection: sa.Connection, view: str, *, me: int | None, now: datetime, query: str = "", limit: int = 200
) -> list[sa.RowMapping]:
    """Return a view's cases in the order to work them: priority, then what is due first."""
    columns = cases.c
    statement = _rows().where(_in_view(view, me=me, now=now))
    if query.strip():
        statement = statement.where(_matches(query))
    if view == "done":
        statement = statement.order_by(sa.func.coalesce(columns.closed_at, columns.resolved_at).desc(), columns.id)
    else:
        statement = statement.order_by(columns.rank, columns.next_due_at.asc().nulls_last(), columns.id)
    return list(connection.execute(statement.limit(limit)).mappings())


def _matches(query: str) -> sa.ColumnElement[bool]:
    pattern = like(query)
    posts = sa.select(mentions.c.case_id).where(
        mentions.c.case_id.is_not(None), mentions.c.search_text.like(pattern, escape="\\")
    )
    return sa.or_(cases.c.search_text.like(pattern, escape="\\"), cases.c.id.in_(posts))


def counts(connection: sa.Connection, *, me: int | None, now: datetime) -> dict[str, int]:
    """Return how many cases each view holds."""
    sums = [
        sa.func.count(sa.case((_in_view(view, me=me, now=now), 1))).label(view)
        for view in VIEWS
        if view not in ("done", "all")
    ]
    # Closed cases are many, and in none of these views.
    statement = sa.select(*sums).select_from(cases).where(cases.c.status.in_([*_LIVE, "resolved"]))
    row = connection.execute(statement).mappings().one()
    return {view: int(number) for view, number in row.items()}


def listing(
    connection: sa.Connection,
    *,
    status: str | None = None,
    priority: str | None = None,
    assignee: int | None = None,
    tag: str | None = None,
    query: str = "",
    due_before: datetime | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[sa.RowMapping]:
    """Return cases, newest first; `after` is the id of the last one of the page before."""
    columns = cases.c
    statement = _rows()
    for wanted, column in ((status, columns.status), (priority, columns.priority), (assignee, columns.assignee_id)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if tag is not None:
        statement = statement.where(sa.cast(columns.tags, sa.Text).contains(f'"{tag}"', autoescape=True))
    if query.strip():
        statement = statement.where(_matches(query))
    if due_before is not None:
        statement = statement.where(columns.next_due_at < due_before)
    if after is not None:
        statement = statement.where(columns.id < after)
    return list(connection.execute(statement.order_by(columns.id.desc()).limit(limit)).mappings())


def of_conversation(connection: sa.Connection, conversation_id: int, author_id: int) -> int | None:
    """Return the case for an author in a conversation: the live one, otherwise the newest closed one."""
    link = case_conversations.c
    statement = (
        sa.select(link.case_id)
        .where(link.conversation_id == conversation_id, link.author_id == author_id)
        .order_by(link.live.desc(), link.case_id.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar()


def conversation_ids(connection: sa.Connection, case_id: int) -> list[int]:
    """Return the conversations a case spans."""
    link = case_conversations.c
    return list(connection.execute(sa.select(link.conversation_id).where(link.case_id == case_id)).scalars())


def of_author(connection: sa.Connection, author_id: int, *, but: int | None = None) -> list[sa.RowMapping]:
    """Return an author's cases, newest first (C8)."""
    statement = _rows().where(cases.c.author_id == author_id)
    if but is not None:
        statement = statement.where(cases.c.id != but)
    return list(connection.execute(statement.order_by(cases.c.id.desc()).limit(20)).mappings())


def events(connection: sa.Connection, case_id: int) -> list[sa.RowMapping]:
    """Return a case's history, oldest first, each with the name of the person who acted."""
    who = sa.func.coalesce(users.c.name, case_events.c.actor).label("who")
    person = sa.literal("user:") + sa.cast(users.c.id, sa.Text)
    statement = (
        sa.select(case_events, who)
        .outerjoin(users, case_events.c.actor == person)
        .where(case_events.c.case_id == case_id)
        .order_by(case_events.c.at, case_events.c.id)
    )
    return list(connection.execute(statement).mappings())


def add_event(connection: sa.Connection, case_id: int, event: Event) -> None:
    """Write an event that moves nothing."""
    values = {"case_id": case_id, "at": event.at, "actor": event.actor, "kind": event.kind, "data": dict(event.data)}
    connection.execute(sa.insert(case_events).values(**values))
    tell(connection, "case", case_id, now=event.at)


def targets(connection: sa.Connection, case_id: int) -> list[sa.RowMapping]:
    """Return a case's SLA targets, oldest first."""
    statement = sa.select(sla_targets).where(sla_targets.c.case_id == case_id).order_by(sla_targets.c.id)
    return list(connection.execute(statement).mappings())
