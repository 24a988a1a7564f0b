"""`amends import`: whatever the file, the run finishes, rejects are told, and the same file twice adds nothing."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workers.conftest import Amends, environment

SHAPE = ["source", "rows", "new", "known", "changed", "rejected", "rejects_file"]
LONG = "ä" * 50_000 + "x" * 49_000
WEIRD = {
    "emoji": "Paketti 📦 on rikki 👩‍👩‍👧 😡",
    "rtl": "الطرد لم يصل \u202eabc",
    "long": LONG,
    "nul": "a\x00b",
}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def stored(data: Path, column: str = "text") -> list[str]:
    connection = sqlite3.connect(data / "amends.sqlite")
    found = [row[0] for row in connection.execute(f"SELECT {column} FROM mentions ORDER BY id")]
    connection.close()
    return found


def test_a_file_is_stored_once_and_told_as_promised(amends: Amends, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "Our posts.csv", "id,text,rating\n1,It broke,1\n2,It works,5\n")
    first = amends("import", file, "--json")
    assert (first.status, first.err, list(first.json)) == (0, "", SHAPE)
    assert first.json == {
        "source": "our-posts", "rows": 2, "new": 2, "known": 0, "changed": 0, "rejected": 0, "rejects_file": None,
    }  # fmt: skip
    assert amends("import", file, "--json").json == first.json | {"new": 0, "known": 2}
    write(file, "id,text,rating\n1,It broke again,1\n2,It works,5\n3,Third,\n")
    assert amends("import", file, "--json").json == first.json | {"rows": 3, "new": 1, "known": 1, "changed": 1}
    assert stored(data) == ["It broke again", "It works", "Third"]
    assert "3 known" in amends("import", file).out


def test_rejects_are_told_and_all_good_rows_stored(amends: Amends, data: Path, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "fine"},
        {"text": "no id"},
        {"id": "3", "text": "  "},
        {"id": "4", "text": "a date that is none", "created_at": "yesterday"},
        {"id": "1", "text": "fine"},
        *({"id": key, "text": text} for key, text in WEIRD.items()),
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file = write(tmp_path / "posts.jsonl", "\n".join([*lines, "not json"]) + "\n")
    done = amends("import", file, "--json")
    done.refused(1, "4 rows were rejected", "posts.jsonl.rejects.jsonl")
    told = done.json
    assert (told["rows"], told["new"], told["known"], told["rejected"]) == (10, 5, 1, 4)
    assert told["rejects_file"] == str(tmp_path / "posts.jsonl.rejects.jsonl")
    rejects = [json.loads(line) for line in Path(told["rejects_file"]).read_text().splitlines()]
    assert [reject["place"] for reject in rejects] == ["line 2", "line 3", "line 4", "line 10"]
    assert [
        word
        for reject, word in zip(rejects, ["id", "text", "ISO 8601", "JSON"], strict=True)
        if word in reject["reason"]
    ] == ["id", "text", "ISO 8601", "JSON"]
    assert sorted(stored(data)) == sorted(["fine", WEIRD["emoji"], WEIRD["rtl"], LONG, "ab"])


def test_rejects_of_an_earlier_try_go_once_the_file_is_mended(amends: Amends, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "id,text\n,x\n")
    assert amends("import", file).status == 1
    assert (tmp_path / "a.csv.rejects.jsonl").exists()
    write(file, "id,text\n1,x\n")
    assert amends("import", file).status == 0
    assert not (tmp_path / "a.csv.rejects.jsonl").exists()


def test_rejects_go_to_the_data_folder_where_there_is_no_writing(amends: Amends, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "id,text\n,x\n1,y\n")
    (tmp_path / "a.csv.rejects.jsonl").mkdir()  # root may write into any folder, but not onto one
    done = amends("import", file, "--json")
    assert (done.status, done.json["new"], done.json["rejects_file"]) == (1, 1, str(data / "a.csv.rejects.jsonl"))
    assert "the row has no id" in (data / "a.csv.rejects.jsonl").read_text()


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("a.csv", b"name,message\n1,2\n", "no column id and no column text; columns found: name, message"),
        ("a.csv", "id,text\n1,Hyvää\n2,päivää\n".encode("latin-1"), "not UTF-8 at line 2"),
        ("a.csv", b"", "no column id"),
        ("a.xlsx", b"id,text\n1,x\n", "a.xlsx: not an XLSX workbook"),
        ("a.pdf", b"x", "only .csv, .jsonl, .xlsx files are read"),
    ],
)
def test_a_file_that_cannot_be_used_is_1(amends: Amends, tmp_path: Path, name: str, body: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(body)
    amends("import", tmp_path / name).refused(1, name, says)


def test_a_file_that_is_none_is_1(amends: Amends, tmp_path: Path) -> None:
    amends("import", tmp_path / "none.csv").refused(1, "none.csv: there is no such file")
    amends("import", tmp_path).refused(1, "it is no file")


@pytest.mark.parametrize(
    ("name", "source"),
    [("Ääniä 2026.csv", "ni-2026"), ("_x_.csv", "x"), ("日本.csv", "import"), (f"{'long-' * 20}.csv", None)],
)
def test_a_file_of_any_name_makes_a_source(amends: Amends, tmp_path: Path, name: str, source: str | None) -> None:
    done = amends("import", write(tmp_path / name, "id,text\n1,x\n"), "--json")
    assert done.status == 0
    assert done.json["source"] == source or len(done.json["source"]) <= 63


def test_a_name_that_is_no_text_or_looks_like_markup_is_fine(amends: Amends, tmp_path: Path) -> None:
    for raw in (b"\xff[/b].csv", b"[red]x[/].csv"):
        path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), raw)))
        if raw.count(b"/"):
            path = path.parent.with_name(path.parent.name) / path.name
            path.parent.mkdir(exist_ok=True, parents=True)
        done = amends("import", write(path, "id,text\n1,x\n,y\n"))
        assert "1 new" in done.out
        done.refused(1, "1 rows were rejected")


def test_a_source_that_is_no_file_is_not_imported_into(amends: Amends, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from domain.source import SourceSpec
    from store import sources
    from store.engine import Database

    amends("migrate")
    database = Database(f"sqlite:///{tmp_path}/data/amends.sqlite")
    with database.write() as connection:
        sources.add(connection, SourceSpec(name="blog", platform="feed"), origin="desk", now=datetime.now(UTC))
    database.close()
    file = write(tmp_path / "a.csv", "id,text\n1,x\n")
    amends("import", file, "--source", "blog").refused(1, "blog", "not a file")
    amends("import", file, "--source", "My Blog").refused(2, "My Blog", "lower-case")


def test_waiting_without_a_worker_ends_with_a_word(
    amends: Amends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.commands.importing.STALLED_S", 0.2)
    file = write(tmp_path / "a.csv", "id,text\n1,x\n")
    amends("import", file, "--wait").refused(1, "1 posts still wait", "amends run")


def test_no_progress_is_drawn_into_a_pipe(amends: Amends, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "id,text\n" + "".join(f"{n},post {n}\n" for n in range(1200)))
    done = amends("import", file, FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert (done.status, done.err) == (0, "")


def test_killed_half_way_and_started_again_ends_the_same(amends: Amends, data: Path, tmp_path: Path) -> None:
    rows = "".join(f"{n},post {n} {'words ' * 20}\n" for n in range(12_000))
    file = write(tmp_path / "a.csv", "id,text\n" + rows + ",no id\n")
    amends("migrate")
    command = [sys.executable, "-m", "workers.cli", "import", str(file), "--json"]
    with subprocess.Popen(command, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as importing:
        end = time.monotonic() + 60
        while len(stored(data, "id")) < 1000:
            assert time.monotonic() < end and importing.poll() is None
            time.sleep(0.01)
        importing.send_signal(signal.SIGKILL)
    before = len(stored(data, "id"))
    assert 1000 <= before < 12_000
    told = amends("import", file, "--json").json
    assert (told["rows"], told["new"], told["known"], told["rejected"]) == (12_001, 12_000 - before, before, 1)
    assert len(set(stored(data, "external_id"))) == len(stored(data, "id")) == 12_000


PEAK = """
import resource, sys
from workers.cli import main
try:
    main(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_stays_flat_over_a_large_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("w") as handle:
        handle.write("id,text,author\n")
        for number in range(130_000):
            handle.write(f"{number},{f'post {number} is about a parcel ' * 16},author{number % 5000}\n")
    assert file.stat().st_size > 60_000_000
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "import", str(file), "--json"],
        env=environment(data), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["new"] == 130_000
    assert int(done.stderr) < 250
