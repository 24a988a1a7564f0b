"""A desk with people for the pages' tests; and its doors: sign-in, links, first run, headers, and who is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from desk.app import create_app
from desk.auth import hash_password
from desk.edge import COOKIE, House
from desk.security import CONTENT_SECURITY_POLICY
from domain.classification import Language
from domain.limits import Limits
from domain.person import Person
from domain.ports import Eligibility
from responders.answer import Rules
from store import people, sources
from store.engine import Database
from tests.conftest import Now

HOME = "http://testserver"
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
OURS = {"Origin": HOME}
HTMX = {"Origin": HOME, "HX-Request": "true"}


@dataclass
class Rung:
    """A bell that remembers."""

    kinds: list[str] = field(default_factory=list)

    def ring(self, kind: str) -> None:
        self.kinds.append(kind)


def detect(text: str, *, hint: str | None = None) -> Language:
    return Language(code=hint or "en", score=0.5)


@dataclass
class Desk:
    """The app and what stands behind it."""

    app: FastAPI
    house: House
    database: Database
    bell: Rung
    now: Now

    def client(self, **more: object) -> TestClient:
        """Return a browser that follows no redirects."""
        return TestClient(self.app, base_url=HOME, follow_redirects=False, **more)  # type: ignore[arg-type]

    def person(self, name: str, role: str = "agent") -> Person:
        """Add a person."""
        email = f"{name.lower()}@example.com"
        with self.database.write() as connection:
            made = people.add(
                connection, email=email, name=name, role=role, password_hash=HASH, now=self.now()
            )  # fmt: skip
            return people.get(connection, made)

    def signed_in(self, person: Person) -> TestClient:
        """Return a browser with a person's session."""
        with self.database.write() as connection:
            secret = people.open_session(connection, person.id, now=self.now())
        return self.client(cookies={COOKIE: secret}, headers=OURS)


def make(database: Database, now: Now, **more: object) -> Desk:
    """Build a desk on a database."""
    bell = Rung()
    way = Eligibility(way="api", reason="The simulated platform takes replies by API.")
    rules = Rules(limits={"simulated": Limits(max_length=300)}, detect=detect, ways={"simulated": way})
    house = House(database=database, bell=bell, rules=rules, now=now, **more)  # type: ignore[arg-type]
    return Desk(app=create_app(house), house=house, database=database, bell=bell, now=now)


@pytest.fixture
def desk(sqlite: Database, now: Now) -> Desk:
    return make(sqlite, now)


@pytest.fixture
def anna(desk: Desk) -> Person:
    return desk.person("Anna")


@pytest.fixture
def agent(desk: Desk, anna: Person) -> Iterator[TestClient]:
    with desk.signed_in(anna) as client:
        yield client


def sign_in(
    client: TestClient, *, email: str = "anna@example.com", password: str = PASSWORD, next: str = "/"
) -> object:
    return client.post("/sign-in", data={"email": email, "password": password, "next": next}, headers=OURS)


def test_a_password_lets_in_and_the_cookie_is_shut(desk: Desk, anna: Person) -> None:
    client = desk.client()
    answer = client.post("/sign-in", data={"email": "Anna@Example.com ", "password": PASSWORD}, headers=OURS)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert client.get("/queue/all").status_code == 200


