"""Every move a case can make, and none that it cannot."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case import MOVES, Case, Status, title_of
from domain.errors import Conflict, Invalid
from domain.sla import DEFAULT_POLICY

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VERBS: dict[str, Callable[[Case], object]] = {
    "take": lambda case: case.take(assignee_id=1, by="user:1", at=AT),
    "answer": lambda case: case.answered(reply_id=1, by="user:1", at=AT, written_at=AT),
    "snooze": lambda case: case.snooze(until=AT + timedelta(hours=1), by="user:1", at=AT),
    "wake": lambda case: case.wake(at=AT),
    "resolve": lambda case: case.resolve(by="user:1", disposition="solved", at=AT),
    "close": lambda case: case.close(by="user:1", at=AT),
    "reopen": lambda case: case.reopen(by="user:1", at=AT, reason="", policy=DEFAULT_POLICY),
    "hear": lambda case: case.hear(mention_id=1, at=AT, calm=False, policy=DEFAULT_POLICY),
}


def fresh(status: Status = Status.NEW) -> Case:
    case = Case.open(priority="normal", title="t", at=AT, by="system", policy=DEFAULT_POLICY)
    case.status = status
    return case


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("verb", list(MOVES))
def test_the_table_is_what_happens(status: Status, verb: str) -> None:
    case = fresh(status)
    if status in MOVES[verb]:
        VERBS[verb](case)
        assert case.status == MOVES[verb][status]
        assert case.news
    else:
        with pytest.raises(Conflict, match=f"a {status} case"):
            VERBS[verb](case)
        assert case.status == status


def test_every_move_has_a_verb() -> None:
    assert set(VERBS) == set(MOVES)


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=30))
def test_no_order_of_moves_breaks_a_case(verbs: list[str]) -> None:
    case = fresh()
    for verb in verbs:
        if case.status in MOVES[verb]:
            VERBS[verb](case)
        assert (case.status == Status.SNOOZED) == (case.snoozed_until is not None)
        if case.status not in (Status.RESOLVED, Status.CLOSED):
            assert case.resolved_at is None
            assert any(t.kind == "resolution" and t.met_at is None for t in case.targets)


def test_a_late_resolution_is_a_miss_even_if_nobody_looked() -> None:
    case = fresh()
    case.resolve(by="user:1", disposition="solved", at=AT + timedelta(days=30))
    assert all(target.breached_at == target.due_at for target in case.targets)


def test_priority_is_raised_never_lowered_and_clocks_follow() -> None:
    case = fresh()
    before = case.targets[0].due_at
    case.raise_priority("low", at=AT, policy=DEFAULT_POLICY, reason="")
    assert (case.priority, case.targets[0].due_at) == ("normal", before)
    case.raise_priority("urgent", at=AT, policy=DEFAULT_POLICY, reason="fire")
    assert case.priority == "urgent" and case.targets[0].due_at == AT + timedelta(minutes=15)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(Invalid, match="time to come"):
        fresh().snooze(until=AT, by="user:1", at=AT)
    with pytest.raises(Invalid, match="solved, refunded"):
        fresh().resolve(by="user:1", disposition="meh", at=AT)
    with pytest.raises(Invalid, match="empty"):
        fresh().note("  ", by="user:1", at=AT)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Parcel three weeks late. Nobody answers.", "Parcel three weeks late."),
        ("Pasūtīju dāvanu 1. novembrī, un tās nav. Kur tā ir?", "Pasūtīju dāvanu 1. novembrī, un tās nav."),
        ("Why?! Nobody answers me. Ever.", "Why?! Nobody answers me."),
        ("  spaced\n\nout  ", "spaced out"),
        ("", "(no text)"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_title_is_the_first_sentence(text: str, title: str) -> None:
    assert title_of(text) == title
