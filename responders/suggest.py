"""Proposes replies: picks a playbook for a post and makes distinct drafts of it that fit the platform.

A post is hostile input. Nothing of it is copied into a draft but numbers, amounts and a plain first name, each of them
admitted by its form; everything else, days too, is our own wording, chosen by what the post was seen to say.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from domain.classification import Complaint, Flag, Topic
from domain.limits import Limits
from domain.playbook import (
    GAP,
    GENERAL,
    SLOT,
    STEPS,
    Draft,
    Fact,
    Form,
    Issue,
    Playbook,
    Playbooks,
    Speech,
    Step,
    StepSpan,
    Way,
    find_gaps,
)

FALLBACK = "en"
MIN_TOPIC = 0.3
"""Below this a topic's score says too little to choose a playbook by."""
READ = 4_000
"""Code points of a post that are read: what matters stands early, and reading stays fast on hostile input."""
GAP_ROOM = 12
"""What a filled gap is reckoned to take at least, so that a draft still fits when it has been filled."""
MOST_FACTS = 2
READABLE = 720
"""Code points beyond which an answer in public is not read to its end, whatever the platform takes."""
MAY_REPEAT = 0.44
"""The share of words that two drafts of one case may have in common before a shorter form is tried."""
HUMAN_FLAGS = frozenset({"self_harm"})
"""Flags under which no draft is offered: a person who is trained for it answers in their own words."""
SAFETY_FLAGS = frozenset({"safety", "fire_injury", "medical"})
"""Flags under which the safety playbook is used, whatever else the post is about."""
Route = Literal["message", "link", "direct"]
LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "nb": "Norwegian", "nl": "Dutch", "nn": "Norwegian Nynorsk", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sv": "Swedish",
    "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip
