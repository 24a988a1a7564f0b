"""`amends user` and `amends token`: letting people and programs in, and out again."""

import sqlite3
from pathlib import Path

import pytest

from domain.person import Person
from store import people
from store.engine import Database
from tests.workers.conftest import Amends
from workers import foundation

FIRST, SECOND = b"correct horse battery\n", b"another horse, another battery\n"


@pytest.fixture
def anna(amends: Amends) -> str:
    amends("user", "add", "anna@example.com", "--password-stdin", stdin=FIRST)
    return "anna@example.com"


def find(data: Path, email: str) -> tuple[Person, str] | None:
    database = Database(f"sqlite:///{data}/amends.sqlite")
    with database.read() as connection:
        found = people.find(connection, email)
    database.close()
    return found


def test_a_new_password_is_another_one(amends: Amends, data: Path, anna: str) -> None:
    before = find(data, anna)
    assert "new password" in amends("user", "password", "Anna@Example.com", "--password-stdin", stdin=SECOND).out
    after = find(data, anna)
    assert before is not None and after is not None
    assert (before[0], before[1] != after[1]) == (after[0], True)
    amends("user", "password", anna, "--password-stdin", stdin=b"short\n").refused(2, "12 characters")
    amends("user", "password", anna, stdin=b"").refused(2, "--password-stdin")
    amends("user", "password", "leo@example.com", "--password-stdin", stdin=SECOND).refused(1, "nobody is called")
    assert find(data, anna) == after


def test_who_is_disabled_is_gone_and_so_are_their_tokens(amends: Amends, data: Path, anna: str) -> None:
    secret = amends("token", "create", anna, "--json").json["token"]
    assert "may not sign in any more" in amends("user", "disable", anna).out
    assert find(data, anna) is None
    database = Database(f"sqlite:///{data}/amends.sqlite")
    with database.read() as connection:
        assert people.by_token(connection, secret) is None
    database.close()
    for arguments in (["user", "disable", anna], ["token", "create", anna]):
        amends(*arguments).refused(1, "nobody is called")
    amends("user", "disable", "anna").refused(2, "not an e-mail address")
    amends("user", "add", anna, "--password-stdin", stdin=SECOND).refused(1, "has an account already")


def test_tokens_are_listed_without_their_secrets_and_revoked(amends: Amends, data: Path, anna: str) -> None:
    assert "No tokens yet" in amends("token", "list").out
    assert amends("token", "list", "--json").json == []
    secret = amends("token", "create", anna, "--name", "reports", "--scope", "read", "--scope", "write").out.strip()
    amends("token", "create", anna, "--name", "[bold]shop[/]")
    done = amends("token", "list")
    assert all(part in done.out for part in (anna, "reports", "read, write", "[bold]shop[/]"))
    assert secret not in done.out and "hash" not in done.out
    assert [row["revoked_at"] for row in amends("token", "list", "--json").json] == [None, None]
    assert amends("token", "revoke", "1").out == "Token 1 is revoked.\n"
    first, second = amends("token", "list", "--json").json
    assert set(first) == {"id", "email", "name", "scopes", "created_at", "revoked_at"}
    assert first["revoked_at"] and second["revoked_at"] is None
    for number in ("1", "7"):
        amends("token", "revoke", number).refused(1, f"no token {number}")
    amends("token", "revoke", "x").refused(2, "integer")
    with sqlite3.connect(data / "amends.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM api_tokens WHERE revoked_at IS NULL").fetchone() == (1,)


def test_a_data_folder_that_others_can_read_is_shut(amends: Amends, data: Path) -> None:
    data.mkdir()
    data.chmod(0o755)
    assert amends("migrate").err == ""
    assert oct(data.stat().st_mode)[-4:] == "0700"


def test_a_data_folder_that_is_not_ours_to_shut_is_told_of_once(
    amends: Amends, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.mkdir()
    data.chmod(0o1777)
    foundation._warn.cache_clear()
    done = amends("migrate")
    assert (done.status, done.err.count("\n")) == (0, 1)
    assert f"others may look into the data folder {data}" in done.err
    assert oct(data.stat().st_mode)[-4:] == "1777"
    data.chmod(0o750)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    foundation._warn.cache_clear()
    assert "others may look" in amends("migrate").err
    assert oct(data.stat().st_mode)[-4:] == "0750"
