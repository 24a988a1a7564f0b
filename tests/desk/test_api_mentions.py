"""Mentions over the API: pushed once each, listed, filtered, paged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import sources
from tests.desk.test_api_house import NOW, Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "text": f"Post {number}", "created_at": f"2026-03-01T10:{number:02}:00Z"} | more


def test_pushing_twice_adds_nothing(desk: Desk) -> None:
    first = desk.post("/mentions?source=shop", [record(1), record(2), record(2)])
    assert first == {"source": "shop", "rows": 3, "new": 2, "known": 1, "changed": 0, "rejected": []}
    again = desk.post("/mentions?source=shop", [record(1), record(2, text="other words")])
    assert (again["new"], again["known"], again["changed"]) == (0, 1, 1)
    assert desk.bell.kinds == ["classify", "classify"]


def test_the_source_is_made_on_first_use_and_not_polled(desk: Desk) -> None:
    desk.post("/mentions", record(1))
    (source,) = desk.get("/sources")["items"]
    assert (source["name"], source["platform"], source["status"], source["mentions"]) == ("push", "push", "manual", 1)
    assert source["due_at"] is None
    assert source["ok_at"] == "2026-03-02T09:00:00Z"


def test_bad_records_are_reported_and_the_others_stored(desk: Desk) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    bad = [record(1), {"id": "2"}, {"text": "no id"}, 7, record(5, created_at="yesterday"), record(6, rating=9)]
    found = desk.post("/mentions", [*bad, record(7, odd=deep), record(8, text="a\0b\ud800c")])
    assert [(one["index"], one["id"]) for one in found["rejected"]][:5] == [
        (1, "2"),
        (2, None),
        (3, None),
        (4, "5"),
        (5, "6"),
    ]
    assert found["rejected"][0]["reason"] == "the row has no text"
    assert found["new"] + len(found["rejected"]) == 8
    assert desk.get("/mentions", query="abc")["items"][0]["text"] == "abc"
    with desk.house.database.read() as connection:
        assert len(sources.rejected(connection, 1)) == len(found["rejected"])


def test_a_push_never_lands_in_a_source_of_another_kind(desk: Desk) -> None:
    desk.post("/sources", {"name": "news", "platform": "feed"}, status=201)
    assert "feed" in desk.post("/mentions?source=news", record(1), status=409)["detail"]


def test_a_paused_source_takes_nothing(desk: Desk) -> None:
    source = desk.post("/sources", {"name": "shop", "platform": "push"}, status=201)
    assert source["status"] == "manual"
    desk.post(f"/sources/{source['id']}", {"status": "paused"}, method="PATCH")
    assert "paused" in desk.post("/mentions?source=shop", record(1), status=409)["detail"]
    assert desk.post(f"/sources/{source['id']}", {"status": "active"}, method="PATCH")["status"] == "manual"
    assert desk.post("/mentions?source=shop", record(1))["new"] == 1


def test_the_brand_of_the_source_is_that_of_its_mentions(desk: Desk) -> None:
    desk.post("/sources", {"name": "shop", "platform": "push", "brand": "Acme"}, status=201)
    desk.post("/mentions?source=shop", record(1))
    desk.post("/mentions?source=other", record(2))
    assert [one["external_id"] for one in desk.get("/mentions", brand="Acme")["items"]] == ["1"]


def test_pages_hold_every_mention_once_newest_first(desk: Desk) -> None:
    desk.post("/mentions", [record(n, created_at=f"2026-03-01T10:00:0{n % 3}Z") for n in range(10)])
    seen: list[dict[str, Any]] = []
    after: dict[str, int] = {}
    while True:
        page = desk.get("/mentions", limit=3, **after)
        seen += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len({one["id"] for one in seen}) == len(seen) == 10
    assert [one["posted_at"] for one in seen] == sorted((one["posted_at"] for one in seen), reverse=True)


def test_filters(desk: Desk) -> None:
    desk.post("/mentions", [record(1, text="Hélas, en retard", platform="forum"), record(2)])
    assert [one["external_id"] for one in desk.get("/mentions", query="helas")["items"]] == ["1"]
    assert [one["external_id"] for one in desk.get("/mentions", platform="forum")["items"]] == ["1"]
    assert [one["external_id"] for one in desk.get("/mentions", since="2026-03-01T12:02:00+02:00")["items"]] == ["2"]
    assert [one["external_id"] for one in desk.get("/mentions", until="2026-03-01T10:02:00Z")["items"]] == ["1"]
    assert desk.get("/mentions", complaint="true")["items"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"complaints": "true"}, "query.complaints"),
        ({"since": "2026-03-01T12:00:00"}, "query.since"),
        ({"since": "1772366400"}, "query.since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "query.since"),
        ({"urgency": "panic"}, "query.urgency"),
        ({"limit": "201"}, "query.limit"),
        ({"limit": "0"}, "query.limit"),
        ({"after": str(2**63)}, "query.after"),
        ({"query": "a\0"}, "query.query"),
    ],
)
def test_a_wrong_question_is_answered_with_the_field(desk: Desk, asked: dict[str, str], field: str) -> None:
    answer = desk.client.get("/api/v1/mentions", params=asked)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_an_unknown_cursor_is_an_error_and_not_the_first_page(desk: Desk) -> None:
    desk.post("/mentions", record(1))
    assert desk.client.get("/api/v1/mentions", params={"after": 99}).status_code == 400


def test_one_mention_names_its_sources(desk: Desk) -> None:
    desk.post("/mentions", record(1))
    whole = desk.get("/mentions/1")
    assert (whole["sources"], whole["classification"], whole["stage"]) == (["push"], None, "classify")
    assert whole["posted_at"] == "2026-03-01T10:01:00Z"
    assert desk.client.get("/api/v1/mentions/2").status_code == 404


def test_a_record_without_a_date_is_of_now(desk: Desk) -> None:
    desk.post("/mentions", {"id": "1", "text": "x"})
    assert desk.get("/mentions/1")["posted_at"] == NOW.isoformat().replace("+00:00", "Z")
