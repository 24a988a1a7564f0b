"""`amends classify` and `amends suggest`: one line out for each line in, in order, whatever the lines are."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.conftest import Amends, environment
from workers.commands import classifying, lines

RULES = ("classify", "--model", "rules")


def jsonl(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a configuration that uses the baseline, which is quick to load."""
    path = tmp_path / "amends.toml"
    path.write_text('[classifier]\nmodel = "rules"\n')
    return path


def test_one_line_out_for_each_line_in_over_many_batches(amends: Amends) -> None:
    given = [{"id": f"p{number}", "text": f"The parcel {number} is broken!"} for number in range(200)]
    done = amends(*RULES, stdin=jsonl(*given))
    assert (done.status, done.err) == (0, "")
    assert [record["id"] for record in done.lines] == [record["id"] for record in given]
    first = done.lines[0]
    assert set(first) == {
        "id", "language", "complaint", "urgency", "sentiment", "topics", "flags", "model",
    }  # fmt: skip
    assert first["complaint"]["label"] in (True, False, None)


def test_a_line_that_is_none_gives_an_error_in_its_place(amends: Amends) -> None:
    bad = [
        b"not json", b"", b"[1]", b'"text"', b'{"id": "a"}', b'{"id": "b", "text": ""}', b'{"id": "c", "text": 5}',
        b'{"id": "d", "text": "x", "lang": 5}', b'{"id": "e", "text": "x", "rating": 9}',
        b'{"id": "f", "text": "x", "rating": true}', b'\xff\xfe', b"[" * 100_000, b'{"id": NaN, "text": ""}',
    ]  # fmt: skip
    stdin = b"\n".join([b'{"id": "first", "text": "fine"}', *bad, b'{"id": "last", "text": "It is broken"}'])
    done = amends(*RULES, stdin=stdin)
    done.refused(1, f"{len(bad)} of the lines")
    assert len(done.lines) == len(bad) + 2
    assert "error" not in done.lines[0] and "error" not in done.lines[-1]
    assert all(set(record) == {"id", "error"} for record in done.lines[1:-1])
    names = [record["id"] for record in done.lines[1:-1]]
    assert names == ["line 2", "line 3", "line 4", "line 5", *"abcdef", "line 12", "line 13", "line 14"]


def test_an_id_comes_back_as_it_was_given(amends: Amends) -> None:
    identities = [0, 7, "7", 1.5, "ä👩‍👧", "half \ud83d pair", "line\nend"]
    done = amends(*RULES, stdin=jsonl(*({"id": each, "text": "It is broken"} for each in identities), {"text": "x y"}))
    assert done.status == 0
    assert [record["id"] for record in done.lines] == [*identities, "line 8"]


def test_weird_texts_pass(amends: Amends) -> None:
    texts = ["a\ud800b is broken", "nul \x00 broken", "x" * 100_000, "مرحبا مكسور", "a\u2028b\x85c"]
    done = amends(*RULES, "--why", stdin=jsonl(*({"id": n, "text": text} for n, text in enumerate(texts))))
    assert [record["id"] for record in done.lines] == [0, 1, 2, 3, 4]
    assert isinstance(done.lines[0]["why"], list)


def test_nothing_in_is_nothing_out(amends: Amends) -> None:
    for command in (RULES, ("suggest",)):
        done = amends(*command)
        assert (done.status, done.out, done.err) == (0, "", "")


