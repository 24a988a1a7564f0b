"""Live pages miss no change, in whatever order transactions commit."""

from datetime import timedelta

from store import changes
from store.engine import Database
from tests.conftest import Now


def test_a_reader_never_passes_a_number_still_to_come(postgres: Database, clean_postgres: Database, now: Now) -> None:
    """Two transactions take numbers 1 and 2; 2 commits first."""
    with postgres.engine.connect() as slow:
        with slow.begin():
            changes.tell(slow, "case", 1, now=now())
            with postgres.write() as quick:
                changes.tell(quick, "case", 2, now=now())
            with postgres.read() as reader:
                seen = changes.since(reader, 0)
                last = changes.last(reader)
        assert (seen, last) == ([], 0)
    with postgres.read() as reader:
        assert [row["ref"] for row in changes.since(reader, 0)] == [1, 2]


def test_old_changes_are_forgotten(database: Database, now: Now) -> None:
    with database.write() as connection:
        changes.tell(connection, "case", 1, now=now())
        changes.prune(connection, now=now() + timedelta(minutes=59))
    with database.read() as connection:
        assert changes.last(connection) == 1
    with database.write() as connection:
        changes.prune(connection, now=now() + timedelta(hours=2))
    with database.read() as connection:
        assert changes.since(connection, 0) == []
