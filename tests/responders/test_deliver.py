"""Delivery: every approved reply is posted once, or handed back to a person; whatever happens in between."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from domain.errors import Conflict, CredentialsRejected, OutcomeUnknown, RateLimited, Refused, Unavailable
from domain.mention import Receipt
from domain.ports import Publisher
from domain.reply import LOOKS, Reply, ReplyStatus
from domain.sla import DEFAULT_POLICY
from responders import answer
from responders.deliver import LEASE, TRY_AGAIN, deliver
from store import cases, mention_work, mentions, replies, sources
from store.engine import Database
from store.intake import keep
from tests.conftest import Now
from tests.fakes import FakePlatform, person, post, rules, source


@pytest.fixture
def approved(database: Database, now: Now) -> int:
    """A reply that an agent has approved; returns its id."""
    row = source(database)
    by = person(database)
    with database.write() as connection:
        keep(connection, [post("1", "broken")], source_id=row["id"], brand_id=None, now=now())
        mention = mention_work.take(connection, "classify", now=now(), lease=timedelta(1), limit=1)[0]
        case_id = cases.open_for(connection, mention, by="system", now=now(), policy=DEFAULT_POLICY, reason="test")
        mentions.settle(connection, mention["id"], revision=1, outcome="opened", case_id=case_id)
        connection.execute(sa.text("UPDATE mentions SET stage = 'done', case_id = 1"))
        reply = answer.draft(
            connection, case_id, mention_id=mention["id"], text="Sorry, Ann.", by=by, now=now(), rules=rules()
        )
        assert reply.id is not None
        answer.approve(connection, reply.id, version=reply.version, by=by, now=now(), rules=rules())
    return reply.id


def publishers(platform: FakePlatform) -> Callable[[int], tuple[int, Publisher] | None]:
    return lambda mention_id: (1, platform)


def run(database: Database, platform: FakePlatform, now: Now) -> Reply:
    while deliver(database, publishers(platform), now=now):
        pass
    with database.read() as connection:
        return replies.load(connection, 1)


def test_a_reply_goes_out_once_and_the_case_waits_for_the_author(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    reply = run(database, platform, now)
    run(database, platform, now)
    assert (reply.status, reply.external_id, reply.due_at) == (ReplyStatus.SENT, "r1", None)
    assert [text for _, text, _ in platform.posted] == ["Sorry, Ann."]
    with database.read() as connection:
        case = cases.load(connection, 1)
    assert case.status == "pending"
    assert [t.met_at is not None for t in case.targets] == [True, False]


def test_two_workers_at_once_post_once(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        deliver(database, publishers(platform), now=now)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(platform.posted) == 1


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow", retry_at=Now()() + timedelta(minutes=9))])
def test_nothing_happened_so_it_is_tried_again(database: Database, now: Now, approved: int, error: Exception) -> None:
    platform = FakePlatform()
    platform.before = error
    reply = run(database, platform, now)
    assert (reply.status, platform.posted) == (ReplyStatus.APPROVED, [])
    assert reply.due_at is not None and reply.due_at > now() and reply.error
    if isinstance(error, RateLimited):
        assert reply.due_at == error.retry_at
    platform.before = None
    now.at = reply.due_at
    assert run(database, platform, now).status is ReplyStatus.SENT


def test_a_refusal_is_final_and_goes_to_a_person(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    platform.before = Refused("the post is locked")
    reply = run(database, platform, now)
    assert (reply.status, reply.error, reply.needs_person) == (ReplyStatus.FAILED, "the post is locked", True)
    with database.read() as connection:
        assert len(cases.queue(connection, "attention", me=None, now=now())) == 1


def test_an_expired_token_disables_the_source_and_keeps_the_reply(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    platform.before = CredentialsRejected("token expired")
    reply = run(database, platform, now)
    assert (reply.status, reply.due_at) == (ReplyStatus.APPROVED, now() + TRY_AGAIN)
    with database.read() as connection:
        row = sources.get(connection, 1)
    assert (row["status"], row["error"]) == ("disabled", "token expired")


def test_a_lost_answer_is_looked_for_and_found(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    platform.after = OutcomeUnknown("the connection broke")
    assert run(database, platform, now).status is ReplyStatus.UNCERTAIN
    now.forward(seconds=LOOKS[0])
    reply = run(database, platform, now)
    assert (reply.status, reply.external_id, len(platform.posted)) == (ReplyStatus.SENT, "r1", 1)


def test_what_cannot_be_found_goes_back_to_a_person_and_is_never_repeated(
    database: Database, now: Now, approved: int
) -> None:
    platform = FakePlatform()
    platform.after, platform.visible = OutcomeUnknown("the connection broke"), False
    run(database, platform, now)
    for seconds in LOOKS:
        now.forward(seconds=seconds)
        reply = run(database, platform, now)
    assert (reply.status, reply.needs_person, len(platform.posted)) == (ReplyStatus.UNCERTAIN, True, 1)
    now.forward(days=30)
    assert len((run(database, platform, now), platform.posted)[1]) == 1


def test_a_person_may_confirm_or_send_again(database: Database, now: Now, approved: int) -> None:
    by = person(database, email="bo@example.com")
    platform = FakePlatform()
    platform.before = OutcomeUnknown("the connection broke")
    run(database, platform, now)
    platform.before = None
    for seconds in LOOKS:
        now.forward(seconds=seconds)
        run(database, platform, now)
    with database.write() as connection:
        reply = replies.load(connection, approved)
        answer.resend(connection, approved, version=reply.version, by=by, now=now())
    assert run(database, platform, now).status is ReplyStatus.SENT
    assert len({key for _, _, key in platform.posted}) == 1


@pytest.mark.parametrize("spoke", [True, False])
def test_killed_while_speaking_it_is_looked_for(database: Database, now: Now, approved: int, spoke: bool) -> None:
    platform = FakePlatform()
    setattr(platform, "after" if spoke else "before", SystemExit())
    with pytest.raises(SystemExit):
        run(database, platform, now)
    platform.after = platform.before = None
    assert run(database, platform, now).status is ReplyStatus.SENDING  # another worker may still be at it
    now.forward(seconds=LEASE.total_seconds())
    for seconds in (0, *LOOKS):
        now.forward(seconds=seconds)
        reply = run(database, platform, now)
    if spoke:
        assert (reply.status, len(platform.posted)) == (ReplyStatus.SENT, 1)
    else:
        assert (reply.status, reply.needs_person, platform.posted) == (ReplyStatus.UNCERTAIN, True, [])


def test_a_bug_in_a_connector_counts_as_an_unknown_outcome(database: Database, now: Now, approved: int) -> None:
    platform = FakePlatform()
    platform.after = ZeroDivisionError()
    assert run(database, platform, now).status is ReplyStatus.UNCERTAIN


def test_no_source_to_send_by_is_said_and_tried_again(database: Database, now: Now, approved: int) -> None:
    deliver(database, lambda mention_id: None, now=now)
    with database.read() as connection:
        reply = replies.load(connection, 1)
    assert reply.status is ReplyStatus.APPROVED and "no source" in reply.error
    now.forward(seconds=TRY_AGAIN.total_seconds())
    assert run(database, FakePlatform(), now).status is ReplyStatus.SENT


@pytest.mark.parametrize("blind", ["no source", "a platform that cannot be searched"])
def test_what_cannot_be_looked_for_goes_to_a_person_too(
    database: Database, now: Now, approved: int, blind: str
) -> None:
    platform = FakePlatform()
    platform.after = OutcomeUnknown("the connection broke")
    run(database, platform, now)
    platform.find_reply = _raising  # type: ignore[method-assign,assignment]
    for seconds in LOOKS:
        now.forward(seconds=seconds)
        deliver(database, (lambda _: None) if blind == "no source" else publishers(platform), now=now)
    with database.read() as connection:
        reply = replies.load(connection, 1)
        assert reply.needs_person
        assert len(cases.queue(connection, "attention", me=None, now=now())) == 1


def _raising(*_: object, **__: object) -> None:
    raise Unavailable("search is down")


def test_a_change_of_the_case_at_that_moment_does_not_cost_the_proof(
    database: Database, now: Now, approved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, failed = cases.save, []

    def busy(*args: object, **kwargs: object) -> None:
        if not failed:
            failed.append(True)
            raise Conflict("changed meanwhile")
        whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(cases, "save", busy)
    assert run(database, FakePlatform(), now).status is ReplyStatus.SENT


def test_a_post_that_came_by_a_file_is_answered_by_hand(database: Database, now: Now, approved: int) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE sources SET platform = 'file'"))
        row = mentions.get(connection, 1)
        assert row is not None and answer.way_of(connection, row, rules=rules()).way == "manual"


def test_a_refused_reply_is_not_sent_again_beside_a_later_one(database: Database, now: Now, approved: int) -> None:
    by = person(database, email="bo@example.com")
    platform = FakePlatform()
    platform.before = Refused("duplicate")
    run(database, platform, now)
    platform.before = None
    with database.write() as connection:
        later = answer.draft(connection, 1, mention_id=1, text="Sorry!", by=by, now=now(), rules=rules())
        assert later.id is not None
        answer.approve(connection, later.id, version=later.version, by=by, now=now(), rules=rules())
        first = replies.load(connection, approved)
    assert first.status is ReplyStatus.WITHDRAWN
    run(database, platform, now)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE replies SET status = 'failed' WHERE id = 1"))
        first = replies.load(connection, approved)
        with pytest.raises(Conflict, match="another reply"):
            answer.resend(connection, approved, version=first.version, by=by, now=now())
    assert len(platform.posted) == 1


def test_a_source_that_is_back_lets_waiting_replies_go(database: Database, now: Now, approved: int) -> None:
    deliver(database, lambda _: None, now=now)
    with database.write() as connection:
        sources.set_status(connection, 1, "paused", now=now())
        sources.set_status(connection, 1, "active", now=now())
    assert run(database, FakePlatform(), now).status is ReplyStatus.SENT


def test_while_it_is_looked_for_nobody_sends_it_again(database: Database, now: Now, approved: int) -> None:
    by = person(database, email="bo@example.com")
    platform = FakePlatform()
    platform.after = OutcomeUnknown("the connection broke")
    run(database, platform, now)
    with database.write() as connection:
        reply = replies.load(connection, approved)
        for step in (answer.resend, answer.withdraw):
            with pytest.raises(Conflict, match="still being looked for"):
                step(connection, approved, version=reply.version, by=by, now=now())


def test_a_platform_that_limits_looks_is_left_alone_and_then_a_person_asked(
    database: Database, now: Now, approved: int
) -> None:
    platform = FakePlatform()
    platform.after = OutcomeUnknown("the connection broke")
    run(database, platform, now)
    looks = []

    def limited(*_: object, **__: object) -> None:
        looks.append(now())
        raise RateLimited("slow down", retry_at=now())

    platform.find_reply = limited  # type: ignore[method-assign,assignment]
    for seconds in LOOKS:
        now.forward(seconds=seconds)
        reply = run(database, platform, now)
    assert (len(looks), reply.needs_person) == (len(LOOKS), True)


def test_a_reply_that_breaks_its_delivery_goes_to_a_person_and_holds_up_nobody(
    database: Database, now: Now, approved: int
) -> None:
    platform = FakePlatform()
    naive = datetime(2026, 1, 1)
    platform.reply = lambda *_, **__: Receipt(external_id="r", posted_at=naive)  # type: ignore[method-assign]
    for _ in range(len(LOOKS) + 1):
        reply = run(database, platform, now)
        now.forward(hours=1)
    assert reply.needs_person


def test_a_reply_to_be_posted_by_hand_is_in_a_list_of_work(database: Database, now: Now, approved: int) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE replies SET channel = 'manual', due_at = NULL"))
        assert len(cases.queue(connection, "attention", me=None, now=now())) == 1