def test_a_huge_line_is_skipped_and_never_held(amends: Amends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    huge = b'{"id": "huge", "text": "' + b"x" * 50_000 + b'"}\n'
    exact = b'{"id": "exact", "text": "' + b"x" * (1000 - 28) + b'"}\n'
    assert len(exact) == 1000
    done = amends(*RULES, stdin=huge + exact + huge + jsonl({"id": "after", "text": "fine"}) + huge.strip())
    assert [record["id"] for record in done.lines] == ["line 1", "exact", "line 3", "after", "line 5"]
    assert "longer than 1,000 bytes" in done.lines[0]["error"]


def test_a_model_that_cannot_be_used_is_named(amends: Amends, tmp_path: Path) -> None:
    amends("classify", "--model", tmp_path / "none").refused(2, f"{tmp_path}/none", "'amends', 'rules'")


def test_a_reader_that_goes_away_ends_it_quietly(data: Path) -> None:
    stdin = jsonl(*({"id": number, "text": "It is broken " * 30} for number in range(3000)))
    head = len(b"".join(stdin.splitlines(keepends=True)[: classifying.BATCH]))
    with subprocess.Popen(
        [sys.executable, "-m", "workers.cli", *RULES],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(data), bufsize=0,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(stdin[:head])
        assert json.loads(process.stdout.readline())["id"] == 0
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(stdin[head:])
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_it_suggests_with_all_that_is_needed_and_without(amends: Amends, rules: Path) -> None:
    whole = {"id": 1, "text": "My parcel is lost", "lang": "en", "topics": ["delivery"], "urgency": "normal"}
    done = amends("suggest", stdin=jsonl(whole, {"id": "2", "text": "My parcel never arrived!"}), AMENDS_CONFIG=rules)
    assert (done.status, done.err) == (0, "")
    for record, identity in zip(done.lines, [1, "2"], strict=True):
        assert (record["id"], record["language"], set(record)) == (identity, "en", {"id", "language", "drafts"})
        draft = record["drafts"][0]
        assert set(draft) == {"text", "playbook", "steps", "gaps", "reasons"}
        for gap in draft["gaps"]:
            assert draft["text"][slice(*gap["span"])] == f"[[{gap['name']}]]"


def test_a_wrong_line_costs_only_itself(amends: Amends, rules: Path) -> None:
    wrong: list[object] = [
        5, {"id": "a"}, {"id": "b", "text": "x", "lang": 3}, {"id": "c", "text": "x", "urgency": "much"},
        {"id": "d", "text": "x", "topics": "delivery"}, {"id": "e", "text": "x", "topics": [{"score": 1}]},
        {"id": "f", "text": "x", "topics": [{"name": "delivery", "score": "high"}]}, 
        {"id": "g", "text": "x", "rating": "5"},
    ]  # fmt: skip
    fine = {"id": "h", "text": "My parcel is lost \ud83d", "lang": "en"}
    done = amends("suggest", stdin=jsonl(*wrong, fine) + b"\xff\n", AMENDS_CONFIG=rules)
    done.refused(1, "9 of the lines")
    assert [("error" in record) for record in done.lines] == [True] * 8 + [False, True]
    assert [record["id"] for record in done.lines] == ["line 1", *"abcdefgh", "line 10"]


def test_no_draft_is_offered_where_a_person_must_answer(amends: Amends, rules: Path) -> None:
    text = "I want to kill myself, your staff laughed at me"
    known = {"lang": "en", "topics": ["service_staff"], "urgency": "critical"}
    done = amends("suggest", stdin=jsonl({"id": 1, "text": text}, {"id": 2, "text": text} | known), AMENDS_CONFIG=rules)
    assert [record["drafts"] for record in done.lines] == [[], []]


def test_a_model_is_measured_on_labelled_rows(amends: Amends, tmp_path: Path) -> None:
    rows = [
        {"text": f"The parcel {n} is broken, refund me!", "lang": "en", "complaint": True, "source": "x"}
        for n in range(4)
    ]
    rows += [{"text": f"Lovely day {n}, thank you", "lang": "en", "complaint": False, "source": "x"} for n in range(4)]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(jsonl(*rows))
    done = amends("evaluate", file, "--model", "rules", "--json")
    assert (done.status, done.json["rows"], done.json["model"]) == (0, 8, "rules@1")
    assert "complaint" in amends("evaluate", file, "--model", "rules").out
    file.write_text("not json\n")
    amends("evaluate", file, "--model", "rules").refused(1, "rows.jsonl")
    amends("evaluate", tmp_path / "none.jsonl", "--model", "rules").refused(1, "no such file")
