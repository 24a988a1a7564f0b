"""A playbook: steps and wording for one kind of complaint in one language, and the drafts made from it.

Playbooks                what an operator's files say, all languages
├── Playbook             one kind of complaint: shared empathy and ownership, and at least two ways out
│   └── Way              one remedy or one kind of answer, with its own lead and act
└── Speech               one language: greetings, issues and facts it can recognise in a post and say back
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from domain.classification import TOPICS

Form = Literal["short", "full"]
Step = Literal["hear", "empathise", "own", "lead", "act"]
STEPS: tuple[Step, ...] = ("hear", "empathise", "own", "lead", "act")
GENERAL = "general"
PLAYBOOK_TOPICS = (*TOPICS, GENERAL)
"""`general` answers every topic that has no playbook of its own."""
BY_WHEN = "date"
"""The gap that every last step must hold: by when."""

GAP = re.compile(r"\[\[([a-z][a-z ]{0,29})\]\]")
"""A gap as it stands in a text, for a person to fill before sending."""
SLOT = re.compile(r"\{([a-z_]+)\}")
"""A slot in a playbook's wording, filled when a draft is made; none is left in a draft."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wordings:
    """Several ways to say one part, per length. `full` is the same as `short` where a file gives no other.

    `direct` stands for both where we answer by phone, by letter or in person; empty: the ordinary wordings do.
    """

    short: tuple[str, ...]
    full: tuple[str, ...]
    direct: tuple[str, ...] = ()

    def of(self, form: Form) -> tuple[str, ...]:
        """Return the wordings of one length."""
        return self.short if form == "short" else self.full


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out: a title for the agent, and the wordings of all steps but `hear`."""

    id: str
    title: str
    parts: Mapping[Step, Wordings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Wording for one topic in one language. `id` is `<language>/<file name>`; `when` tells an agent when to use it."""

    id: str
    lang: str
    topic: str
    title: str
    when: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something that posts complain of: how it is recognised, and clauses in our own words that say it back."""

    topic: str
    match: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    say: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A detail worth repeating: a duration, a count, an amount, a day. `topics` empty: of use in every topic."""

    topics: tuple[str, ...]
    match: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    say: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A thing that posts speak of, with the forms that our clauses need of it."""

    topics: tuple[str, ...]
    match: re.Pattern[str]
    forms: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of time: `one` stands alone ("a week"), `many` has the slot `{n}`."""

    match: re.Pattern[str]
    one: str
    many: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How we hear in one language: what can be recognised in a post, and how it is said back.

    `default` holds, per topic, the clauses for a post in which no issue is recognised; `things` the forms per topic
    where no thing is. `numbers` and `ordinals` map each written form to its value; the first form is the one we use.
    `days` maps each written form of a day to the form that our clauses need. `direct_act` is the last step where we
    answer by phone, by letter or in person, for the ways that have none of their own.
    """

    lang: str
    named: tuple[str, ...]
    plain: tuple[str, ...]
    private: Mapping[str, tuple[str, ...]]
    hear: Wordings
    direct_act: tuple[str, ...]
    comma: str
    last: str
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    days: Mapping[str, str]
    units: tuple[Unit, ...]
    issues: tuple[Issue, ...]
    facts: tuple[Fact, ...]
    things: tuple[Thing, ...]
    default: Mapping[str, tuple[str, ...]]
    default_thing: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbooks:
    """All playbooks, and how each language hears. Every language in `speech` has a general playbook."""

    speech: Mapping[str, Speech]
    playbooks: Mapping[str, Playbook]

    def __iter__(self) -> Iterator[Playbook]:
        return iter(self.playbooks.values())

    def langs(self) -> tuple[str, ...]:
        """Return the languages that drafts can be made in."""
        return tuple(sorted(self.speech))

    def find(self, *, lang: str, topic: str) -> Playbook | None:
        """Return the playbook of a topic in a language; the last one loaded where there are several."""
        found = [p for p in self.playbooks.values() if p.lang == lang and p.topic == topic]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpan:
    """Where a step stands in a draft: code points, end exclusive."""

    step: Step
    span: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap for a person to fill: its name, and where `[[name]]` stands (code points, end exclusive)."""

    name: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposed reply. `playbook` is the playbook's id, `title` the way out it takes, `reasons` are for the agent."""

    text: str
    lang: str
    playbook: str
    title: str
    steps: tuple[StepSpan, ...]
    gaps: tuple[Gap, ...] = ()
    reasons: tuple[str, ...] = field(default=())

    def to_record(self) -> dict[str, Any]:
        """Return the public record of a draft: plain JSON types only."""
        return {
            "text": self.text,
            "playbook": self.playbook,
            "steps": [{"step": s.step, "span": list(s.span)} for s in self.steps],
            "gaps": [{"name": g.name, "span": list(g.span)} for g in self.gaps],
            "reasons": list(self.reasons),
        }


def find_gaps(text: str) -> tuple[Gap, ...]:
    """Return the gaps that stand in `text`, in order."""
    return tuple(Gap(name=m.group(1), span=m.span()) for m in GAP.finditer(text))
