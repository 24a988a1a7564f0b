"""Mentions, sources and the live stream: what was heard, where from, and what a role may change."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from starlette.requests import Request
from starlette.testclient import TestClient

from desk.edge import COOKIE
from desk.live import look, stream
from desk.pages.sources import strip
from domain.mention import Reject
from domain.person import Person
from store import changes, mentions, people, sources, tables
from store.sources import SourceSpec
from tests.desk.test_pages_cases import hear, open_case
from tests.desk.test_pages_doors import HTMX, Desk, agent, anna, desk

__all__ = ["agent", "anna", "desk"]

FEED = {"name": "forum", "address": "https://forum.example/feed", "brand": "Nordvik", "minutes": "15"}


def settle(desk: Desk, mention_id: int, outcome: str) -> None:
    with desk.database.write() as connection:
        mentions.settle(connection, mention_id, revision=1, outcome=outcome, case_id=None)


def test_what_nobody_is_sure_of_is_asked_first(desk: Desk, agent: TestClient) -> None:
    mention_id = hear(desk, "Well, well. The same again.", label=None)
    settle(desk, mention_id, "ask")
    page = agent.get("/mentions?complaint=unsure").text
    assert "Not sure" in page
    assert "Complaint: open a case" in page
    assert "Not a complaint" in page
    left = agent.post(f"/mentions/{mention_id}/leave", headers=HTMX)
    assert "left alone" in left.text
    assert "Amends is sure about everything" in agent.get("/mentions?complaint=unsure").text


def test_any_post_can_become_a_case(desk: Desk, agent: TestClient) -> None:
    mention_id = hear(desk, label=False)
    settle(desk, mention_id, "ignored")
    answer = agent.post(f"/mentions/{mention_id}/open", headers=HTMX)
    assert answer.headers["hx-redirect"] == "/cases/1"
    assert desk.bell.kinds == ["prepare"]
    assert "Opened case 1" in agent.get("/mentions").text
    assert agent.post(f"/mentions/{mention_id}/leave", headers=HTMX).status_code == 409


def test_a_post_that_could_not_be_judged_is_seen_and_tried_again(desk: Desk, agent: TestClient) -> None:
    mention_id = hear(desk)
    with desk.database.write() as connection:
        connection.execute(sa.update(tables.mentions).values(stage="failed", error="the model broke"))
    page = agent.get("/mentions?complaint=failed").text
    assert "the model broke" in page
    assert "Try again" in page
    agent.post(f"/mentions/{mention_id}/retry", headers=HTMX)
    assert desk.bell.kinds == ["classify"]
    with desk.database.read() as connection:
        assert mentions.stages(connection) == {"classify": 1}


def test_the_stream_is_filtered_and_paged(desk: Desk, agent: TestClient) -> None:
    for number in range(45):
        hear(desk, f"Post {number}", id=f"p{number}")
        desk.now.forward(minutes=1)
    first = agent.get("/mentions").text
    assert first.count('data-test="mention"') == 40
    with desk.database.read() as connection:
        last = mentions.listing(connection, limit=40)[-1]["id"]
    older = agent.get("/mentions", params={"after": last}, headers=HTMX | {"HX-Target": "li#older"}).text
    assert older.count('data-test="mention"') == 5
    assert "<html" not in older
    assert "Nothing matches" in agent.get("/mentions?urgency=low").text
    assert (
        agent.get("/mentions?lang=en&urgency=high&topic=delivery&platform=simulated&q=post 44").text.count("<li id")
        == 1
    )


def test_a_lead_adds_a_feed(desk: Desk) -> None:
    with desk.signed_in(desk.person("Leo", "lead")) as lead:
        assert "Nothing is being listened to yet" in lead.get("/sources").text
        assert lead.post("/sources/new", data=FEED).headers["location"] == "/sources"
        assert "not polled yet" in lead.get("/sources").text
        taken = lead.post("/sources/new", data=FEED)
    assert taken.status_code == 409
    assert 'value="https://forum.example/feed"' in taken.text
    assert desk.bell.kinds == ["poll"]
    with desk.database.read() as connection:
        row = sources.by_name(connection, "forum")
        assert row is not None
        spec = sources.spec(row)
    assert (spec.platform, spec.base_url, spec.every_s, spec.trusted) == ("feed", FEED["address"], 900, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Has Space"},
        {"address": "javascript:alert(1)"},
        {"address": "forum.example"},
        {"minutes": "x"},
        {"minutes": "0"},
    ],
)
def test_a_wrong_feed_is_refused_and_stays_in_the_form(desk: Desk, wrong: dict[str, str]) -> None:
    with desk.signed_in(desk.person("Leo", "admin")) as lead:
        answer = lead.post("/sources/new", data=FEED | wrong)
    assert answer.status_code == 400
    assert 'data-test="problem"' in answer.text
    with desk.database.read() as connection:
        assert sources.listing(connection) == []


def test_an_agent_looks_but_changes_no_source(desk: Desk, agent: TestClient) -> None:
    with desk.database.write() as connection:
        source_id = sources.add(connection, SourceSpec(name="sim", platform="feed"), origin="desk", now=desk.now())
    page = agent.get("/sources").text
    assert "sim" in page
    assert "Pause" not in page
    for verb in ("pause", "resume", "poll"):
        assert agent.post(f"/sources/{source_id}/{verb}", headers=HTMX).status_code == 403
    assert agent.get("/sources/new").status_code == 403
    assert agent.post("/sources/new", data=FEED).status_code == 403


def test_a_lead_pauses_and_takes_up_again(desk: Desk) -> None:
    with desk.database.write() as connection:
        source_id = sources.add(connection, SourceSpec(name="sim", platform="feed"), origin="desk", now=desk.now())
    with desk.signed_in(desk.person("Leo", "lead")) as lead:
        assert "paused" in lead.post(f"/sources/{source_id}/pause", headers=HTMX).text
        assert "Pause" in lead.post(f"/sources/{source_id}/resume", headers=HTMX).text
        assert lead.post(f"/sources/{source_id}/explode", headers=HTMX).status_code == 400
        assert lead.post("/sources/99/pause", headers=HTMX).status_code == 404
    assert desk.bell.kinds == ["poll"]


def test_rejects_are_shown_as_they_came(desk: Desk, agent: TestClient) -> None:
    with desk.database.write() as connection:
        source_id = sources.add(connection, SourceSpec(name="sim", platform="file"), origin="desk", now=desk.now())
        bad = Reject(place="line 12", reason="no text", raw="<script>alert(1)</script>")
        sources.reject(connection, source_id, [bad], now=desk.now())
    page = agent.get(f"/sources/{source_id}/rejects").text
    assert "line 12" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_day_is_told_as_listened_held_back_and_blind(desk: Desk) -> None:
    start = desk.now() - timedelta(hours=6)
    with desk.database.write() as connection:
        source_id = sources.add(connection, SourceSpec(name="sim", platform="feed"), origin="desk", now=desk.now())
        for quarter in range(24):
            outcome = (
                "polled" if quarter < 12 else "rate_limited" if quarter < 16 else "failed" if quarter < 20 else "polled"
            )
            at = start + timedelta(minutes=15 * quarter + 5)
            row = {"started_at": at, "ended_at": at + timedelta(seconds=1), "outcome": outcome}
            sources.cover(connection, source_id, row=row)
        polls = sources.covered(connection, source_id, since=desk.now() - timedelta(hours=24))
    told = strip(polls, now=desk.now())
    assert [tone for _, _, tone in told.stretches] == ["ok", "limited", "blind", "ok"]
    assert "blind 1 h" in told.words
    assert strip([], now=desk.now()).words == "Last 24 hours: not polled"


def test_a_look_tells_which_cases_have_changed(desk: Desk) -> None:
    with desk.database.read() as connection:
        before = changes.last(connection)
    case_id, _ = open_case(desk)
    after, news = look(desk.database, before)
    assert news is not None
    assert news["cases"] == [case_id]
    assert after > before
    assert look(desk.database, after) == (after, None)


def test_a_stream_resumes_where_it_was_and_ends_when_the_desk_closes(desk: Desk, anna: Person) -> None:
    open_case(desk)
    with desk.database.write() as connection:
        secret = people.open_session(connection, anna.id, now=desk.now())
    headers = [(b"last-event-id", b"1"), (b"cookie", f"{COOKIE}={secret}".encode())]

    async def receive() -> dict[str, str]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def read() -> list[str]:
        scope = {"type": "http", "app": desk.app, "headers": headers, "method": "GET", "path": "/live"}
        found = []
        async for event in stream(Request(scope, receive), desk.database):
            found.append(event)
            if "event: changed" in event:
                desk.app.state.streams.close()
        return found

    hello, changed = asyncio.run(asyncio.wait_for(read(), 10))
    assert "id: 1\n" in hello
    assert "event: changed" in changed
