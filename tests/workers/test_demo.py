"""The demonstration's posts: only the one about the charger speaks of danger."""

import tomllib
from pathlib import Path

from classifiers.rules import alarms
from workers import demo

POSTS = tomllib.loads((Path(demo.__file__).parent / "demo_posts.toml").read_text("utf-8"))["posts"]


def test_exactly_the_charger_is_flagged() -> None:
    flagged = [(post.get("id"), alarm.rule) for post in POSTS for alarm in alarms(post["text"])]
    assert flagged == [("charger", "fire_injury")]
    answers = [words for post in POSTS for _, words in post.get("answers", ())]
    assert answers and not any(alarms(words) for words in answers)
