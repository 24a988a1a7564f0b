"""When is a case late? Opening hours, allowances per priority, and targets that remember a miss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["first_response", "resolution"]
KINDS: tuple[Kind, ...] = ("first_response", "resolution")
Hours = tuple[tuple[time, time], ...]
_HORIZON_DAYS = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Opening hours: for each weekday (0 = Monday) blocks of local wall time; a block to 00:00 runs to midnight.

    A night shift is two blocks: 22:00–00:00 and, the day after, 00:00–06:00. No hours at all: always open.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    hours: Mapping[int, Hours] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    def blocks(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the open stretches of a local day, in UTC, in order."""
        if day in self.holidays:
            return []
        hours = self.hours.get(day.weekday(), ()) if self.hours else ((time(0), time(0)),)
        found = []
        for opens, closes in sorted(hours):
            start = datetime.combine(day, opens, self.zone)
            last = day + timedelta(days=1) if closes == time(0) else day
            end = datetime.combine(last, closes, self.zone)
            # In UTC before comparing: a day of 23 or 25 hours is as long as it really is.
            found.append((start.astimezone(UTC), end.astimezone(UTC)))
        return found

    def add(self, start: datetime, minutes: int) -> datetime:
        """Return the moment at which `minutes` of opening time have passed since `start` (aware UTC)."""
        left = timedelta(minutes=minutes)
        day = start.astimezone(self.zone).date()
        for offset in range(_HORIZON_DAYS):
            for opens, closes in self.blocks(day + timedelta(days=offset)):
                opens = max(opens, start)
                if closes <= opens:
                    continue
                if closes - opens >= left:
                    return opens + left
                left -= closes - opens
        raise ValueError("the calendar has no opening hours within ten years")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Minutes of opening time allowed per priority, for each kind of target."""

    first_response: Mapping[str, int]
    resolution: Mapping[str, int]
    calendar: Calendar = field(default_factory=Calendar)

    def due_at(self, kind: Kind, priority: str, since: datetime) -> datetime:
        """Return when a target of `kind` is due for a case of `priority` whose clock started at `since`."""
        allowance = self.first_response if kind == "first_response" else self.resolution
        return self.calendar.add(since, allowance[priority])


DEFAULT_POLICY = Policy(
    first_response={"urgent": 15, "high": 60, "normal": 240, "low": 1440},
    resolution={"urgent": 480, "high": 1440, "normal": 4320, "low": 10080},
)


@dataclass(slots=True, kw_only=True)
class Target:
    """One allowance running on a case. A miss is a fact of the times, whoever looks when."""

    kind: Kind
    started_at: datetime
    due_at: datetime
    met_at: datetime | None = None
    breached_at: datetime | None = None
    id: int | None = None

    def meet(self, at: datetime) -> None:
        """Stop the clock; a target met after its due time stays a miss."""
        if self.met_at is None:
            self.met_at = at
            self.look(at)

    def look(self, now: datetime) -> bool:
        """Write a miss down once it is one; return whether this look did."""
        end = self.met_at or now
        if self.breached_at is None and end > self.due_at:
            self.breached_at = self.due_at
            return True
        return False
