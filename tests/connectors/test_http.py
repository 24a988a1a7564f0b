"""The shared client: what it refuses to fetch, how it follows, and how failures come out."""

import gzip
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore2
import httpx2
import pytest

from connectors.answer import retry_at
from connectors.http import Http
from connectors.wire import Backend
from domain.errors import CredentialsRejected, OutcomeUnknown, RateLimited, Refused, Unavailable
from tests.connectors.server import Asked, LocalServer, Response

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_trusted_host_may_be_on_loopback(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(body=b"hello", headers={"ETag": '"1"'})
    answer = http.get(f"{server.url}/a", trusted=server.url)
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"hello", '"1"')
    assert server.asked[0].headers["user-agent"].startswith("Amends/")
    assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::]"],
)
def test_an_untrusted_url_never_reaches_loopback(http: Http, server: LocalServer, host: str) -> None:
    with pytest.raises(Refused):
        http.get(f"http://{host}:{server.port}/a")
    assert server.asked == []


@pytest.mark.parametrize("url", ["http://0177.0.0.1/", "http://①②⑦.0.0.1/", "http://127.0.0.1./"])
def test_other_spellings_are_no_way_in_either(http: Http, url: str) -> None:
    with pytest.raises((Refused, Unavailable)):
        http.get(url)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/", "gopher://x/", "http://", "http:///x", "//example.com/x", "",
     "http://user:secret@example.com/", "http://example.com:99999/", "javascript:alert(1)", "http://[::1"],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(http: Http, url: str) -> None:
    with pytest.raises(Refused) as caught:
        http.get(url)
    assert "secret" not in str(caught.value)


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(server: LocalServer) -> None:
    server.paths["/a"] = Response(body=b"inside")
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) > 1 else ["127.0.0.1"]

    with Http(lookup=rebinding, allow_private=["rebind.example"]) as http:
        assert http.get(f"http://rebind.example:{server.port}/a").body == b"inside"
    # Asked once: the address that was checked is the one connected to, and the Host header keeps the name.
    assert asked == ["rebind.example"]
    assert server.asked[0].headers["host"] == f"rebind.example:{server.port}"


def test_trust_in_a_host_and_port_is_not_trust_in_its_neighbours(http: Http, server: LocalServer) -> None:
    with pytest.raises(Refused):
        http.get(f"{server.url}/a", trusted="http://127.0.0.1:1/")
    server.paths["/away"] = Response(status=302, headers={"Location": "http://127.0.0.1:1/x"})
    with pytest.raises(Refused, match="loopback"):
        http.get(f"{server.url}/away", trusted=server.url)


