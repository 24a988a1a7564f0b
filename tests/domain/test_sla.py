"""When is a case late? Against a slow and obvious second way of counting."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sla import DEFAULT_POLICY, Calendar, Target

HELSINKI = ZoneInfo("Europe/Helsinki")
OFFICE = Calendar(
    zone=HELSINKI,
    hours={day: ((time(9), time(12)), (time(13), time(17))) for day in range(5)} | {5: ((time(22), time(0)),)},
    holidays=frozenset({date(2026, 12, 25)}),
)


def at(text: str, zone: ZoneInfo = HELSINKI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def slow_add(calendar: Calendar, start: datetime, minutes: int) -> datetime:
    """Walk minute by minute through real time."""
    moment, left = start, minutes
    while left:
        local = moment.astimezone(calendar.zone)
        open_now = local.date() not in calendar.holidays and any(
            opens <= local.time() and (closes == time(0) or local.time() < closes)
            for opens, closes in calendar.hours.get(local.weekday(), ())
        )
        left -= open_now
        moment += timedelta(minutes=1)
    return moment


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-03-02T09:00", 60, "2026-03-02T10:00"),
        ("2026-03-02T11:30", 60, "2026-03-02T13:30"),  # over lunch
        ("2026-03-02T07:00", 15, "2026-03-02T09:15"),  # before opening
        ("2026-03-02T16:30", 60, "2026-03-03T09:30"),  # over night
        ("2026-03-06T16:30", 60, "2026-03-07T22:30"),  # into the Saturday night shift
        ("2026-12-24T16:30", 60, "2026-12-26T22:30"),  # over a holiday
        ("2026-03-27T16:30", 210, "2026-03-30T10:00"),  # over the clock change of 29 March
    ],
)
def test_only_opening_time_counts(start: str, minutes: int, due: str) -> None:
    assert OFFICE.add(at(start), minutes) == at(due)


def test_without_hours_the_clock_always_runs() -> None:
    start = at("2026-03-28T12:00")
    assert Calendar(zone=HELSINKI).add(start, 48 * 60) == start + timedelta(hours=48)


def test_a_calendar_that_never_opens_is_an_error() -> None:
    with pytest.raises(ValueError, match="no opening hours"):
        Calendar(hours={0: ()}).add(at("2026-03-28T12:00"), 5)


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 2), timezones=st.just(UTC)),
    minutes=st.integers(1, 900),
)
def test_it_agrees_with_counting_minute_by_minute(start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    assert OFFICE.add(start, minutes) == slow_add(OFFICE, start, minutes)


def test_a_target_met_late_is_a_miss_whoever_looks_when() -> None:
    start = at("2026-03-02T09:00")
    target = Target(kind="resolution", started_at=start, due_at=start + timedelta(hours=1))
    target.meet(start + timedelta(hours=2))
    assert target.breached_at == target.due_at
    assert not target.look(start + timedelta(days=9))


def test_a_target_met_in_time_never_becomes_a_miss() -> None:
    start = at("2026-03-02T09:00")
    target = Target(kind="resolution", started_at=start, due_at=start + timedelta(hours=1))
    target.meet(start + timedelta(minutes=59))
    target.look(start + timedelta(days=9))
    assert target.breached_at is None


def test_the_default_policy_knows_every_priority() -> None:
    for kind in ("first_response", "resolution"):
        dues = [DEFAULT_POLICY.due_at(kind, p, at("2026-03-02T09:00")) for p in ("urgent", "high", "normal", "low")]
        assert dues == sorted(dues)
