"""The command line as a whole: what loads, and how every refusal is one plain line with its exit status."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from store.engine import Database
from tests.servers import free_port
from tests.workers.conftest import Amends, environment
from workers.cli import COMMANDS, load

HEAVY = ("desk", "fastapi", "uvicorn", "transformers", "onnxruntime", "numpy", "openpyxl", "torch")


def loaded_by(statement: str, *, data: Path) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(data), timeout=60
    )
    return set(done.stdout.split())


def test_help_loads_next_to_nothing(data: Path) -> None:
    modules = loaded_by("import workers.cli", data=data)
    assert not modules & {*HEAVY, "sqlalchemy", "pydantic", "alembic", "structlog"}


def test_commands_load_neither_desk_nor_models(data: Path) -> None:
    commands = [name for name in COMMANDS if name != "run"]
    modules = loaded_by(f"from workers.cli import load\nfor name in {commands}: load(name)", data=data)
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(amends: Amends, name: str) -> None:
    done = amends(name, "--help")
    assert (done.status, done.err) == (0, "")
    assert load(name).name == name or name in ("sources", "user", "token")
    assert name in amends("--help").out


def test_it_says_its_version_and_what_there_is(amends: Amends) -> None:
    assert amends("--version").out.startswith("amends 0.")
    done = amends()
    done.refused(2, "which command")
    assert "import" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nonsense"], "--nonsense"),
        (["improt", "x"], "Did you mean 'import'?"),
        (["import"], "file"),
        (["import", "a.csv", "--nonsense"], "amends import --help"),
        (["sources", "nonsense"], "nonsense"),
        (["sources", "check"], "name"),
        (["run", "--port", "many"], "--port"),
        (["run", "--port", "70000"], "--port"),
        (["run", "--host", "0.0.0.0", "--port", "0"], "AMENDS_PUBLIC_URL"),
        (["user", "add", "a@example.com", "--role", "king"], "agent, lead, admin"),
        (["token", "create", "a@example.com", "--scope", "all"], "read, write, send, admin"),
    ],
)
def test_wrong_usage_is_2(amends: Amends, arguments: list[str], says: str) -> None:
    amends(*arguments).refused(2, says)


@pytest.mark.parametrize("command", [["sources"], ["migrate"], ["classify"], ["suggest"], ["import", "a.csv"], ["run"]])
def test_a_wrong_setting_is_2_for_every_command(amends: Amends, tmp_path: Path, command: list[str]) -> None:
    amends(*command, AMENDS_DTA="x").refused(2, "AMENDS_DTA", "did you mean AMENDS_DATA?")
    config = tmp_path / "amends.toml"
    config.write_text("[classifier]\nthreads = 'many'\n")
    amends(*command, AMENDS_CONFIG=config).refused(2, str(config), "classifier.threads = 'many'", "whole number")


def test_a_wrong_database_address_is_2(amends: Amends) -> None:
    amends("sources", AMENDS_DATABASE_URL="mysql://x/y").refused(2, "AMENDS_DATABASE_URL", "sqlite:///file")
    amends("sources", AMENDS_DATABASE_URL="nonsense").refused(2, "AMENDS_DATABASE_URL")


def test_an_unreachable_database_is_1_soon(amends: Amends) -> None:
    started = time.monotonic()
    url = f"postgresql://amends:hush@127.0.0.1:{free_port()}/amends"
    done = amends("sources", AMENDS_DATABASE_URL=url)
    done.refused(1, "127.0.0.1", "refused")
    assert "hush" not in done.err
    assert time.monotonic() - started < 8


def test_a_data_folder_that_cannot_be_written_is_1(amends: Amends, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/amends")):
        amends("sources", AMENDS_DATA=folder).refused(1, "cannot write to the data folder", str(folder), "AMENDS_DATA")


def test_a_database_folder_that_is_missing_is_named(amends: Amends, tmp_path: Path) -> None:
    done = amends("sources", AMENDS_DATABASE_URL=f"sqlite:///{tmp_path}/none/amends.sqlite")
    done.refused(done.status, f"{tmp_path}/none")
    assert done.status == 1


def test_a_file_that_is_no_database_is_1(amends: Amends, data: Path) -> None:
    data.mkdir()
    (data / "amends.sqlite").write_text("this is no database at all, only some text\n" * 100)
    amends("sources").refused(1, "amends.sqlite", "not a database")


def test_a_database_that_is_broken_inside_is_1(amends: Amends, data: Path, sqlite_template: Path) -> None:
    data.mkdir()
    size = sqlite_template.stat().st_size
    whole = sqlite_template.read_bytes()
    (data / "amends.sqlite").write_bytes(whole[:4096] + b"\xff" * (size - 4096))
    amends("sources").refused(1, "database")


def test_a_newer_schema_is_1(amends: Amends, data: Path, sqlite_template: Path) -> None:
    data.mkdir()
    shutil.copy(sqlite_template, data / "amends.sqlite")
    with sqlite3.connect(data / "amends.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for command in ("sources", "migrate"):
        amends(command).refused(1, "9999", "newer")


def test_a_schema_of_another_database_is_brought_to_head_by_migrate_alone(
    amends: Amends, clean_postgres: Database
) -> None:
    url = clean_postgres.url.render_as_string(hide_password=False).replace("+psycopg", "")
    name = "cli_migrate"
    with clean_postgres.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = url.rpartition("/")[0] + f"/{name}"
    amends("sources", AMENDS_DATABASE_URL=url).refused(1, "amends migrate")
    done = amends("migrate", "--json", AMENDS_DATABASE_URL=url)
    assert done.status == 0 and done.json["before"] is None
    assert amends("migrate", "--json", AMENDS_DATABASE_URL=url).json["before"] == done.json["after"]
    assert amends("sources", "--json", AMENDS_DATABASE_URL=url).json == []


def test_migrate_makes_the_embedded_database(amends: Amends, data: Path) -> None:
    first = amends("migrate", "--json").json
    assert first["before"] is None and isinstance(first["after"], str)
    assert "already at schema" in amends("migrate").out
    assert (data / "amends.sqlite").exists()
    assert oct(data.stat().st_mode)[-3:] == "700"


def test_a_command_waits_for_the_lock(amends: Amends, data: Path) -> None:
    amends("migrate")
    held = sqlite3.connect(data / "amends.sqlite", isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    threading.Timer(1.0, held.execute, ("ROLLBACK",)).start()
    done = amends("user", "add", "anna@example.com", "--password-stdin", stdin=b"long enough, surely\n")
    assert (done.status, done.err) == (0, "")
    time.sleep(0.1)
    held.close()


def test_a_lock_that_is_never_let_go_is_1(amends: Amends, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    amends("migrate")
    monkeypatch.setattr("store.engine.BUSY_MS", 200)
    held = sqlite3.connect(data / "amends.sqlite", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    done = amends("user", "add", "anna@example.com", "--password-stdin", stdin=b"long enough, surely\n")
    held.close()
    done.refused(1, "busy")


def test_two_first_starts_at_once_are_fine(data: Path) -> None:
    command = [sys.executable, "-m", "workers.cli", "migrate"]
    started = [
        subprocess.Popen(command, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60) for process in started]
    assert [(process.returncode, err) for process, (_, err) in zip(started, told, strict=True)] == [(0, b"")] * 3


def test_people_and_tokens(amends: Amends) -> None:
    secret = b"correct horse battery\n"
    done = amends("user", "add", " Anna@Example.com ", "--role", "lead", "--password-stdin", "--json", stdin=secret)
    assert done.json == {"id": 1, "email": "anna@example.com", "role": "lead"}
    amends("user", "add", "anna@example.com", "--password-stdin", stdin=secret).refused(1, "has an account already")
    amends("user", "add", "leo@example.com", "--password-stdin", stdin=b"short\n").refused(2, "12 characters")
    amends("user", "add", "leo@example.com", "--password-stdin").refused(2, "12 characters")
    amends("user", "add", "leo@example", "--password-stdin", stdin=secret).refused(2, "not an e-mail address")
    assert "leo@example.com" in amends("user", "add", "leo@example.com", "--password-stdin", stdin=secret).out
    amends("user", "add", "mia@example.com", stdin=b"").refused(2, "--password-stdin")
    token = amends("token", "create", "anna@example.com", "--scope", "write", "--scope", "read", "--json").json
    assert token["scopes"] == ["read", "write"] and token["token"].startswith("amends_")
    assert amends("token", "create", "anna@example.com").out.startswith("amends_")
    amends("token", "create", "nobody@example.com").refused(1, "amends user add")
