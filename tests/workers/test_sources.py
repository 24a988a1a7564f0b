"""`amends sources`: listing, checking and trying a poll change nothing that is stored."""

import json
import sqlite3
from pathlib import Path

import pytest

from config.settings import load
from store.engine import Database
from tests.workers.conftest import Amends
from workers import foundation, house


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with one source, a file of three rows of which one is bad."""
    (tmp_path / "posts.csv").write_text("id,text\n1,It broke 👩‍👧\n,no id\n2,It works\n", "utf-8")
    path = tmp_path / "amends.toml"
    path.write_text(
        '[[sources]]\nname = "posts"\nplatform = "file"\nbrand = "Nordvik"\n'
        f'options = {{ path = "{tmp_path}/posts.csv" }}\n'
    )
    return path


def start(config: Path, data: Path) -> None:
    """Bring the sources into the database as `amends run` does."""
    settings = load({"AMENDS_CONFIG": str(config), "AMENDS_DATA": str(data)})
    with foundation.database(settings) as database:
        house.sync_sources(settings, database, drop_folder=True)


def dump(data: Path) -> list[str]:
    connection = sqlite3.connect(data / "amends.sqlite")
    found = list(connection.iterdump())
    connection.close()
    return found


def test_without_sources_it_says_how_to_begin(amends: Amends) -> None:
    assert "amends import FILE" in amends("sources").out
    assert amends("sources", "--json").json == []


def test_sources_are_listed_with_their_state(amends: Amends, config: Path, data: Path, tmp_path: Path) -> None:
    [listed] = amends("sources", "--json", AMENDS_CONFIG=config).json
    assert (listed["name"], listed["brand"], listed["status"]) == ("posts", "Nordvik", "not started")
    start(config, data)
    name = "a-very-long-name-of-a-source-that-is-cut-on-a-narrow-terminal"
    (tmp_path / "a.csv").write_text("id,text\n1,x\n,y\n")
    amends("import", tmp_path / "a.csv", "--source", name)
    found = {row["name"]: row for row in amends("sources", "--json", AMENDS_CONFIG=config).json}
    assert set(found) == {"drop", "posts", name}
    assert (found[name]["status"], found[name]["mentions"], found[name]["rejects"]) == ("manual", 1, 1)
    assert found["posts"]["status"] == found["drop"]["status"] == "active"
    assert name in amends("sources", AMENDS_CONFIG=config, COLUMNS="80").out


def test_words_that_look_like_markup_are_listed_as_they_are(amends: Amends, config: Path, data: Path) -> None:
    start(config, data)
    database = Database(f"sqlite:///{data}/amends.sqlite")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE sources SET error = 'bad [/b] answer [red]'")
    database.close()
    assert "bad [/b] answer [red]" in amends("sources").out


def test_looking_changes_nothing_that_is_stored(amends: Amends, config: Path, data: Path) -> None:
    start(config, data)
    before = dump(data)
    for arguments in ([], ["check", "posts"], ["check", "drop"], ["poll", "posts", "--dry-run"]):
        assert amends("sources", *arguments).status == 0  # also where this shell has no AMENDS_CONFIG
        assert amends("sources", *arguments, AMENDS_CONFIG=config).status == 0
    assert dump(data) == before


def test_a_dry_run_prints_mentions_and_one_summary(amends: Amends, config: Path, data: Path) -> None:
    for _ in range(2):  # before the source is in the database, and after
        done = amends("sources", "poll", "posts", "--dry-run", AMENDS_CONFIG=config)
        assert done.status == 0
        assert {record["external_id"]: record["text"] for record in done.lines} == {
            "1": "It broke 👩‍👧",
            "2": "It works",
        }
        [line] = done.err.splitlines()
        summary = json.loads(line)
        assert set(summary) == {"cursor", "coverage", "rejects"}
        assert summary["cursor"]["done"] is True
        assert (summary["coverage"]["items"], summary["coverage"]["outcome"]) == (2, "polled")
        assert [reject["place"] for reject in summary["rejects"]] == ["line 3"]
        start(config, data)


def test_a_dry_run_that_fails_says_so_in_its_summary(amends: Amends, tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text('[[sources]]\nname = "blog"\nplatform = "feed"\nbase_url = "http://127.0.0.1:9/feed"\n')
    done = amends("sources", "poll", "blog", "--dry-run", AMENDS_CONFIG=config)
    assert (done.status, done.out) == (1, "")
    assert json.loads(done.err)["coverage"]["outcome"] == "Unavailable"
    amends("sources", "check", "blog", AMENDS_CONFIG=config).refused(1, "blog: ")


def test_a_check_says_what_is_wrong(amends: Amends, config: Path, tmp_path: Path) -> None:
    done = amends("sources", "check", "posts", "--json", AMENDS_CONFIG=config)
    assert done.json["ok"] is True and "posts.csv can be read" in done.json["detail"]
    (tmp_path / "posts.csv").unlink()
    amends("sources", "check", "posts", AMENDS_CONFIG=config).refused(1, "posts: ", "No such file")
    amends("sources", "check", "nobody", AMENDS_CONFIG=config).refused(1, "no source called nobody")
    amends("sources", "poll", "nobody", "--dry-run").refused(1, "amends sources")


def test_a_poll_is_left_to_a_worker(amends: Amends, config: Path, data: Path) -> None:
    amends("sources", "poll", "posts", AMENDS_CONFIG=config).refused(1, "amends run")
    start(config, data)
    assert amends("sources", "poll", "posts", "--json", AMENDS_CONFIG=config).json["due"] is True
    assert "at its next look" in amends("sources", "poll", "posts").out
