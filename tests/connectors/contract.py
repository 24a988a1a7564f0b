"""The contract suite: what every source and every publisher promises, written once.

A connector's test file gives a `Harness` (how to make things happen on its platform) and inherits `SourceContract`
and, where it can answer, `PublisherContract`. What cannot happen on a platform raises `NotImplementedError` in its
harness, and that one test is passed over.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import (
    CredentialsRejected,
    Invalid,
    OutcomeUnknown,
    OutsideError,
    RateLimited,
    Refused,
    Unavailable,
)
from domain.mention import Cursor, Mention, MentionRef, Page
from domain.ports import Publisher, Source

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MAX_POLLS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One post to be on the platform."""

    id: str
    text: str = "My parcel has not come"
    at: datetime = START
    author: str = "anna"
    ours: bool = False
    private: bool = False


class Harness(ABC):
    """Makes things happen on one platform. `page_size`: the most posts one page may hold."""

    source: Source
    page_size: int

    @abstractmethod
    def seed(self, posts: Sequence[Seed]) -> None:
        """Put posts on the platform, now."""

    @abstractmethod
    def state(self) -> Any:
        """Return all of the platform's public state, to be compared."""

    def calls(self) -> int | None:
        """Return how many requests have reached the platform, None where nobody counts."""
        return None

    def seed_unreadable(self) -> None:
        """Put a post there that is not as it should be."""
        raise NotImplementedError

    def seed_ours(self, post: Seed) -> None:
        """Put a post there that our own account wrote."""
        raise NotImplementedError

    def seed_private(self, post: Seed) -> None:
        """Put a post there that not everybody may see."""
        raise NotImplementedError

    def break_token(self) -> None:
        """Let the platform reject our credentials from now on."""
        raise NotImplementedError

    def limit_rate(self) -> None:
        """Let the platform ask us to wait, once."""
        raise NotImplementedError

    def go_down(self) -> None:
        """Let the platform be down for one request."""
        raise NotImplementedError


class PublisherHarness(Harness):
    """Makes things happen on a platform that can be answered on."""

    publisher: Publisher

    @abstractmethod
    def our_posts(self) -> list[tuple[str, str]]:
        """Return `(id, text)` of every post of ours that is live."""

    def lose_answer(self) -> None:
        """Let the next reply be posted, and its answer be lost."""
        raise NotImplementedError

    def drop_request(self) -> None:
        """Let the next reply be lost on its way there."""
        raise NotImplementedError

    def remove(self, post_id: str) -> None:
        """Delete a post."""
        raise NotImplementedError


def offered(happen: Callable[[], None]) -> None:
    """Let something happen on the platform, or pass the test over where it cannot."""
    try:
        happen()
    except NotImplementedError:
        pytest.skip("this cannot happen on this platform")


def through_json(cursor: Cursor | None) -> Any:
    """Return a cursor as the database gives it back."""
    return json.loads(json.dumps(cursor)) if cursor is not None else None


def drain(
    source: Source, cursor: Cursor | None = None, *, between: Callable[[int], object] | None = None
) -> tuple[list[Page], Any]:
    """Poll until nothing more is said to be there; return the pages and the last cursor."""
    pages: list[Page] = []
    for number in range(MAX_POLLS):
        page = source.poll(cursor)
        pages.append(page)
        cursor = through_json(page.cursor)
        if not page.more:
            return pages, cursor
        if between is not None:
            between(number)
    raise AssertionError(f"still more after {MAX_POLLS} pages")


def mentions(pages: Sequence[Page]) -> list[Mention]:
    return [item for page in pages for item in page.items if isinstance(item, Mention)]


def texts(pages: Sequence[Page]) -> set[str]:
    return {item.text for item in mentions(pages)}


