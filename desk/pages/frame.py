"""What stands around every signed-in page: who is here, the views with their counts, the clock."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import Request

from desk.edge import House
from desk.pages.wording import Clock, zone
from domain.person import Person
from store import cases, mentions, tables
from store.tables import sources

ZONE_COOKIE = "amends_zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One entry of the navigation. `tone`: how its number is coloured; `keys` are pressed one after the other."""

    key: str
    label: str
    href: str
    keys: str
    count: int | None = None
    tone: str = ""


_QUEUES = (
    ("mine", "My cases", "g i", ""),
    ("urgent", "Urgent", "g u", "hot"),
    ("unassigned", "Unassigned", "g n", ""),
    ("waiting", "Waiting for them", "g w", ""),
    ("attention", "Needs a hand", "g h", "hot"),
    ("follow-ups", "Follow-ups", "g f", "warm"),
    ("snoozed", "Snoozed", "g z", ""),
    ("all", "All", "g a", ""),
    ("done", "Done", "g d", ""),
)
LABELS = {key: label for key, label, _, _ in _QUEUES}


def clock(request: Request, at: House) -> Clock:
    """Return the clock of this reader: the browser names its zone in a cookie."""
    return Clock(now=at.now(), zone=zone(request.cookies.get(ZONE_COOKIE), fallback=at.policy.calendar.zone))


def frame(connection: sa.Connection, request: Request, at: House, who: Person, *, here: str) -> dict[str, Any]:
    """Return what the frame's template shows; `here` is the key of the present view."""
    counts = cases.counts(connection, me=who.id, now=at.now())
    queues = [
        View(key=key, label=label, href=f"/queue/{key}", keys=keys, count=counts.get(key), tone=tone)
        for key, label, keys, tone in _QUEUES
    ]
    state, words = source_state(connection)
    return {
        "at": at,
        "who": who,
        "here": here,
        "clock": clock(request, at),
        "queues": queues,
        "unsure": mentions.count(connection, outcome="ask"),
        "source_state": state,
        "source_words": words,
    }


def source_state(connection: sa.Connection) -> tuple[str, str]:
    """Return the class and the words for all sources together: the worst of them speaks."""
    # Not `store.sources.listing`: that counts every mention, and this stands on every page.
    rows = connection.execute(sa.select(sources.c.status, sources.c.failures)).all()
    blind = sum(1 for row in rows if row.status == "disabled" or (row.status == "active" and row.failures))
    if blind:
        return "late", f"{blind} not listening"
    if not any(row.status == "active" for row in rows):
        return "", "none is listening"
    return "good", "all listening"


def any_source(connection: sa.Connection) -> bool:
    """Whether something is listened to: a source beyond the drop folder that every installation has, or a post."""
    own = sa.select(sources.c.id).where(sources.c.origin != "amends").limit(1)
    heard = sa.select(tables.mentions.c.id).limit(1)
    return any(connection.execute(query).first() is not None for query in (own, heard))
