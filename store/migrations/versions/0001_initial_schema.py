"""The first schema."""

import sqlalchemy as sa
from alembic import op

from store.columns import Id
from store.types import Json, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", Json, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_answered_keys")),
    )
    with op.batch_alter_table("answered_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answered_keys_at"), ["at"], unique=False)

    op.create_table(
        "authors",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("followers", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authors")),
        sa.UniqueConstraint("platform", "realm", "external_id", name=op.f("uq_authors_platform_realm_external_id")),
    )
    op.create_table(
        "brands",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
        sa.UniqueConstraint("name", name=op.f("uq_brands_name")),
    )
    op.create_table(
        "changes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_changes_at"), ["at"], unique=False)

    op.create_table(
        "conversations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint(
            "platform", "realm", "external_id", name=op.f("uq_conversations_platform_realm_external_id")
        ),
    )
    op.create_table(
        "users",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="agent", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint("role IN ('agent', 'lead', 'admin')", name="users_role"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("scopes", Json, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_table(
        "cases",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("brand_id", Id, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("platform", sa.Text(), server_default="", nullable=False),
        sa.Column("lang", sa.Text(), server_default="", nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column("author_id", Id, nullable=True),
        sa.Column("assignee_id", Id, nullable=True),
        sa.Column("tags", Json, nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("heard_at", Moment(), nullable=True),
        sa.Column("snoozed_until", Moment(), nullable=True),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("root_cause", sa.Text(), server_default="", nullable=False),
        sa.Column("remedy_sought", sa.Text(), server_default="", nullable=False),
        sa.Column("next_due_at", Moment(), nullable=True),
        sa.Column("next_due_kind", sa.Text(), nullable=True),
        sa.Column("last_mention_id", Id, nullable=True),
        sa.Column("prepare_at", Moment(), nullable=True),
        sa.Column("prepare_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'open', 'pending', 'snoozed', 'resolved', 'closed')", name="cases_status"
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_cases_assignee_id")),
        sa.ForeignKeyConstraint(["author_id"], ["authors.id"], name=op.f("fk_cases_author_id")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_cases_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_assignee_id"), ["assignee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_author_id"), ["author_id"], unique=False)
        batch_op.create_index("ix_cases_next_due_at", ["next_due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_prepare_at"), ["prepare_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_snoozed_until"), ["snoozed_until"], unique=False)
        batch_op.create_index("ix_cases_status_rank_next_due_at", ["status", "rank", "next_due_at"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_in_links_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_links")),
    )
    op.create_table(
        "sources",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("brand_id", Id, nullable=True),
        sa.Column("spec", Json, nullable=True),
        sa.Column("origin", sa.Text(), server_default="desk", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("cursor", Json, nullable=True),
        sa.Column("cursor_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("polled_at", Moment(), nullable=True),
        sa.Column("ok_at", Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'disabled', 'manual')", name="sources_status"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_sources_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sources_due_at"), ["due_at"], unique=False)

    op.create_table(
        "case_conversations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("author_id", Id, nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["authors.id"], name=op.f("fk_case_conversations_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_conversations_case_id")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_case_conversations_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_conversations")),
        sa.UniqueConstraint(
            "case_id",
            "conversation_id",
            "author_id",
            name=op.f("uq_case_conversations_case_id_conversation_id_author_id"),
        ),
    )
    with op.batch_alter_table("case_conversations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_conversations_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            "uq_live_case",
            ["conversation_id", "author_id"],
            unique=True,
            sqlite_where=sa.text("live"),
            postgresql_where=sa.text("live"),
        )

    op.create_table(
        "case_events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_events_case_id"), ["case_id"], unique=False)

    op.create_table(
        "coverage",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fresh", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_coverage_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
    )
    with op.batch_alter_table("coverage", schema=None) as batch_op:
        batch_op.create_index("ix_coverage_source_id_started_at", ["source_id", "started_at"], unique=False)
        batch_op.create_index("ix_coverage_started_at", ["started_at"], unique=False)

    op.create_table(
        "follow_ups",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_follow_ups_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
    )
    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_ups_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_follow_ups_status_due_at", ["status", "due_at"], unique=False)
        batch_op.create_index(
            "uq_waiting_follow_up",
            ["case_id", "kind"],
            unique=True,
            sqlite_where=sa.text("status = 'waiting'"),
            postgresql_where=sa.text("status = 'waiting'"),
        )

    op.create_table(
        "mentions",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("author_id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=True),
        sa.Column("in_reply_to", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column("lang_hint", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("raw", Json, nullable=True),
        sa.Column("ours", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("posted_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("edited_at", Moment(), nullable=True),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("stage", sa.Text(), server_default="classify", nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("lang", sa.Text(), nullable=True),
        sa.Column("complaint", sa.Boolean(), nullable=True),
        sa.Column("complaint_score", sa.Float(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("topics", Json, nullable=True),
        sa.CheckConstraint("stage IN ('classify', 'triage', 'done', 'failed')", name="mentions_stage"),
        sa.ForeignKeyConstraint(["author_id"], ["authors.id"], name=op.f("fk_mentions_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_mentions_case_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_mentions_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentions")),
        sa.UniqueConstraint("platform", "realm", "external_id", name=op.f("uq_mentions_platform_realm_external_id")),
    )
    with op.batch_alter_table("mentions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mentions_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mentions_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mentions_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index("ix_mentions_outcome_posted_at", ["outcome", "posted_at"], unique=False)
        batch_op.create_index("ix_mentions_posted_at_id", ["posted_at", "id"], unique=False)
        batch_op.create_index(
            "ix_mentions_undone",
            ["stage"],
            unique=False,
            sqlite_where=sa.text("stage <> 'done'"),
            postgresql_where=sa.text("stage <> 'done'"),
        )
        batch_op.create_index(
            "ix_mentions_work",
            ["stage", "due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "rejects",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("raw", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_rejects_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects")),
        sa.UniqueConstraint("source_id", "digest", name=op.f("uq_rejects_source_id_digest")),
    )
    with op.batch_alter_table("rejects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rejects_source_id"), ["source_id"], unique=False)

    op.create_table(
        "sla_targets",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("met_at", Moment(), nullable=True),
        sa.Column("breached_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_sla_targets_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_targets")),
        sa.UniqueConstraint("case_id", "kind", "started_at", name=op.f("uq_sla_targets_case_id_kind_started_at")),
    )
    op.create_table(
        "classifications",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("record", Json, nullable=True),
        sa.Column("why", Json, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_classifications_mention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classifications")),
        sa.UniqueConstraint(
            "mention_id", "revision", "model_version", name=op.f("uq_classifications_mention_id_revision_model_version")
        ),
    )
    op.create_table(
        "mention_brands",
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("brand_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_mention_brands_brand_id")),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_mention_brands_mention_id")),
        sa.PrimaryKeyConstraint("mention_id", "brand_id", name=op.f("pk_mention_brands")),
    )
    with op.batch_alter_table("mention_brands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mention_brands_brand_id"), ["brand_id"], unique=False)

    op.create_table(
        "mention_revisions",
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_mention_revisions_mention_id")),
        sa.PrimaryKeyConstraint("mention_id", "revision", name=op.f("pk_mention_revisions")),
    )
    op.create_table(
        "mention_sources",
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_mention_sources_mention_id")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_mention_sources_source_id")),
        sa.PrimaryKeyConstraint("mention_id", "source_id", name=op.f("pk_mention_sources")),
    )
    with op.batch_alter_table("mention_sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mention_sources_source_id"), ["source_id"], unique=False)

    op.create_table(
        "suggestions",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lang", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("steps", Json, nullable=True),
        sa.Column("gaps", Json, nullable=True),
        sa.Column("reasons", Json, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_suggestions_case_id")),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_suggestions_mention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
        sa.UniqueConstraint(
            "mention_id", "revision", "position", name=op.f("uq_suggestions_mention_id_revision_position")
        ),
    )
    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suggestions_case_id"), ["case_id"], unique=False)

    op.create_table(
        "replies",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("mention_id", Id, nullable=False),
        sa.Column("suggestion_id", Id, nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("lang", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), server_default="api", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("sending_at", Moment(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'approved', 'sending', 'sent', 'failed', 'uncertain', 'withdrawn')",
            name="replies_status",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_replies_case_id")),
        sa.ForeignKeyConstraint(["mention_id"], ["mentions.id"], name=op.f("fk_replies_mention_id")),
        sa.ForeignKeyConstraint(["suggestion_id"], ["suggestions.id"], name=op.f("fk_replies_suggestion_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_replies_idempotency_key")),
    )
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_replies_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_replies_status_due_at", ["status", "due_at"], unique=False)
        batch_op.create_index(
            "uq_live_reply",
            ["mention_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
            postgresql_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_live_reply",
            sqlite_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
            postgresql_where=sa.text("status IN ('draft', 'approved', 'sending', 'uncertain')"),
        )
        batch_op.drop_index("ix_replies_status_due_at")
        batch_op.drop_index(batch_op.f("ix_replies_case_id"))

    op.drop_table("replies")
    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suggestions_case_id"))

    op.drop_table("suggestions")
    with op.batch_alter_table("mention_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mention_sources_source_id"))

    op.drop_table("mention_sources")
    op.drop_table("mention_revisions")
    with op.batch_alter_table("mention_brands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mention_brands_brand_id"))

    op.drop_table("mention_brands")
    op.drop_table("classifications")
    op.drop_table("sla_targets")
    with op.batch_alter_table("rejects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rejects_source_id"))

    op.drop_table("rejects")
    with op.batch_alter_table("mentions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_mentions_work",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_mentions_undone", sqlite_where=sa.text("stage <> 'done'"), postgresql_where=sa.text("stage <> 'done'")
        )
        batch_op.drop_index("ix_mentions_posted_at_id")
        batch_op.drop_index("ix_mentions_outcome_posted_at")
        batch_op.drop_index(batch_op.f("ix_mentions_conversation_id"))
        batch_op.drop_index(batch_op.f("ix_mentions_case_id"))
        batch_op.drop_index(batch_op.f("ix_mentions_author_id"))

    op.drop_table("mentions")
    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_waiting_follow_up",
            sqlite_where=sa.text("status = 'waiting'"),
            postgresql_where=sa.text("status = 'waiting'"),
        )
        batch_op.drop_index("ix_follow_ups_status_due_at")
        batch_op.drop_index(batch_op.f("ix_follow_ups_case_id"))

    op.drop_table("follow_ups")
    with op.batch_alter_table("coverage", schema=None) as batch_op:
        batch_op.drop_index("ix_coverage_started_at")
        batch_op.drop_index("ix_coverage_source_id_started_at")

    op.drop_table("coverage")
    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_events_case_id"))

    op.drop_table("case_events")
    with op.batch_alter_table("case_conversations", schema=None) as batch_op:
        batch_op.drop_index("uq_live_case", sqlite_where=sa.text("live"), postgresql_where=sa.text("live"))
        batch_op.drop_index(batch_op.f("ix_case_conversations_case_id"))

    op.drop_table("case_conversations")
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sources_due_at"))

    op.drop_table("sources")
    op.drop_table("sign_in_links")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_user_id"))
        batch_op.drop_index(batch_op.f("ix_sessions_expires_at"))

    op.drop_table("sessions")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("ix_cases_status_rank_next_due_at")
        batch_op.drop_index(batch_op.f("ix_cases_snoozed_until"))
        batch_op.drop_index(batch_op.f("ix_cases_prepare_at"))
        batch_op.drop_index("ix_cases_next_due_at")
        batch_op.drop_index(batch_op.f("ix_cases_author_id"))
        batch_op.drop_index(batch_op.f("ix_cases_assignee_id"))

    op.drop_table("cases")
    op.drop_table("api_tokens")
    op.drop_table("users")
    op.drop_table("conversations")
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_changes_at"))

    op.drop_table("changes")
    op.drop_table("brands")
    op.drop_table("authors")
    with op.batch_alter_table("answered_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answered_keys_at"))

    op.drop_table("answered_keys")
