"""The composer and what becomes of a reply: kept as it is typed, checked, approved, and taken up by a person."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from domain.person import Person
from domain.reply import Reply
from responders import answer
from store import replies
from tests.desk.test_pages_cases import DRAFT, READY, load, open_case
from tests.desk.test_pages_doors import HTMX, Desk, agent, anna, desk

__all__ = ["agent", "anna", "desk"]


def only(desk: Desk, case_id: int) -> Reply:
    """Return the one reply of a case."""
    with desk.database.read() as connection:
        (row,) = replies.of_case(connection, case_id)
        return replies.load(connection, row["id"])


def stuck(desk: Desk, case_id: int, mention_id: int, how: str, by: Person) -> Reply:
    """Leave a reply where no machine goes on."""
    with desk.database.write() as connection:
        reply = answer.draft(
            connection, case_id, mention_id=mention_id, text=READY, by=by, now=desk.now(), rules=desk.house.rules
        )  # fmt: skip
        reply.approve(by=by.actor, at=desk.now())
        reply.claim(at=desk.now(), lease=timedelta(minutes=3))
        if how == "failed":
            reply.refuse("the post is locked")
        else:
            reply.looks = 9
            reply.lose(at=desk.now(), error="no answer came")
        replies.save(connection, reply, now=desk.now())
    return reply


def test_words_are_checked_as_they_are_typed(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    words = {"text": f"{DRAFT} <b>", "mention_id": mention_id, "lang": "en"}
    found = agent.post(f"/cases/{case_id}/check", data=words, headers=HTMX).text
    assert f"{len(DRAFT) + 4} / 300" in found
    assert "1 gap" in found
    assert "<b>1 gap" in found
    long = agent.post(f"/cases/{case_id}/check", data=words | {"text": "so sorry " * 50}, headers=HTMX).text
    assert 'data-rule="too_long"' in long
    assert 'class="count over"' in long
    assert agent.post(f"/cases/{case_id + 1}/check", data=words).status_code == 404


def test_line_ends_are_counted_once(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    words = {"text": "a\r\nb", "mention_id": mention_id}
    assert "3 / 300" in agent.post(f"/cases/{case_id}/check", data=words, headers=HTMX).text


def test_a_step_stays_ticked_while_its_words_stand(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    page = agent.get(f"/cases/{case_id}").text
    assert "✓ Owns" in page
    words = {"text": "Hello Tom.", "mention_id": mention_id, "suggestion_id": 1}
    assert "✓ Owns" not in agent.post(f"/cases/{case_id}/check", data=words, headers=HTMX).text


def test_a_draft_is_kept_and_comes_back(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    words = {"text": "My own\r\nwords", "mention_id": mention_id, "lang": "en", "suggestion_id": 1}
    first = agent.post(f"/cases/{case_id}/draft", data=words).json()
    assert first["kept"] is True
    again = agent.post(f"/cases/{case_id}/draft", data=words).json()
    assert (again["reply_id"], again["version"]) == (first["reply_id"], first["version"])
    more = words | {"text": "My own words, more", "reply_id": first["reply_id"], "version": first["version"]}
    assert agent.post(f"/cases/{case_id}/draft", data=more).json()["version"] == first["version"] + 1
    assert "My own words, more" in agent.get(f"/cases/{case_id}").text
    assert only(desk, case_id).suggestion_id == 1
    assert agent.post(f"/cases/{case_id}/draft", data=more | {"text": "  "}).json() == {"kept": False}


def test_two_who_write_see_both_texts(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    with desk.signed_in(desk.person("Eero")) as other:
        theirs = other.post(f"/cases/{case_id}/draft", data={"text": "Eero's words", "mention_id": mention_id}).json()
    clash = agent.post(f"/cases/{case_id}/draft", data={"text": "My words", "mention_id": mention_id}, headers=HTMX)
    assert clash.status_code == 409
    for words in ("Eero wrote in this draft meanwhile", "Eero&#39;s words", "My words", 'data-clash="mine"'):
        assert words in clash.text
    assert only(desk, case_id).text == "Eero's words"
    mine = {"text": "My words", "mention_id": mention_id, **theirs}
    assert agent.post(f"/cases/{case_id}/draft", data=mine).json()["kept"] is True
    assert only(desk, case_id).text == "My words"


def test_approving_sends_what_stands_there(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk)
    done = agent.post(f"/cases/{case_id}/approve", data={"text": READY, "mention_id": mention_id, "lang": "en"})
    assert done.status_code == 303
    reply = only(desk, case_id)
    assert (reply.status, reply.text, reply.approved_by) == ("approved", READY, anna.actor)
    assert desk.bell.kinds == ["deliver"]
    assert 'data-test="fate-sending"' in agent.get(f"/cases/{case_id}").text


def test_what_may_not_go_is_kept_and_said(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    refused = agent.post(f"/cases/{case_id}/approve", data={"text": DRAFT, "mention_id": mention_id}, headers=HTMX)
    assert refused.status_code == 400
    assert "Not ready to send" in refused.text
    assert '"version": 1' in refused.headers["hx-trigger"]
    assert (only(desk, case_id).status, only(desk, case_id).text) == ("draft", DRAFT)
    assert desk.bell.kinds == []


def test_two_who_approve_send_one_reply(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    agent.post(f"/cases/{case_id}/approve", data={"text": READY, "mention_id": mention_id})
    with desk.signed_in(desk.person("Eero")) as other:
        words = {"text": READY + " Eero", "mention_id": mention_id}
        clash = other.post(f"/cases/{case_id}/approve", data=words, headers=HTMX)
    assert clash.status_code == 409
    assert "Anna answered this post meanwhile" in clash.text
    assert "Eero" in clash.text
    assert only(desk, case_id).text == READY


def test_where_no_machine_may_post_a_person_does(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk, url="https://social.example/p/1")
    desk.app.state.house.rules.ways.clear()
    assert "Approve, copy and open post" in agent.get(f"/cases/{case_id}").text
    agent.post(f"/cases/{case_id}/approve", data={"text": READY, "mention_id": mention_id})
    page = agent.get(f"/cases/{case_id}").text
    assert 'data-test="fate-manual"' in page
    assert "I posted it" in page
    reply = only(desk, case_id)
    path = f"/cases/{case_id}/replies/{reply.id}/confirm"
    wrong = agent.post(path, data={"url": "javascript:alert(1)", "version": reply.version})
    assert wrong.status_code == 400
    agent.post(path, data={"url": "https://social.example/p/2", "version": reply.version})
    assert only(desk, case_id).status == "sent"
    assert load(desk, case_id).status == "pending"
    page = agent.get(f"/cases/{case_id}").text
    assert "✓ live" in page
    assert 'href="https://social.example/p/2"' in page


@pytest.mark.parametrize(
    ("how", "verb", "status"),
    [
        ("uncertain", "confirm", "sent"),
        ("uncertain", "resend", "approved"),
        ("uncertain", "withdraw", "withdrawn"),
        ("failed", "rework", "draft"),
        ("failed", "resend", "approved"),
        ("failed", "withdraw", "withdrawn"),
    ],
)
def test_a_stuck_reply_is_taken_up_by_hand(
    desk: Desk, agent: TestClient, anna: Person, how: str, verb: str, status: str
) -> None:
    case_id, mention_id = open_case(desk)
    reply = stuck(desk, case_id, mention_id, how, anna)
    assert "reply needs a hand" in agent.get("/queue/attention").text
    assert f'data-test="fate-{how}"' in agent.get(f"/cases/{case_id}").text
    moved = agent.post(f"/cases/{case_id}/replies/{reply.id}/{verb}", data={"version": reply.version}, headers=HTMX)
    assert moved.status_code == 200
    assert only(desk, case_id).status == status
    stale = agent.post(f"/cases/{case_id}/replies/{reply.id}/{verb}", data={"version": reply.version}, headers=HTMX)
    assert stale.status_code == 409


def test_a_reply_belongs_to_its_case(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk)
    reply = stuck(desk, case_id, mention_id, "failed", anna)
    other, _ = open_case(desk, "Another matter altogether.", id="2", conversation_id="9")
    assert agent.post(f"/cases/{other}/replies/{reply.id}/withdraw", data={"version": reply.version}).status_code == 404