def test_a_connection_opened_on_trust_is_not_lent_to_an_untrusted_call(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(body=b"x")
    http.get(f"{server.url}/a", trusted=server.url)
    with pytest.raises(Refused):
        http.get(f"{server.url}/a")


@pytest.mark.parametrize(
    "onward", ["http://127.0.0.1:1/", "http://[::1]/", "file:///etc/passwd", "http://a:b@example.com/", "http://[", ""]
)
def test_every_redirect_is_checked_again(server: LocalServer, onward: str) -> None:
    server.paths["/a"] = Response(status=302, headers={"Location": onward})
    with Http(lookup=_only("feed.example"), allow_private=["feed.example"]) as http, pytest.raises(Refused):
        http.get(f"http://feed.example:{server.port}/a")


def _only(name: str):  # type: ignore[no-untyped-def]
    return lambda host, port: ["127.0.0.1"] if host in (name, "127.0.0.1") else ["::1"]


def test_redirects_are_followed_and_counted(http: Http, server: LocalServer) -> None:
    for i in range(7):
        server.paths[f"/{i}"] = Response(status=301, headers={"Location": f"/{i + 1}"})
    server.paths["/7"] = Response(body=b"end")
    assert http.get(f"{server.url}/2", trusted=server.url).url == f"{server.url}/7"
    with pytest.raises(Refused, match="more than 5"):
        http.get(f"{server.url}/1", trusted=server.url)


def test_tokens_do_not_follow_to_another_host(server: LocalServer) -> None:
    server.paths["/a"] = Response(status=302, headers={"Location": f"http://other.example:{server.port}/b"})
    server.paths["/b"] = Response(body=b"x")
    with Http(lookup=lambda h, p: ["127.0.0.1"], allow_private=["one.example", "other.example"]) as http:
        http.get(f"http://one.example:{server.port}/a", headers={"Authorization": "Bearer t", "Accept": "text/x"})
    assert "authorization" in server.asked[0].headers
    assert "authorization" not in server.asked[1].headers
    assert server.asked[1].headers["accept"] == "text/x"


def test_cookies_are_not_kept(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(headers={"Set-Cookie": "a=1"})
    http.get(f"{server.url}/a", trusted=server.url)
    http.get(f"{server.url}/a", trusted=server.url)
    assert "cookie" not in server.asked[1].headers


def test_conditional_get(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = lambda asked: Response(status=304 if asked.headers.get("if-none-match") == '"7"' else 200)
    assert http.get(f"{server.url}/a", etag='"7"', modified="x", trusted=server.url).unchanged
    assert not http.get(f"{server.url}/a", trusted=server.url).unchanged


def test_a_body_over_the_limit_is_refused(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(body=b"x" * 1001)
    server.paths["/b"] = Response(body=b"x" * 1000)
    with pytest.raises(Refused, match="1,000"):
        http.get(f"{server.url}/a", max_bytes=1000, trusted=server.url)
    assert len(http.get(f"{server.url}/b", max_bytes=1000, trusted=server.url).body) == 1000


def test_a_compressed_bomb_is_refused_before_it_unfolds(http: Http, server: LocalServer) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    server.paths["/bomb"] = Response(body=bomb, headers={"Content-Encoding": "gzip"})
    server.paths["/twice"] = Response(body=gzip.compress(bomb), headers={"Content-Encoding": "gzip, gzip"})
    for path in ("/bomb", "/twice"):
        with pytest.raises(Refused):
            http.get(server.url + path, trusted=server.url)


def test_compressed_answers_are_read_and_cut_ones_are_not(http: Http, server: LocalServer) -> None:
    packed = gzip.compress(b"hello" * 100)
    server.paths["/a"] = Response(body=packed, headers={"Content-Encoding": "gzip"})
    server.paths["/cut"] = Response(body=packed[:-12], headers={"Content-Encoding": "gzip"})
    server.paths["/no"] = Response(body=b"plain", headers={"Content-Encoding": "gzip"})
    assert http.get(f"{server.url}/a", trusted=server.url).body == b"hello" * 100
    for path in ("/cut", "/no"):
        with pytest.raises(Unavailable):
            http.get(server.url + path, trusted=server.url)


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (400, Refused, Refused), (401, CredentialsRejected, CredentialsRejected),
        (403, CredentialsRejected, CredentialsRejected), (404, Refused, Refused), (408, Unavailable, Unavailable),
        (410, Refused, Refused), (422, Refused, Refused), (429, RateLimited, RateLimited),
        (500, Unavailable, OutcomeUnknown), (502, Unavailable, OutcomeUnknown), (503, Unavailable, Unavailable),
        (504, Unavailable, OutcomeUnknown),
    ],
)  # fmt: skip
def test_a_status_becomes_the_error_that_says_what_to_do(
    http: Http, server: LocalServer, status: int, read: type[Exception], write: type[Exception]
) -> None:
    server.paths["/a"] = Response(status=status, body=b"a reason " * 2000)
    with pytest.raises(read):
        http.get(f"{server.url}/a", trusted=server.url)
    with pytest.raises(write):
        http.send("POST", f"{server.url}/a", json_body={}, trusted=server.url)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, NOW + timedelta(seconds=120)),
        ({"retry-after": "Sun, 01 Mar 2026 12:05:00 GMT"}, NOW + timedelta(minutes=5)),
        ({"x-ratelimit-reset": "2026-03-01T12:10:00.000Z"}, NOW + timedelta(minutes=10)),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 90)}, NOW + timedelta(seconds=90)),
        ({"ratelimit-reset": "30", "retry-after": "40"}, NOW + timedelta(seconds=40)),
        ({"retry-after": "-5"}, NOW + timedelta(seconds=1)),
        ({"retry-after": "99999999"}, NOW + timedelta(days=1)),
        ({"retry-after": "soon"}, NOW + timedelta(seconds=60)),
        ({"retry-after": "nan"}, NOW + timedelta(seconds=60)),
        ({"retry-after": "inf"}, NOW + timedelta(seconds=60)),
        ({}, NOW + timedelta(seconds=60)),
    ],
)
def test_when_to_come_back_is_read_from_the_headers(headers: dict[str, str], expected: datetime) -> None:
    assert retry_at(headers, now=NOW) == expected


