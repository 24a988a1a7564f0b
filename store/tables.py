"""The tables. Constraints and partial unique indexes carry the invariants; nothing checks beforehand."""

import sqlalchemy as sa

from store.columns import Id, at, count, flag, json, key, only_one, some, text, to

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = sa.Table(
    "users",
    metadata,
    key(),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    text("name"),
    text("password_hash"),
    text("role", "agent"),
    flag("active", True),
    at("created_at", nullable=False),
    sa.CheckConstraint("role IN ('agent', 'lead', 'admin')", name="users_role"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    to("users", "user_id", index=True),
    at("created_at", nullable=False),
    at("expires_at", nullable=False, index=True),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    to("users", "user_id"),
    at("expires_at", nullable=False),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    key(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    to("users", "user_id"),
    text("name"),
    json("scopes"),
    at("created_at", nullable=False),
    at("revoked_at"),
)

brands = sa.Table("brands", metadata, key(), sa.Column("name", sa.Text, nullable=False, unique=True))

sources = sa.Table(
    "sources",
    metadata,
    key(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("platform", sa.Text, nullable=False),
    to("brands", "brand_id", nullable=True),
    json("spec"),
    text("origin", "desk"),
    text("status", "active"),
    json("cursor"),
    count("cursor_version"),
    at("due_at", index=True),
    at("polled_at"),
    at("ok_at"),
    count("failures"),
    text("error"),
    at("created_at", nullable=False),
    sa.CheckConstraint("status IN ('active', 'paused', 'disabled', 'manual')", name="sources_status"),
)

coverage = sa.Table(
    "coverage",
    metadata,
    key(),
    to("sources", "source_id"),
    at("started_at", nullable=False),
    at("ended_at", nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    count("items"),
    count("fresh"),
    count("rejected"),
    text("detail"),
    sa.Index("ix_coverage_source_id_started_at", "source_id", "started_at"),
    sa.Index("ix_coverage_started_at", "started_at"),
)

rejects = sa.Table(
    "rejects",
    metadata,
    key(),
    to("sources", "source_id", index=True),
    text("place"),
    text("reason"),
    text("raw"),
    sa.Column("digest", sa.Text, nullable=False),
    at("seen_at", nullable=False),
    sa.UniqueConstraint("source_id", "digest"),
)

authors = sa.Table(
    "authors",
    metadata,
    key(),
    sa.Column("platform", sa.Text, nullable=False),
    text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    text("handle"),
    text("name"),
    sa.Column("followers", sa.BigInteger),
    sa.Column("url", sa.Text),
    sa.UniqueConstraint("platform", "realm", "external_id"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    key(),
    sa.Column("platform", sa.Text, nullable=False),
    text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.UniqueConstraint("platform", "realm", "external_id"),
)

cases = sa.Table(
    "cases",
    metadata,
    key(),
    count("version", 1),
    to("brands", "brand_id", nullable=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    text("title"),
    text("platform"),
    text("lang"),
    text("search_text"),
    to("authors", "author_id", nullable=True, index=True),
    to("users", "assignee_id", nullable=True, index=True),
    json("tags"),
    at("opened_at", nullable=False),
    at("heard_at"),
    at("snoozed_until", index=True),
    at("resolved_at"),
    at("closed_at"),
    sa.Column("disposition", sa.Text),
    text("root_cause"),
    text("remedy_sought"),
    at("next_due_at"),
    sa.Column("next_due_kind", sa.Text),
    sa.Column("last_mention_id", Id),
    at("prepare_at", index=True),
    count("prepare_attempts"),
    text("error"),
    sa.CheckConstraint("status IN ('new', 'open', 'pending', 'snoozed', 'resolved', 'closed')", name="cases_status"),
    sa.Index("ix_cases_status_rank_next_due_at", "status", "rank", "next_due_at"),
    sa.Index("ix_cases_next_due_at", "next_due_at"),
)

case_conversations = sa.Table(
    "case_conversations",
    metadata,
    key(),
    to("cases", "case_id", index=True),
    to("conversations", "conversation_id"),
    to("authors", "author_id"),
    flag("live", True),
    sa.UniqueConstraint("case_id", "conversation_id", "author_id"),
    only_one("uq_live_case", "conversation_id", "author_id", where="live"),
)

mentions = sa.Table(
    "mentions",
    metadata,
    key(),
    sa.Column("platform", sa.Text, nullable=False),
    text("realm"),
    sa.Column("external_id", sa.Text, nullable=False),
    to("authors", "author_id", index=True),
    to("conversations", "conversation_id", index=True),
    to("cases", "case_id", nullable=True, index=True),
    sa.Column("in_reply_to", sa.Text),
    text("text"),
    text("search_text"),
    sa.Column("lang_hint", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("rating", sa.Integer),
    sa.Column("product", sa.Text),
    sa.Column("place", sa.Text),
    json("raw"),
    flag("ours"),
    at("posted_at", nullable=False),
    at("seen_at", nullable=False),
    at("edited_at"),
    at("deleted_at"),
    count("revision", 1),
    text("digest"),
    text("stage", "classify"),
    at("due_at"),
    count("attempts"),
    text("error"),
    text("outcome"),
    # What the newest classification says, so that a list needs no join and no JSON.
    sa.Column("lang", sa.Text),
    sa.Column("complaint", sa.Boolean),
    sa.Column("complaint_score", sa.Float),
    sa.Column("urgency", sa.Text),
    sa.Column("sentiment", sa.Text),
    json("topics"),
    sa.UniqueConstraint("platform", "realm", "external_id"),
    sa.CheckConstraint("stage IN ('classify', 'triage', 'done', 'failed')", name="mentions_stage"),
    sa.Index("ix_mentions_posted_at_id", "posted_at", "id"),
    some("ix_mentions_work", "stage", "due_at", where="due_at IS NOT NULL"),
    sa.Index("ix_mentions_outcome_posted_at", "outcome", "posted_at"),
    some("ix_mentions_undone", "stage", where="stage <> 'done'"),
)

mention_revisions = sa.Table(
    "mention_revisions",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    text("text"),
    at("seen_at", nullable=False),
)

mention_sources = sa.Table(
    "mention_sources",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("source_id", Id, sa.ForeignKey("sources.id"), primary_key=True, index=True),
)

mention_brands = sa.Table(
    "mention_brands",
    metadata,
    sa.Column("mention_id", Id, sa.ForeignKey("mentions.id"), primary_key=True),
    sa.Column("brand_id", Id, sa.ForeignKey("brands.id"), primary_key=True, index=True),
)

classifications = sa.Table(
    "classifications",
    metadata,
    key(),
    to("mentions", "mention_id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    json("record"),
    json("why"),
    at("created_at", nullable=False),
    sa.UniqueConstraint("mention_id", "revision", "model_version"),
)

case_events = sa.Table(
    "case_events",
    metadata,
    key(),
    to("cases", "case_id", index=True),
    at("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    json("data"),
)

sla_targets = sa.Table(
    "sla_targets",
    metadata,
    key(),
    to("cases", "case_id"),
    sa.Column("kind", sa.Text, nullable=False),
    at("started_at", nullable=False),
    at("due_at", nullable=False),
    at("met_at"),
    at("breached_at"),
    sa.UniqueConstraint("case_id", "kind", "started_at"),
)

suggestions = sa.Table(
    "suggestions",
    metadata,
    key(),
    to("cases", "case_id", index=True),
    to("mentions", "mention_id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    count("position"),
    text("lang"),
    text("title"),
    text("text"),
    json("steps"),
    json("gaps"),
    json("reasons"),
    at("created_at", nullable=False),
    sa.UniqueConstraint("mention_id", "revision", "position"),
)

replies = sa.Table(
    "replies",
    metadata,
    key(),
    count("version", 1),
    to("cases", "case_id", index=True),
    to("mentions", "mention_id"),
    to("suggestions", "suggestion_id", nullable=True),
    text("text"),
    text("lang"),
    text("channel", "api"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    text("created_by"),
    at("created_at", nullable=False),
    sa.Column("approved_by", sa.Text),
    at("approved_at"),
    at("due_at"),
    at("sending_at"),
    at("sent_at"),
    sa.Column("external_id", sa.Text),
    sa.Column("url", sa.Text),
    count("attempts"),
    count("looks"),
    text("error"),
    sa.CheckConstraint(
        "status IN ('draft', 'approved', 'sending', 'sent', 'failed', 'uncertain', 'withdrawn')",
        name="replies_status",
    ),
    sa.Index("ix_replies_status_due_at", "status", "due_at"),
    only_one("uq_live_reply", "mention_id", where="status IN ('draft', 'approved', 'sending', 'uncertain')"),
)

follow_ups = sa.Table(
    "follow_ups",
    metadata,
    key(),
    to("cases", "case_id", index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    at("due_at", nullable=False),
    at("done_at"),
    sa.Column("done_by", sa.Text),
    text("note"),
    only_one("uq_waiting_follow_up", "case_id", "kind", where="status = 'waiting'"),
    sa.Index("ix_follow_ups_status_due_at", "status", "due_at"),
)

changes = sa.Table(
    "changes",
    metadata,
    key(),
    at("at", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ref", Id),
    sqlite_autoincrement=True,
)

answered_keys = sa.Table(
    "answered_keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    text("fingerprint"),
    sa.Column("status", sa.Integer, nullable=False),
    json("body"),
    at("at", nullable=False, index=True),
)
