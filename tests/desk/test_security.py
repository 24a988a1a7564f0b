"""What a stranger may cost the desk: attempts to sign in, passwords to hash, bodies to read."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from desk import auth
from desk.auth import MAX_ATTEMPTS, MAX_KEYS, MAX_OF_PLACE, WINDOW, Throttle
from desk.security import MAX_FORM
from store import people
from store.engine import Database
from tests.conftest import Now
from tests.desk.test_api_house import Desk as ApiDesk
from tests.desk.test_api_house import open_desk
from tests.desk.test_pages_doors import HOME, OURS, PASSWORD, Desk, make

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GO = timedelta(0)


@pytest.fixture
def desk(sqlite: Database, now: Now) -> Desk:
    return make(sqlite, now)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiDesk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_more_addresses_than_can_be_kept_do_not_break_the_throttle() -> None:
    throttle = Throttle()
    for number in range(MAX_KEYS + 500):
        place = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        assert throttle.begin(place, "a@example.com", now=AT) == GO
    assert len(throttle._tried) == MAX_KEYS
    for windows in (1, 2, 3):
        now = AT + windows * WINDOW
        assert [throttle.begin("10.0.30.1", "a@example.com", now=now) for _ in range(MAX_ATTEMPTS)] == [GO] * 5
        assert throttle.begin("10.0.30.1", "a@example.com", now=now) == WINDOW
        assert len(throttle._tried) == 2


def test_an_attempt_that_is_out_of_date_leaves_nothing_behind() -> None:
    throttle = Throttle()
    for _ in range(MAX_ATTEMPTS):
        throttle.begin("10.0.0.1", "a@example.com", now=AT)
    left = throttle.begin("10.0.0.1", "a@example.com", now=AT + timedelta(minutes=1))
    assert left == timedelta(minutes=4)
    assert throttle.begin("10.0.0.1", "a@example.com", now=AT + WINDOW) == GO
    throttle.passed("10.0.0.1", "a@example.com", begun=AT + WINDOW)
    assert not throttle._tried


def test_who_got_in_or_was_not_heard_is_not_counted() -> None:
    throttle = Throttle()
    for second in range(100):
        now = AT + timedelta(seconds=second)
        assert throttle.begin("10.0.0.1", "a@example.com", now=now) == GO
        if second % 2:
            throttle.passed("10.0.0.1", "a@example.com", begun=now)
        else:
            throttle.give_back("10.0.0.1", "a@example.com", begun=now)
    assert not throttle._tried


def test_a_place_is_a_whole_network_of_ipv6() -> None:
    throttle = Throttle()
    for number in range(MAX_OF_PLACE):
        assert throttle.begin(f"2001:db8:1:2:{number:x}::1", f"a{number}@example.com", now=AT) == GO
    assert throttle.begin("2001:db8:1:2:ffff::1", "b@example.com", now=AT) > GO
    assert throttle.begin("2001:db8:1:3::1", "b@example.com", now=AT) == GO
    for _ in range(MAX_ATTEMPTS):
        throttle.begin("::ffff:203.0.113.9", "c@example.com", now=AT)
    assert throttle.begin("203.0.113.9", "c@example.com", now=AT) > GO
    assert throttle.begin("::ffff:203.0.113.10", "c@example.com", now=AT) == GO
    assert throttle.begin("no address", "c@example.com", now=AT) == GO


def test_of_sixty_attempts_at_once_five_are_heard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.person("Anna")
    heard, all_here = [], threading.Barrier(20)

    def fits(found: object, password: str) -> bool:
        heard.append(password)
        return False

    monkeypatch.setattr(auth, "fits", fits)

    def attempt(number: int) -> int:
        with desk.client() as client:
            all_here.wait(timeout=30)
            data = {"email": "anna@example.com", "password": f"guess {number}"}
            return client.post("/sign-in", data=data, headers=OURS).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(attempt, range(60)))
    assert (statuses.count(401), statuses.count(429), len(heard)) == (MAX_ATTEMPTS, 60 - MAX_ATTEMPTS, MAX_ATTEMPTS)


@pytest.mark.parametrize(("url", "status"), [("http://127.0.0.1:8000", 429), ("https://desk.example", 401)])
def test_behind_a_proxy_one_place_is_everybody(
    sqlite: Database, now: Now, monkeypatch: pytest.MonkeyPatch, url: str, status: int
) -> None:
    desk = make(sqlite, now, public_url=url)
    monkeypatch.setattr(auth, "fits", lambda found, password: False)
    client = desk.client()
    for number in range(MAX_OF_PLACE + 1):
        data = {"email": f"a{number}@example.com", "password": "wrong"}
        answer = client.post("/sign-in", data=data, headers=OURS)
    assert answer.status_code == status


def test_two_passwords_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    class Hasher:
        def verify(self, _stored: str, _password: str) -> bool:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            threading.Event().wait(0.02)
            with lock:
                at_once -= 1
            return True

        hash = verify

    monkeypatch.setattr(auth, "_hasher", Hasher())
    person: Any = ("somebody", "hash")
    with ThreadPoolExecutor(auth.HASHING + auth.MAX_WAITING) as pool:
        assert all(pool.map(lambda _: auth.fits(person, "x"), range(30)))
    assert most == auth.HASHING


def test_who_cannot_be_heard_is_told_and_loses_no_attempt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.person("Anna")
    monkeypatch.setattr(auth, "BUSY_S", 0.01)
    data = {"email": "anna@example.com", "password": PASSWORD}
    for _ in range(auth.HASHING):
        auth._hashing.acquire()
    try:
        for _ in range(MAX_ATTEMPTS + 1):
            answer = desk.client().post("/sign-in", data=data, headers=OURS)
            assert answer.status_code == 503
            assert "busy" in answer.text
            assert int(answer.headers["retry-after"]) > 0
    finally:
        for _ in range(auth.HASHING):
            auth._hashing.release()
    assert desk.client().post("/sign-in", data=data, headers=OURS).status_code == 303


def test_a_line_that_is_too_long_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_line", threading.BoundedSemaphore(1))
    with auth._in_turn(), pytest.raises(auth.Busy):
        auth.hash_password("long enough, surely")


@pytest.mark.parametrize("change", ["password", "disable"])
def test_what_changes_while_a_password_is_checked_counts(
    desk: Desk, now: Now, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    anna = desk.person("Anna")

    def fits(found: object, password: str) -> bool:
        # No transaction is open meanwhile: this one would wait for it.
        with desk.database.write() as connection:
            if change == "disable":
                people.disable(connection, anna.id, now=now())
            else:
                people.set_password(connection, anna.id, "another")
        return True

    monkeypatch.setattr(auth, "fits", fits)
    answer = desk.client().post("/sign-in", data={"email": anna.email, "password": PASSWORD}, headers=OURS)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def asked(
    app: ASGIApp, path: str, chunks: list[bytes], headers: dict[str, str], *, method: str = "POST"
) -> tuple[int, str, int]:
    """Send a body in chunks; return the status, the kind of the answer, and how many chunks were taken."""
    left, sent = list(chunks), []

    async def receive() -> Message:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *raw],
        "client": ("127.0.0.1", 5),
        "server": ("testserver", 80),
    }
    asyncio.run(app(scope, receive, send))
    start = dict(sent[0]["headers"])
    return sent[0]["status"], start.get(b"content-type", b"").decode(), len(chunks) - len(left)


FORM = {"Origin": HOME, "Content-Type": "application/x-www-form-urlencoded"}
CHUNK = b"a" * 65536


def test_a_page_takes_no_large_form_however_it_is_sent(desk: Desk) -> None:
    small = [b"email=anna%40example.com&password=", *[CHUNK] * 3]
    assert asked(desk.app, "/sign-in", small, FORM)[0] == 400
    status, _, taken = asked(desk.app, "/sign-in", [b"email=", *[CHUNK] * 100], FORM)
    assert (status, taken) == (413, 5)
    for told in (MAX_FORM + 1, 10**30):
        assert asked(desk.app, "/sign-in", [CHUNK], FORM | {"Content-Length": str(told)})[::2] == (413, 0)
    assert asked(desk.app, "/healthz", [CHUNK] * 100, {"Content-Length": "6553600"}, method="GET")[::2] == (413, 0)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", " Multipart/Mixed"])
def test_a_page_takes_no_files(desk: Desk, kind: str) -> None:
    assert asked(desk.app, "/sign-in", [CHUNK], FORM | {"Content-Type": kind})[::2] == (415, 0)
    answer = desk.client().post("/sign-in", files={"email": b"x"}, headers=OURS)
    assert answer.status_code == 415
    assert answer.headers["x-content-type-options"] == "nosniff"


JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/mentions", "/api/v1/replies/1/approve"])
def test_the_api_reads_nothing_of_whoever_may_not_ask(api: ApiDesk, path: str) -> None:
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": "Bearer amends_wrong"}, 401),
        ({"Authorization": f"Bearer {api.token('read')}"}, 403),
    ):
        assert asked(api.app, path, [CHUNK] * 10, JSON | headers) == (status, PROBLEM, 0)


def test_a_push_may_be_larger_than_anything_else(api: ApiDesk) -> None:
    headers = JSON | {"Authorization": f"Bearer {api.token('write', 'read')}"}
    body = [b'{"id": "1", "text": "', *[CHUNK] * 40, b'"}']
    assert asked(api.app, "/api/v1/cases", body, headers) == (413, PROBLEM, 17)
    assert asked(api.app, "/api/v1/mentions", body, headers)[0] == 200
    told = headers | {"Content-Length": str(17 * 1024 * 1024)}
    assert asked(api.app, "/api/v1/mentions", body, told) == (413, PROBLEM, 0)


def test_a_token_that_is_revoked_while_the_body_comes_is_not_let_through(api: ApiDesk) -> None:
    secret = api.token("write")
    with api.house.database.read() as connection:
        token_id = people.tokens(connection)[-1]["id"]

    def body() -> Iterator[bytes]:
        yield b'{"channel": "phone", '
        with api.house.database.write() as connection:
            people.revoke_token(connection, token_id, now=AT)
        yield b'"text": "x"}'

    chunks = body()

    async def receive() -> Message:
        chunk = next(chunks, b"")
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        await api.app(scope, receive, send)

    assert asked(app, "/api/v1/cases", [b""], JSON | {"Authorization": f"Bearer {secret}"})[0] == 401


def test_who_is_disabled_is_out_at_once(api: ApiDesk) -> None:
    database = api.house.database
    secret = api.token("read", role="agent")
    client = TestClient(api.app, headers={"Authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/cases").status_code == 200
    with database.write() as connection:
        owner = people.tokens(connection)[-1]
        found = people.find(connection, owner["email"])
        assert found is not None
        people.disable(connection, found[0].id, now=AT)
        assert people.tokens(connection)[-1]["revoked_at"] == AT
        assert people.tokens(connection)[0]["revoked_at"] is None
    assert client.get("/api/v1/cases").status_code == 401


@pytest.mark.parametrize("change", ["password", "disable"])
def test_sessions_and_links_end_at_once(desk: Desk, now: Now, change: str) -> None:
    anna, leo = desk.person("Anna"), desk.person("Leo", "lead")
    hers, his = desk.signed_in(anna), desk.signed_in(leo)
    with desk.database.write() as connection:
        link = people.add_link(connection, anna.id, expires_at=now() + timedelta(hours=1))
    assert (hers.get("/queue/all").status_code, desk.client().get(f"/in/{link}").status_code) == (200, 200)
    with desk.database.write() as connection:
        if change == "disable":
            people.disable(connection, anna.id, now=now())
        else:
            people.set_password(connection, anna.id, "another")
    assert (hers.get("/queue/all").status_code, desk.client().get(f"/in/{link}").status_code) == (303, 404)
    assert his.get("/queue/all").status_code == 200
