"""The simulated platform: both contracts, its script, and each fault that can be ordered."""

import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.http import Http
from connectors.simulated import PAGE_POSTS, Simulated
from connectors.simulated_world import World
from domain.errors import CredentialsRejected, Invalid, OutcomeUnknown, RateLimited, Refused, Unavailable
from domain.mention import Deletion, MentionRef
from domain.source import SourceSpec
from tests.connectors.contract import (
    Harness,
    PublisherContract,
    PublisherHarness,
    Seed,
    SourceContract,
    drain,
    mentions,
    texts,
)

SPEC = SourceSpec(name="demo", platform="simulated", account="@ourbrand")


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> World:
    return World(tmp_path / "world.sqlite", clock=clock)


@pytest.fixture
def platform(world: World, clock: Clock) -> Simulated:
    return Simulated(SPEC, world=world, clock=clock, sleep=clock.advance)


def ref(post: str) -> MentionRef:
    return MentionRef(platform="simulated", realm="world", external_id=post, conversation_id=post)


class SimulatedHarness(PublisherHarness):
    page_size = PAGE_POSTS

    def __init__(self, path: Path) -> None:
        self.world = World(path)
        self.source = Simulated(SPEC, world=self.world)
        self.publisher = self.source

    def seed(self, posts: Sequence[Seed]) -> None:
        for post in posts:
            self.world.post(post.author, post.text, at=post.at)

    def state(self) -> Any:
        return self.world.posts()

    def seed_unreadable(self) -> None:
        self.world.post("anna", "x", malformed=True)

    def seed_ours(self, post: Seed) -> None:
        self.world.post("ourbrand", post.text, at=post.at, ours=True)

    def seed_private(self, post: Seed) -> None:
        self.world.post(post.author, post.text, at=post.at, protected=True)

    def break_token(self) -> None:
        self.world.expire_token()

    def limit_rate(self) -> None:
        self.world.fault("rate_limit", seconds=60)

    def go_down(self) -> None:
        self.world.fault("unavailable")

    def our_posts(self) -> list[tuple[str, str]]:
        return [(post["id"], post["text"]) for post in self.world.replies_by_us()]

    def lose_answer(self) -> None:
        self.world.fault("lose_answer", on="reply")

    def drop_request(self) -> None:
        self.world.fault("drop_request", on="reply")

    def remove(self, post_id: str) -> None:
        self.world.delete(post_id)


