"""The tables. Constraints and partial unique indexes carry the invariants; nothing checks beforehand."""

import sqlalchemy as sa

from store.types import Json, Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _to(table: str, name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, Id, sa.ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, default=default, server_default=default)


def _count(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, default=default, server_default=str(default))


def _flag(name: str, default: bool = False) -> sa.Column[bool]:
    server = sa.true() if default else sa.false()
    return sa.Column(name, sa.Boolean, nullable=False, default=default, server_default=server)


def _at(name: str, *, nullable: bool = True, index: bool = False) -> sa.Column[object]:
    return sa.Column(name, Moment, nullable=nullable, index=index)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, Json)


users = sa.Table(
    "users",
    metadata,
    _id(),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    _text("name"),
    _text("password_hash"),
    _text("role", "agent"),
    _flag("active", True),
    _at("created_at", nullable=False),
    sa.CheckConstraint("role IN ('agent', 'lead', 'admin')", name="users_role"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _to("users", "user_id", index=True),
    _at("created_at", nullable=False),
    _at("expires_at", nullable=False, index=True),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _to("users", "user_id"),
    _at("expires_at", nullable=False),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    _id(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    _to("users", "user_id"),
    _text("name"),
    _json("scopes"),
    _at("created_at", nullable=False),
    _at("revoked_at"),
)

brands = sa.Table("brands", metadata, _id(), sa.Column("name", sa.Text, nullable=False, unique=True))

sources = sa.Table(
    "sources",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("platform", sa.Text, nullable=False),
    _to("brands", "brand_id", nullable=True),
    _json("spec"),
    _text("origin", "desk"),
    _text("status", "active"),
    _json("cursor"),
    _count("cursor_version"),
    _at("due_at", index=True),
    _at("polled_at"),
    _at("ok_at"),
    _count("failures"),
    _text("error"),
    _at("created_at", nullable=False),
    sa.CheckConstraint("status IN ('active', 'paused', 'disabled', 'manual')", name="sources_status"),
)

coverage = sa.Table(
    "coverage",
    metadata,
    _id(),
    _to("sources", "source_id"),
    _at("started_at", nullable=False),
    _at("ended_at", nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    _count("items"),
    _count("fresh"),
    _count("rejected"),
    _text("detail"),
    sa.Index("ix_coverage_source_id_started_at", "source_id", "started_at"),
)

rejects = sa.Table(
    "rejects",
    metadata,
    _id(),
    _to("sources", "source_id", index=True),
    _text("place"),
    _text("reason"),
    _text("raw"),
    sa.Column("digest", sa.Text, nullable=False),
    _at("seen_at", nullable=False),
    sa.UniqueConstraint("source_id", "digest"),
)

authors = sa.Table(
    "authors",
    metadata,
    _id(),
    sa.Column("platform", sa.Text, nullable=False),
    _text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    _text("handle"),
    _text("name"),
    sa.Column("followers", sa.BigInteger),
    sa.Column("url", sa.Text),
    sa.UniqueConstraint("platform", "realm", "external_id"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    _id(),
    sa.Column("platform", sa.Text, nullable=False),
    _text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.UniqueConstraint("platform", "realm", "external_id"),
)

cases = sa.Table(
    "cases",
    metadata,
    _id(),
    _count("version", 1),
    _to("brands", "brand_id", nullable=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    _text("title"),
    _text("platform"),
    _text("lang"),
    _text("search_text"),
    _to("authors", "author_id", nullable=True, index=True),
    _to("users", "assignee_id", nullable=True, index=True),
    _json("tags"),
    _at("opened_at", nullable=False),
    _at("heard_at"),
    _at("snoozed_until", index=True),
    _at("resolved_at"),
    _at("closed_at"),
    sa.Column("disposition", sa.Text),
    _text("root_cause"),
    _text("remedy_sought"),
    _at("next_due_at"),
    sa.Column("next_due_kind", sa.Text),
    sa.Column("last_mention_id", Id),
    _at("prepare_at", index=True),
    _count("prepare_attempts"),
    _text("error"),
    sa.CheckConstraint("status IN ('new', 'open', 'pending', 'snoozed', 'resolved', 'closed')", name="cases_status"),
    sa.Index("ix_cases_status_rank_next_due_at", "status", "rank", "next_due_at"),
    sa.Index("ix_cases_next_due_at", "next_due_at"),
)

case_conversations = sa.Table(
    "case_conversations",
    metadata,
    _id(),
    _to("cases", "case_id", index=True),
    _to("conversations", "conversation_id"),
    _to("authors", "author_id"),
    _flag("live", True),
    sa.UniqueConstraint("case_id", "conversation_id", "author_id"),
    sa.Index(
        "uq_live_case",
        "conversation_id",
        "author_id",
        unique=True,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    ),
)

mentions = sa.Table(
    "mentions",
    metadata,
    _id(),
    sa.Column("platform", sa.Text, nullable=False),
    _text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    _to("authors", "author_id", index=True),
    _to("conversations", "conversation_id", index=True),
    _to("cases", "case_id", nullable=True, index=True),
    sa.Column("in_reply_to", sa.Text),
    _text("text"),
    _text("search_text"),
    sa.Column("lang_hint", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("rating", sa.Integer),
    sa.Column("product", sa.Text),
    sa.Column("place", sa.Text),
    _json("raw"),
    _flag("ours"),
    _at("posted_at", nullable=False),
    _at("seen_at", nullable=False),
    _at("edited_at"),
    _at("deleted_at"),
    _count("revision", 1),
    _text("digest"),
    _text("stage", "classify"),
    _at("due_at"),
    _count("attempts"),
    _text("error"),
    _text("outcome"),
    # What the newest classification says, so that a list needs no join and no JSON.
    sa.Column("lang", sa.Text),
    sa.Column("complaint", sa.Boolean),
    sa.Column("complaint_score", sa.Float),
    sa.Column("urgency", sa.Text),
    sa.Column("sentiment", sa.Text),
    _json("topics"),
    sa.UniqueConstraint("platform", "realm", "external_id"),
    sa.CheckConstraint("stage IN ('classify', 'triage', 'done', 'failed')", name="mentions_stage"),
    sa.Index("ix_mentions_posted_at_id", "posted_at", "id"),
    sa.Index(
        "ix_mentions_work",
        "stage",
        "due_at",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    ),
    sa.Index("ix_mentions_outcome_posted_at", "outcome", "posted_at"),
)

mention_revisions = sa.Table(
    "mention_revisions",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    _text("text"),
    _at("seen_at", nullable=False),
)

mention_sources = sa.Table(
    "mention_sources",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("source_id", Id, sa.ForeignKey("sources.id"), primary_key=True),
)

mention_brands = sa.Table(
    "mention_brands",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("brand_id", Id, sa.ForeignKey("brands.id"), primary_key=True),
)

classifications = sa.Table(
    "classifications",
    metadata,
    _id(),
    _to("mentions", "mention_id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    _json("record"),
    _json("why"),
    _at("created_at", nullable=False),
    sa.UniqueConstraint("mention_id", "revision", "model_version"),
)

case_events = sa.Table(
    "case_events",
    metadata,
    _id(),
    _to("cases", "case_id", index=True),
    _at("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    _json("data"),
)

sla_targets = sa.Table(
    "sla_targets",
    metadata,
    _id(),
    _to("cases", "case_id"),
    sa.Column("kind", sa.Text, nullable=False),
    _at("started_at", nullable=False),
    _at("due_at", nullable=False),
    _at("met_at"),
    _at("breached_at"),
    sa.UniqueConstraint("case_id", "kind", "due_at"),
)

suggestions = sa.Table(
    "suggestions",
    metadata,
    _id(),
    _to("cases", "case_id", index=True),
    _to("mentions", "mention_id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    _count("position"),
    _text("lang"),
    _text("title"),
    _text("text"),
    _json("steps"),
    _json("gaps"),
    _json("reasons"),
    _at("created_at", nullable=False),
    sa.UniqueConstraint("mention_id", "revision", "position"),
)

replies = sa.Table(
    "replies",
    metadata,
    _id(),
    _count("version", 1),
    _to("cases", "case_id", index=True),
    _to("mentions", "mention_id"),
    _to("suggestions", "suggestion_id", nullable=True),
    _text("text"),
    _text("lang"),
    _text("channel", "api"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    _text("created_by"),
    _at("created_at", nullable=False),
    sa.Column("approved_by", sa.Text),
    _at("approved_at"),
    _at("due_at"),
    _at("sending_at"),
    _at("sent_at"),
    sa.Column("external_id", sa.Text),
    sa.Column("url", sa.Text),
    _count("attempts"),
    _count("looks"),
    _text("error"),
    sa.CheckConstraint(
        "status IN ('draft', 'approved', 'sending', 'sent', 'failed', 'uncertain', 'withdrawn')",
        name="replies_status",
    ),
    sa.Index("ix_replies_status_due_at", "status", "due_at"),
    sa.Index(
        "uq_live_reply",
        "mention_id",
        unique=True,
        sqlite_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
        postgresql_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
    ),
)

follow_ups = sa.Table(
    "follow_ups",
    metadata,
    _id(),
    _to("cases", "case_id", index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    _at("due_at", nullable=False),
    _at("done_at"),
    sa.Column("done_by", sa.Text),
    _text("note"),
    sa.Index(
        "uq_waiting_follow_up",
        "case_id",
        "kind",
        unique=True,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    ),
    sa.Index("ix_follow_ups_status_due_at", "status", "due_at"),
)

changes = sa.Table(
    "changes",
    metadata,
    _id(),
    _at("at", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ref", Id),
    sqlite_autoincrement=True,
)

answered_keys = sa.Table(
    "answered_keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    _text("fingerprint"),
    sa.Column("status", sa.Integer, nullable=False),
    _json("body"),
    _at("at", nullable=False, index=True),
)
