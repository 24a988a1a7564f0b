"""Triage: which posts become whose case."""

import threading
from dataclasses import replace
from datetime import time

import pytest
import sqlalchemy as sa

from domain.classification import Classification, Complaint, Text
from domain.mention import Mention
from domain.sla import DEFAULT_POLICY, Calendar
from monitor.triage import is_calm, triage
from monitor.understand import classify
from responders import casework
from store import cases, follow_ups, mentions
from store.engine import Database
from store.intake import keep
from store.tables import cases as case_table
from tests.conftest import Now
from tests.fakes import FakeClassifier, person, post, source


def arrive(database: Database, now: Now, *posts: Mention) -> None:
    """Let posts come in and be worked."""
    with database.write() as connection:
        row = connection.execute(sa.text("SELECT id, brand_id FROM sources")).first()
        assert row is not None
        keep(connection, posts, source_id=row[0], brand_id=row[1], now=now())
    while classify(database, FakeClassifier(), now=now) or triage(database, policy=DEFAULT_POLICY, now=now):
        pass


def all_cases(database: Database) -> list[sa.RowMapping]:
    with database.read() as connection:
        return cases.listing(connection)


def outcomes(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row["external_id"]: row["outcome"] for row in mentions.listing(connection)}


@pytest.fixture
def listening(database: Database) -> Database:
    source(database)
    return database


def test_complaints_open_cases_and_others_do_not(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "It is broken"), post("2", "Lovely", author="bo"), post("3", "odd", author="cy"))
    assert outcomes(listening) == {"1": "opened", "2": "ignored", "3": "ask"}
    (case,) = all_cases(listening)
    assert (case["title"], case["priority"], case["brand"], case["status"]) == (
        "It is broken",
        "normal",
        "Nordvik",
        "new",
    )


def test_danger_opens_a_case_whatever_the_model_says(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "funny, my charger is on fire"))
    (case,) = all_cases(listening)
    assert (case["priority"], case["next_due_kind"]) == ("urgent", "first_response")


def test_our_own_posts_never_become_cases(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "sorry that it is broken", ours=True))
    assert all_cases(listening) == []
    assert outcomes(listening) == {"1": "ours"}


