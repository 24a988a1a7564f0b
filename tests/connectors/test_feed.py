"""Feeds: the contract against a server on loopback, and what feeds out there are like."""

import gzip
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.feed import PAGE_ENTRIES, Feed
from connectors.http import Http
from connectors.text import from_html
from domain.errors import Invalid, OutsideError, Refused, Unavailable
from domain.mention import Mention
from domain.source import SourceSpec
from domain.storable import web_url
from tests.connectors.contract import Harness, Seed, SourceContract, drain, mentions, texts
from tests.connectors.server import Asked, LocalServer, Response

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parent.parent / "fixtures" / "feeds"


def spec(url: str, **extra: Any) -> SourceSpec:
    return SourceSpec(name="forum", platform="feed", base_url=url, account="ourbrand", **{"trusted": True, **extra})


def feed(server: LocalServer, http: Http) -> Feed:
    return Feed(spec(f"{server.url}/feed"), http=http, clock=lambda: NOW)


def serve(server: LocalServer, name: str, **headers: str) -> None:
    server.paths["/feed"] = Response(body=(FIXTURES / name).read_bytes(), headers=headers)


class FeedHarness(Harness):
    page_size = PAGE_ENTRIES

    def __init__(self, server: LocalServer, http: Http) -> None:
        self.server = server
        self.entries: list[str] = []
        self.failure: Response | None = None
        self.source = feed(server, http)
        server.paths["/feed"] = self.answer

    def answer(self, asked: Asked) -> Response:
        if self.failure is not None:
            return self.failure
        body = f"<rss version='2.0'><channel><title>t</title>{''.join(reversed(self.entries))}</channel></rss>"
        tag = f'"{zlib.crc32(body.encode())}"'
        if asked.headers.get("if-none-match") == tag:
            return Response(status=304, headers={"ETag": tag})
        return Response(body=body.encode(), headers={"ETag": tag, "Content-Type": "application/rss+xml"})

    def seed(self, posts: Sequence[Seed]) -> None:
        for post in posts:
            self.entries.append(
                f"<item><guid>{post.id}</guid><author>{post.author}</author><title>{escape(post.text)}</title>"
                f"<pubDate>{format_datetime(post.at)}</pubDate></item>"
            )

    def state(self) -> Any:
        return list(self.entries)

    def calls(self) -> int:
        return len(self.server.asked)

    def seed_unreadable(self) -> None:
        self.entries.append("<item><guid>bad</guid></item>")

    def seed_ours(self, post: Seed) -> None:
        self.seed([Seed(id=post.id, text=post.text, author="OurBrand")])

    def break_token(self) -> None:
        self.failure = Response(status=401)

    def limit_rate(self) -> None:
        self.failure = Response(status=429, headers={"Retry-After": "120"})

    def go_down(self) -> None:
        self.failure = Response(status=500)


class TestFeedContract(SourceContract):
    @pytest.fixture
    def harness(self, server: LocalServer, http: Http) -> Harness:
        return FeedHarness(server, http)


def test_rss_as_it_comes(server: LocalServer, http: Http) -> None:
    serve(server, "rss.xml")
    page = feed(server, http).poll(None)
    found = {item.external_id: item for item in page.items if isinstance(item, Mention)}
    waiting = found["forum-2"]
    assert waiting.text == "Still waiting & waiting\n\nOrder 17 is late.\nPaid < 50 €"
    assert (waiting.platform, waiting.realm, waiting.lang) == ("feed", "forum", "en")
    assert (waiting.author.name, waiting.url) == ("Anna A.", "https://forum.example/t/2")
    assert waiting.posted_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert waiting.conversation_id == "forum-2"
    undated = found["https://forum.example/t/1"]
    assert (undated.posted_at, undated.text) == (NOW, "No date, no guid")
    [worded] = [item for item in found.values() if item.text == "Only words, and a strange link"]
    assert worded.url is None
    assert worded.author.external_id != undated.author.external_id
    assert [(reject.place, reject.reason) for reject in page.rejects] == [("empty-one", "the entry has no text")]
    assert "Complaints & praise" in feed(server, http).check()


