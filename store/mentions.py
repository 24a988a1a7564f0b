"""Mentions: kept once each, however often and from wherever they come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.case import title_of
from domain.classification import Classification, Weight
from domain.mention import Author, Mention, MentionRef
from store.fold import fold, like
from store.tables import (
    authors,
    brands,
    case_events,
    cases,
    classifications,
    conversations,
    mention_brands,
    mention_revisions,
    mention_sources,
    mentions,
    sources,
    suggestions,
)

LIST = [
    mentions.c[name]
    for name in [
        "id",
        "platform",
        "realm",
        "external_id",
        "case_id",
        "text",
        "url",
        "rating",
        "ours",
        "posted_at",
        "edited_at",
        "deleted_at",
        "revision",
        "stage",
        "outcome",
        "error",
        "lang",
        "complaint",
        "complaint_score",
        "urgency",
        "sentiment",
        "topics",
        "conversation_id",
        "author_id",
        "in_reply_to",
        "product",
        "place",
    ]
] + [authors.c.handle, authors.c.name, authors.c.followers]


def listing(
    connection: sa.Connection,
    *,
    query: str = "",
    brand: str | None = None,
    complaint: bool | None = None,
    urgency: str | None = None,
    sentiment: str | None = None,
    topic: str | None = None,
    lang: str | None = None,
    platform: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[sa.RowMapping]:
    """Return mentions, newest post first; `after` is the id of the last one of the page before."""
    columns = mentions.c
    statement = sa.select(*LIST).join(authors, authors.c.id == columns.author_id)
    for wanted, column in (
        (complaint, columns.complaint),
        (urgency, columns.urgency),
        (sentiment, columns.sentiment),
        (lang, columns.lang),
        (platform, columns.platform),
        (outcome, columns.outcome),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if query.strip():
        statement = statement.where(columns.search_text.like(like(query), escape="\\"))
    if topic is not None:
        statement = statement.where(sa.cast(columns.topics, sa.Text).contains(f'"{topic}"', autoescape=True))
    if brand is not None:
        about = sa.select(mention_brands.c.mention_id).join(brands).where(brands.c.name == brand)
        statement = statement.where(columns.id.in_(about))
    if since is not None:
        statement = statement.where(columns.posted_at >= since)
    if until is not None:
        statement = statement.where(columns.posted_at < until)
    if after is not None:
        mark = connection.execute(sa.select(columns.posted_at).where(columns.id == after)).scalar()
        if mark is not None:
            statement = statement.where(sa.tuple_(columns.posted_at, columns.id) < sa.tuple_(mark, sa.literal(after)))
    statement = statement.order_by(columns.posted_at.desc(), columns.id.desc()).limit(limit)
    return list(connection.execute(statement).mappings())


def get(connection: sa.Connection, mention_id: int) -> sa.RowMapping | None:
    """Return one mention with its author, or None."""
    statement = sa.select(*LIST).join(authors, authors.c.id == mentions.c.author_id).where(mentions.c.id == mention_id)
    return connection.execute(statement).mappings().one_or_none()


def conversation(
    connection: sa.Connection, conversation_ids: Sequence[int], *, case_id: int | None = None, limit: int = 200
) -> list[sa.RowMapping]:
    """Return the newest `limit` posts of conversations and every one that belongs to a case, oldest first."""
    columns = mentions.c
    newest = (
        sa.select(columns.id)
        .where(columns.conversation_id.in_(conversation_ids))
        .order_by(columns.posted_at.desc(), columns.id.desc())
        .limit(limit)
        .subquery()
    )
    wanted: sa.ColumnElement[bool] = columns.id.in_(sa.select(newest.c.id))
    if case_id is not None:
        wanted = sa.or_(wanted, columns.case_id == case_id)
    statement = sa.select(*LIST).join(authors, authors.c.id == columns.author_id).where(wanted)
    return list(connection.execute(statement.order_by(columns.posted_at, columns.id)).mappings())


def by_author(connection: sa.Connection, author_id: int, *, limit: int = 20) -> list[sa.RowMapping]:
    """Return an author's mentions, newest first (C8)."""
    statement = (
        sa.select(*LIST)
        .join(authors, authors.c.id == mentions.c.author_id)
        .where(mentions.c.author_id == author_id)
        .order_by(mentions.c.posted_at.desc())
        .limit(limit)
    )
    return list(connection.execute(statement).mappings())


