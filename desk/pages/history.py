"""A case's story: posts, our replies, notes and moves, interleaved in the order in which they happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from desk.pages.marks import spoke
from desk.pages.wording import DISPOSITIONS, TARGETS, Clock, author_name
from domain.classification import Classification, Weight
from store import cases, mentions, replies

Row = sa.RowMapping
Names = Mapping[int, str]

SHOWN_REPLIES = ("approved", "sending", "sent", "failed", "uncertain")
JUDGED = 40
"""At most so many posts of a conversation are shown with their reasons, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of the story. `row` is the post, the reply or the event behind it; `to` who else it is said to."""

    at: datetime
    kind: Literal["post", "reply", "note", "event"]
    row: Row
    words: str = ""
    by: Literal["theirs", "other", "ours"] = "theirs"
    to: str = ""
    judged: Classification | None = None
    weights: Sequence[Weight] = field(default=())


def story(connection: sa.Connection, head: Row, clock: Clock, names: Names) -> list[Item]:
    """Return everything that happened in a case, oldest first."""
    case_id = head["id"]
    said = mentions.conversation(connection, cases.conversation_ids(connection, case_id), case_id=case_id)
    spoken = [row for row in replies.of_case(connection, case_id) if row["status"] in SHOWN_REPLIES]
    asked = {row["id"]: row for row in said}
    twice = _seen_twice(said, spoken, asked)
    said_to = _said_to(said, head)
    items = [
        _post(connection, row, head, judge=place < JUDGED, to=said_to(row["in_reply_to"]))
        for place, row in enumerate(reversed(said))
        if row["id"] not in twice
    ]
    for row in spoken:
        when = row["sent_at"] or row["sending_at"] or row["approved_at"] or row["created_at"]
        answered = asked.get(row["mention_id"])
        items.append(
            Item(at=when, kind="reply", row=row, by="ours", to=said_to(answered["external_id"] if answered else None))
        )
    for row in cases.events(connection, case_id):
        data = row["data"] or {}
        if row["kind"] == "note":
            items.append(Item(at=row["at"], kind="note", row=row, words=str(data.get("text", ""))))
        elif words := say(row["kind"], str(row["who"]), data, clock=clock, names=names):
            items.append(Item(at=row["at"], kind="event", row=row, words=words))
    order = {"post": 0, "event": 1, "note": 2, "reply": 3}
    return sorted(items, key=lambda item: (item.at, order[item.kind], item.row["id"]))


def _said_to(said: Sequence[Row], head: Row) -> Callable[[str | None], str]:
    """Return what names the writer of a post, by its id on the platform, where that is not the case's own author."""
    others = {
        row["external_id"]: author_name(row["name"], row["handle"])
        for row in said
        if not row["ours"] and row["author_id"] != head["author_id"]
    }
    return lambda external_id: others.get(external_id or "", "")


def _seen_twice(said: Sequence[Row], spoken: Sequence[Row], asked: Mapping[int, Row]) -> set[int]:
    """Return our posts that are live replies of ours: by their id there, their address, or words in the same place."""
    live = [row for row in spoken if row["status"] == "sent"]
    known = {row[name] for row in live for name in ("external_id", "url")} - {None}
    words = set()
    for row in live:
        answered = asked.get(row["mention_id"])
        if row["external_id"] is None and answered is not None:
            words.add((answered["external_id"], _bare(row["text"])))
    return {
        row["id"]
        for row in said
        if row["ours"]
        and (row["external_id"] in known or row["url"] in known or (row["in_reply_to"], _bare(row["text"])) in words)
    }


def _bare(text: str) -> str:
    """Return the words without the names that a platform puts before an answer."""
    words = text.split()
    while words and words[0].startswith("@"):
        words.pop(0)
    return " ".join(words)


def _post(connection: sa.Connection, row: Row, head: Row, *, judge: bool, to: str) -> Item:
    if row["ours"]:
        return Item(at=row["posted_at"], kind="post", row=row, by="ours", to=to)
    if row["author_id"] != head["author_id"]:
        return Item(at=row["posted_at"], kind="post", row=row, by="other")
    found = mentions.classification(connection, row["id"], row["revision"]) if judge and not row["deleted_at"] else None
    if found is None:
        return Item(at=row["posted_at"], kind="post", row=row)
    judged, why = found
    return Item(at=row["posted_at"], kind="post", row=row, judged=judged, weights=spoke(row["text"], judged, why))


