"""An `Idempotency-Key` makes the same request twice do it once, whatever happens in between."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from store.tables import answered_keys, cases
from tests.desk.test_api_house import ALL, Desk, open_desk

CALL = {"channel": "phone", "text": "The kettle leaked again."}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def count(desk: Desk, table: sa.Table) -> int:
    with desk.house.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_the_same_request_gets_the_first_answer(desk: Desk) -> None:
    first = desk.post("/cases", CALL, status=201, key="call-1")
    again = desk.client.post(
        "/api/v1/cases",
        content=b'{"channel": "phone", "text": "The kettle leaked again."}',
        headers={"Idempotency-Key": "call-1", "Content-Type": "application/json"},
    )
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (count(desk, cases), desk.bell.kinds) == (1, ["classify"])


def test_without_a_key_it_is_done_again(desk: Desk) -> None:
    desk.post("/cases", CALL, status=201)
    desk.post("/cases", CALL, status=201)
    assert (count(desk, cases), count(desk, answered_keys)) == (2, 0)


def test_a_key_is_not_used_for_another_request(desk: Desk) -> None:
    case = desk.post("/cases", CALL, status=201, key="k")
    desk.post("/cases", CALL | {"text": "other"}, status=409, key="k")
    desk.post(f"/cases/{case['id']}/note", CALL, status=400, key="k")
    desk.post(f"/cases/{case['id']}/note", {"text": "x", "version": 1}, status=409, key="k")
    desk.post("/mentions?source=a", {"id": "1", "text": "x"}, key="push")
    desk.post("/mentions?source=b", {"id": "1", "text": "x"}, status=409, key="push")


def test_what_failed_is_not_remembered(desk: Desk) -> None:
    case = desk.case()
    path = f"/cases/{case['id']}/snooze"
    body = {"until": (desk.time[0] - timedelta(hours=1)).isoformat(), "version": 1}
    desk.post(path, body, status=400, key="k")
    assert count(desk, answered_keys) == 0
    desk.time[0] -= timedelta(hours=2)
    assert desk.post(path, body, key="k")["status"] == "snoozed"


def test_a_stale_version_does_not_spoil_the_answer_given_before(desk: Desk) -> None:
    path = f"/cases/{desk.case()['id']}/note"
    first = desk.post(path, {"text": "x", "version": 1}, key="k")
    desk.post(path, {"text": "y", "version": 2})
    assert desk.post(path, {"text": "x", "version": 1}, key="k") == first


def test_keys_belong_to_the_owner_of_the_token(desk: Desk) -> None:
    desk.post("/cases", CALL, status=201, key="k")
    desk.client.headers["Authorization"] = f"Bearer {desk.token(*ALL)}"
    desk.post("/cases", CALL, status=201, key="k")
    assert count(desk, cases) == 2


@pytest.mark.parametrize("key", ["a b", "x" * 201, "\t"])
def test_a_bad_key_is_refused(desk: Desk, key: str) -> None:
    answer = desk.client.post("/api/v1/cases", json=CALL, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"
    assert count(desk, cases) == 0


def test_concurrent_doubles_do_it_once(desk: Desk) -> None:
    answers: list[int] = []
    start = threading.Barrier(6)

    def ask() -> None:
        start.wait()
        answers.append(desk.post("/cases", CALL, status=201, key="k")["id"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), len(set(answers)), count(desk, cases)) == (6, 1, 1)


def test_more_writers_than_threads_do_not_hold_each_other_up(desk: Desk) -> None:
    with ThreadPoolExecutor(60) as pool:
        ids = list(pool.map(lambda _: desk.case()["id"], range(60)))
    assert len(set(ids)) == 60


def test_broken_off_before_the_commit_nothing_is_there_and_it_is_done_the_next_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object) -> None:
        raise RuntimeError("broken off")

    with monkeypatch.context() as patch, capture_logs():
        patch.setattr("desk.api.cases.shown", die)
        with pytest.raises(RuntimeError, match="broken off"):
            desk.post("/cases", CALL, status=201, key="k")
    assert (count(desk, cases), count(desk, answered_keys), desk.bell.kinds) == (0, 0, [])
    desk.post("/cases", CALL, status=201, key="k")
    assert count(desk, cases) == 1


def test_the_bell_rings_after_the_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(desk.bell, "ring", lambda _kind: seen.append(count(desk, cases)))
    desk.post("/cases", CALL, status=201)
    assert seen == [1]