def ref(connection: sa.Connection, mention_id: int) -> MentionRef:
    """Return what a publisher needs to answer."""
    statement = (
        sa.select(mentions, conversations.c.external_id.label("root"))
        .join(conversations, conversations.c.id == mentions.c.conversation_id)
        .where(mentions.c.id == mention_id)
    )
    row = connection.execute(statement).mappings().one()
    return MentionRef(
        platform=row["platform"],
        realm=row["realm"],
        external_id=row["external_id"],
        conversation_id=row["root"],
        url=row["url"],
    )


def domain(connection: sa.Connection, mention_id: int) -> Mention:
    """Return a stored mention as its platform showed it."""
    root = conversations.c.external_id.label("root")
    author = authors.c.external_id.label("author_external_id")
    statement = (
        sa.select(mentions, root, author, authors.c.handle, authors.c.name, authors.c.followers)
        .join(conversations, conversations.c.id == mentions.c.conversation_id)
        .join(authors, authors.c.id == mentions.c.author_id)
        .where(mentions.c.id == mention_id)
    )
    row = connection.execute(statement).mappings().one()
    return Mention(
        platform=row["platform"],
        realm=row["realm"],
        external_id=row["external_id"],
        text=row["text"],
        author=Author(
            external_id=row["author_external_id"], handle=row["handle"], name=row["name"], followers=row["followers"]
        ),
        posted_at=row["posted_at"],
        conversation_id=row["root"],
        in_reply_to=row["in_reply_to"],
        url=row["url"],
        lang=row["lang_hint"],
        rating=row["rating"],
        ours=row["ours"],
        raw=row["raw"] or {},
    )


def source_names(connection: sa.Connection, mention_id: int) -> list[str]:
    """Return the sources a mention came by."""
    statement = sa.select(sources.c.name).join(mention_sources).where(mention_sources.c.mention_id == mention_id)
    return list(connection.execute(statement.order_by(sources.c.id)).scalars())


def source_platforms(connection: sa.Connection, mention_id: int) -> set[str]:
    """Return the platforms of the sources a mention came by."""
    statement = sa.select(sources.c.platform).join(mention_sources).where(mention_sources.c.mention_id == mention_id)
    return set(connection.execute(statement).scalars())


def brand_id(connection: sa.Connection, mention_id: int) -> int | None:
    """Return the first brand a mention concerns."""
    statement = sa.select(sa.func.min(mention_brands.c.brand_id)).where(mention_brands.c.mention_id == mention_id)
    return connection.execute(statement).scalar()


def retry(connection: sa.Connection, mention_id: int, *, now: datetime) -> None:
    """Take a failed row up again."""
    values = {"stage": "classify", "due_at": now, "attempts": 0, "error": ""}
    where = sa.and_(mentions.c.id == mention_id, mentions.c.stage == "failed")
    connection.execute(sa.update(mentions).where(where).values(**values))


def settle(connection: sa.Connection, mention_id: int, *, revision: int, outcome: str, case_id: int | None) -> bool:
    """Close the triage of one revision; False when somebody else has, or the post has changed."""
    where = sa.and_(
        mentions.c.id == mention_id, mentions.c.revision == revision, mentions.c.stage.in_(("triage", "done"))
    )
    values: dict[str, Any] = {"stage": "done", "due_at": None, "attempts": 0, "error": "", "outcome": outcome}
    if case_id is not None:
        values["case_id"] = case_id
    statement = sa.update(mentions).where(where).values(**values).returning(mentions.c.id)
    return connection.execute(statement).first() is not None


def attach(connection: sa.Connection, mention_id: int, *, case_id: int) -> None:
    """Give a mention to a case opened by hand; what is still to be classified is, for language and topic."""
    values = {"case_id": case_id, "outcome": "opened"}
    connection.execute(sa.update(mentions).where(mentions.c.id == mention_id).values(**values))


def by_key(connection: sa.Connection, key: tuple[str, str, str]) -> int | None:
    """Return a mention's id by `(platform, realm, external id)`."""
    columns = mentions.c
    where = sa.and_(columns.platform == key[0], columns.realm == key[1], columns.external_id == key[2])
    return connection.execute(sa.select(columns.id).where(where)).scalar()


