"""Keep a page of mentions: new ones, edits and deletions, each once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.mention import Deletion, Mention
from store.changes import tell
from store.fold import fold
from store.mentions import retitle, wipe
from store.replies import drop_quoting
from store.tables import authors, conversations, mention_brands, mention_revisions, mention_sources, mentions
from store.upsert import add_new, put

Key = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class Kept:
    """What became of the items of a page."""

    new: int = 0
    changed: int = 0
    known: int = 0
    deleted: int = 0


def keep(
    connection: sa.Connection,
    items: Sequence[Mention | Deletion],
    *,
    source_id: int,
    brand_id: int | None,
    now: datetime,
) -> Kept:
    """Store mentions and honour deletions, at most 500 at a time; the same items twice change nothing."""
    latest: dict[Key, Mention] = {item.key: item for item in items if isinstance(item, Mention)}
    # In one order everywhere: two pages at once then wait for each other instead of locking each other out.
    latest = dict(sorted(latest.items()))
    kept = Kept()
    if latest:
        _keep_mentions(connection, latest, kept, source_id=source_id, brand_id=brand_id, now=now)
    for item in items:
        if isinstance(item, Deletion):
            kept.deleted += _delete(connection, item, now)
    if kept.new or kept.changed or kept.deleted:
        tell(connection, "mention", None, now=now)
    return kept


def _keep_mentions(
    connection: sa.Connection,
    latest: dict[Key, Mention],
    kept: Kept,
    *,
    source_id: int,
    brand_id: int | None,
    now: datetime,
) -> None:
    author_ids = _author_ids(connection, latest)
    conversation_ids = _conversation_ids(connection, latest)
    present = _present(connection, latest)
    rows = [
        _row(item, author_ids[_author_key(item)], conversation_ids[_root_key(item)], now)
        for key, item in latest.items()
        if key not in present
    ]
    columns = mentions.c
    added = add_new(connection, mentions, rows, columns.id, columns.platform, columns.realm, columns.external_id)
    ids: dict[Key, int] = {(str(p), str(r), str(e)): int(i) for i, p, r, e in added}
    kept.new = len(ids)
    for key, (mention_id, digest, deleted) in present.items():
        ids[key] = mention_id
        if deleted or digest == _digest(latest[key]):
            kept.known += 1
        else:
            _edit(connection, mention_id, latest[key], now)
            kept.changed += 1
    kept.known += len(latest) - len(ids)  # somebody else stored it between our look and our insert
    add_new(connection, mention_sources, [{"mention_id": i, "source_id": source_id} for i in ids.values()])
    if brand_id is not None:
        add_new(connection, mention_brands, [{"mention_id": i, "brand_id": brand_id} for i in ids.values()])


def _author_key(item: Mention) -> Key:
    return (item.platform, item.realm, item.author.external_id)


def _root_key(item: Mention) -> Key:
    return (item.platform, item.realm, item.conversation_id or item.external_id)


def _author_ids(connection: sa.Connection, latest: dict[Key, Mention]) -> dict[Key, int]:
    rows = {
        _author_key(item): {
            "platform": item.platform,
            "realm": item.realm,
            "external_id": item.author.external_id,
            "handle": item.author.handle,
            "name": item.author.name,
            "followers": item.author.followers,
            "url": item.author.url,
        }
        for item in latest.values()
    }
    put(connection, authors, [rows[key] for key in sorted(rows)], key=("platform", "realm", "external_id"))
    return _ids(connection, authors, list(rows))


def _conversation_ids(connection: sa.Connection, latest: dict[Key, Mention]) -> dict[Key, int]:
    keys = sorted({_root_key(item) for item in latest.values()})
    add_new(connection, conversations, [{"platform": p, "realm": r, "external_id": e} for p, r, e in keys])
    return _ids(connection, conversations, keys)


def _ids(connection: sa.Connection, table: sa.Table, keys: list[Key]) -> dict[Key, int]:
    columns = table.c
    statement = sa.select(columns.id, columns.platform, columns.realm, columns.external_id).where(
        columns.platform.in_({key[0] for key in keys}),
        columns.realm.in_({key[1] for key in keys}),
        columns.external_id.in_({key[2] for key in keys}),
    )
    return {(row[1], row[2], row[3]): int(row[0]) for row in connection.execute(statement)}


def _present(connection: sa.Connection, latest: dict[Key, Mention]) -> dict[Key, tuple[int, str, bool]]:
    columns = mentions.c
    statement = sa.select(
        columns.id, columns.platform, columns.realm, columns.external_id, columns.digest, columns.deleted_at
    ).where(
        columns.platform.in_({key[0] for key in latest}),
        columns.realm.in_({key[1] for key in latest}),
        columns.external_id.in_({key[2] for key in latest}),
    )
    rows = connection.execute(statement)
    found = {(row[1], row[2], row[3]): (int(row[0]), str(row[4]), row[5] is not None) for row in rows}
    return {key: value for key, value in found.items() if key in latest}


def _digest(item: Mention) -> str:
    return hashlib.sha256(f"{item.rating}\0{item.text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _search_text(item: Mention) -> str:
    return fold(item.text, item.author.handle, item.author.name, item.product, item.place)


def _row(item: Mention, author_id: int, conversation_id: int, now: datetime) -> dict[str, Any]:
    return {
        "platform": item.platform,
        "realm": item.realm,
        "external_id": item.external_id,
        "author_id": author_id,
        "conversation_id": conversation_id,
        "in_reply_to": item.in_reply_to,
        "text": item.text,
        "search_text": _search_text(item),
        "lang_hint": item.lang,
        "url": item.url,
        "rating": item.rating,
        "product": item.product,
        "place": item.place,
        "raw": dict(item.raw),
        "ours": item.ours,
        "posted_at": item.posted_at,
        "seen_at": now,
        "digest": _digest(item),
        "stage": "done" if item.ours else "classify",
        "outcome": "ours" if item.ours else "",
        "due_at": None if item.ours else now,
    }


def _edit(connection: sa.Connection, mention_id: int, item: Mention, now: datetime) -> None:
    """Keep the words as they were under their revision, and have the new ones classified."""
    columns = mentions.c
    before = connection.execute(
        sa.select(columns.revision, columns.text, columns.seen_at, columns.case_id).where(columns.id == mention_id)
    ).one()
    row = {"mention_id": mention_id, "revision": before.revision, "text": before.text, "seen_at": before.seen_at}
    add_new(connection, mention_revisions, [row])
    values: dict[str, Any] = {
        "text": item.text,
        "search_text": _search_text(item),
        "rating": item.rating,
        "raw": dict(item.raw),
        "digest": _digest(item),
        "revision": before.revision + 1,
        "edited_at": now,
    }
    if not item.ours:
        values |= {"stage": "classify", "due_at": now, "attempts": 0, "error": ""}
    connection.execute(sa.update(mentions).where(columns.id == mention_id).values(**values))
    if before.case_id is not None:
        retitle(connection, before.case_id)


def _delete(connection: sa.Connection, item: Deletion, now: datetime) -> int:
    columns = mentions.c
    statement = sa.select(columns.id).where(
        columns.platform == item.platform,
        columns.realm == item.realm,
        columns.external_id == item.external_id,
        columns.deleted_at.is_(None),
    )
    mention_id = connection.execute(statement).scalar()
    if mention_id is None:
        return 0
    wipe(connection, mention_id, at=item.at)
    drop_quoting(connection, mention_id, now=now)
    return 1