def say(kind: str, who: str, data: Mapping[str, Any], *, clock: Clock, names: Names) -> str:
    """Return an event in words; empty where the story shows it otherwise already."""
    who = {"system": "Amends", "author": "They"}.get(who, who)
    saying = _SAYINGS.get(kind)
    if saying is None:
        return f"{who}: {kind.replace('_', ' ')}"
    return saying(who, data, clock, names)


def _because(data: Mapping[str, Any], key: str = "reason") -> str:
    reason = str(data.get(key) or "").strip()
    return f": {reason}" if reason else ""


def _when(value: object, clock: Clock) -> str:
    try:
        return clock.at(datetime.fromisoformat(str(value)))
    except (ValueError, TypeError):
        return str(value)


def _opened(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    return f"Case opened by {'triage' if who == 'Amends' else who}{_because(data)}"


def _assigned(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    to = data.get("assignee_id")
    if to is None:
        return f"{who} gave the case back to the queue"
    name = names.get(int(to), f"person {to}")
    return f"{who} took the case" if name == who else f"{who} gave the case to {name}"


def _tagged(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    changes = [f"+{tag}" for tag in data.get("added", ())] + [f"-{tag}" for tag in data.get("removed", ())]
    return f"{who} changed the tags: {', '.join(changes)}"


def _wrote(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    return "They wrote; the case stays as it is" if data.get("calm") else ""


def _priority(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    return f"Priority raised from {data.get('old')} to {data.get('new')}{_because(data)}"


def _resolved(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    how = DISPOSITIONS.get(str(data.get("disposition")), str(data.get("disposition")))
    return f"{who} resolved the case: {how}{_because(data, 'root_cause').replace(': ', ' · cause: ', 1)}"


def _breached(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    target = TARGETS.get(str(data.get("target")), str(data.get("target")))
    return f"{target} missed: it was due {_when(data.get('due_at'), clock)}"


def _waits(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    said = f"The platform could not take the reply yet{_because(data, 'error')}"
    until = data.get("until")
    return f"{said}; it goes out again {_when(until, clock)}" if until else f"{said}; it goes out again by itself"


def _lost(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    return "No answer came from the platform; Amends is looking whether the reply is live"


def _unseen(who: str, data: Mapping[str, Any], clock: Clock, names: Names) -> str:
    return f"Nobody can tell whether the reply is live: please look{_because(data, 'error')}"


_SAYINGS: Mapping[str, Callable[[str, Mapping[str, Any], Clock, Names], str]] = {
    "opened": _opened,
    "assigned": _assigned,
    "tagged": _tagged,
    "snoozed": lambda who, data, clock, names: f"{who} snoozed the case until {_when(data.get('until'), clock)}",
    "woke": lambda who, data, clock, names: "Back from snooze",
    "wrote": _wrote,
    "edited": lambda who, data, clock, names: "They edited their post",
    "deleted": lambda who, data, clock, names: "They deleted their post",
    "reopened": lambda who, data, clock, names: f"{who} reopened the case{_because(data)}",
    "priority": _priority,
    "answered": lambda who, data, clock, names: "",
    "resolved": _resolved,
    "closed": lambda who, data, clock, names: f"{who} closed the case",
    "breached": _breached,
    "reply_approved": lambda who, data, clock, names: f"{who} approved the reply",
    "reply_resent": lambda who, data, clock, names: f"{who} looked, and had the reply sent again",
    "reply_withdrawn": lambda who, data, clock, names: f"{who} withdrew the reply",
    "reply_failed": lambda who, data, clock, names: f"The platform refused the reply{_because(data, 'error')}",
    "reply_waiting": _waits,
    "reply_lost": _lost,
    "reply_unseen": _unseen,
    "reply_sent": lambda who, data, clock, names: "",
}