class TestSimulatedSource(SourceContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return SimulatedHarness(tmp_path / "world.sqlite")


class TestSimulatedPublisher(PublisherContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> PublisherHarness:
        return SimulatedHarness(tmp_path / "world.sqlite")


def test_a_post_as_it_comes(world: World, platform: Simulated) -> None:
    world.author("liga", name="Līga", followers=42)
    root = world.post("liga", "Sūtījums nav pienācis", lang="lv", rating=2)
    [found] = mentions([platform.poll(None)])
    assert found.key == ("simulated", "world", root)
    assert (found.author.handle, found.author.name, found.author.followers) == ("liga", "Līga", 42)
    assert (found.lang, found.rating, found.conversation_id, found.in_reply_to) == ("lv", 2, root, None)
    assert found.url is not None and found.url.endswith(root)


def test_authors_answer_back_in_turn(world: World, platform: Simulated, clock: Clock) -> None:
    root = world.post("anna", "My parcel has not come")
    world.script(root, [(30, "Still nothing!"), (60, "It is here, thank you")])
    cursor = platform.poll(None).cursor
    platform.reply(ref(root), "Sorry, we look into it", idempotency_key="a")
    assert {item.author.handle for item in mentions([platform.poll(cursor)])} == {"ourbrand"}
    clock.advance(31)
    page = platform.poll(cursor)
    [unhappy] = [item for item in mentions([page]) if not item.ours]
    assert (unhappy.text, unhappy.conversation_id, unhappy.author.handle) == ("Still nothing!", root, "anna")
    platform.reply(ref(unhappy.external_id), "It comes today", idempotency_key="b")
    clock.advance(61)
    [thankful] = [item for item in mentions([platform.poll(page.cursor)]) if not item.ours]
    assert thankful.text == "It is here, thank you"
    platform.reply(ref(thankful.external_id), "Glad to hear it", idempotency_key="c")
    clock.advance(3600)
    assert [len(posts) for posts in world.threads().values()] == [6]


def test_posts_appear_when_their_time_has_come(world: World, platform: Simulated, clock: Clock) -> None:
    world.post("later", "in a minute", at=clock.now + timedelta(minutes=1))
    world.post("now", "now")
    page = platform.poll(None)
    assert texts([page]) == {"now"}
    clock.advance(61)
    assert texts([platform.poll(page.cursor)]) == {"in a minute"}


def test_edits_and_deletions_come_through(world: World, platform: Simulated) -> None:
    kept, gone = world.post("anna", "first"), world.post("bo", "to be deleted")
    cursor = platform.poll(None).cursor
    world.edit(kept, "second")
    world.delete(gone)
    items = platform.poll(cursor).items
    assert [item.text for item in items if not isinstance(item, Deletion)] == ["second"]
    assert [item.key for item in items if isinstance(item, Deletion)] == [("simulated", "world", gone)]


def test_under_our_own_post_each_comment_is_a_conversation(world: World, platform: Simulated) -> None:
    post = world.post("ourbrand", "Our new shop is open", ours=True)
    first = world.post("anna", "Mine is broken", in_reply_to=post)
    second = world.post("bo", "Mine too", in_reply_to=post)
    inner = world.post("anna", "Really?", in_reply_to=second)
    told = {item.external_id: item.conversation_id for item in mentions([platform.poll(None)])}
    assert told == {post: post, first: first, second: second, inner: second}


def test_a_reply_sent_twice_is_two_posts(world: World, platform: Simulated) -> None:
    root = world.post("anna", "hello")
    for _ in range(2):
        platform.reply(ref(root), "Sorry", idempotency_key="same")
    assert len(world.posts_for("same")) == 2
    assert [post["key"] for post in world.replies_by_us()] == ["same", "same"]


def test_latency_and_rate_limits_and_refusals_are_used_up(world: World, platform: Simulated, clock: Clock) -> None:
    root = world.post("anna", "hello")
    before = clock.now
    world.fault("latency", seconds=7, on="poll")
    platform.poll(None)
    assert clock.now - before == timedelta(seconds=7)
    world.fault("rate_limit", seconds=90)
    with pytest.raises(RateLimited) as caught:
        platform.check()
    assert caught.value.retry_at == clock.now + timedelta(seconds=90)
    world.fault("refuse", reason="comments are closed", on="reply", times=2)
    for _ in range(2):
        with pytest.raises(Refused, match="comments are closed"):
            platform.reply(ref(root), "x", idempotency_key="k")
    platform.reply(ref(root), "x", idempotency_key="k")
    assert platform.check()


def test_a_token_expires_and_is_renewed(world: World, platform: Simulated) -> None:
    world.expire_token()
    with pytest.raises(CredentialsRejected):
        platform.poll(None)
    world.renew_token()
    platform.poll(None)


def test_a_slow_view_hides_a_reply_for_a_while(world: World, platform: Simulated, clock: Clock) -> None:
    root = world.post("anna", "hello")
    since = clock.now - timedelta(seconds=1)
    world.fault("slow_view", seconds=20, on="reply")
    world.fault("lose_answer", on="reply")
    with pytest.raises(OutcomeUnknown):
        platform.reply(ref(root), "Sorry", idempotency_key="k")
    assert platform.find_reply(ref(root), "Sorry", since=since) is None
    clock.advance(21)
    assert platform.find_reply(ref(root), "Sorry", since=since) is not None


def test_faults_by_chance_repeat_with_their_seed(tmp_path: Path) -> None:
    def run(name: str, seed: int) -> list[bool]:
        world = World(tmp_path / name)
        world.fault("unavailable", p=0.5, times=None, seed=seed)
        return [bool(world.strike("poll")) for _ in range(40)]

    assert run("a", 1) == run("b", 1) != run("c", 2)
    assert 5 < sum(run("d", 3)) < 35


def test_faults_can_be_called_off(world: World, platform: Simulated) -> None:
    world.fault("unavailable", times=None)
    world.expire_token()
    world.clear_faults()
    platform.poll(None)


def test_protected_and_vanished_posts_cannot_be_answered(world: World, platform: Simulated) -> None:
    secret = world.post("anna", "for friends", protected=True)
    for post in (secret, "999", "no-number", "9" * 30):
        with pytest.raises(Refused):
            platform.reply(ref(post), "x", idempotency_key="k")
    assert world.replies_by_us() == []


def test_length_is_counted_in_what_readers_see(world: World, platform: Simulated) -> None:
    root = world.post("anna", "hello")
    platform.reply(ref(root), "👩‍👩‍👧" * 500, idempotency_key="k")
    with pytest.raises(Refused, match="501"):
        platform.reply(ref(root), "👩‍👩‍👧" * 501, idempotency_key="k")
    with pytest.raises(Refused, match="empty"):
        platform.reply(ref(root), " ", idempotency_key="k")


def test_the_world_is_shared_between_processes_and_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    world = World(path)
    root = world.post("anna", "hello")
    code = (
        "import os, signal, sys; from connectors.simulated_world import World; w = World(sys.argv[1]);"
        "w.answer(sys.argv[2], 'from a process that dies', account='ourbrand', key='k'); w.fault('unavailable');"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), root], check=False, timeout=30)
    assert [post["text"] for post in world.posts_for("k")] == ["from a process that dies"]
    with pytest.raises(Unavailable):
        Simulated(SPEC, world=World(path)).poll(None)


