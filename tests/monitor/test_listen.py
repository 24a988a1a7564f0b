"""Listening: pages and cursors together, each post once, failures as rows."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.errors import CredentialsRejected, OutsideError, RateLimited, Unavailable
from domain.mention import Deletion, Reject
from domain.reply import Reply
from domain.sla import DEFAULT_POLICY
from domain.source import SourceSpec
from monitor.listen import LEASE, listen
from monitor.understand import classify
from store import cases, mentions, replies, sources
from store.engine import Database
from store.intake import keep
from store.tables import mention_revisions
from tests.conftest import Now
from tests.fakes import FakeClassifier, FakePlatform, page, post, source


def _listen(database: Database, platform: FakePlatform, now: Now) -> sa.RowMapping:
    with database.read() as connection:
        row = sources.by_name(connection, "fake")
    assert row is not None
    listen(database, row, connect=lambda spec: platform, now=now)
    with database.read() as connection:
        after = sources.by_name(connection, "fake")
    assert after is not None
    return after


def _texts(database: Database) -> list[str]:
    with database.read() as connection:
        return [row["text"] for row in mentions.listing(connection)]


def test_all_pages_are_kept_once_however_often_they_come(database: Database, now: Now) -> None:
    source(database)
    pages = [page(post("1", "one"), post("2", "two", minutes=1)), page(post("2", "two", minutes=1), post("3", "three"))]
    _listen(database, FakePlatform(*pages), now)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE sources SET cursor = NULL"))
    row = _listen(database, FakePlatform(*pages), now)
    assert sorted(_texts(database)) == ["one", "three", "two"]
    assert row["due_at"] == now() + timedelta(seconds=60)


def test_killed_between_pages_the_next_start_goes_on_behind_the_kept_page(database: Database, now: Now) -> None:
    source(database)
    platform = FakePlatform(page(post("1", "one")), page(post("2", "two")))
    poll = platform.poll

    def killed(cursor: object) -> object:
        if cursor:
            raise SystemExit
        return poll(None)

    platform.poll = killed  # type: ignore[assignment,method-assign]
    with pytest.raises(SystemExit):
        _listen(database, platform, now)
    assert _texts(database) == ["one"]
    with database.read() as connection:
        row = sources.by_name(connection, "fake")
    assert row is not None and row["cursor"] == {"page": 1} and row["due_at"] == now() + LEASE
    platform.poll = poll  # type: ignore[method-assign]
    _listen(database, platform, now)
    assert sorted(_texts(database)) == ["one", "two"]


def test_an_edit_keeps_the_words_before_and_is_classified_again(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "before")), page(post("1", "after"))), now)
    with database.read() as connection:
        row = mentions.listing(connection)[0]
        kept = connection.execute(sa.select(mention_revisions.c.text)).scalars().all()
    assert (row["text"], row["revision"], row["stage"], kept) == ("after", 2, "classify", ["before"])


def test_a_deletion_wipes_the_words_and_keeps_the_id(database: Database, now: Now) -> None:
    source(database)
    gone = Deletion(platform="fake", external_id="1", at=now())
    _listen(database, FakePlatform(page(post("1", "first")), page(post("1", "second")), page(gone)), now)
    with database.read() as connection:
        row = mentions.listing(connection)[0]
        kept = connection.execute(sa.select(mention_revisions.c.text)).scalars().all()
    assert (row["text"], row["external_id"], row["deleted_at"], kept) == ("", "1", now(), [""])


def test_a_deleted_post_does_not_come_back(database: Database, now: Now) -> None:
    source(database)
    gone = Deletion(platform="fake", external_id="1", at=now())
    _listen(database, FakePlatform(page(post("1", "first")), page(gone), page(post("1", "first"))), now)
    assert _texts(database) == [""]


def test_rejects_are_rows_a_person_can_see(database: Database, now: Now) -> None:
    row = source(database)
    reject = Reject(place="line 7", reason="no text", raw="{}")
    _listen(database, FakePlatform(page(post("1", "fine"), rejects=[reject]), page(rejects=[reject])), now)
    with database.read() as connection:
        found = sources.rejected(connection, row["id"])
    assert [(r["place"], r["reason"]) for r in found] == [("line 7", "no text")]


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (Unavailable("down"), "failed", "active"),
        (CredentialsRejected("token expired"), "expired", "disabled"),
        (ValueError("a bug"), "failed", "active"),
    ],
)
def test_a_failed_poll_is_a_row_and_says_so(
    database: Database, now: Now, error: Exception, outcome: str, status: str
) -> None:
    source(database)
    platform = FakePlatform()
    platform.poll = _raising(error)  # type: ignore[method-assign]
    row = _listen(database, platform, now)
    with database.read() as connection:
        covered = sources.covered(connection, row["id"], since=now() - timedelta(hours=1))
    assert (row["status"], [c["outcome"] for c in covered]) == (status, [outcome])
    assert row["error"]
    assert "a bug" not in row["error"]


def test_a_rate_limit_is_waited_for_as_long_as_the_platform_says(database: Database, now: Now) -> None:
    source(database)
    platform = FakePlatform()
    retry_at = now() + timedelta(minutes=13)
    platform.poll = _raising(RateLimited("slow down", retry_at=retry_at))  # type: ignore[method-assign]
    assert _listen(database, platform, now)["due_at"] == retry_at


def _raising(error: Exception | OutsideError):  # type: ignore[no-untyped-def]
    def poll(cursor: object) -> object:
        raise error

    return poll


def test_a_case_forgets_the_words_of_a_deleted_post(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "secret words"), post("2", "later", root="1", minutes=1))), now)
    with database.write() as connection:
        mention = connection.execute(sa.text("SELECT * FROM mentions WHERE external_id = '1'")).mappings().one()
        row = mentions.get(connection, mention["id"])
        assert row is not None
        case_id = cases.open_for(connection, row, by="system", now=now(), policy=DEFAULT_POLICY, reason="")
        for number in (1, 2):
            mentions.attach(connection, number, case_id=case_id)
        gone = Deletion(platform="fake", external_id="1", at=now())
        keep(connection, [gone], source_id=1, brand_id=None, now=now())
        assert cases.head(connection, case_id)["title"] == "later"
        keep(connection, [post("2", "mended", root="1", minutes=1)], source_id=1, brand_id=None, now=now())
        assert cases.head(connection, case_id)["title"] == "mended"
        found = connection.execute(sa.text("SELECT search_text FROM cases")).scalar_one()
    assert "secret" not in found


def test_an_edit_while_it_is_judged_is_judged_again(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "unreadable"))), now)

    class Slow(FakeClassifier):
        def classify(self, texts):  # type: ignore[no-untyped-def]
            with database.write() as connection:
                keep(connection, [post("1", "broken")], source_id=1, brand_id=None, now=now())
            return super().classify(texts)

    classify(database, Slow(), now=now)
    with database.read() as connection:
        row = mentions.get(connection, 1)
    assert row is not None and (row["stage"], row["error"]) == ("classify", "")


def test_a_text_that_kills_the_model_costs_no_other(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "deadly"), post("2", "fine"), post("3", "fine"))), now)

    class Fragile(FakeClassifier):
        def classify(self, texts):  # type: ignore[no-untyped-def]
            if any(text.text == "deadly" for text in texts):
                raise Unavailable("the process died")
            return super().classify(texts)

    for _ in range(10):
        classify(database, Fragile(), now=now)
        now.forward(minutes=2)
    with database.read() as connection:
        stages = {row["external_id"]: row["stage"] for row in mentions.listing(connection)}
    assert stages == {"1": "failed", "2": "triage", "3": "triage"}


def test_a_page_and_its_cursor_stand_or_fall_together(
    database: Database, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(database)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("the disk is full")

    monkeypatch.setattr(sources, "reject", broken)
    row = _listen(database, FakePlatform(page(post("1", "one"))), now)
    assert (row["cursor"], _texts(database)) == (None, [])


def test_a_deletion_withdraws_what_was_to_be_said(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "secret words"))), now)
    reply = Reply(case_id=1, mention_id=1, text="about secret words", lang="en", created_by="user:1", created_at=now())
    with database.write() as connection:
        row = mentions.get(connection, 1)
        assert row is not None
        cases.open_for(connection, row, by="system", now=now(), policy=DEFAULT_POLICY, reason="")
        replies.add(connection, reply, now=now())
        reply.approve(by="user:1", at=now())
        replies.save(connection, reply, now=now())
        gone = Deletion(platform="fake", external_id="1", at=now())
        keep(connection, [gone], source_id=1, brand_id=None, now=now())
        assert (replies.load(connection, 1).status, replies.load(connection, 1).text) == ("withdrawn", "")
        assert replies.due(connection, now=now(), limit=9) == []


def test_a_paused_source_is_not_polled(database: Database, now: Now) -> None:
    row = source(database)
    with database.write() as connection:
        sources.set_status(connection, row["id"], "paused", now=now())
        connection.execute(sa.text("UPDATE sources SET due_at = created_at"))
        assert sources.take(connection, now=now(), lease=LEASE, limit=9) == []


def test_a_source_that_listens_elsewhere_starts_afresh(database: Database, now: Now) -> None:
    with database.write() as connection:
        spec = SourceSpec(name="feed", platform="feed", base_url="https://a.example/feed")
        sources.sync(connection, [spec], now=now())
        sources.advance(connection, 1, version=0, cursor={"etag": "x"})
        sources.sync(connection, [replace(spec, every_s=60)], now=now())
        kept = sources.get(connection, 1)
        sources.sync(connection, [replace(spec, base_url="https://b.example/feed")], now=now())
        moved = sources.get(connection, 1)
    assert (kept["cursor"], moved["cursor"]) == ({"etag": "x"}, None)


def test_a_model_that_is_down_for_hours_costs_no_post(database: Database, now: Now) -> None:
    source(database)
    _listen(database, FakePlatform(page(post("1", "fine"), post("2", "fine"))), now)

    class Down(FakeClassifier):
        def classify(self, texts):  # type: ignore[no-untyped-def]
            raise Unavailable("the model is down")

    for _ in range(60):
        classify(database, Down(), now=now)
        now.forward(minutes=2)
    classify(database, FakeClassifier(), now=now)
    with database.read() as connection:
        assert {row["stage"] for row in mentions.listing(connection)} == {"triage"}
