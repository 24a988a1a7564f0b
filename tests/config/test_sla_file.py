"""The `[sla]` table: opening hours, zones, and allowances become the domain's policy, or an error that names them."""

from datetime import UTC, date, datetime, time

import pytest

from config.sla_file import SlaTable
from domain.errors import Invalid


def test_hours_become_blocks_in_order() -> None:
    table = SlaTable(
        zone="Europe/Helsinki", hours={"monday": ["13:00-17:30", "9:00 - 12:00"], "sunday": ["22:00-24:00"]}
    )
    hours = table.policy().calendar.hours
    assert hours[0] == ((time(9), time(12)), (time(13), time(17, 30)))
    assert hours[6] == ((time(22), time(0)),)


def test_a_night_shift_is_two_blocks() -> None:
    policy = SlaTable(hours={"monday": ["22:00-24:00"], "tuesday": ["00:00-06:00"]}).policy()
    monday = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert policy.calendar.add(monday, 120) == datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def test_a_whole_day_has_24_hours() -> None:
    policy = SlaTable(hours={"monday": ["00:00-24:00"]}).policy()
    assert policy.calendar.add(datetime(2026, 3, 2, tzinfo=UTC), 1440) == datetime(2026, 3, 3, tzinfo=UTC)


def test_no_hours_are_always_open_and_holidays_never() -> None:
    policy = SlaTable(holidays=[date(2026, 3, 3)]).policy()
    assert policy.calendar.add(datetime(2026, 3, 2, 23, 0, tzinfo=UTC), 90) == datetime(2026, 3, 4, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "block",
    [
        "22:00-06:00",  # over midnight
        "09:00-09:00",
        "17:00-09:00",
        "9-17",
        "09:00",
        "",
        "24:00-24:00",
        "09:00-24:30",
        "09:00-25:00",
        "09:60-17:00",
        "09:00+02:00-17:00",
        "nine-five",
    ],
)
def test_a_wrong_block_is_named_with_its_day(block: str) -> None:
    with pytest.raises(Invalid, match=r"sla\.hours\.friday.*09:00-17:00.*two blocks"):
        SlaTable(hours={"friday": [block]}).policy()


@pytest.mark.parametrize(
    "blocks",
    [["09:00-13:00", "12:00-17:00"], ["09:00-17:00", "09:00-17:00"], ["20:00-24:00", "22:00-23:00"]],
)
def test_blocks_that_overlap_are_refused(blocks: list[str]) -> None:
    with pytest.raises(Invalid, match=r"sla\.hours\.monday.*overlap"):
        SlaTable(hours={"monday": blocks}).policy()


def test_a_day_or_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match=r"sla\.hours\.Monday: one of monday"):
        SlaTable(hours={"Monday": ["09:00-17:00"]}).policy()
    for zone in ("Europe/Nowhere", "", "Europe", "../etc/passwd"):
        with pytest.raises(Invalid, match=r"sla\.zone.*Europe/Helsinki"):
            SlaTable(zone=zone).policy()


def test_never_open_is_refused() -> None:
    with pytest.raises(Invalid, match="not one opening hour"):
        SlaTable(hours={"monday": []}).policy()
