"""What happens while somebody writes: approved already, edited, deleted, resolved; and how the story tells it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from desk.pages.case import snoozes
from desk.pages.history import say
from desk.pages.wording import Clock, zone
from domain.case import Event
from domain.mention import Author, Receipt
from domain.person import Person
from responders import answer, casework
from store import cases, replies, tables
from tests.conftest import Now
from tests.desk.test_pages_cases import READY, TEXT, Tags, hear, load, open_case
from tests.desk.test_pages_doors import HTMX, Desk, agent, anna, desk
from tests.desk.test_pages_replies import only, stuck

__all__ = ["agent", "anna", "desk"]


def sent(desk: Desk, case_id: int, mention_id: int, by: Person, *, receipt: Receipt | None = None) -> None:
    """Have a reply live: by the platform's receipt, or by a person's word."""
    with desk.database.write() as connection:
        reply = answer.draft(
            connection, case_id, mention_id=mention_id, text=READY, by=by, now=desk.now(), rules=desk.house.rules
        )  # fmt: skip
        reply.approve(by=by.actor, at=desk.now())
        if receipt is None:
            reply.confirm(url=None, at=desk.now())
        else:
            reply.claim(at=desk.now(), lease=timedelta(minutes=3))
            reply.settle(receipt, at=desk.now())
        replies.save(connection, reply, now=desk.now())


@pytest.mark.parametrize("status", ["approved", "sending", "uncertain", "sent", "failed"])
def test_words_that_were_approved_are_no_new_draft(desk: Desk, agent: TestClient, status: str) -> None:
    case_id, mention_id = open_case(desk)
    agent.post(f"/cases/{case_id}/approve", data={"text": READY, "mention_id": mention_id})
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.replies).values(status=status))
    late = {"text": READY, "mention_id": mention_id}
    for more in ({}, {"reply_id": only(desk, case_id).id, "version": 1}):
        kept = agent.post(f"/cases/{case_id}/draft", data=late | more, headers=HTMX)
        assert (kept.status_code, kept.json()) == (200, {"kept": False})
    assert only(desk, case_id).status == status


def test_a_draft_that_was_withdrawn_meanwhile_is_begun_anew(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk)
    first = agent.post(f"/cases/{case_id}/draft", data={"text": "Mine", "mention_id": mention_id}).json()
    with desk.database.write() as connection:
        answer.withdraw(connection, first["reply_id"], version=1, by=anna, now=desk.now())
    more = {"text": "Mine, more", "mention_id": mention_id, **first}
    again = agent.post(f"/cases/{case_id}/draft", data=more, headers=HTMX).json()
    assert again["kept"] is True
    assert again["reply_id"] != first["reply_id"]


def test_a_deleted_post_is_final_and_says_so(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    first = agent.post(f"/cases/{case_id}/draft", data={"text": "Mine", "mention_id": mention_id}).json()
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.mentions).values(deleted_at=desk.now(), text=""))
        replies.drop_quoting(connection, mention_id, now=desk.now())
    for verb in ("draft", "approve"):
        words = {"text": "Mine, more", "mention_id": mention_id, **first}
        refused = agent.post(f"/cases/{case_id}/{verb}", data=words, headers=HTMX)
        assert refused.status_code == 400
        assert "They deleted this post" in refused.text
    seen = {"keep": "true", "mention": str(mention_id)}
    assert "They deleted this post" in agent.get(f"/cases/{case_id}/live", params=seen).text
    page = agent.get(f"/cases/{case_id}").text
    assert "the post was deleted" in page
    assert 'class="bar' not in page.split("Resolution")[0].rsplit("First response", 1)[1]


def test_they_wrote_again_is_told_also_when_words_are_kept(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    agent.post(f"/cases/{case_id}/draft", data={"text": "Mine", "mention_id": mention_id})
    seen = {"keep": "true", "mention": str(mention_id), "newest": str(mention_id)}
    assert "They wrote again" not in agent.get(f"/cases/{case_id}/live", params=seen).text
    desk.now.forward(minutes=1)
    other = hear(desk, "Still nothing!", id="2", conversation_id="1")
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.mentions).where(tables.mentions.c.id == other).values(case_id=case_id))
        connection.execute(sa.update(tables.cases).values(last_mention_id=other))
    assert "They wrote again" in agent.get(f"/cases/{case_id}/live", params=seen).text


def test_an_edited_post_asks_for_a_second_press(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    fields = {attrs.get("name"): attrs.get("value") for _, attrs in Tags(agent.get(f"/cases/{case_id}").text).tags}
    assert (fields["revision"], fields["standing"]) == ("1", "work")
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.mentions).values(revision=2, text="Another matter."))
    seen = {"keep": "true", "mention": str(mention_id), "revision": "1"}
    assert "They edited the post" in agent.get(f"/cases/{case_id}/live", params=seen).text
    words = {"text": READY, "mention_id": mention_id, "revision": "1", "standing": "work"}
    asked = agent.post(f"/cases/{case_id}/approve", data=words, headers=HTMX)
    assert asked.status_code == 409
    assert "They edited the post" in asked.text
    assert "press once more" in asked.text
    assert '"revision": "2"' in asked.headers["hx-trigger"]
    assert only(desk, case_id).status == "draft"
    again = words | {"revision": "2", "reply_id": only(desk, case_id).id, "version": 1}
    assert agent.post(f"/cases/{case_id}/approve", data=again, headers=HTMX).status_code == 200
    assert only(desk, case_id).status == "approved"


def test_a_case_resolved_by_a_colleague_asks_for_a_second_press(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    eero = desk.person("Eero")
    with desk.database.write() as connection:
        casework.resolve(connection, case_id, disposition="solved", version=1, by=eero, now=desk.now())
    told = agent.get(
        f"/cases/{case_id}/live", params={"keep": "true", "mention": str(mention_id), "standing": "work"}
    ).text
    assert "The case is resolved by now" in told
    assert "Eero resolved the case" in told
    words = {"text": READY, "mention_id": mention_id, "revision": "1", "standing": "work"}
    asked = agent.post(f"/cases/{case_id}/approve", data=words, headers=HTMX)
    assert asked.status_code == 409
    assert "Eero resolved the case" in asked.text
    assert '"standing": "done"' in asked.headers["hx-trigger"]
    again = words | {"standing": "done", "reply_id": only(desk, case_id).id, "version": 1}
    assert agent.post(f"/cases/{case_id}/approve", data=again, headers=HTMX).status_code == 200


def test_what_one_does_oneself_asks_for_nothing(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    done = agent.post(f"/cases/{case_id}/resolve", data={"disposition": "solved", "version": 1}, headers=HTMX).text
    assert 'hx-target="#standing"' in done
    assert 'form="reply" value="done"' in done


def test_enter_in_the_look_back_does_not_close_the_case(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    agent.post(f"/cases/{case_id}/resolve", data={"disposition": "solved", "version": 1})
    desk.now.forward(days=2, hours=1)
    tags = Tags(agent.get(f"/cases/{case_id}").text).tags
    assert [tag for tag, attrs in tags if attrs.get("id") == "follow-up-note"] == ["textarea"]
    keys = [attrs.get("data-key") for _, attrs in tags if attrs.get("data-test") in ("content", "not-content")]
    assert keys == ["y", "x"]


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (
            "reply_waiting",
            {"error": "busy", "until": "2026-03-02T10:00:00+00:00"},
            "The platform could not take the reply yet: busy; it goes out again today 10:00",
        ),
        ("reply_waiting", {"until": None}, "The platform could not take the reply yet; it goes out again by itself"),
        ("reply_lost", {}, "No answer came from the platform; Amends is looking whether the reply is live"),
        ("reply_unseen", {"error": "not seen"}, "Nobody can tell whether the reply is live: please look: not seen"),
        ("reply_failed", {"error": "locked"}, "The platform refused the reply: locked"),
        ("wrote", {"calm": True}, "They wrote; the case stays as it is"),
        ("wrote", {}, ""),
    ],
)
def test_the_story_says_what_happened(now: Now, kind: str, data: dict[str, object], words: str) -> None:
    utc = zone("UTC", fallback=None)  # type: ignore[arg-type]
    assert say(kind, "system", data, clock=Clock(now=now(), zone=utc), names={}) == words


def test_while_it_is_looked_for_a_person_may_say_that_it_is_live(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk)
    reply = stuck(desk, case_id, mention_id, "uncertain", anna)
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.replies).values(due_at=desk.now() + timedelta(minutes=5)))
    page = agent.get(f"/cases/{case_id}").text
    assert 'data-test="fate-looking"' in page
    assert "I looked: it is live" in page
    path = f"/cases/{case_id}/replies/{reply.id}/confirm"
    assert agent.post(path, data={"version": reply.version}, headers=HTMX).status_code == 200
    assert only(desk, case_id).status == "sent"


@pytest.mark.parametrize(("late", "words"), [(False, "none given<"), (True, "none given, missed")])
def test_a_first_response_that_was_never_given(desk: Desk, agent: TestClient, *, late: bool, words: str) -> None:
    case_id, _ = open_case(desk)
    if late:
        desk.now.forward(hours=5)
        with desk.database.write() as connection:
            case = cases.load(connection, case_id)
            case.look(desk.now())
            cases.save(connection, case, now=desk.now())
    version = load(desk, case_id).version
    agent.post(f"/cases/{case_id}/resolve", data={"disposition": "solved", "version": version})
    assert words in agent.get(f"/cases/{case_id}").text


def test_a_draft_says_whose_it_is(desk: Desk, agent: TestClient) -> None:
    case_id, mention_id = open_case(desk)
    agent.post(f"/cases/{case_id}/draft", data={"text": "Mine", "mention_id": mention_id})
    assert "<span>My words</span>" in agent.get(f"/cases/{case_id}").text
    with desk.signed_in(desk.person("Eero")) as other:
        page = other.get(f"/cases/{case_id}").text
    assert "<span>Anna&#39;s draft</span>" in page
    assert "My words" not in page


def test_our_reply_is_shown_once_and_says_to_whom(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk)
    sent(desk, case_id, mention_id, anna)  # by hand: nobody knows its id there
    max_keller = Author(external_id="max", handle="@max", name="Max Keller")
    us = Author(external_id="us", handle="@nordvik", name="Nordvik")
    hear(desk, "Mine too!", id="2", conversation_id="1", author=max_keller)
    hear(desk, f"@tom {READY}", id="3", conversation_id="1", author=us, ours=True, in_reply_to="1")
    hear(desk, "Sorry, Max.", id="4", conversation_id="1", author=us, ours=True, in_reply_to="2")
    with desk.database.write() as connection:
        conversation = sa.select(tables.mentions.c.conversation_id).where(tables.mentions.c.id == mention_id)
        connection.execute(sa.update(tables.mentions).values(conversation_id=conversation.scalar_subquery()))
    page = agent.get(f"/cases/{case_id}").text
    assert page.count(READY) == 1
    assert "us, to <bdi>Max Keller</bdi>" in page


def test_snoozing_past_what_is_due_says_so(desk: Desk, agent: TestClient) -> None:
    case_id, _ = open_case(desk)
    page = agent.get(f"/cases/{case_id}").text
    assert "First response is due before that" in page
    assert "First response is due today 10:00." in page


def test_on_a_sunday_next_week_is_tomorrow(now: Now) -> None:
    sunday = Clock(now=now().replace(day=8), zone=zone("UTC", fallback=None))  # type: ignore[arg-type]
    moments = [moment for _, moment in snoozes(sunday)]
    assert len(set(moments)) == len(moments)
    assert [words for words, _ in snoozes(replace(sunday, now=sunday.now + timedelta(days=1)))][-1] == "Next week"


def test_a_refusal_ends_as_a_sentence(desk: Desk, agent: TestClient, anna: Person) -> None:
    case_id, mention_id = open_case(desk, TEXT)
    stuck(desk, case_id, mention_id, "failed", anna)
    with desk.database.write() as connection:
        at: datetime = desk.now()
        cases.add_event(connection, case_id, Event(at=at, actor="system", kind="reply_failed", data={"error": "x"}))
    assert "the post is locked. Nothing of it is public." in agent.get(f"/cases/{case_id}").text
