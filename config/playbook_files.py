"""Reads playbooks from TOML: a folder per language, one file per kind of complaint, and `phrases.toml`."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.errors import Invalid
from domain.playbook import (
    BY_WHEN,
    GAP,
    GENERAL,
    PLAYBOOK_TOPICS,
    SLOT,
    STEPS,
    Fact,
    Issue,
    Playbook,
    Playbooks,
    Speech,
    Step,
    Thing,
    Unit,
    Way,
    Wordings,
)

SHIPPED = Path(__file__).parent / "playbooks"
PHRASES = "phrases.toml"
_LANG = re.compile(r"[a-z]{2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SLOTS: Mapping[str, frozenset[str]] = {
    "hear": frozenset({"greeting", "issue"}),
    "empathise": frozenset(),
    "own": frozenset(),
    "lead": frozenset({"private"}),
    "act": frozenset({"private"}),
}
_FACT_SLOTS = frozenset({"duration", "ordinal", "amount", "day"})
_OWN_WORDING = ("empathise", "own")
_ROUTES = ("message", "link", "direct")


def load_playbooks(overlays: Sequence[Path] = ()) -> Playbooks:
    """Read the shipped playbooks, then each overlay folder in order; a later file with the same id wins.

    Raises `Invalid` that names the file, the key and what is allowed.
    """
    tables: dict[str, _Table] = {}
    for folder in (SHIPPED, *overlays):
        if not folder.is_dir():
            raise Invalid(f"playbooks: {folder} is not a folder")
        for path in sorted(folder.glob("*/*.toml")):
            tables[f"{path.parent.name}/{path.stem}"] = _read(path)
    speech = {t.path.parent.name: _speech(t) for t in tables.values() if t.path.name == PHRASES}
    playbooks = {id: _playbook(t, id=id) for id, t in tables.items() if t.path.name != PHRASES}
    for playbook in playbooks.values():
        if playbook.lang not in speech:
            raise Invalid(f"playbooks: {playbook.id}.toml needs {playbook.lang}/{PHRASES} beside it")
    for lang in speech:
        if not any(p.lang == lang and p.topic == GENERAL for p in playbooks.values()):
            raise Invalid(f'playbooks: {lang} needs a file with topic = "{GENERAL}"')
    return Playbooks(speech=speech, playbooks=playbooks)


class _Table:
    """A TOML table that knows its place, so that every error can name it."""

    def __init__(self, data: Mapping[str, Any], *, path: Path, at: str = "") -> None:
        self.data, self.path, self.at = data, path, at

    def wrong(self, key: str, allowed: str) -> Invalid:
        place = f"{self.at}.{key}" if self.at and key else self.at or key
        return Invalid(f"{self.path.parent.name}/{self.path.name}: {place}: {allowed}")

    def only(self, *keys: str) -> None:
        for key in self.data:
            if key not in keys:
                raise self.wrong(key, f"unknown key; allowed are {', '.join(keys)}")

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(key, "must be one line of text, not empty")
        return value

    def texts(self, key: str, *, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        if key not in self.data and default is not None:
            return default
        value = self.data.get(key)
        if not isinstance(value, list) or not value:
            raise self.wrong(key, "must be a list of texts, at least one")
        return tuple(
            _Table({f"{key}[{i}]": v}, path=self.path, at=self.at).text(f"{key}[{i}]") for i, v in enumerate(value)
        )

    def table(self, key: str) -> "_Table":
        value = self.data.get(key)
        if not isinstance(value, dict) or not value:
            raise self.wrong(key, "must be a table with at least one key")
        return _Table(value, path=self.path, at=f"{self.at}.{key}" if self.at else key)

    def tables(self, key: str, *, least: int = 0) -> "list[_Table]":
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value) or len(value) < least:
            raise self.wrong(key, f"must be an array of tables, at least {least}")
        at = f"{self.at}.{key}" if self.at else key
        return [_Table(v, path=self.path, at=f"{at}[{i}]") for i, v in enumerate(value)]


def _read(path: Path) -> _Table:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{path.parent.name}/{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{path.parent.name}/{path.name}: must be UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path.parent.name}/{path.name}: not valid TOML: {error}") from None
    table = _Table(data, path=path)
    if not _LANG.fullmatch(path.parent.name):
        raise Invalid(f"playbooks: folder {path.parent.name!r} must be a language code of two lower-case letters")
    if data.get("lang") != path.parent.name:
        raise table.wrong("lang", f'must be "{path.parent.name}", the name of its folder')
    return table


def _playbook(table: _Table, *, id: str) -> Playbook:
    table.only("lang", "topic", "title", "when", "empathise", "own", "ways")
    topic = table.text("topic")
    if topic not in PLAYBOOK_TOPICS:
        raise table.wrong("topic", f"{topic!r} is unknown; allowed are {', '.join(PLAYBOOK_TOPICS)}")
    ways = tuple(_way(way, playbook=table) for way in table.tables("ways", least=2))
    if len({way.id for way in ways}) < len(ways):
        raise table.wrong("ways", "each needs an id of its own")
    return Playbook(
        id=id, lang=table.text("lang"), topic=topic, title=table.text("title"), when=table.text("when"), ways=ways
    )


def _way(table: _Table, *, playbook: _Table) -> Way:
    table.only("id", "title", *STEPS[1:])
    id = table.text("id")
    if not _NAME.fullmatch(id):
        raise table.wrong("id", "use lower-case letters, digits, '-' and '_', at most 63")
    parts: dict[Step, Wordings] = {}
    for step in STEPS[1:]:
        shared = step in _OWN_WORDING and step not in table.data
        parts[step] = _wordings((playbook if shared else table).table(step), slots=_SLOTS[step])
    act = parts["act"]
    for form, texts in (("short", act.short), ("full", act.full), ("direct", act.direct)):
        _by_when(texts, table=table, key=f"act.{form}")
    return Way(id=id, title=table.text("title"), parts=parts)


def _by_when(texts: Sequence[str], *, table: _Table, key: str) -> None:
    for i, text in enumerate(texts):
        if BY_WHEN not in GAP.findall(text):
            raise table.wrong(f"{key}[{i}]", f"needs a by-when, the gap [[{BY_WHEN}]]")


def _wordings(table: _Table, *, slots: frozenset[str], needs: str = "") -> Wordings:
    table.only("short", "full", "direct")
    short = table.texts("short")
    full, direct = table.texts("full", default=short), table.texts("direct", default=())
    for form, texts in (("short", short), ("full", full), ("direct", direct)):
        for i, text in enumerate(texts):
            _check(text, table=table, key=f"{form}[{i}]", slots=slots)
            if needs and f"{{{needs}}}" not in text:
                raise table.wrong(f"{form}[{i}]", f"needs the slot {{{needs}}}")
    return Wordings(short=short, full=full, direct=direct)


def _check(text: str, *, table: _Table, key: str, slots: frozenset[str]) -> None:
    allowed = ", ".join(f"{{{slot}}}" for slot in sorted(slots)) or "none"
    bare = GAP.sub("", text)
    if "[" in bare or "]" in bare:
        raise table.wrong(key, "a gap is written [[name]], with lower-case letters and spaces; no other brackets")
    for slot in SLOT.findall(bare):
        if slot not in slots:
            raise table.wrong(key, f"slot {{{slot}}} is unknown; allowed here: {allowed}")
    bare = SLOT.sub("", bare)
    if "{" in bare or "}" in bare:
        raise table.wrong(key, f"a slot is written {{name}}; allowed here: {allowed}")


def _speech(table: _Table) -> Speech:
    table.only(
        "lang", "comma", "last", "greeting", "private", "hear", "act", "numbers", "ordinals", "days", "units", "topics",
        "things", "issues", "facts",
    )  # fmt: skip
    greeting, private, topics = table.table("greeting"), table.table("private"), table.table("topics")
    greeting.only("named", "plain")
    private.only(*_ROUTES)
    topics.only(*PLAYBOOK_TOPICS)
    named = greeting.texts("named")
    for i, text in enumerate(named):
        _check(text, table=greeting, key=f"named[{i}]", slots=frozenset({"name"}))
    routes = {route: private.texts(route) for route in _ROUTES}
    for route, texts in routes.items():
        for i, text in enumerate(texts):
            _check(text, table=private, key=f"{route}[{i}]", slots=frozenset())
    act = table.table("act")
    act.only("direct")
    direct_act = act.texts("direct")
    for i, text in enumerate(direct_act):
        _check(text, table=act, key=f"direct[{i}]", slots=_SLOTS["act"])
    _by_when(direct_act, table=act, key="direct")
    day_table = table.table("days")
    days = {key: day_table.text(key) for key in day_table.data}
    numbers, ordinals = _values(table.table("numbers")), _values(table.table("ordinals"))
    unit_tables = table.table("units")
    units = [_unit(unit_tables.table(key)) for key in unit_tables.data]
    macros = {
        "<number>": rf"(?<![\w.,-])(?P<n>[0-9]{{1,3}}|{_either(numbers)})",
        "<ordinal>": rf"(?P<ordinal>{_either(ordinals)})",
        "<day>": rf"(?P<day>{_either(days)})",
        "<unit>": rf"(?P<unit>{'|'.join(u.match.pattern for u in units)})",
        # One plain sum with its currency; a number with thousands separators or other decimals is left alone.
        "<amount>": r"(?P<amount>[€£$]\s?[0-9]{1,6}(?:[.,][0-9]{2})?(?![0-9.,]*[0-9])"
        r"|(?<![\w.,-])(?<![0-9]\s)[0-9]{1,6}(?:[.,][0-9]{2})?\s?(?:[€£$]|eur(?:oa|os?)?\b))",
    }
    per_topic = {topic: topics.table(topic) for topic in PLAYBOOK_TOPICS}
    for each in per_topic.values():
        each.only("say", "forms")
    forms = {topic: _forms(each) for topic, each in per_topic.items() if "forms" in each.data}
    return Speech(
        lang=table.text("lang"),
        named=named,
        plain=greeting.texts("plain"),
        private=routes,
        hear=_wordings(table.table("hear"), slots=_SLOTS["hear"], needs="issue"),
        direct_act=direct_act,
        comma=table.text("comma"),
        last=table.text("last"),
        numbers=numbers,
        ordinals=ordinals,
        days=days,
        units=tuple(units),
        issues=tuple(_issue(t, macros=macros, forms=forms) for t in table.tables("issues")),
        facts=tuple(_fact(t, macros=macros) for t in table.tables("facts")),
        things=tuple(_thing(t, forms=forms) for t in table.tables("things")),
        default={topic: _say(each, slots=frozenset()) for topic, each in per_topic.items()},
        default_thing=forms,
    )


def _issue(table: _Table, *, macros: Mapping[str, str], forms: Mapping[str, Mapping[str, str]]) -> Issue:
    table.only("topic", "match", "unless", "say")
    topic = table.text("topic")
    if topic not in PLAYBOOK_TOPICS:
        raise table.wrong("topic", f"{topic!r} is unknown; allowed are {', '.join(PLAYBOOK_TOPICS)}")
    match, unless = _patterns(table, "match", macros=macros), _patterns(table, "unless", macros=macros)
    return Issue(topic=topic, match=match, unless=unless, say=_say(table, slots=frozenset(forms.get(topic, ()))))


def _fact(table: _Table, *, macros: Mapping[str, str]) -> Fact:
    table.only("topics", "match", "unless", "say")
    return Fact(
        topics=_topics(table),
        match=_patterns(table, "match", macros=macros),
        unless=_patterns(table, "unless", macros=macros),
        say=_say(table, slots=_FACT_SLOTS),
    )


def _thing(table: _Table, *, forms: Mapping[str, Mapping[str, str]]) -> Thing:
    table.only("topics", "match", "forms")
    topics, mine = _topics(table), _forms(table)
    for topic in topics:
        if missing := set(forms.get(topic, ())) - set(mine):
            raise table.wrong("forms", f"needs {', '.join(sorted(missing))}, as topics.{topic}.forms has")
    return Thing(topics=topics, match=_pattern(table.text("match"), table=table, key="match"), forms=mine)


def _unit(table: _Table) -> Unit:
    table.only("match", "one", "many")
    if "{n}" not in table.text("many"):
        raise table.wrong("many", "needs the slot {n}")
    return Unit(
        match=_pattern(table.text("match"), table=table, key="match"), one=table.text("one"), many=table.text("many")
    )


def _topics(table: _Table) -> tuple[str, ...]:
    topics = table.texts("topics", default=())
    for topic in topics:
        if topic not in PLAYBOOK_TOPICS:
            raise table.wrong("topics", f"{topic!r} is unknown; allowed are {', '.join(PLAYBOOK_TOPICS)}")
    return topics


def _say(table: _Table, *, slots: frozenset[str]) -> tuple[str, ...]:
    texts = table.texts("say")
    for i, text in enumerate(texts):
        _check(text, table=table, key=f"say[{i}]", slots=slots)
    return texts


def _forms(table: _Table) -> Mapping[str, str]:
    forms = table.table("forms")
    return {key: forms.text(key) for key in forms.data}


def _values(table: _Table) -> Mapping[str, int]:
    for key, value in table.data.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise table.wrong(key, "must be a whole number, 1 or more")
    return dict(table.data)


def _either(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _patterns(table: _Table, key: str, *, macros: Mapping[str, str]) -> tuple[re.Pattern[str], ...]:
    texts = table.texts(key, default=() if key == "unless" else None)
    return tuple(_pattern(t, table=table, key=f"{key}[{i}]", macros=macros) for i, t in enumerate(texts))


def _pattern(text: str, *, table: _Table, key: str, macros: Mapping[str, str] | None = None) -> re.Pattern[str]:
    for name, pattern in (macros or {}).items():
        text = text.replace(name, pattern)
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise table.wrong(key, f"not a valid regular expression: {error}") from None