FORMS: tuple[Form, ...] = ("full", "short")
_HOLD: tuple[Step, ...] = ("own", "empathise", "lead", "act", "hear")
_NOT_NAMES = frozenset(
    (
        "admin", "agency", "anonymous", "anonyymi", "asiakas", "blog", "cafe", "club", "company", "customer",
        "daily", "deals", "deleted", "gmbh", "group", "guest", "hello", "help", "inc", "info", "kauppa",
        "kerho", "lehti", "limited", "llc", "ltd", "magazine", "market", "media", "news", "nimetön", "none",
        "null", "official", "online", "oy", "oyj", "press", "radio", "retail", "review", "reviews", "seura",
        "service", "services", "shop", "shopping", "store", "studio", "support", "team", "tech", "thanks",
        "times", "travel", "tv", "unknown", "user", "uutiset", "vieras", "watch", "yhdistys", "yritys",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestRequest:
    """A post to answer, and what is known of it. `id` is the mention's own: the same id gives the same drafts.

    `lang` None or `und`: unknown. `route`: how to ask for private details; by default a link where there is a `rating`
    (review sites have no private messages), otherwise a private message; `direct` where we answer by phone, by letter
    or in person, and there is no post to speak of.
    """

    id: str
    text: str
    lang: str | None = None
    platform: str = ""
    rating: int | None = None
    author_name: str = ""
    brand: str = ""
    topics: tuple[Topic, ...] = ()
    urgency: str | None = None
    urgency_reasons: tuple[str, ...] = ()
    complaint: Complaint | None = None
    flags: tuple[Flag, ...] = ()
    route: Route | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What was understood of a post: clauses that say it back, richest first, and the reasons."""

    playbook: Playbook
    topic: str
    issue: Issue | None
    thing: Mapping[str, str]
    facts: tuple[tuple[Fact, Mapping[str, str]], ...]
    reasons: tuple[str, ...]


class _Part:
    """One step's wording with its slots filled, the room it takes, and its words."""

    __slots__ = ("room", "text", "words")

    def __init__(self, text: str, limits: Limits) -> None:
        self.text, self.room, self.words = text, _room(text, limits), _words(text)


def suggest(request: SuggestRequest, playbooks: Playbooks, limits: Limits) -> list[Draft]:
    """Return distinct drafts for a post, one per way out of its playbook, in the poster's language where we have it.

    Each fits `limits`; those that cannot are left out, and where none can, the shortest comes back and says so. Empty
    where a flag says that no draft should be offered.
    """
    if any(flag.name.replace("-", "_") in HUMAN_FLAGS for flag in request.flags):
        return []
    lang, language_reasons = _language(request, playbooks=playbooks)
    speech = playbooks.speech[lang]
    # A post in another language than the playbook's is not searched: a chance match would put words in its mouth.
    heard = _hear(request, speech=speech, playbooks=playbooks, text="" if language_reasons else _plain(request.text))
    reasons = (*language_reasons, *heard.reasons, *_cautions(request))
    said: list[frozenset[str]] = []
    drafts = []
    for turn, way in enumerate(heard.playbook.ways):
        draft = _draft(request, heard=heard, speech=speech, way=way, turn=turn, limits=limits, said=said)
        said.append(_words(draft.text))
        drafts.append(replace(draft, reasons=(f"Way out: {way.title}", *reasons)))
    if fitting := [draft for draft in drafts if _fits(_room(draft.text, limits), limits)]:
        return fitting
    least = min(drafts, key=lambda draft: _room(draft.text, limits))
    note = f"Longer than the {limits.max_length} that the platform takes: shorten it before sending"
    return [replace(least, reasons=(note, *least.reasons))]


def _language(request: SuggestRequest, *, playbooks: Playbooks) -> tuple[str, tuple[str, ...]]:
    code = (request.lang or "und").lower().replace("_", "-").split("-")[0]
    if code in playbooks.speech:
        return code, ()
    if code == "und":
        return FALLBACK, ("The post's language could not be told: this draft is in English",)
    name = LANGUAGES.get(code, f"language '{code}'" if code.isalpha() and len(code) <= 3 else "this language")
    return FALLBACK, (f"No playbook in {name} yet: this draft is in English",)


def _plain(text: str) -> str:
    """Return the start of a post as one line, without control, format and bidi characters."""
    line = "".join(" " if unicodedata.category(c)[0] == "C" or c.isspace() else c for c in text[:READ])
    return unicodedata.normalize("NFC", line.replace("’", "'").replace("´", "'"))


def _hear(request: SuggestRequest, *, speech: Speech, playbooks: Playbooks, text: str) -> _Heard:
    known = [t for t in request.topics if t.score >= MIN_TOPIC and t.name in speech.default]
    # "other" says only what it is not: any other topic, or the post's own words, say more.
    ranked = sorted(known, key=lambda t: (t.name == "other", -t.score))
    scores = {topic.name: topic.score for topic in ranked}
    seen = [(issue, words) for issue in speech.issues if (words := _recognise(issue, text))]
    safety = next((flag for flag in request.flags if flag.name in SAFETY_FLAGS), None)
    if safety or "safety" in scores:
        # Where somebody may be hurt, nothing else in the post is answered first.
        topic = "safety"
        why = (
            f"Safety first: {_plain(safety.reason)}"
            if safety
            else f"Safety first: topic safety, score {scores['safety']:.2f}"
        )
    elif ranked and not (ranked[0].name == "other" and seen):
        topic = ranked[0].name
        why = f"Topic {topic}, score {ranked[0].score:.2f}"
    elif seen:
        topic = seen[0][0].topic
        why = f"No topic but other scored {MIN_TOPIC} or more; the post's words point to {topic}"
    else:
        topic = GENERAL
        why = f"No topic scored {MIN_TOPIC} or more and no known issue was recognised: the general playbook"
    playbook = playbooks.find(lang=speech.lang, topic=topic)
    reasons = [why]
    if playbook is None:
        playbook = playbooks.find(lang=speech.lang, topic=GENERAL)
        reasons.append(f"There is no playbook for {topic}: the general one is used")
    if playbook is None:
        raise LookupError(f"no general playbook in {speech.lang}")
    mine = [(issue, words) for issue, words in seen if issue.topic == topic]
    mine = mine or [(issue, words) for issue, words in seen if issue.topic in scores]
    issue = mine[0][0] if mine else None
    about = issue.topic if issue else topic
    if mine:
        reasons.append(f'The post says "{mine[0][1]}"')
    else:
        reasons.append("No particular issue was recognised: say in the first sentence what it is about")
    facts = tuple(_facts(speech, topic=topic, text=text))[:MOST_FACTS]
    reasons += [f"Taken from the post: {', '.join(values.values())}" for _, values in facts if values]
    return _Heard(
        playbook=playbook, topic=topic, issue=issue, thing=_thing(speech, topic=about, text=text), facts=facts,
        reasons=tuple(reasons),
    )  # fmt: skip


def _recognise(issue: Issue | Fact, text: str) -> str | None:
    """Return the words by which `text` speaks of it, cut short, or None."""
    if any(pattern.search(text) for pattern in issue.unless):
        return None
    for pattern in issue.match:
        if found := pattern.search(text):
            words = " ".join(found.group().replace("[", "").replace("]", "").split())
            return words if len(words) <= 60 else words[:59].rstrip() + "…"
    return None


def _facts(speech: Speech, *, topic: str, text: str) -> Iterator[tuple[Fact, Mapping[str, str]]]:
    for fact in speech.facts:
        if (fact.topics and topic not in fact.topics) or any(pattern.search(text) for pattern in fact.unless):
            continue
        found = [m for pattern in fact.match for m in pattern.finditer(text)]
        values = [v for m in found if (v := _values(speech, m)) is not None]
        # Two different numbers in the same role: we cannot know which of them is meant, so neither is repeated.
        if values and all(v == values[0] for v in values):
            yield fact, values[0]


def _values(speech: Speech, found: re.Match[str]) -> Mapping[str, str] | None:
    groups = found.groupdict()
    if not groups:
        return {}
    if day := groups.get("day"):
        return {"day": ours} if (ours := speech.days.get(day.lower())) else None
    if amount := groups.get("amount"):
        return {"amount": re.sub(r"\s", " ", amount)}
    if ordinal := groups.get("ordinal"):
        value = speech.ordinals.get(ordinal.lower(), 0)
        return next(({"ordinal": word} for word, v in speech.ordinals.items() if v == value), None)
    number, unit_word = groups.get("n"), groups.get("unit")
    unit = next((u for u in speech.units if unit_word and u.match.fullmatch(unit_word)), None)
    if not number or unit is None:
        return None
    value = int(number) if number.isdecimal() and number.isascii() else speech.numbers.get(number.lower(), 0)
    if value < 1:
        return None
    if value == 1:
        return {"duration": unit.one}
    # Digits stay digits and words stay words, as the poster wrote it.
    shown = number if number.isdecimal() else next(word for word, v in speech.numbers.items() if v == value)
    return {"duration": unit.many.replace("{n}", shown)}


def _thing(speech: Speech, *, topic: str, text: str) -> Mapping[str, str]:
    for thing in speech.things:
        if topic in thing.topics and thing.match.search(text):
            return thing.forms
    return speech.default_thing.get(topic, {})


def _cautions(request: SuggestRequest) -> Iterator[str]:
    if request.urgency in {"high", "critical"}:
        detail = f" ({_plain('; '.join(request.urgency_reasons))})" if request.urgency_reasons else ""
        yield f"Urgency {request.urgency}{detail}: name the earliest by-when that will be kept"
    if request.complaint is not None and request.complaint.label is None:
        yield "The model could not tell whether this is a complaint: read it before answering"
    if request.complaint is not None and request.complaint.label is False:
        yield "The model sees no complaint here: check whether an answer is wanted"
    for flag in request.flags:
        yield f"Flagged {flag.name}: {_plain(flag.reason)}"


def _draft(
    request: SuggestRequest,
    *,
    heard: _Heard,
    speech: Speech,
    way: Way,
    turn: int,
    limits: Limits,
    said: Sequence[frozenset[str]],
) -> Draft:
    """Make the draft of one way out that says most and fits, or the shortest there is.

    What the post said comes before length: a short draft with its facts is better than a long one without. Of the
    wordings that fit, those win that repeat least of the words `said` in each draft before it.
    """
    seed = f"{request.id}\0{heard.playbook.id}"
    direct = request.route == "direct"
    shortest: tuple[int, tuple[_Part, ...]] | None = None
    best: tuple[float, tuple[_Part, ...]] | None = None
    for facts in range(len(heard.facts), -1, -1):
        for form in FORMS:
            if form == "short" and facts > 1:
                continue
            slots = _slots(request, heard=heard, speech=speech, seed=seed, turn=turn, facts=facts)
            choices = []
            for step in _HOLD:
                wordings = speech.hear if step == "hear" else way.parts[step]
                texts = wordings.of(form)
                if direct:
                    texts = wordings.direct or (speech.direct_act if step == "act" else texts)
                choices.append([_Part(_fill(t, slots), limits) for t in _turned(texts, seed=seed, at=step, turn=turn)])
            # The product turns its last factor fastest: empathy and ownership keep their first choice the longest.
            for parts in product(*choices):
                length = sum(part.room for part in parts) + len(STEPS) - 1
                if shortest is None or length < shortest[0]:
                    shortest = length, parts
                if not _fits(length, limits) or length > READABLE:
                    continue
                repeats = _repeats(parts, said)
                if best is None or repeats < best[0]:
                    best = repeats, parts
                if not said:
                    break
            # Two truly different drafts are owed; a third may be nearer to one of them.
            if best is not None and (best[0] <= MAY_REPEAT or len(said) > 1):
                return _assemble(best[1], playbook=heard.playbook, title=way.title)
    if best is not None:
        return _assemble(best[1], playbook=heard.playbook, title=way.title)
    assert shortest is not None
    return _assemble(shortest[1], playbook=heard.playbook, title=way.title)


def _slots(
    request: SuggestRequest, *, heard: _Heard, speech: Speech, seed: str, turn: int, facts: int
) -> Mapping[str, str]:
    say = heard.issue.say if heard.issue else speech.default[heard.topic]
    clauses = [_fill(_turned(say, seed=seed, at="issue", turn=turn)[0], heard.thing)]
    for fact, values in heard.facts[:facts]:
        clauses.append(_fill(_turned(fact.say, seed=seed, at="fact", turn=turn)[0], values))
    issue = speech.last.join([speech.comma.join(clauses[:-1]), clauses[-1]]) if len(clauses) > 1 else clauses[0]
    name = first_name(request.author_name)
    greeting = _turned(speech.named if name else speech.plain, seed=seed, at="greeting", turn=turn)[0]
    route = request.route or ("link" if request.rating is not None else "message")
    private = _turned(speech.private[route], seed=seed, at="private", turn=turn)[0]
    return {"issue": issue, "greeting": greeting.replace("{name}", name), "private": private}


def first_name(author_name: str) -> str:
    """Return the first name of `author_name`, "" where it is not plainly a person's.

    Plain: one word of 2 to 20 letters, capitalised, alone or before one surname or initial.
    """
    words = unicodedata.normalize("NFC", author_name).split()
    if not 1 <= len(words) <= 2 or any(word.lower() in _NOT_NAMES for word in words):
        return ""
    given, family = words[0], words[-1].removesuffix(".")
    plain = 2 <= len(given) <= 20 and all(word.isalpha() and word.istitle() for word in (given, family))
    return given if plain else ""


def _turned(texts: Sequence[str], *, seed: str, at: str, turn: int) -> list[str]:
    """Return `texts` turned to a start that depends on the seed, one further for each way out of the same case."""
    digest = hashlib.sha256(f"{seed}\0{at}".encode("utf-8", "surrogatepass")).digest()
    start = (int.from_bytes(digest[:4], "big") + turn) % len(texts)
    return [*texts[start:], *texts[:start]]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _fill(text: str, slots: Mapping[str, str]) -> str:
    return SLOT.sub(lambda m: slots[m.group(1)], text)


def _repeats(parts: Sequence[_Part], said: Sequence[frozenset[str]]) -> float:
    """Return the largest share of words that `parts` have in common with one of the drafts before."""
    words: frozenset[str] = frozenset().union(*(part.words for part in parts))
    shares = (len(words & before) / max(len(words), len(before)) for before in said)
    # Coarse on purpose: among those that repeat about as much, the case's own turn decides.
    return round(max(shares, default=0.0) * 25) / 25


def _assemble(parts: Sequence[_Part], *, playbook: Playbook, title: str) -> Draft:
    by_step = dict(zip(_HOLD, parts, strict=True))
    text, steps = "", []
    for step in STEPS:
        start = len(text) + 1 if text else 0
        text = f"{text} {by_step[step].text}" if text else by_step[step].text
        steps.append(StepSpan(step=step, span=(start, len(text))))
    return Draft(
        text=text, lang=playbook.lang, playbook=playbook.id, title=title, steps=tuple(steps), gaps=find_gaps(text)
    )


def _room(text: str, limits: Limits) -> int:
    return limits.length(GAP.sub(lambda m: m.group().ljust(GAP_ROOM, "_"), text))


def _fits(length: int, limits: Limits) -> bool:
    return limits.max_length is None or length <= limits.max_length
