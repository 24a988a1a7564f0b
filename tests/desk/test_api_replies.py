"""Replies over the API: drafted, approved, sent, confirmed; each with the version that was seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.reply import ReplyStatus
from store import replies
from tests.desk.test_api_house import ALL, MENDED, NOW, Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def draft(desk: Desk, text: str = MENDED) -> dict[str, Any]:
    reply: dict[str, Any] = desk.post(f"/cases/{desk.case()['id']}/replies", {"text": text}, status=201)
    desk.bell.kinds.clear()
    return reply


def test_a_draft_is_changed_approved_and_rung_for(desk: Desk) -> None:
    reply = draft(desk, "Hello")
    assert (reply["status"], reply["channel"], reply["version"]) == ("draft", "api", 1)
    path = f"/replies/{reply['id']}"
    reply = desk.post(path, {"text": MENDED, "version": 1}, method="PUT")
    assert (reply["text"], desk.bell.kinds) == (MENDED, [])
    reply = desk.post(f"{path}/approve", {"version": 2})
    assert (reply["status"], reply["approved_at"], desk.bell.kinds) == ("approved", "2026-03-02T09:00:00Z", ["deliver"])
    reply = desk.post(path, {"text": MENDED + " Ann", "version": 3}, method="PUT")
    assert (reply["status"], reply["approved_by"]) == ("draft", None)
    reply = desk.post(f"{path}/withdraw", {"version": 4})
    assert desk.get(path)["status"] == "withdrawn"


def test_a_gap_left_open_is_not_approved(desk: Desk) -> None:
    reply = draft(desk, MENDED + " Your order: [[order]].")
    assert "not ready to send" in desk.post(f"/replies/{reply['id']}/approve", {"version": 1}, status=400)["detail"]
    assert desk.bell.kinds == []


def test_a_post_has_one_live_reply(desk: Desk) -> None:
    reply = draft(desk)
    again = desk.post(f"/cases/{reply['case_id']}/replies", {"text": MENDED}, status=409)
    assert again["present"]["reply_id"] == reply["id"]


def test_a_stale_write_gets_the_present_state(desk: Desk) -> None:
    path = f"/replies/{draft(desk)['id']}"
    desk.post(path, {"text": "changed", "version": 1}, method="PUT")
    for verb in ("approve", "send", "confirm", "withdraw"):
        problem = desk.post(f"{path}/{verb}", {"version": 1}, status=409)
        assert (problem["present"]["version"], problem["present"]["text"]) == (2, "changed")


@pytest.mark.parametrize("status", [ReplyStatus.FAILED, ReplyStatus.UNCERTAIN])
def test_a_person_may_send_again_what_is_not_live(desk: Desk, status: ReplyStatus) -> None:
    reply_id = draft(desk)["id"]
    with desk.house.database.write() as connection:
        reply = replies.load(connection, reply_id)
        reply.status, reply.error = status, "lost"
        replies.save(connection, reply, now=NOW)
    sent = desk.post(f"/replies/{reply_id}/send", {"version": 2})
    assert (sent["status"], sent["error"], desk.bell.kinds) == ("approved", "", ["deliver"])
    assert desk.post(f"/replies/{reply_id}/send", {"version": 3}, status=409)["present"]["status"] == "approved"


def test_sending_a_draft_approves_it_and_confirming_answers_the_case(desk: Desk) -> None:
    reply = draft(desk)
    path = f"/replies/{reply['id']}"
    desk.post(f"{path}/send", {"version": 1})
    desk.post(f"{path}/confirm", {"version": 2, "url": "javascript:alert(1)"}, status=400)
    live = desk.post(f"{path}/confirm", {"version": 2, "url": "https://example.org/1"})
    assert (live["status"], live["url"]) == ("sent", "https://example.org/1")
    case = desk.get(f"/cases/{reply['case_id']}")
    assert (case["status"], case["targets"][0]["met_at"]) == ("pending", "2026-03-02T09:00:00Z")
    assert case["replies"][0]["status"] == "sent"


def test_what_is_answered_by_hand_is_not_sent(desk: Desk) -> None:
    desk.post("/mentions", {"id": "1", "text": "Broken", "platform": "paper", "lang": "en"})
    with desk.house.database.write() as connection:
        connection.exec_driver_sql("UPDATE mentions SET stage = 'triage', lang = 'en'")
    case = desk.post("/cases", {"mention_id": 1}, status=201)
    reply = desk.post(f"/cases/{case['id']}/replies", {"text": MENDED}, status=201)
    assert reply["channel"] == "manual"
    assert "by hand" in desk.post(f"/replies/{reply['id']}/send", {"version": 1}, status=409)["detail"]
    desk.post(f"/replies/{reply['id']}/approve", {"version": 1})
    assert desk.post(f"/replies/{reply['id']}/confirm", {"version": 2})["status"] == "sent"


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""},
        {"text": "  "},
        {"text": "x" * 20_001},
        {"text": "a\0b"},
        {"text": "a\ud800b"},
        {"text": MENDED, "suggestion_id": 5},
        {"text": MENDED, "mention_id": 99},
        {"text": MENDED, "lang": "e"},
    ],
)
def test_a_bad_draft_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    case_id = desk.case()["id"]
    assert desk.post(f"/cases/{case_id}/replies", body, status=400)["detail"]
    desk.post(f"/cases/{case_id}/replies", {"text": MENDED}, status=201)


def test_a_token_that_drafts_cannot_send(desk: Desk) -> None:
    reply = draft(desk)
    token = desk.token(*(scope for scope in ALL if scope != "send"), role="agent")
    headers = {"Authorization": f"Bearer {token}"}
    answer = desk.client.post(f"/api/v1/replies/{reply['id']}/send", json={"version": 1}, headers=headers)
    assert answer.status_code == 403
    assert 'scope="send"' in answer.headers["WWW-Authenticate"]
    assert desk.get(f"/replies/{reply['id']}")["status"] == "draft"
