"""Replies: each is kept until it is proven live, or a person has let it go."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.errors import Conflict, NotFound
from domain.reply import LIVE, Reply, ReplyStatus
from store.changes import tell
from store.tables import mention_sources, mentions, replies, users
from store.upsert import add_new

_FIELDS = [c.name for c in replies.c]


def add(connection: sa.Connection, reply: Reply, *, now: datetime) -> int:
    """Store a new draft; `Conflict` when the mention has a live reply already."""
    values = _values(reply) | {"version": 1}
    added = add_new(connection, replies, [values], replies.c.id)
    if not added:
        present = live_for(connection, reply.mention_id)
        raise Conflict("this post has a reply under way already", present={"reply_id": present.id} if present else None)
    reply.id = int(added[0][0])
    tell(connection, "reply", reply.id, now=now)
    return reply.id


def load(connection: sa.Connection, reply_id: int) -> Reply:
    """Return a reply, or raise `NotFound`."""
    row = connection.execute(sa.select(replies).where(replies.c.id == reply_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no reply {reply_id}")
    return _reply(row)


def save(connection: sa.Connection, reply: Reply, *, now: datetime) -> None:
    """Store by compare-and-set on the version; `Conflict` when it has moved on."""
    try:
        with connection.begin_nested():
            statement = (
                sa.update(replies)
                .where(replies.c.id == reply.id, replies.c.version == reply.version)
                .values(**_values(reply), version=reply.version + 1)
                .returning(replies.c.id)
            )
            moved = connection.execute(statement).first()
    except sa.exc.IntegrityError as error:
        raise Conflict("this post has another reply under way already") from error
    if moved is None:
        present = load(connection, reply.id or 0)
        raise Conflict(
            "this reply has changed meanwhile",
            present={"id": present.id, "version": present.version, "status": present.status, "text": present.text},
        )
    reply.version += 1
    tell(connection, "reply", reply.id, now=now)
    tell(connection, "case", reply.case_id, now=now)


def live_for(connection: sa.Connection, mention_id: int) -> Reply | None:
    """Return the live reply to a mention, if there is one."""
    live = [str(status) for status in LIVE]
    statement = sa.select(replies).where(replies.c.mention_id == mention_id, replies.c.status.in_(live))
    row = connection.execute(statement).mappings().one_or_none()
    return _reply(row) if row else None


def sent_after(connection: sa.Connection, reply: Reply) -> bool:
    """Whether another reply to the same mention, written later, is live."""
    columns = replies.c
    statement = sa.select(columns.id).where(
        columns.mention_id == reply.mention_id, columns.id > reply.id, columns.status == str(ReplyStatus.SENT)
    )
    return connection.execute(statement.limit(1)).first() is not None


def retire_failed(connection: sa.Connection, reply: Reply) -> None:
    """Withdraw the replies to the same mention that were refused before: this one takes their place."""
    columns = replies.c
    where = sa.and_(
        columns.mention_id == reply.mention_id, columns.id != reply.id, columns.status == str(ReplyStatus.FAILED)
    )
    values = {"status": str(ReplyStatus.WITHDRAWN), "due_at": None, "version": columns.version + 1}
    connection.execute(sa.update(replies).where(where).values(**values))


def wake(connection: sa.Connection, source_id: int, *, now: datetime) -> None:
    """Let replies that wait for a source go out, now that it is in use again."""
    columns = replies.c
    brought = sa.select(mention_sources.c.mention_id).where(mention_sources.c.source_id == source_id)
    where = sa.and_(columns.status == str(ReplyStatus.APPROVED), columns.due_at > now, columns.mention_id.in_(brought))
    connection.execute(sa.update(replies).where(where).values(due_at=now))


def of_case(connection: sa.Connection, case_id: int) -> list[sa.RowMapping]:
    """Return a case's replies, oldest first, with who wrote and approved them."""
    writer, approver = users.alias("writer"), users.alias("approver")
    statement = (
        sa.select(replies, writer.c.name.label("writer"), approver.c.name.label("approver"))
        .outerjoin(writer, replies.c.created_by == sa.literal("user:") + sa.cast(writer.c.id, sa.Text))
        .outerjoin(approver, replies.c.approved_by == sa.literal("user:") + sa.cast(approver.c.id, sa.Text))
        .where(replies.c.case_id == case_id)
        .order_by(replies.c.id)
    )
    return list(connection.execute(statement).mappings())


def due(connection: sa.Connection, *, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
    """Return `(id, status)` of replies a worker should act on: to send, to look for, or left behind while sending."""
    working = [str(s) for s in (ReplyStatus.APPROVED, ReplyStatus.SENDING, ReplyStatus.UNCERTAIN)]
    statement = (
        sa.select(replies.c.id, replies.c.status)
        .where(replies.c.status.in_(working), replies.c.due_at <= now)
        .order_by(replies.c.due_at, replies.c.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def lease(connection: sa.Connection, reply: Reply, *, now: datetime, lease: timedelta) -> None:
    """Keep others from looking for an uncertain reply while we do."""
    reply.due_at = now + lease
    save(connection, reply, now=now)


def drop_quoting(connection: sa.Connection, mention_id: int, *, now: datetime) -> None:
    """Wipe drafts and withdraw what is not sent yet, when the post they answer is gone."""
    waiting = (str(ReplyStatus.DRAFT), str(ReplyStatus.APPROVED))
    statement = (
        sa.update(replies)
        .where(replies.c.mention_id == mention_id, replies.c.status.in_(waiting))
        .values(
            text="",
            status=str(ReplyStatus.WITHDRAWN),
            due_at=None,
            version=replies.c.version + 1,
            error="the post was deleted",
        )
    )
    connection.execute(statement)
    case_id = connection.execute(sa.select(mentions.c.case_id).where(mentions.c.id == mention_id)).scalar()
    tell(connection, "case", case_id, now=now)


def _values(reply: Reply) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value := getattr(reply, name), ReplyStatus) else value
        for name in _FIELDS
        if name not in ("id", "version")
    }


def _reply(row: sa.RowMapping) -> Reply:
    values = {name: row[name] for name in _FIELDS}
    return Reply(**values | {"status": ReplyStatus(row["status"])})
