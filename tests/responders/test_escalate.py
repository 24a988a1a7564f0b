"""What happens when time has passed."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.case import Case
from domain.sla import DEFAULT_POLICY
from responders import casework
from responders.escalate import sweep
from store import cases, people
from store.engine import Database
from store.intake import keep
from tests.conftest import Now
from tests.fakes import person, post, source


def _case(database: Database, now: Now) -> int:
    source(database)
    by = person(database)
    with database.write() as connection:
        keep(connection, [post("1", "broken")], source_id=1, brand_id=None, now=now())
        return casework.open_for_mention(connection, 1, by=by, now=now(), policy=DEFAULT_POLICY)


def _kinds(database: Database, case_id: int) -> list[str]:
    with database.read() as connection:
        return [event["kind"] for event in cases.events(connection, case_id)]


def test_a_snoozed_case_wakes_when_its_time_has_come(database: Database, now: Now) -> None:
    case_id = _case(database, now)
    with database.write() as connection:
        case = cases.load(connection, case_id)
        case.snooze(until=now() + timedelta(minutes=30), by="user:1", at=now())
        cases.save(connection, case, now=now())
    now.forward(minutes=29)
    sweep(database, now=now)
    with database.read() as connection:
        assert cases.load(connection, case_id).status == "snoozed"
    now.forward(minutes=1)
    assert sweep(database, now=now) == 1
    with database.read() as connection:
        assert cases.load(connection, case_id).status == "open"
    assert sweep(database, now=now) == 0


def test_a_lapsed_target_is_written_down_once(database: Database, now: Now) -> None:
    case_id = _case(database, now)
    now.forward(hours=5)
    sweep(database, now=now)
    sweep(database, now=now)
    assert _kinds(database, case_id) == ["opened", "breached"]
    with database.read() as connection:
        first = cases.targets(connection, case_id)[0]
    assert first["breached_at"] == first["due_at"]


def test_one_case_that_cannot_be_moved_holds_up_no_other(
    database: Database, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _case(database, now)
    with database.write() as connection:
        keep(connection, [post("2", "broken", author="bo")], source_id=1, brand_id=None, now=now())
        by = people.get(connection, 1)
        other = casework.open_for_mention(connection, 2, by=by, now=now(), policy=DEFAULT_POLICY)
    whole = cases.load

    def poisoned(connection: sa.Connection, case_id: int) -> Case:
        if case_id == first:
            raise ValueError("poison")
        return whole(connection, case_id)

    monkeypatch.setattr(cases, "load", poisoned)
    now.forward(hours=5)
    sweep(database, now=now)
    assert "breached" in _kinds(database, other)
