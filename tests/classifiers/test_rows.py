"""Labelled rows, how they are split, and how they are drawn."""

import gzip
import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from classifiers.rows import OWN, Row, corpus, part_of, read
from classifiers.sampling import Sampler, changed, target


def row(**more: object) -> Row:
    given: dict[str, object] = {
        "text": "a text", "lang": "en", "source": "xci", "complaint": None, "sentiment": None, "urgency": None,
        "topics": (), "weak": False, "part": "train",
    }  # fmt: skip
    return Row(**{**given, **more})  # type: ignore[arg-type]


def test_reads_plain_and_gzipped_lines_once_each(tmp_path: Path) -> None:
    lines = [
        {"text": "Bad @shop", "lang": "en", "source": "x", "complaint": 1, "sentiment": "neg", "weak": ["sentiment"]}
    ]
    lines.append({"text": "Bad  @other", "lang": "en"})
    body = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "a.jsonl").write_text(body)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(body.encode()))
    (found,) = read([tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"])
    assert (found.text, found.complaint, found.sentiment, found.weak) == ("Bad @user", True, "negative", True)


@pytest.mark.parametrize("line", ["not json", "[]", '{"lang": "en"}', '{"text": 3}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n' + line)
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2"):
        read([tmp_path / "a.jsonl"])


def test_the_part_of_a_text_never_changes() -> None:
    parts = Counter(part_of(f"text {at}") for at in range(5_000))
    assert part_of("Some Text") == part_of("some text")
    assert 400 < parts["held-out"] < 600 and 230 < parts["calibrate"] < 370


def test_our_own_posts_are_in_five_languages_and_name_their_author() -> None:
    assert [path.stem for path in corpus()] == ["en", "fi", "lv", "nb", "pl"]
    for path in corpus():
        posts = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert {post["author"] for post in posts} == {"the Amends project"}
        assert {post["lang"] for post in posts} == {path.stem}
        assert Counter(post["split"] for post in posts) == {"train": 40, "tune": 24, "check": 12}
        assert sum(post["complaint"] for post in posts) * 2 == len(posts)
    assert all(each.source == OWN and each.urgency for each in read(corpus()))


def test_weak_complaint_labels_count_less() -> None:
    film, hotel = row(source="xed", sentiment="negative"), row(source="wccrs", lang="pl", sentiment="negative")
    assert (target(film).complaint, target(hotel).complaint) == (0.0, 1.0)
    assert 0 < target(film).complaint_counts < target(row(complaint=True)).complaint_counts == 1
    assert target(row(source="ltec", lang="lv", sentiment="negative")).complaint_counts == 0


def test_drawing_can_be_taken_up_where_it_stopped() -> None:
    rows = [row(text=f"text {at}", complaint=bool(at % 2)) for at in range(40)]
    one, two = Sampler(rows, 1), Sampler(rows, 1)
    list(one.draw(10))
    two.take_up(one.state())
    assert list(one.draw(20)) == list(two.draw(20))


def test_a_rare_class_is_drawn_more_often_than_it_comes() -> None:
    rows = [row(text=f"text {at}", complaint=at < 10) for at in range(1_000)]
    drawn = Counter(aim.complaint for _, aim in islice(Sampler(rows, 3).draw(4_000), 4_000))
    assert drawn[1.0] > 4_000 * 0.05


def test_handles_come_and_go() -> None:
    chance = random.Random(2)
    with_handle = [changed("a plain text", chance).startswith("@user ") for _ in range(500)]
    without = ["@user" in changed("@user a plain text", chance) for _ in range(500)]
    assert 0.2 < sum(with_handle) / 500 < 0.4
    assert 0.4 < sum(without) / 500 < 0.6