def test_atom_as_it_comes(server: LocalServer, http: Http) -> None:
    serve(server, "atom.xml")
    [found] = mentions([feed(server, http).poll(None)])
    assert found.text == "Lasku on 5 < 6 & väärin\n\nHei,\nlaskussa on virhe."
    assert (found.external_id, found.author.name, found.lang) == ("urn:1", "Matti", "fi")
    assert found.posted_at == datetime(2026, 3, 1, 7, tzinfo=UTC)


def test_other_encodings_are_read(server: LocalServer, http: Http) -> None:
    serve(server, "latin1.xml", **{"Content-Type": "text/xml"})
    assert texts([feed(server, http).poll(None)]) == {"Myöhässä"}


def test_a_malformed_feed_gives_what_can_be_read(server: LocalServer, http: Http) -> None:
    serve(server, "malformed.xml")
    found = mentions([feed(server, http).poll(None)])
    assert {"1", "2"} <= {item.external_id for item in found}
    assert any("Fish & chips" in item.text for item in found)


@pytest.mark.parametrize("name", ["billion-laughs.xml", "external-entity.xml"])
def test_hostile_xml_unfolds_and_fetches_nothing(server: LocalServer, http: Http, name: str) -> None:
    serve(server, name)
    started = time.monotonic()
    found = mentions([feed(server, http).poll(None)])
    assert time.monotonic() - started < 5
    assert all(len(item.text) < 1000 and "root:" not in item.text for item in found)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(body=(FIXTURES / "page.html").read_bytes(), headers={"Content-Type": "text/html"}), Refused),
        (Response(body=b"  "), Unavailable),
        (Response(body=b"<rss version='2.0'><chann"), Unavailable),
        (Response(body=b'{"version": "https://jsonfeed.org/version/1"}'), Refused),
        (Response(body=b"\x00\x01\x02" * 50), Refused),
        (Response(status=404), Refused),
        (Response(cut=True), Unavailable),
        (Response(body=gzip.compress(b" " * 30_000_000), headers={"Content-Encoding": "gzip"}), Refused),
        (Response(status=301, headers={"Location": "http://127.0.0.1:1/"}), Refused),
        (Response(status=301, headers={"Location": "http://169.254.169.254/latest/meta-data"}), Refused),
    ],
)
def test_what_is_no_feed_is_told_as_what_to_do(
    server: LocalServer, http: Http, response: Response, error: type[Exception]
) -> None:
    server.paths["/feed"] = response
    for act in (lambda: feed(server, http).poll(None), feed(server, http).check):
        with pytest.raises(error):
            act()


def test_a_feed_that_hangs_is_unavailable(server: LocalServer) -> None:
    server.paths["/feed"] = Response(delay_s=1)
    with Http(read_s=0.2) as http, pytest.raises(Unavailable):
        feed(server, http).poll(None)


def test_a_private_address_is_refused_unless_the_operator_wrote_it(server: LocalServer, http: Http) -> None:
    serve(server, "rss.xml")
    with pytest.raises(Refused):
        Feed(spec(f"{server.url}/feed", trusted=False), http=http).poll(None)
    assert server.asked == []


def test_a_redirect_within_the_trusted_host_is_followed(server: LocalServer, http: Http) -> None:
    serve(server, "atom.xml")
    server.paths["/new"] = server.paths["/feed"]
    server.paths["/feed"] = Response(status=301, headers={"Location": "/new"})
    assert len(feed(server, http).poll(None).items) == 1


def test_nothing_new_is_asked_for_by_etag_and_date(server: LocalServer, http: Http) -> None:
    serve(server, "atom.xml", **{"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 12:05:00 GMT"})
    page = feed(server, http).poll(None)
    server.paths["/feed"] = Response(status=304)
    again = feed(server, http).poll(page.cursor)
    assert (again.items, again.cursor, again.more) == ((), page.cursor, False)
    assert server.asked[-1].headers["if-none-match"] == '"1"'
    assert server.asked[-1].headers["if-modified-since"] == "Sun, 01 Mar 2026 12:05:00 GMT"


