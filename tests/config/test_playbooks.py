"""The shipped playbooks are whole, and a wrong file is refused with its name, its key and what is allowed."""

import re
from pathlib import Path

import pytest

from config.playbook_files import SHIPPED, load_playbooks
from domain.errors import Invalid
from domain.playbook import GAP, GENERAL, SLOT, STEPS

PLAYBOOKS = load_playbooks()
TOPICS = {
    "delivery",
    "billing_refund",
    "product_quality",
    "service_staff",
    "app_technical",
    "safety",
    GENERAL,
}
GAPS = {"date", "agent name", "contact link", "what we can offer", "plain reason", "safety phone line"}
APOLOGY = re.compile(r"\b(?:sorry|apolog\w+|pahoittel\w+|pahoillani|anteeksi\w*)\b", re.IGNORECASE)


def test_each_language_has_every_playbook() -> None:
    for lang in ("en", "fi"):
        assert {p.topic for p in PLAYBOOKS if p.lang == lang} == TOPICS
        assert PLAYBOOKS.find(lang=lang, topic="delivery") is PLAYBOOKS.playbooks[f"{lang}/delivery"]
    assert PLAYBOOKS.langs() == ("en", "fi")
    assert PLAYBOOKS.find(lang="lv", topic="delivery") is None


@pytest.mark.parametrize("playbook", list(PLAYBOOKS), ids=lambda p: p.id)
def test_a_playbook_has_two_ways_all_steps_and_several_wordings(playbook) -> None:
    assert len(playbook.ways) >= 2
    for way in playbook.ways:
        assert set(way.parts) == set(STEPS[1:])
        for form in ("short", "full"):
            texts = [text for part in way.parts.values() for text in part.of(form)]
            assert all(len(part.of(form)) >= 2 for part in way.parts.values())
            assert len(set(texts)) == len(texts)
            assert {gap for text in texts for gap in GAP.findall(text)} <= GAPS
            for text in way.parts["lead"].of(form):
                assert "?" in text
            for text in way.parts["own"].of(form):
                assert len(APOLOGY.findall(text)) == 1, "one apology, once"
            for step in ("empathise", "lead", "act"):
                assert not any(APOLOGY.search(text) for text in way.parts[step].of(form))


@pytest.mark.parametrize("lang", ["en", "fi"])
def test_what_is_said_back_is_not_an_apology_and_leaves_nothing_open(lang) -> None:
    speech = PLAYBOOKS.speech[lang]
    said = [c for issue in speech.issues for c in issue.say] + [c for s in speech.default.values() for c in s]
    assert not any(APOLOGY.search(clause) or GAP.search(clause) for clause in said)
    for issue in speech.issues:
        allowed = set(speech.default_thing.get(issue.topic, {}))
        assert {slot for clause in issue.say for slot in SLOT.findall(clause)} <= allowed


def test_a_later_folder_wins_by_id(tmp_path: Path) -> None:
    folder = tmp_path / "fi"
    folder.mkdir()
    own = (SHIPPED / "fi" / "delivery.toml").read_text(encoding="utf-8").replace("Uusi lähetys pikana", "Oma tapa")
    (folder / "delivery.toml").write_text(own, encoding="utf-8")
    (folder / "sofas.toml").write_text(own.replace('"resend"', '"sofa"'), encoding="utf-8")

    playbooks = load_playbooks([tmp_path])

    assert playbooks.playbooks["fi/delivery"].ways[0].title == "Oma tapa"
    found = playbooks.find(lang="fi", topic="delivery")
    assert found is not None and found.id == "fi/sofas"
    assert len(playbooks.playbooks) == len(PLAYBOOKS.playbooks) + 1


GOOD = (SHIPPED / "en" / "general.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('topic = "general"', 'topic = "weather"', r"en/own\.toml: topic: 'weather' is unknown; allowed are delivery"),
        ('lang = "en"', 'lang = "fi"', r'en/own\.toml: lang: must be "en"'),
        ('title = "Any', 'titel = "Any', r"en/own\.toml: titel: unknown key; allowed are lang, topic, title"),
        ('when = "', 'when = 3 # "', r"en/own\.toml: when: must be one line of text"),
        ("by [[date]]", "soon", r"ways\[0\]\.act\.short\[\d\]: needs a by-when, the gap \[\[date\]\]"),
        ("direct = [", "direct = [3,", r"ways\[1\]\.lead\.direct\[0\]: must be one line"),
        ("{private}", "{phone}", r"ways\[0\]\.act\.\w+\[\d\]: slot \{phone\} is unknown; allowed here: \{private\}"),
        ("[[agent name]]", "[agent]", r"a gap is written \[\[name\]\]"),
        ('id = "investigate"', 'id = "ask"', r"en/own\.toml: ways: each needs an id of its own"),
        ('id = "ask"', 'id = "Ask!"', r"ways\[0\]\.id: use lower-case letters"),
        ("[empathise]", "[sympathise]", r"sympathise: unknown key"),
        ("short = [", "short = [3,", r"empathise\.short\[0\]: must be one line of text"),
        ("short = [", 'short = ["a\\nb",', r"empathise\.short\[0\]: must be one line"),
        ('lang = "en"', "lang = ", r"en/own\.toml: not valid TOML"),
    ],
)
def test_a_wrong_playbook_is_refused_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "own.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(Invalid, match=says):
        load_playbooks([tmp_path])


def test_wrong_folders_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is not a folder"):
        load_playbooks([tmp_path / "none"])
    (tmp_path / "sv").mkdir()
    (tmp_path / "sv" / "own.toml").write_text(GOOD.replace('lang = "en"', 'lang = "sv"'), encoding="utf-8")
    with pytest.raises(Invalid, match=r"sv/own\.toml needs sv/phrases\.toml"):
        load_playbooks([tmp_path])
    (tmp_path / "sv" / "own.toml").write_bytes(b'lang = "\xff"')
    with pytest.raises(Invalid, match=r"sv/own\.toml: must be UTF-8"):
        load_playbooks([tmp_path])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{issue}", "{post}", r"en/phrases\.toml: hear\.short\[0\]: slot \{post\} is unknown"),
        ("match = ['", "match = ['(", r"en/phrases\.toml: issues\[0\]\.match\[0\]: not a valid regular expression"),
        ("two = 2", "two = 0", r"numbers\.two: must be a whole number"),
        ("{n} days", "days", r"units\.day\.many: needs the slot \{n\}"),
        ("[topics.other]", "[topics.misc]", r"topics\.misc: unknown key"),
        ("by [[date]]", "soon", r"en/phrases\.toml: act\.direct\[0\]: needs a by-when"),
        ('tomorrow = "tomorrow"', "tomorrow = 1", r"days\.tomorrow: must be one line of text"),
        ('direct = ["by phone or letter"]', "", r"private\.direct: must be a list of texts"),
        ('forms = { thing = "sofa" }', 'forms = { stuff = "sofa" }', r"things\[0\]\.forms: needs thing"),
    ],
)
def test_wrong_phrases_are_refused_with_their_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = (SHIPPED / "en" / "phrases.toml").read_text(encoding="utf-8")
    assert old in good
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "phrases.toml").write_text(good.replace(old, new), encoding="utf-8")
    with pytest.raises(Invalid, match=says):
        load_playbooks([tmp_path])
