"""The `[sla]` table: opening hours, holidays, and minutes allowed per priority."""

import re
from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_validator

from domain.case import PRIORITIES
from domain.errors import Invalid
from domain.sla import DEFAULT_POLICY, Calendar, Hours, Policy

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_BLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})")


class SlaTable(BaseModel):
    """`[sla]`: hours such as `monday = ["09:00-12:00", "13:00-17:30"]`; no hours at all means always open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str = "UTC"
    hours: dict[str, list[str]] = Field(default_factory=dict)
    holidays: list[date] = Field(default_factory=list)
    first_response: dict[str, StrictInt] = Field(default_factory=dict)
    resolution: dict[str, StrictInt] = Field(default_factory=dict)

    @field_validator("first_response", "resolution")
    @classmethod
    def _minutes(cls, value: dict[str, int]) -> dict[str, int]:
        for priority, minutes in value.items():
            if priority not in PRIORITIES:
                raise ValueError(f"priority {priority!r}: one of {', '.join(PRIORITIES)}")
            if not 1 <= minutes <= 525_600:
                raise ValueError(f"{priority} = {minutes}: minutes, 1 to 525600")
        return value

    def policy(self) -> Policy:
        """Return the domain's policy."""
        try:
            zone = ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise Invalid(f"sla.zone = {self.zone!r}: a time zone such as Europe/Helsinki") from error
        hours: dict[int, Hours] = {}
        for day, blocks in self.hours.items():
            if day not in DAYS:
                raise Invalid(f"sla.hours.{day}: one of {', '.join(DAYS)}")
            hours[DAYS.index(day)] = _blocks(day, blocks)
        if hours and not any(hours.values()):
            raise Invalid("sla.hours: there is not one opening hour; leave the table out to be always open")
        return Policy(
            first_response=DEFAULT_POLICY.first_response | self.first_response,  # type: ignore[operator]
            resolution=DEFAULT_POLICY.resolution | self.resolution,  # type: ignore[operator]
            calendar=Calendar(zone=zone, hours=hours, holidays=frozenset(self.holidays)),
        )


def _blocks(day: str, texts: list[str]) -> Hours:
    """Return a day's blocks in order. Blocks that overlap would count the same minutes twice."""
    blocks = sorted(_block(day, text) for text in texts)
    for (opens, closes), (after, _) in pairwise(blocks):
        if closes == time(0) or after < closes:
            raise Invalid(f"sla.hours.{day}: the blocks from {opens:%H:%M} and from {after:%H:%M} overlap")
    return tuple(blocks)


def _block(day: str, text: str) -> tuple[time, time]:
    found = _BLOCK.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]) % 24, int(found[4]))
        midnight = closes == time(0)
        if int(found[3]) > 24 or (found[3] == "24" and not midnight) or (not midnight and closes <= opens):
            raise ValueError(text)
    except ValueError as error:
        raise Invalid(
            f'sla.hours.{day}: "{text[:40]}": such as "09:00-17:00", to 24:00 at most; over midnight is two blocks'
        ) from error
    return opens, closes
