"""A desk with nothing but the API, for the API's tests; and what the API promises about its routes as a whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from desk import problems
from desk.api import router
from desk.edge import House
from domain.classification import Language
from domain.limits import Limits
from domain.ports import Eligibility
from responders.answer import Rules
from store import people
from store.engine import Database
from store.tables import metadata

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALL = ("read", "write", "send", "admin")
MENDED = (
    "Hello Ann, thank you for telling us that parcel 4711 has not come. I am sorry: you waited a week for it. "
    "I have asked the carrier to look for it today, and I will write to you here by Friday 6 March, 15:00."
)


@dataclass
class Rung:
    """A bell that remembers."""

    kinds: list[str] = field(default_factory=list)

    def ring(self, kind: str) -> None:
        self.kinds.append(kind)


def detect(text: str, *, hint: str | None = None) -> Language:
    return Language(code=hint or "en", score=1.0 if text else 0.0)


@dataclass
class Desk:
    """The app, a client with every scope, and what stands behind them."""

    app: FastAPI
    house: House
    bell: Rung
    client: TestClient
    time: list[datetime]

    def token(self, *scopes: str, role: str = "admin") -> str:
        with self.house.database.write() as connection:
            email = f"{role}{people.count(connection)}@example.org"
            owner = people.add(connection, email=email, name=role, role=role, password_hash="", now=NOW)
            return people.add_token(connection, owner, name="test", scopes=scopes, now=NOW)

    def later(self, **delta: float) -> None:
        self.time[0] += timedelta(**delta)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, *, status: int = 200, key: str = "", method: str = "POST") -> Any:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        # Escaped here: half of a surrogate pair must reach the desk.
        answer = self.client.request(method, f"/api/v1{path}", content=json.dumps(body), headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def case(self, **more: Any) -> dict[str, Any]:
        body = {"channel": "phone", "text": "My parcel 4711 has not come. I want it.", "lang": "en"} | more
        case: dict[str, Any] = self.post("/cases", body, status=201)
        return case


@contextmanager
def open_desk(folder: Path) -> Iterator[Desk]:
    database = Database(f"sqlite:///{folder}/t.sqlite")
    metadata.create_all(database.engine)
    time = [NOW]
    bell = Rung()
    rules = Rules(
        limits={"hand": Limits(max_length=2000)},
        detect=detect,
        ways={"hand": Eligibility(way="api", reason=""), "paper": Eligibility(way="manual", reason="by hand")},
    )
    house = House(database=database, bell=bell, rules=rules, platforms=("feed", "simulated"), now=lambda: time[0])
    app = FastAPI()
    app.state.house = house
    app.include_router(router, prefix="/api/v1")
    problems.install(app)
    with TestClient(app) as client:
        desk = Desk(app=app, house=house, bell=bell, client=client, time=time)
        client.headers["Authorization"] = f"Bearer {desk.token(*ALL)}"
        yield desk
    database.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def routes() -> list[tuple[str, str]]:
    """Return method and path of every route."""
    found = [
        (method, route.path) for route in router.routes if isinstance(route, APIRoute) for method in route.methods or ()
    ]
    assert len(found) == len(router.routes)
    return sorted(found)


def ask(desk: Desk, method: str, path: str, token: str | None) -> httpx2.Response:
    filled = "/api/v1" + path
    for name in ("mention_id", "case_id", "reply_id", "follow_up_id", "source_id"):
        filled = filled.replace("{" + name + "}", "1")
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body: dict[str, Any] | None = None if method == "GET" else {}
    # A client of its own: the desk's one sends its token with everything.
    return TestClient(desk.app).request(method, filled, headers=headers, json=body)


def needed(method: str, path: str) -> str:
    if method == "GET":
        return "read"
    if path.startswith(("/sources", "/brands")):
        return "admin"
    return "send" if path.endswith(("/approve", "/send", "/confirm")) else "write"


def test_every_route_refuses_without_a_token(desk: Desk) -> None:
    for method, path in routes():
        for token in (None, "amends_wrong"):
            answer = ask(desk, method, path, token)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_every_route_refuses_a_token_that_lacks_its_scope(desk: Desk) -> None:
    tokens = {scope: desk.token(*(other for other in ALL if other != scope)) for scope in ALL}
    for method, path in routes():
        scope = needed(method, path)
        answer = ask(desk, method, path, tokens[scope])
        assert answer.status_code == 403, (method, path, answer.text)
        assert f"'{scope}'" in answer.json()["detail"]


def test_a_scope_alone_opens_only_what_it_is_for(desk: Desk) -> None:
    for scope in ALL:
        token = desk.token(scope)
        for method, path in routes():
            if needed(method, path) != scope:
                assert ask(desk, method, path, token).status_code == 403, (scope, method, path)


def test_a_token_may_no_more_than_its_owner(desk: Desk) -> None:
    body = {"name": "Acme"}
    for role, status in (("agent", 403), ("lead", 201), ("admin", 200)):
        headers = {"Authorization": f"Bearer {desk.token(*ALL, role=role)}"}
        assert desk.client.post("/api/v1/brands", json=body, headers=headers).status_code == status


def test_the_session_of_the_browser_is_not_accepted(desk: Desk) -> None:
    with desk.house.database.write() as connection:
        who = people.add(connection, email="a@example.org", name="a", role="admin", password_hash="", now=NOW)
        secret = people.open_session(connection, who, now=NOW)
    client = TestClient(desk.app, cookies={"amends_session": secret})
    assert client.get("/api/v1/cases").status_code == 401


def test_the_schema_is_full(desk: Desk) -> None:
    schema = desk.app.openapi()
    assert schema["openapi"].startswith("3.1")
    for method, path in routes():
        operation = schema["paths"]["/api/v1" + path][method.lower()]
        assert operation["description"], path
        assert "4XX" in operation["responses"]
        assert operation["security"], path
        if method != "GET":
            good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            assert good[0]["content"]["application/json"]["schema"], path


def test_every_route_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    missing = [f"`{method} {path}`" for method, path in routes() if f"`{method} {path}`" not in text]
    assert missing == []