def test_two_commenters_are_two_people(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"), post("2", "mine is broken too", author="bo", root="1", minutes=1))
    found = all_cases(listening)
    assert {case["handle"] for case in found} == {"ann", "bo"}


def test_the_same_author_in_the_same_conversation_is_one_case(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"), post("2", "still broken", root="1", minutes=1))
    (case,) = all_cases(listening)
    assert outcomes(listening) == {"1": "opened", "2": "joined"}
    assert case["text"] == "still broken"


def test_a_second_complaint_elsewhere_joins_the_case_that_is_being_worked_on(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"))
    arrive(listening, now, post("2", "hello? broken, and I need it today"))
    (case,) = all_cases(listening)
    assert case["priority"] == "high"
    with listening.read() as connection:
        assert len(cases.conversation_ids(connection, case["id"])) == 2


def test_a_closed_case_is_reopened_by_a_new_comment(listening: Database, now: Now) -> None:
    by = person(listening)
    arrive(listening, now, post("1", "broken"))
    (case,) = all_cases(listening)
    with listening.write() as connection:
        casework.resolve(connection, case["id"], disposition="solved", version=case["version"], by=by, now=now())
    now.forward(days=1)
    with listening.write() as connection:
        waiting = follow_ups.waiting(connection, case["id"])
        assert waiting is not None and waiting.id is not None
        casework.follow_up_done(connection, waiting.id, content=True, by=by, now=now(), policy=DEFAULT_POLICY)
    assert all_cases(listening)[0]["status"] == "closed"
    now.forward(days=1)
    arrive(listening, now, post("2", "broken again", root="1", minutes=99))
    (again,) = all_cases(listening)
    assert (again["id"], again["status"], again["resolved_at"], again["closed_at"]) == (case["id"], "open", None, None)
    with listening.read() as connection:
        targets = cases.targets(connection, case["id"])
    assert [(t["kind"], t["met_at"] is not None) for t in targets] == [
        ("first_response", False),  # nobody ever answered
        ("resolution", True),
        ("resolution", False),
    ]


def test_thanks_does_not_cancel_a_snooze(listening: Database, now: Now) -> None:
    by = person(listening)
    arrive(listening, now, post("1", "broken"))
    (case,) = all_cases(listening)
    until = now.at.replace(day=9)
    with listening.write() as connection:
        casework.snooze(connection, case["id"], until=until, version=case["version"], by=by, now=now())
    arrive(listening, now, post("2", "thanks, OK", root="1", minutes=5))
    (still,) = all_cases(listening)
    assert (still["status"], still["snoozed_until"]) == ("snoozed", until)
    arrive(listening, now, post("3", "it is broken again", root="1", minutes=6))
    assert all_cases(listening)[0]["status"] == "open"


def test_a_new_complaint_drops_the_follow_up_of_a_resolved_case(listening: Database, now: Now) -> None:
    by = person(listening)
    arrive(listening, now, post("1", "broken"))
    (case,) = all_cases(listening)
    with listening.write() as connection:
        casework.resolve(connection, case["id"], disposition="solved", version=case["version"], by=by, now=now())
    arrive(listening, now, post("2", "no, broken", root="1", minutes=5))
    with listening.read() as connection:
        assert [row["status"] for row in follow_ups.of_case(connection, case["id"])] == ["dropped"]


def test_an_edited_post_stays_in_its_case(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"))
    arrive(listening, now, post("1", "broken, on fire"))
    (case,) = all_cases(listening)
    assert (case["priority"], case["text"]) == ("urgent", "broken, on fire")
    with listening.read() as connection:
        assert "edited" in {event["kind"] for event in cases.events(connection, case["id"])}


def test_a_post_the_model_cannot_read_is_seen_and_costs_no_other(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "unreadable"), post("2", "broken", author="bo"))
    with listening.read() as connection:
        stages = {row["external_id"]: (row["stage"], row["error"]) for row in mentions.listing(connection)}
    assert stages == {"1": ("failed", "unreadable"), "2": ("done", "")}


def test_a_poisoned_row_is_pushed_forward_and_the_others_go_on(
    listening: Database, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mentions.classification

    def poisoned(connection: sa.Connection, mention_id: int, revision: int) -> object:
        if mention_id == 1:
            raise ValueError("poison")
        return whole(connection, mention_id, revision)

    monkeypatch.setattr(mentions, "classification", poisoned)
    arrive(listening, now, post("1", "broken"), post("2", "broken", author="bo"))
    assert len(all_cases(listening)) == 1
    for _ in range(10):
        now.forward(minutes=2)
        triage(listening, policy=DEFAULT_POLICY, now=now)
    with listening.read() as connection:
        row = mentions.get(connection, 1)
    assert row is not None and row["stage"] == "failed" and "ValueError" in row["error"]


def test_two_triages_at_once_open_one_case(listening: Database, now: Now) -> None:
    """Both work the same conversation; the partial unique index lets one case live."""
    posts = [post(str(n), "broken", root="1", minutes=n) for n in range(1, 21)]
    with listening.write() as connection:
        row = connection.execute(sa.text("SELECT id FROM sources")).scalar_one()
        keep(connection, posts, source_id=row, brand_id=None, now=now())
    while classify(listening, FakeClassifier(), now=now):
        pass
    start = threading.Barrier(2)
    errors: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            while triage(listening, policy=DEFAULT_POLICY, now=now, limit=1):
                pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for _ in range(10):  # whoever lost the race is due again
        now.forward(minutes=2)
        while triage(listening, policy=DEFAULT_POLICY, now=now):
            pass
    with listening.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(case_table)).scalar() == 1
    assert set(outcomes(listening).values()) == {"opened", "joined"}


def test_a_case_opened_by_hand_before_triage_keeps_its_post(listening: Database, now: Now) -> None:
    by = person(listening)
    with listening.write() as connection:
        keep(connection, [post("1", "hello there")], source_id=1, brand_id=None, now=now())
        case_id = casework.open_for_mention(connection, 1, by=by, now=now(), policy=DEFAULT_POLICY)
    arrive(listening, now)
    with listening.read() as connection:
        row = mentions.get(connection, 1)
        kinds = [event["kind"] for event in cases.events(connection, case_id)]
        head = cases.head(connection, case_id)
    assert row is not None and (row["case_id"], row["stage"], row["outcome"]) == (case_id, "done", "opened")
    assert kinds == ["opened"]
    assert (head["prepare_at"], head["lang"]) == (now(), "en")


def test_opening_by_hand_joins_the_live_case_of_the_same_conversation(listening: Database, now: Now) -> None:
    by = person(listening)
    arrive(listening, now, post("1", "broken"))
    with listening.write() as connection:
        keep(connection, [post("2", "odd", root="1", minutes=2)], source_id=1, brand_id=None, now=now())
        case_id = casework.open_for_mention(connection, 2, by=by, now=now(), policy=DEFAULT_POLICY)
    assert [case["id"] for case in all_cases(listening)] == [case_id]


@pytest.mark.parametrize("words", ["I would like a new one, please", "thanks, but when?", "thanks, case 17"])
def test_whoever_answers_us_is_ours_to_work_on(listening: Database, now: Now, words: str) -> None:
    arrive(listening, now, post("1", "broken"))
    with listening.write() as connection:
        case = cases.load(connection, 1)
        case.answered(reply_id=1, by="user:1", at=now(), written_at=now())
        cases.save(connection, case, now=now())
    arrive(listening, now, post("2", words, root="1", minutes=5))
    (case_row,) = all_cases(listening)
    assert (case_row["status"], case_row["text"]) == ("open", words)


@pytest.mark.parametrize(
    ("words", "label", "mood", "calm"),
    [
        ("Thanks, all good!", False, "positive", True),
        ("Thanks. When will it arrive?", False, "positive", False),
        ("Refund please, by card", False, "neutral", False),
        ("Still nothing!", False, "negative", False),
        ("Thank you, but it is broken", True, "positive", False),
        ("Thank you. " * 20, False, "positive", False),
    ],
)
def test_only_plain_thanks_is_calm(words: str, label: bool, mood: str, calm: bool) -> None:
    result = FakeClassifier().classify([Text(id="1", text="fine")])[0]
    assert isinstance(result, Classification)
    result = replace(
        result, complaint=Complaint(label=label, score=0.5), sentiment=replace(result.sentiment, label=mood)
    )
    assert is_calm(words, result) is calm


def test_what_is_heard_while_our_reply_is_on_its_way_is_still_to_be_answered(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"))
    written_at = now()
    now.forward(minutes=1)
    arrive(listening, now, post("2", "it is on fire", root="1", minutes=5))
    with listening.write() as connection:
        case = cases.load(connection, 1)
        case.answered(reply_id=1, by="user:1", at=now(), written_at=written_at)
        cases.save(connection, case, now=now())
        assert cases.counts(connection, me=None, now=now())["urgent"] == 1
    assert case.status == "open"
    assert case.targets[0].met_at is not None


def test_an_old_post_that_is_edited_is_not_the_one_to_answer(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"), post("2", "still broken", root="1", minutes=5))
    arrive(listening, now, post("1", "broken, I said"))
    assert all_cases(listening)[0]["text"] == "still broken"


def test_a_new_matter_after_two_weeks_is_a_new_case(listening: Database, now: Now) -> None:
    arrive(listening, now, post("1", "broken"))
    now.forward(days=15)
    arrive(listening, now, post("2", "broken as well"))
    assert len(all_cases(listening)) == 2


def test_a_poisoned_row_leaves_nothing_half_done(
    listening: Database, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("after the case was stored")

    monkeypatch.setattr(mentions, "settle", broken)
    arrive(listening, now, post("1", "broken"))
    assert all_cases(listening) == []


def test_a_reopened_case_has_a_running_clock_also_when_it_is_due_at_the_same_moment(
    listening: Database, now: Now
) -> None:
    """Opened, resolved and reopened while the office is closed: all of it is due on Monday morning."""
    monday = Calendar(hours={0: ((time(9), time(17)),)})
    policy = replace(DEFAULT_POLICY, calendar=monday)
    by = person(listening)
    now.at = now.at.replace(day=7)  # a Saturday
    with listening.write() as connection:
        keep(connection, [post("1", "broken")], source_id=1, brand_id=None, now=now())
        case_id = casework.open_for_mention(connection, 1, by=by, now=now(), policy=policy)
        casework.resolve(connection, case_id, disposition="solved", version=1, by=by, now=now.forward(minutes=5))
        casework.reopen(connection, case_id, reason="", version=2, by=by, now=now.forward(minutes=5), policy=policy)
    with listening.read() as connection:
        running = [t for t in cases.targets(connection, case_id) if t["met_at"] is None]
        assert {t["kind"] for t in running} == {"first_response", "resolution"}