class SourceContract:
    """The nine promises of a source."""

    @pytest.fixture
    def harness(self) -> Harness:
        raise NotImplementedError

    def test_an_empty_place_gives_an_empty_page(self, harness: Harness) -> None:
        harness.seed([])
        pages, cursor = drain(harness.source)
        assert mentions(pages) == []
        assert drain(harness.source, cursor)[0][0].items == ()

    def test_1_poll_changes_nothing(self, harness: Harness) -> None:
        harness.seed([Seed(id="1"), Seed(id="2")])
        before = harness.state()
        harness.source.poll(None)
        harness.source.poll(harness.source.poll(None).cursor)
        assert harness.state() == before

    def test_2_one_call_is_one_page(self, harness: Harness) -> None:
        harness.seed([Seed(id=str(i), text=f"post {i}") for i in range(harness.page_size + 1)])
        before = harness.calls()
        page = harness.source.poll(None)
        assert len(page.items) <= harness.page_size
        assert page.more
        if before is not None:
            assert harness.calls() == before + 1

    def test_3_the_same_cursor_twice_is_safe(self, harness: Harness) -> None:
        harness.seed([Seed(id=str(i), text=f"post {i}") for i in range(harness.page_size + 3)])
        assert texts([harness.source.poll(None)]) == texts([harness.source.poll(None)])
        cursor = harness.source.poll(None).cursor
        first, second = harness.source.poll(cursor), harness.source.poll(cursor)
        assert texts([first]) == texts([second])
        assert first.cursor == second.cursor

    def test_4_many_posts_of_one_moment_all_come_through(self, harness: Harness) -> None:
        posts = [Seed(id=str(i), text=f"post {i}") for i in range(harness.page_size * 2 + 5)]
        harness.seed(posts)
        pages, _ = drain(harness.source)
        assert texts(pages) == {post.text for post in posts}

    def test_4_newest_and_oldest_come_through_and_a_second_look_finds_what_is_new(self, harness: Harness) -> None:
        posts = [
            Seed(id=str(i), text=f"post {i}", at=START + timedelta(seconds=i)) for i in range(harness.page_size * 2)
        ]
        harness.seed(posts)
        pages, cursor = drain(harness.source)
        assert {"post 0", f"post {harness.page_size * 2 - 1}"} <= texts(pages)
        harness.seed([Seed(id="late", text="a late one", at=START + timedelta(hours=1))])
        pages, _ = drain(harness.source, cursor)
        assert "a late one" in texts(pages)

    def test_4_posts_that_arrive_between_pages_are_not_lost(self, harness: Harness) -> None:
        posts = [
            Seed(id=str(i), text=f"post {i}", at=START + timedelta(seconds=i)) for i in range(harness.page_size * 2)
        ]
        # One of them says that it is older than all that has been read: clocks differ.
        late = [Seed(id=f"late{i}", text=f"late {i}", at=START - timedelta(hours=i)) for i in range(3)]
        harness.seed(posts)
        pages, cursor = drain(
            harness.source, between=lambda number: harness.seed([late[number]]) if number < len(late) else None
        )
        seeded = {post.text for post in posts} | {post.text for post in late[: len(pages) - 1]}
        assert texts(pages) | texts(drain(harness.source, cursor)[0]) >= seeded

    def test_4_a_page_that_was_never_saved_comes_again(self, harness: Harness) -> None:
        posts = [Seed(id=str(i), text=f"post {i}") for i in range(harness.page_size * 2)]
        harness.seed(posts)
        first = harness.source.poll(None)
        harness.source.poll(through_json(first.cursor))
        pages, _ = drain(harness.source, through_json(first.cursor))
        assert texts([first]) | texts(pages) == {post.text for post in posts}

    def test_5_oldest_first(self, harness: Harness) -> None:
        harness.seed([Seed(id=str(i), text=f"post {i}", at=START - timedelta(minutes=i)) for i in range(10)])
        for page in drain(harness.source)[0]:
            times = [item.posted_at for item in page.items if isinstance(item, Mention)]
            assert times == sorted(times)

    def test_6_times_are_aware_utc_and_the_post_is_as_it_was(self, harness: Harness) -> None:
        harness.seed([Seed(id="1", text="Пакет не пришёл 👩‍👩‍👧 שלום")])
        [found] = mentions(drain(harness.source)[0])
        assert found.posted_at == START
        assert found.posted_at.utcoffset() == timedelta(0)
        assert found.text == "Пакет не пришёл 👩‍👩‍👧 שלום"
        assert found.platform and found.external_id and found.conversation_id
        assert found.author.external_id
        json.dumps(dict(found.raw), allow_nan=False)

    def test_7_an_unreadable_post_is_a_reject_and_the_rest_comes_through(self, harness: Harness) -> None:
        harness.seed([Seed(id="1", text="before")])
        offered(harness.seed_unreadable)
        harness.seed([Seed(id="2", text="after")])
        pages, _ = drain(harness.source)
        rejects = [reject for page in pages for reject in page.rejects]
        assert len(rejects) == 1
        assert rejects[0].place and rejects[0].reason and len(rejects[0].raw) <= 2000
        assert {"before", "after"} <= texts(pages)

    def test_8_our_own_posts_are_marked(self, harness: Harness) -> None:
        harness.seed([Seed(id="1", text="theirs")])
        offered(lambda: harness.seed_ours(Seed(id="2", text="ours", ours=True)))
        found = {item.text: item.ours for item in mentions(drain(harness.source)[0])}
        assert found == {"theirs": False, "ours": True}

    def test_8_private_posts_never_leave(self, harness: Harness) -> None:
        harness.seed([Seed(id="1", text="public")])
        offered(lambda: harness.seed_private(Seed(id="2", text="for friends", private=True)))
        pages, _ = drain(harness.source)
        assert texts(pages) == {"public"}
        assert "for friends" not in repr(pages)

    def test_9_rejected_credentials(self, harness: Harness) -> None:
        harness.seed([Seed(id="1")])
        offered(harness.break_token)
        with pytest.raises(CredentialsRejected):
            harness.source.poll(None)
        with pytest.raises(CredentialsRejected):
            harness.source.check()

    def test_9_a_rate_limit_says_when_to_come_back(self, harness: Harness) -> None:
        harness.seed([Seed(id="1")])
        offered(harness.limit_rate)
        with pytest.raises(RateLimited) as caught:
            harness.source.poll(None)
        assert caught.value.retry_at.utcoffset() == timedelta(0)
        assert caught.value.retry_at > datetime.now(UTC)

    def test_9_a_platform_that_is_down_is_unavailable(self, harness: Harness) -> None:
        harness.seed([Seed(id="1")])
        offered(harness.go_down)
        with pytest.raises(Unavailable):
            harness.source.poll(None)

    @pytest.mark.parametrize("cursor", [{}, {"unknown": 1}])
    def test_a_cursor_of_another_time_starts_over(self, harness: Harness, cursor: Cursor) -> None:
        harness.seed([Seed(id="1", text="hello")])
        assert texts(drain(harness.source, cursor)[0]) == {"hello"}

    def test_check_says_one_line(self, harness: Harness) -> None:
        harness.seed([Seed(id="1")])
        told = harness.source.check()
        assert told and "\n" not in told


