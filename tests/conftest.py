"""Databases and clocks for all rooms' tests."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.engine import Database
from store.schema import migrate
from store.tables import metadata
from tests.servers import CI, Missing, Postgres


class Now:
    """A clock that tests turn by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **parts: float) -> datetime:
        self.at += timedelta(**parts)
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    try:
        server = Postgres()
    except Missing as missing:
        if CI:
            raise
        pytest.skip(str(missing))
    database = Database(server.url)
    migrate(database)
    yield database
    database.close()
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "amends.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "amends.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def clean_postgres(postgres: Database) -> Database:
    with postgres.write() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    name = "sqlite" if request.param == "sqlite" else "clean_postgres"
    found: Database = request.getfixturevalue(name)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the servers that were missing, and the line that installs each."""
    told = {str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", ())}
    for reason in sorted(told):
        if " is missing: " in reason:
            terminalreporter.write_line(f"Left out, since {reason.removeprefix('Skipped: ')}", yellow=True)