def test_over_https_the_cookie_is_secure(sqlite: Database, now: Now) -> None:
    desk = make(sqlite, now, public_url="https://desk.example", hosts=("desk.example", "testserver"))
    desk.person("Anna")
    answer = sign_in(desk.client())
    assert isinstance(answer, httpx2.Response)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(("email", "password"), [("anna@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_a_refusal_does_not_say_which_was_wrong(desk: Desk, anna: Person, email: str, password: str) -> None:
    answer = desk.client().post("/sign-in", data={"email": email, "password": password}, headers=OURS)
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text


def test_nobody_gets_in_without_a_password(desk: Desk, now: Now) -> None:
    with desk.database.write() as connection:
        people.add(connection, email="eero@example.com", name="Eero", role="agent", password_hash="", now=now())
    answer = desk.client().post("/sign-in", data={"email": "eero@example.com", "password": ""}, headers=OURS)
    assert answer.status_code == 401


def test_five_failures_are_enough_for_five_minutes(desk: Desk, anna: Person, now: Now) -> None:
    client = desk.client()
    for _ in range(5):
        client.post("/sign-in", data={"email": "anna@example.com", "password": "wrong"}, headers=OURS)
    data = {"email": "anna@example.com", "password": PASSWORD}
    refused = client.post("/sign-in", data=data, headers=OURS)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    now.forward(minutes=6)
    assert client.post("/sign-in", data=data, headers=OURS).status_code == 303


def test_signing_out_ends_the_session(desk: Desk, anna: Person, agent: TestClient) -> None:
    secret = agent.cookies[COOKIE]
    assert agent.post("/sign-out").status_code == 303
    assert desk.client(cookies={COOKIE: secret}).get("/queue/all").status_code == 303


@pytest.mark.parametrize("path", ["/queue/all", "/cases/1?view=all", "/mentions", "/sources", "/live", "/views"])
def test_every_page_wants_somebody_signed_in(desk: Desk, path: str) -> None:
    answer = desk.client().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")


@pytest.mark.parametrize(("verb", "path"), [("GET", "/queue/all"), ("POST", "/cases/1/approve")])
def test_a_page_that_stands_open_stays_when_its_session_has_ended(desk: Desk, verb: str, path: str) -> None:
    answer = desk.client().request(verb, path, headers=HTMX)
    assert answer.status_code == 401
    assert "hx-redirect" not in answer.headers
    assert "You were signed out" in answer.text
    assert answer.headers["hx-retarget"] == "#notice"


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/cases/7?view=all", "/cases/7?view=all"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_leads_nowhere_else(desk: Desk, anna: Person, wanted: str, led: str) -> None:
    data = {"email": "anna@example.com", "password": PASSWORD, "next": wanted}
    answer = desk.client().post("/sign-in", data=data, headers=OURS)
    assert answer.headers["location"] == led


def test_a_link_lets_in_by_its_button_only(desk: Desk, anna: Person, now: Now) -> None:
    with desk.database.write() as connection:
        secret = people.add_link(connection, anna.id, expires_at=now.forward(minutes=10))
    now.forward(minutes=-5)
    client = desk.client()
    looked = client.get(f"/in/{secret}")
    assert looked.status_code == 200
    assert "set-cookie" not in looked.headers
    followed = client.post(f"/in/{secret}", headers=OURS)
    assert followed.status_code == 303
    assert client.get("/queue/all").status_code == 200


def test_a_link_that_has_expired_says_so(desk: Desk, anna: Person, now: Now) -> None:
    with desk.database.write() as connection:
        secret = people.add_link(connection, anna.id, expires_at=now())
    assert desk.client().post(f"/in/{secret}", headers=OURS).status_code == 404


def test_the_first_run_makes_an_administrator_once(desk: Desk) -> None:
    client = desk.client(client=("127.0.0.1", 50000))
    assert client.get("/").headers["location"] == "/sign-in"
    assert client.get("/sign-in").headers["location"] == "/first-run"
    data = {"name": "Leo", "email": "leo@example.com", "password": "short", "brand": "Nordvik"}
    refused = client.post("/first-run", data=data, headers=OURS)
    assert refused.status_code == 400
    assert 'value="leo@example.com"' in refused.text
    assert client.post("/first-run", data=data | {"password": PASSWORD}, headers=OURS).status_code == 303
    assert client.get("/queue/all").status_code == 200
    with desk.database.read() as connection:
        assert [(p.name, p.role) for p in people.everyone(connection)] == [("Leo", "admin")]
        assert [row["name"] for row in sources.all_brands(connection)] == ["Nordvik"]
    again = desk.client(client=("127.0.0.1", 50000)).post("/first-run", data=data, headers=OURS)
    assert again.status_code in (303, 400)
    with desk.database.read() as connection:
        assert people.count(connection) == 1


@pytest.mark.parametrize(
    ("address", "headers"), [("203.0.113.9", {}), ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"})]
)
def test_the_first_run_is_for_this_machine_only(desk: Desk, address: str, headers: dict[str, str]) -> None:
    client = desk.client(client=(address, 50000))
    shown = client.get("/first-run", headers=headers)
    assert shown.status_code == 403
    assert "<form" not in shown.text
    data = {"name": "Eve", "email": "eve@example.com", "password": PASSWORD}
    assert client.post("/first-run", data=data, headers=OURS | headers).status_code == 403
    with desk.database.read() as connection:
        assert people.count(connection) == 0


def test_a_desk_with_a_public_address_has_no_first_run(sqlite: Database, now: Now) -> None:
    # A proxy on this machine may pass requests on without a header that tells of it.
    home = "https://amends.example.com"
    desk = make(sqlite, now, public_url=home, hosts=("amends.example.com",))
    client = TestClient(desk.app, base_url=home, follow_redirects=False, client=("127.0.0.1", 50000))
    shown = client.get("/first-run")
    assert (shown.status_code, "<form" in shown.text) == (403, False)
    data = {"name": "Eve", "email": "eve@example.com", "password": PASSWORD}
    assert client.post("/first-run", data=data, headers={"Origin": home}).status_code == 403
    with desk.database.read() as connection:
        assert people.count(connection) == 0


def test_every_answer_carries_the_headers(desk: Desk, agent: TestClient) -> None:
    for path in ("/queue/all", "/sign-in", "/no-such-page", "/healthz", "/static/base.css"):
        answer = agent.get(path)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert agent.get("/queue/all").headers["cache-control"] == "no-store"
    assert "no-store" not in agent.get("/static/base.css").headers["cache-control"]
    assert "immutable" in agent.get("/static/base.css?v=1").headers["cache-control"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_can_do_nothing(desk: Desk, anna: Person, headers: dict[str, str]) -> None:
    client = desk.signed_in(anna)
    client.headers.pop("Origin")
    answer = client.post("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert client.get("/queue/all").status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": HOME}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_pages_may(desk: Desk, anna: Person, headers: dict[str, str]) -> None:
    client = desk.signed_in(anna)
    client.headers.pop("Origin")
    assert client.post("/sign-out", headers=headers).status_code == 303


def test_the_api_is_asked_for_a_token_not_for_an_origin(desk: Desk, anna: Person) -> None:
    assert desk.client().post("/api/v1/cases", json={}, headers={"Authorization": "Bearer x"}).status_code == 401
    with_cookie = desk.signed_in(anna)
    with_cookie.headers.pop("Origin")
    assert with_cookie.post("/api/v1/cases", json={}).status_code == 403


def test_a_host_that_is_not_ours_is_refused(desk: Desk) -> None:
    assert desk.client(headers={"Host": "evil.example"}).get("/healthz").status_code == 400


def test_the_contract_of_the_programs_is_shown(desk: Desk) -> None:
    contract = desk.client().get("/openapi.json").json()
    assert contract["openapi"].startswith("3.1")
    assert "/healthz" in contract["paths"]
    assert not any(path.startswith(("/queue", "/sign-in", "/first-run")) for path in contract["paths"])
    assert desk.client().get("/docs").status_code == 404


def test_health(desk: Desk) -> None:
    assert desk.client().get("/healthz").json() == {"status": "ok"}