def test_a_known_entry_comes_again_only_when_it_was_edited(server: LocalServer, http: Http) -> None:
    serve(server, "atom.xml")
    source = feed(server, http)
    cursor = source.poll(None).cursor
    assert source.poll(cursor).items == ()
    body = (FIXTURES / "atom.xml").read_text().replace("virhe", "iso virhe")
    server.paths["/feed"] = Response(body=body.encode())
    [edited] = mentions([source.poll(cursor)])
    assert (edited.external_id, "iso virhe" in edited.text) == ("urn:1", True)


def test_a_feed_that_has_moved_on_altogether_says_so(server: LocalServer, http: Http) -> None:
    harness = FeedHarness(server, http)
    harness.seed([Seed(id="1", text="a")])
    first = harness.source.poll(None)
    assert first.truncated is None
    harness.entries.clear()
    harness.seed([Seed(id="2", text="b"), Seed(id="3", text="c")])
    assert "come and gone" in str(harness.source.poll(first.cursor).truncated)
    harness.entries.clear()
    assert harness.source.poll(first.cursor).truncated is None


def test_the_cursor_stays_small(server: LocalServer, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.feed.REMEMBERED_BEYOND", 10)
    harness = FeedHarness(server, http)
    cursor: Any = None
    for round_ in range(5):
        harness.entries.clear()
        harness.seed([Seed(id=f"{round_}-{i}", text=f"{round_} {i}") for i in range(20)])
        _, cursor = drain(harness.source, cursor)
    assert len(cursor["seen"]) == 30


def test_a_feed_cannot_be_answered_by_api(server: LocalServer, http: Http) -> None:
    serve(server, "rss.xml")
    source = feed(server, http)
    ways = {item.url is None: source.eligibility(item).way for item in mentions([source.poll(None)])}
    assert ways == {True: "none", False: "manual"}


def test_the_address_is_a_required_setting(http: Http) -> None:
    with pytest.raises(Invalid, match="base_url"):
        Feed.open(SourceSpec(name="x", platform="feed"), secrets={}, http=http)


PIECES = [
    b"<rss version='2.0'><channel>",
    b"<feed xmlns='http://www.w3.org/2005/Atom'>",
    b"<item>",
    b"</item>",
    b"<entry xmlns='x'>",
    b"<title>",
    b"</title>",
    b"<guid>1</guid>",
    b"<pubDate>32 Foo 99999 99:99</pubDate>",
    b"<updated>x</updated>",
    b"<link href='http://[::1'/>",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE x [",
    b"&#0;",
    b"&#xD800;",
    b"&lt;p&gt;",
    b"\xff\xfe",
    b"\x00",
    b"text",
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=25))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_feed_is_only_our_errors_come_out(pieces: list[bytes]) -> None:
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200, content=b"".join(pieces)))
    with Http(transport=answer) as http:
        try:
            page = Feed(spec("https://example.com/feed"), http=http, clock=lambda: NOW).poll(None)
        except OutsideError:
            return
    for item in mentions([page]):
        item.text.encode()
        assert item.posted_at.tzinfo is UTC


def test_relative_links_lead_to_the_feeds_host(server: LocalServer, http: Http) -> None:
    body = b"<rss version='2.0'><channel><item><guid>1</guid><title>a</title><link>/t/1</link></item></channel></rss>"
    server.paths["/feed"] = Response(body=body)
    [found] = mentions([feed(server, http).poll(None)])
    assert (found.external_id, found.url) == ("1", f"{server.url}/t/1")


def test_html_becomes_words() -> None:
    assert from_html("<p>One&nbsp;&amp; <b>two</b></p><ul><li>x</li><li>y</li></ul>") == "One & two\nx\ny"
    assert from_html("<style>p{}</style><script>x</script>a<br/>b") == "a\nb"
    started = time.monotonic()
    from_html(" " * 300_000 + "<p " * 100_000)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("link", ["javascript:x", "data:text/html,x", " ftp://x", "", "https://" + "x" * 3000])
def test_only_web_links_are_kept(link: str) -> None:
    assert web_url(link) is None
    assert web_url(" https://example.com/ ") == "https://example.com/"
