"""Every error under /api/ is a problem; pages keep their own way; odd input never breaks the desk."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from desk import problems
from domain.errors import DeskError, NotFound
from store import people, replies
from tests.desk.test_api_house import MENDED, Desk, open_desk, routes


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_an_unknown_address_and_method_are_problems(desk: Desk) -> None:
    for answer, status in ((desk.client.get("/api/v1/nothing"), 404), (desk.client.delete("/api/v1/cases"), 405)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status
    assert "GET" in desk.client.put("/api/v1/mentions").headers["Allow"]


def test_what_is_unexpected_is_logged_under_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(replies, "load", fail)
    client = TestClient(desk.app, raise_server_exceptions=False, headers=dict(desk.client.headers))
    with capture_logs() as lines:
        answer = client.get("/api/v1/replies/1")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert [line["id"] for line in lines if line["event"] == "api_unexpected"] == [answer.json()["id"]]


def test_pages_keep_their_own_way() -> None:
    app = FastAPI()

    @app.get("/api/fails/{how}")
    @app.get("/page/{how}")
    def fail(how: str, number: int = 1) -> None:
        raise {"desk": NotFound(f"no page {number}"), "bug": ZeroDivisionError()}[how]

    async def page(_request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(f"page: {error}", 404)

    app.add_exception_handler(DeskError, page)
    app.add_exception_handler(404, page)
    problems.install(app)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/page/desk?number=7").text == "page: no page 7"
    assert client.get("/elsewhere").text.startswith("page: 404")
    assert client.get("/page/desk?number=x").status_code == 422
    assert client.get("/page/bug").text == "Internal Server Error"
    assert client.get("/api/fails/desk?number=7").json()["detail"] == "no page 7"
    assert client.get("/api/elsewhere").json()["title"] == "Not Found"
    assert client.get("/api/fails/desk?number=x").json()["errors"][0]["field"] == "query.number"
    with capture_logs():
        assert client.get("/api/fails/bug").json()["status"] == 500


def test_a_desk_error_that_no_page_handles_is_not_swallowed() -> None:
    app = FastAPI()

    @app.get("/page")
    def fail() -> None:
        raise NotFound("no page")

    problems.install(app)
    with pytest.raises(NotFound):
        TestClient(app).get("/page")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"text": ' + b"9" * 5000 + b"}", "application/json"),
        (b"text=x", "application/x-www-form-urlencoded"),
        (b"{}", "text/plain"),
        (b"", "application/json"),
        (b'{"\\ud800": 1}', "application/json"),
        (b'{"channel": "phone", "text": NaN}', "application/json"),
    ],
)
def test_a_body_that_is_no_json_is_a_problem(desk: Desk, content: bytes, kind: str) -> None:
    for path in ("/cases", "/mentions", "/replies/1/approve"):
        answer = desk.client.post(f"/api/v1{path}", content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 200 if path == "/mentions" else 400), answer.text
        assert answer.status_code == 200 or answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.api.base.MAX_BODY", 1000)
    desk.post("/cases", {"channel": "phone", "text": "x" * 900}, status=201)
    answer = desk.client.post("/api/v1/cases", json={"channel": "phone", "text": "x" * 1000})
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


NASTY: tuple[Any, ...] = (
    None,
    True,
    -1,
    1,
    2**63 - 1,
    2**63,
    10**400,
    1e308,
    "",
    "a\0b",
    "\ud800",
    "%\\_",
    "\u202ertl \U0001f4a9",
    "9999-12-31T23:59:59-14:00",
    "2026-03-05T08:00:00",
    "2026-03-05T08:00:00Z",
    "x" * 5000,
    "phone",
    "feed",
    [],
    ["a", "\0"],
    {},
    {"id": "1", "text": "x"},
    {"\ud800": "\0"},
)
GOOD: dict[str, dict[str, Any]] = {
    "/cases": {"channel": "phone", "text": "x"},
    "/cases/{case_id}/assign": {"assignee_id": 1, "version": 1},
    "/cases/{case_id}/note": {"text": "x", "version": 1},
    "/cases/{case_id}/tag": {"tags": ["x"], "version": 1},
    "/cases/{case_id}/snooze": {"until": "2026-03-05T08:00:00Z", "version": 1},
    "/cases/{case_id}/resolve": {"disposition": "solved", "version": 1},
    "/cases/{case_id}/reopen": {"reason": "x", "version": 1},
    "/cases/{case_id}/replies": {"text": MENDED},
    "/replies/{reply_id}": {"text": MENDED, "version": 1},
    "/replies/{reply_id}/confirm": {"version": 1, "url": "https://example.org"},
    "/follow-ups/{follow_up_id}/done": {"content": True},
    "/sources": {"name": "x", "platform": "feed"},
    "/sources/{source_id}": {"status": "paused"},
    "/brands": {"name": "x"},
    "/mentions": {"id": "1", "text": "x"},
}
EXTRA = {"text", "lang", "brand", "options", "tags", "until", "mention_id", "suggestion_id", "assignee_id", "url"}
FIELDS = sorted(EXTRA.union(*GOOD.values()))
IDS = ("mention_id", "case_id", "reply_id", "follow_up_id", "source_id")


def unbroken(desk: Desk, method: str, path: str, *, number: Any, body: Any, params: dict[str, Any]) -> None:
    for name in IDS:
        path = path.replace("{" + name + "}", str(number))
    if path.startswith("/events"):
        params = {**params, "once": "true"}
    plain = {name: str(value).encode("utf-8", "replace").decode() for name, value in params.items()}
    content = None if method == "GET" else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    # The client raises what the server did not expect.
    answer = desk.client.request(method, f"/api/v1{path}", params=plain, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    assert answer.status_code < 400 or answer.json()["status"] == answer.status_code


def furnished(desk: Desk) -> None:
    case = desk.case()
    desk.post(f"/cases/{case['id']}/replies", {"text": MENDED}, status=201)
    desk.post(f"/cases/{desk.case()['id']}/resolve", {"disposition": "solved", "version": 1})


def test_no_nasty_value_in_any_field_breaks_the_desk(desk: Desk) -> None:
    furnished(desk)
    for method, path in routes():
        base = GOOD.get(path, {"version": 1})
        if method != "GET":
            for value in (None, 10**400, "\ud800", [], [["\0"]], {"\ud800": "\0"}):
                unbroken(desk, method, path, number=1, body=value, params={})
            for field, value in product(base, NASTY):
                unbroken(desk, method, path, number=1, body=base | {field: value}, params={})
        if "{" in path:
            for number in (0, -1, 99, 2**63 - 1, 2**63, "x", "%00", "1.0"):
                unbroken(desk, method, path, number=number, body=base, params={})


def test_no_nasty_question_breaks_a_list(desk: Desk) -> None:
    furnished(desk)
    paths = desk.app.openapi()["paths"]
    for method, path in routes():
        known = paths["/api/v1" + path][method.lower()].get("parameters", []) if method == "GET" else []
        for name in [one["name"] for one in known if one["in"] == "query"]:
            for value in NASTY:
                unbroken(desk, method, path, number=1, body=None, params={"source": "by-hand"} | {name: value})


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=some.data())
def test_no_mixture_breaks_the_desk(desk: Desk, data: some.DataObject) -> None:
    values = some.sampled_from(NASTY) | some.text(max_size=20) | some.integers() | some.booleans()
    method, path = data.draw(some.sampled_from(routes()))
    base = GOOD.get(path, {"version": 1})
    body = base | data.draw(some.dictionaries(some.sampled_from(FIELDS), values, max_size=3))
    params = data.draw(some.dictionaries(some.sampled_from(FIELDS), values, max_size=1))
    number = data.draw(some.integers(min_value=1, max_value=5))
    unbroken(desk, method, path, number=number, body=body, params=params)


def test_odd_tokens_are_only_unknown(desk: Desk) -> None:
    for value in ("Bearer", "Bearer ", "Bearer \xff", "Basic eDp5", "bearer a b", "Bearer " + "x" * 5000):
        answer = TestClient(desk.app).get("/api/v1/cases", headers={b"Authorization": value.encode("latin-1")})
        assert answer.status_code == 401, value
    with desk.house.database.write() as connection:
        assert people.count(connection) == 1