class PublisherContract:
    """What everything that speaks promises."""

    @pytest.fixture
    def harness(self) -> PublisherHarness:
        raise NotImplementedError

    def ref(self, harness: PublisherHarness) -> MentionRef:
        """Seed one post and return what answers it."""
        harness.seed([Seed(id="1")])
        [found] = [item for item in mentions(drain(harness.source)[0]) if not item.ours]
        return MentionRef(
            platform=found.platform,
            external_id=found.external_id,
            realm=found.realm,
            conversation_id=found.conversation_id,
            url=found.url,
        )

    def test_a_reply_is_posted_once_and_proved(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        receipt = harness.publisher.reply(ref, "We are sorry. 💛", idempotency_key="k1")
        assert harness.our_posts() == [(receipt.external_id, "We are sorry. 💛")]
        assert receipt.posted_at.utcoffset() == timedelta(0)

    def test_a_reply_is_found_again(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        since = datetime.now(UTC) - timedelta(minutes=1)
        assert harness.publisher.find_reply(ref, "We are sorry.", since=since) is None
        receipt = harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        found = harness.publisher.find_reply(ref, "We are sorry.", since=since)
        assert found is not None and found.external_id == receipt.external_id
        assert harness.publisher.find_reply(ref, "Something else", since=since) is None
        assert harness.publisher.find_reply(ref, "We are sorry.", since=since + timedelta(hours=1)) is None

    def test_our_reply_comes_back_as_ours_in_its_conversation(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        ours = [item for item in mentions(drain(harness.source)[0]) if item.ours]
        assert [(item.in_reply_to, item.conversation_id) for item in ours] == [(ref.external_id, ref.conversation_id)]

    def test_a_lost_answer_is_unknown_and_can_be_found(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        offered(harness.lose_answer)
        since = datetime.now(UTC) - timedelta(minutes=1)
        with pytest.raises(OutcomeUnknown):
            harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        assert len(harness.our_posts()) == 1
        assert harness.publisher.find_reply(ref, "We are sorry.", since=since) is not None

    def test_a_lost_request_is_unknown_and_cannot_be_found(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        offered(harness.drop_request)
        since = datetime.now(UTC) - timedelta(minutes=1)
        with pytest.raises(OutcomeUnknown):
            harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        assert harness.our_posts() == []
        assert harness.publisher.find_reply(ref, "We are sorry.", since=since) is None

    def test_nothing_is_posted_when_credentials_are_rejected(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        offered(harness.break_token)
        with pytest.raises(CredentialsRejected):
            harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        assert harness.our_posts() == []

    def test_nothing_is_posted_under_a_rate_limit(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        offered(harness.limit_rate)
        with pytest.raises(RateLimited):
            harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        assert harness.our_posts() == []

    def test_a_text_over_the_limit_is_refused(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        limit = harness.publisher.limits.max_length
        assert limit is not None
        with pytest.raises((Refused, Invalid)):
            harness.publisher.reply(ref, "x" * (limit + 1), idempotency_key="k1")
        harness.publisher.reply(ref, "x" * limit, idempotency_key="k2")
        assert len(harness.our_posts()) == 1

    def test_a_post_that_is_gone_cannot_be_answered(self, harness: PublisherHarness) -> None:
        ref = self.ref(harness)
        offered(lambda: harness.remove(ref.external_id))
        with pytest.raises(OutsideError):
            harness.publisher.reply(ref, "We are sorry.", idempotency_key="k1")
        assert harness.our_posts() == []

    def test_eligibility_has_a_reason_and_is_none_for_our_own(self, harness: PublisherHarness) -> None:
        harness.seed([Seed(id="1", text="theirs")])
        offered(lambda: harness.seed_ours(Seed(id="2", text="ours", ours=True)))
        for item in mentions(drain(harness.source)[0]):
            told = harness.publisher.eligibility(item)
            assert told.way == ("none" if item.ours else "api")
            assert told.reason