def classification(
    connection: sa.Connection, mention_id: int, revision: int
) -> tuple[Classification, list[Weight]] | None:
    """Return the newest classification of a revision, with the words that weighed where they were worked out."""
    columns = classifications.c
    statement = (
        sa.select(columns.record, columns.why)
        .where(columns.mention_id == mention_id, columns.revision == revision)
        .order_by(columns.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    weights = [Weight(span=(w["span"][0], w["span"][1]), weight=w["weight"], head=w["head"]) for w in row.why or ()]
    return Classification.from_record(row.record), weights


def is_newest(connection: sa.Connection, case_id: int, row: sa.RowMapping) -> bool:
    """Whether no post of a case is newer than this one."""
    columns = mentions.c
    newer = sa.tuple_(columns.posted_at, columns.id) > sa.tuple_(
        sa.literal(row["posted_at"], columns.posted_at.type), sa.literal(row["id"])
    )
    where = sa.and_(columns.case_id == case_id, columns.id != row["id"], columns.deleted_at.is_(None), newer)
    return connection.execute(sa.select(columns.id).where(where).limit(1)).first() is None


def set_why(connection: sa.Connection, mention_id: int, revision: int, *, why: Sequence[Weight]) -> None:
    """Keep the words that weighed beside the classifications of a revision."""
    value = [{"span": list(w.span), "weight": w.weight, "head": w.head} for w in why]
    where = sa.and_(classifications.c.mention_id == mention_id, classifications.c.revision == revision)
    connection.execute(sa.update(classifications).where(where).values(why=value))


def stages(connection: sa.Connection) -> dict[str, int]:
    """Return how many mentions wait at each stage, `done` left out."""
    statement = (
        # Literally as in the partial index, which both databases then use.
        sa.select(mentions.c.stage, sa.func.count())
        .where(sa.text("mentions.stage <> 'done'"))
        .group_by(mentions.c.stage)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def count(connection: sa.Connection, *, outcome: str | None = None) -> int:
    """Return how many mentions are stored, or have one outcome."""
    statement = sa.select(sa.func.count()).select_from(mentions)
    if outcome is not None:
        statement = statement.where(mentions.c.outcome == outcome)
    return connection.execute(statement).scalar_one()


def wipe(connection: sa.Connection, mention_id: int, *, at: datetime) -> None:
    """Honour a deletion: words, revisions, search text and drafts that quote them go; ids and times stay."""
    connection.execute(
        sa.update(mentions)
        .where(mentions.c.id == mention_id, mentions.c.deleted_at.is_(None))
        .values(
            text="",
            search_text="",
            raw=None,
            digest="",
            deleted_at=at,
            stage="done",
            due_at=None,
            error="",
            revision=mentions.c.revision + 1,
        )
    )
    connection.execute(sa.update(mention_revisions).where(mention_revisions.c.mention_id == mention_id).values(text=""))
    connection.execute(sa.delete(classifications).where(classifications.c.mention_id == mention_id))
    gone: Mapping[str, Any] = {"text": "", "steps": [], "gaps": [], "reasons": []}
    connection.execute(sa.update(suggestions).where(suggestions.c.mention_id == mention_id).values(**gone))
    case_id = connection.execute(sa.select(mentions.c.case_id).where(mentions.c.id == mention_id)).scalar()
    if case_id is not None:
        retitle(connection, case_id)
        connection.execute(
            sa.insert(case_events).values(
                case_id=case_id, at=at, actor="author", kind="deleted", data={"mention_id": mention_id}
            )
        )


def unfinished(connection: sa.Connection, source: str) -> int:
    """Return how many mentions of a source still wait for a worker."""
    statement = (
        sa.select(sa.func.count())
        .select_from(mentions)
        .join(mention_sources, mention_sources.c.mention_id == mentions.c.id)
        .join(sources, sources.c.id == mention_sources.c.source_id)
        .where(sources.c.name == source, mentions.c.stage.in_(("classify", "triage")))
    )
    return connection.execute(statement).scalar_one()


def retitle(connection: sa.Connection, case_id: int) -> None:
    """Take a case's title and search text from the oldest of its posts that is still there, as it reads now."""
    columns = mentions.c
    statement = (
        sa.select(columns.text)
        .where(columns.case_id == case_id, columns.deleted_at.is_(None))
        .order_by(columns.posted_at, columns.id)
        .limit(1)
    )
    text = connection.execute(statement).scalar()
    title = "(post deleted)" if text is None else title_of(text)
    values = {"title": title, "search_text": fold(title, text)}
    connection.execute(sa.update(cases).where(cases.c.id == case_id).values(**values))
