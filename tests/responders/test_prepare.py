"""Making a case ready: the words that weighed and drafts, once; what goes wrong is said in the case."""

import pytest

from config.playbook_files import load_playbooks
from domain.classification import Text, Weight
from domain.errors import Unavailable
from domain.sla import DEFAULT_POLICY
from monitor.triage import triage
from monitor.understand import classify
from responders.prepare import MAX_ATTEMPTS, prepare
from store import cases, mentions, suggestions
from store.engine import Database
from store.intake import keep
from tests.conftest import Now
from tests.fakes import FakeClassifier, FakePlatform, post, source


def _arrive(database: Database, now: Now, text: str) -> None:
    with database.write() as connection:
        keep(connection, [post("1", text)], source_id=1, brand_id=None, now=now())
    classify(database, FakeClassifier(), now=now)
    triage(database, policy=DEFAULT_POLICY, now=now)


def _prepare(database: Database, now: Now, classifier: FakeClassifier | None = None) -> int:
    limits = {"fake": FakePlatform.limits}
    return prepare(database, classifier or FakeClassifier(), load_playbooks(), limits=limits, now=now)


@pytest.mark.parametrize(("text", "lang"), [("My parcel is broken", "en"), ("Paketti broken, siis rikki", "fi")])
def test_a_case_gets_two_drafts_in_its_language_and_marks(database: Database, now: Now, text: str, lang: str) -> None:
    source(database)
    _arrive(database, now, text)
    assert _prepare(database, now) == 1
    assert _prepare(database, now) == 0
    with database.read() as connection:
        drafts = suggestions.of_mention(connection, 1, 1)
        judged = mentions.classification(connection, 1, 1)
    assert len(drafts) >= 2
    assert {draft["lang"] for draft in drafts} == {lang}
    assert len({draft["text"] for draft in drafts}) == len(drafts)
    assert judged is not None and [w.head for w in judged[1]] == ["complaint"]


def test_a_classifier_that_fails_leaves_the_reason_in_the_case_and_is_not_asked_for_ever(
    database: Database, now: Now
) -> None:
    class Broken(FakeClassifier):
        def why(self, text: Text) -> list[Weight]:
            raise Unavailable("the model is gone")

    source(database)
    _arrive(database, now, "My parcel is broken")
    tries = 0
    for _ in range(MAX_ATTEMPTS * 2):
        tries += _prepare(database, now, Broken())
        now.forward(minutes=10)
    with database.read() as connection:
        head = cases.head(connection, 1)
    assert tries == MAX_ATTEMPTS
    assert "the model is gone" in head["error"]


def test_killed_while_drafts_are_made_they_are_made_at_the_next_look(database: Database, now: Now) -> None:
    class Killed(FakeClassifier):
        def why(self, text: Text) -> list[Weight]:
            raise SystemExit

    source(database)
    _arrive(database, now, "My parcel is broken")
    with pytest.raises(SystemExit):
        _prepare(database, now, Killed())
    now.forward(minutes=6)
    assert _prepare(database, now) == 1
    with database.read() as connection:
        assert len(suggestions.of_mention(connection, 1, 1)) >= 2