def test_many_threads_lose_no_reply(tmp_path: Path) -> None:
    world = World(tmp_path / "world.sqlite")
    root = world.post("anna", "hello")
    platform = Simulated(SPEC, world=world)
    threads = [
        threading.Thread(target=lambda n=n: platform.reply(ref(root), f"r{n}", idempotency_key=str(n)))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {post["key"] for post in world.replies_by_us()} == {str(n) for n in range(12)}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_no_post_is_lost_whatever_the_clock_and_the_order(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance, clock = random.Random(seed), Clock()
    world = World(tmp_path_factory.mktemp("worlds") / "world.sqlite", clock=clock)
    platform = Simulated(SPEC, world=world, clock=clock)
    found: set[str] = set()
    cursor: Any = None
    for number in range(40):
        for _ in range(chance.choice([0, 1, 1, 8])):
            world.post(f"a{number}", "x", at=clock.now + timedelta(seconds=chance.choice([-9, 0, 0, 5, 30])))
        page = platform.poll(cursor)
        # Now and then the page is lost before it was saved.
        if chance.random() < 0.8:
            cursor = page.cursor
            found |= {item.external_id for item in mentions([page])}
        # Clocks step back at times.
        clock.advance(chance.choice([0, 0, 1, 5, -3]))
    clock.advance(100)
    pages, _ = drain(platform, cursor)
    found |= {item.external_id for item in mentions(pages)}
    assert found == {post["id"] for post in world.posts()}


def test_the_setting_path_is_required_and_must_be_usable(http: Http, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="path"):
        Simulated.open(replace(SPEC, trusted=True), secrets={}, http=http)
    with pytest.raises(Invalid, match="configuration"):
        Simulated.open(SPEC, secrets={}, http=http)
    for place in (tmp_path, tmp_path / "text.txt" / "world"):
        (tmp_path / "text.txt").write_text("this is no database, and long enough to be told from one" * 20)
        with pytest.raises(Invalid, match="cannot be used"):
            options = {"path": str(place)}
            Simulated.open(
                SourceSpec(name="x", platform="simulated", trusted=True, options=options), secrets={}, http=http
            )
    opened = Simulated.open(
        SourceSpec(name="x", platform="simulated", trusted=True, options={"path": str(tmp_path / "new" / "w.sqlite")}),
        secrets={},
        http=http,
    )
    assert "0 posts" in opened.check()
