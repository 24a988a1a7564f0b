"""The stream of changes: what happened since, each with its number, and on from where it broke off."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from store.tables import api_tokens
from tests.desk.test_api_house import NOW, Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def stream(desk: Desk, last: str | None) -> list[dict[str, str]]:
    headers = {} if last is None else {"Last-Event-ID": last}
    answer = desk.client.get("/api/v1/events?once=true", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_all_that_happened_and_on_from_there(desk: Desk) -> None:
    case = desk.case()
    events = stream(desk, "0")
    assert [int(event["id"]) for event in events] == sorted({int(event["id"]) for event in events})
    assert {event["event"] for event in events} == {"source", "mention", "case"}
    assert events[-1]["data"].endswith(f'"kind":"case","ref":{case["id"]}}}')
    assert '"at":"2026-03-02T09:00:00Z"' in events[-1]["data"]
    assert stream(desk, events[-1]["id"]) == []
    desk.post(f"/cases/{case['id']}/note", {"text": "x", "version": 1})
    assert [event["event"] for event in stream(desk, events[-1]["id"])] == ["case"]


def test_it_starts_now_where_nothing_else_is_said(desk: Desk) -> None:
    desk.case()
    assert stream(desk, None) == []


def test_more_than_one_look_holds(desk: Desk) -> None:
    desk.post("/mentions", {"id": "1", "text": "x"})
    with desk.house.database.write() as connection:
        for _ in range(9):
            connection.exec_driver_sql("INSERT INTO changes (at, kind, ref) SELECT at, kind, ref FROM changes")
    assert len(stream(desk, "0")) > 500


@pytest.mark.parametrize("last", ["-1", "x", str(2**63), "1.5"])
def test_a_bad_place_to_go_on_is_refused(desk: Desk, last: str) -> None:
    answer = desk.client.get("/api/v1/events?once=true", headers={"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "header.Last-Event-ID"


def test_a_stream_ends_when_its_token_is_revoked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.api.events.LOOK_S", 0.0)
    looks: list[int] = []

    def look(_house: object, _after: int) -> list[object]:
        looks.append(1)
        if len(looks) == 20:
            with desk.house.database.write() as connection:
                connection.execute(sa.update(api_tokens).values(revoked_at=NOW))
        return []

    monkeypatch.setattr("desk.api.events._look", look)
    assert desk.client.get("/api/v1/events").status_code == 200
    assert len(looks) == 29


def test_streams_end_when_the_server_is_to_stop(desk: Desk) -> None:
    desk.app.state.streams = SimpleNamespace(closing=True)
    assert desk.client.get("/api/v1/events", headers={"Last-Event-ID": "0"}).text == ""


def test_a_number_from_before_a_restore_starts_at_the_newest(desk: Desk) -> None:
    desk.case()
    assert stream(desk, "9999") == []
