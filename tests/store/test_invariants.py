"""What the database itself holds, asked by two connections at once."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from domain.case import Case
from domain.classification import Classification
from domain.errors import Conflict
from domain.follow_up import FollowUp
from domain.reply import Reply
from domain.sla import DEFAULT_POLICY
from store import cases, follow_ups, mention_work, mentions, replies, sources
from store.engine import Database
from store.intake import keep
from store.tables import case_conversations, classifications, sla_targets
from store.tables import mentions as mention_table
from tests.conftest import Now
from tests.fakes import POSTED, FakeClassifier, post, source


def race(*steps: Callable[[], object]) -> list[object]:
    """Run steps at the same moment; return their results or errors."""
    barrier = threading.Barrier(len(steps))
    results: list[object] = [None] * len(steps)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = steps[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def stored(database: Database, now: Now) -> Database:
    row = source(database)
    with database.write() as connection:
        keep(connection, [post("1", "broken")], source_id=row["id"], brand_id=None, now=now())
    return database


def _mention(database: Database) -> sa.RowMapping:
    with database.read() as connection:
        return connection.execute(sa.select(mention_table)).mappings().one()


def _open(database: Database, now: Now) -> int:
    with database.write() as connection:
        mention = connection.execute(sa.select(mention_table)).mappings().one()
        return cases.open_for(connection, mention, by="system", now=now(), policy=DEFAULT_POLICY, reason="")


def test_one_page_stored_by_two_at_once_is_stored_once(database: Database, now: Now) -> None:
    row = source(database)
    posts = [post(str(n), f"text {n}", author=f"a{n % 7}") for n in range(100)]

    def store() -> int:
        with database.write() as connection:
            return keep(connection, posts, source_id=row["id"], brand_id=row["brand_id"], now=now()).new

    results = race(store, store)
    assert sum(result for result in results if isinstance(result, int)) == 100
    with database.read() as connection:
        assert mentions.count(connection) == 100


def test_one_live_case_per_conversation_and_author(stored: Database, now: Now) -> None:
    results = race(lambda: _open(stored, now), lambda: _open(stored, now))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "int"]
    with stored.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(case_conversations)).scalar() == 1


def test_one_live_reply_per_mention(stored: Database, now: Now) -> None:
    case_id = _open(stored, now)

    def add() -> int:
        reply = Reply(case_id=case_id, mention_id=1, text="hello", lang="en", created_by="user:1", created_at=now())
        with stored.write() as connection:
            return replies.add(connection, reply, now=now())

    assert sorted(type(result).__name__ for result in race(add, add)) == ["Conflict", "int"]


def test_a_withdrawn_reply_makes_room(stored: Database, now: Now) -> None:
    case_id = _open(stored, now)
    for _ in range(2):
        reply = Reply(case_id=case_id, mention_id=1, text="hello", lang="en", created_by="user:1", created_at=now())
        with stored.write() as connection:
            replies.add(connection, reply, now=now())
            reply.withdraw()
            replies.save(connection, reply, now=now())


def test_a_classification_is_kept_once_per_revision_and_model(stored: Database, now: Now) -> None:
    from domain.classification import Text

    result = FakeClassifier().classify([Text(id="1", text="broken")])[0]
    assert isinstance(result, Classification)

    def put() -> None:
        with stored.write() as connection:
            mention_work.classified(connection, [(1, 1, result)], now=now())

    race(put, put)
    with stored.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(classifications)).scalar() == 1


def test_a_classification_of_an_older_revision_does_not_pass_the_new_one_on(stored: Database, now: Now) -> None:
    from domain.classification import Text

    result = FakeClassifier().classify([Text(id="1", text="broken")])[0]
    assert isinstance(result, Classification)
    with stored.write() as connection:
        keep(connection, [post("1", "edited")], source_id=1, brand_id=None, now=now())
        mention_work.classified(connection, [(1, 1, result)], now=now())
    assert (_mention(stored)["stage"], _mention(stored)["revision"]) == ("classify", 2)


def test_a_cursor_moves_once(stored: Database, now: Now) -> None:
    def advance() -> None:
        with stored.write() as connection:
            sources.advance(connection, 1, version=0, cursor={"at": 1})

    assert sorted(type(result).__name__ for result in race(advance, advance)) == ["Conflict", "NoneType"]


def test_a_case_saved_by_two_is_changed_by_one(stored: Database, now: Now) -> None:
    case_id = _open(stored, now)

    def note(text: str) -> Callable[[], None]:
        with stored.read() as connection:
            case: Case = cases.load(connection, case_id)

        def step() -> None:
            case.note(text, by="user:1", at=now())
            with stored.write() as connection:
                cases.save(connection, case, now=now())

        return step

    results = race(note("one"), note("two"))
    lost = [result for result in results if isinstance(result, Conflict)]
    assert len(lost) == 1 and lost[0].present is not None and lost[0].present["version"] == 2
    with stored.read() as connection:
        assert [e["kind"] for e in cases.events(connection, case_id)] == ["opened", "note"]


def test_work_claimed_by_two_is_claimed_by_one(database: Database, now: Now) -> None:
    from datetime import timedelta

    row = source(database)
    with database.write() as connection:
        keep(connection, [post(str(n), "x") for n in range(30)], source_id=row["id"], brand_id=None, now=now())

    def take() -> set[int]:
        with database.write() as connection:
            rows = mention_work.take(connection, "classify", now=now(), lease=timedelta(minutes=5), limit=20)
            return {row["id"] for row in rows}

    first, second = race(take, take)
    assert isinstance(first, set) and isinstance(second, set)
    assert not first & second
    assert len(first | second) >= 20


def test_one_follow_up_waits_per_case(stored: Database, now: Now) -> None:
    case_id = _open(stored, now)

    def add() -> int | None:
        with stored.write() as connection:
            return follow_ups.add(connection, FollowUp(case_id=case_id, due_at=now()), now=now())

    assert sorted(type(result).__name__ for result in race(add, add)) == ["NoneType", "int"]


def test_an_sla_event_is_written_once(stored: Database, now: Now) -> None:
    case_id = _open(stored, now)
    with stored.read() as connection:
        row = connection.execute(sa.select(sla_targets).where(sla_targets.c.case_id == case_id)).mappings().first()
    assert row is not None
    with pytest.raises(sa.exc.IntegrityError), stored.write() as connection:
        values = {name: row[name] for name in ("case_id", "kind", "started_at", "due_at")}
        connection.execute(sa.insert(sla_targets).values(**values))


def test_times_come_back_aware_and_in_utc(stored: Database) -> None:
    assert _mention(stored)["posted_at"] == POSTED
    assert _mention(stored)["posted_at"].utcoffset().total_seconds() == 0


def test_a_naive_time_is_refused(stored: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"), stored.write() as connection:
        connection.execute(sa.update(mention_table).values(edited_at=POSTED.replace(tzinfo=None)))


def test_search_folds_case_and_accents_the_same_on_both(database: Database, now: Now) -> None:
    row = source(database)
    with database.write() as connection:
        keep(connection, [post("1", "Sūtījums ČETRAS dienas 100%")], source_id=row["id"], brand_id=None, now=now())
    with database.read() as connection:
        for query in ("sutijums", "SŪTĪJUMS četras", "100%"):
            assert len(mentions.listing(connection, query=query)) == 1, query
        assert mentions.listing(connection, query="100_") == []