def test_a_503_that_says_when_is_a_rate_limit(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(status=503, headers={"Retry-After": "10"})
    with pytest.raises(RateLimited) as caught:
        http.get(f"{server.url}/a", trusted=server.url)
    assert caught.value.retry_at.tzinfo is UTC


def test_nobody_listening_is_unavailable_for_reads_and_writes(http: Http) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(Unavailable):
        http.get(url, trusted=url)
    with pytest.raises(Unavailable):
        http.send("POST", url, json_body={}, trusted=url)


def test_a_lost_answer_is_unknown_for_a_write_and_unavailable_for_a_read(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(cut=True)
    server.paths["/half"] = Response(cut=True, body=b"{}")
    for path in ("/a", "/half"):
        with pytest.raises(Unavailable):
            http.get(server.url + path, trusted=server.url)
        with pytest.raises(OutcomeUnknown):
            http.send("POST", server.url + path, json_body={}, trusted=server.url)


def test_a_write_is_sent_once_and_not_redirected(http: Http, server: LocalServer) -> None:
    server.paths["/a"] = Response(status=307, headers={"Location": "/b"})
    with pytest.raises(Refused):
        http.send("POST", f"{server.url}/a", form={"text": "ä"}, trusted=server.url)
    assert [(asked.path, asked.body) for asked in server.asked] == [("/a", b"text=%C3%A4")]


def test_a_server_that_hangs_is_given_up_on(server: LocalServer) -> None:
    server.paths["/slow"] = Response(delay_s=2)
    server.paths["/drip"] = Response(body=b"x" * 100, drip_s=0.05)
    with Http(read_s=0.2, total_s=0.5) as http:
        started = time.monotonic()
        for path in ("/slow", "/drip"):
            with pytest.raises(Unavailable):
                http.get(server.url + path, trusted=server.url)
        with pytest.raises(OutcomeUnknown):
            http.send("POST", f"{server.url}/slow", json_body={}, trusted=server.url)
        assert time.monotonic() - started < 5


def test_a_failed_handshake_is_unavailable_and_nothing_was_sent(http: Http, server: LocalServer) -> None:
    url = f"https://127.0.0.1:{server.port}/"
    with pytest.raises(Unavailable):
        http.get(url, trusted=url)
    with pytest.raises(Unavailable):
        http.send("POST", url, json_body={}, trusted=url)
    assert server.asked == []


def test_the_tls_name_stays_that_of_the_url_when_the_address_is_pinned() -> None:
    names: list[str | None] = []
    reached: list[str] = []

    class Stream(httpcore2.NetworkStream):
        def start_tls(
            self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore2.NetworkStream:
            names.append(server_hostname)
            raise httpcore2.ConnectError("far enough")

        def close(self) -> None:
            return

    class Inner(httpcore2.NetworkBackend):
        def connect_tcp(self, host: str, port: int, *rest: Any, **named: Any) -> httpcore2.NetworkStream:
            reached.append(host)
            return Stream()

    backend = Backend(lambda host, port: ["93.184.216.34"], inner=Inner())
    with (
        httpcore2.ConnectionPool(network_backend=backend) as pool,
        pytest.raises(httpcore2.ConnectError, match="far enough"),
    ):
        pool.request("GET", "https://feed.example/")
    assert (names, reached) == (["feed.example"], ["93.184.216.34"])


def test_json_that_is_none_is_unavailable() -> None:
    def speak(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"<html>" if request.url.path == "/no" else b'{"a": 1}')

    with Http(transport=httpx2.MockTransport(speak)) as http:
        assert http.get("https://example.com/yes").json() == {"a": 1}
        with pytest.raises(Unavailable):
            http.get("https://example.com/no").json()


def test_query_parameters_are_added(http: Http, server: LocalServer) -> None:
    seen: list[str] = []

    def remember(asked: Asked) -> Response:
        seen.append(asked.path)
        return Response()

    server.paths["/a"] = remember
    http.get(f"{server.url}/a?x=1", params={"q": "ä b"}, trusted=server.url)
    assert seen == ["/a?x=1&q=%C3%A4+b"]
