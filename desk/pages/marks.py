"""Text from outside made safe to show: marked words, and addresses that may become links."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from domain.classification import Classification, Weight

FOR_TEMPLATES = ("marked", "link_to", "clip")
MOST_MARKS = 12
# What a reader asks of a mark: why is this a complaint, why now. The feeling is named under the post.
_MARKED = frozenset({"complaint", "urgency"})
_QUOTED = re.compile("“([^“”]{2,200})”")
_HEADS = {"complaint": "a complaint", "urgency": "urgency", "sentiment": "the feeling", "topics": "the topic"}


def link_to(url: str | None) -> str | None:
    """Return an address that may become a link: http or https with a host; anything else is None."""
    if not url or len(url) > 2048 or any(ord(c) < 33 for c in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme.lower() in ("http", "https") and host else None


def clip(text: str, most: int = 280) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text[: most * 2].split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def spoke(text: str, judged: Classification, why: Sequence[Weight]) -> list[Weight]:
    """Return the words that weighed, and those that the reasons for the urgency quote from the text."""
    reasons = (*judged.urgency.reasons, *(flag.reason for flag in judged.flags))
    found = []
    for words in (match for reason in reasons for match in _QUOTED.findall(reason)):
        start = text.find(words)
        if start >= 0:
            found.append(Weight(span=(start, start + len(words)), weight=1.0, head="urgency"))
    return [*why, *found]


def marked(text: str, weights: Sequence[Weight]) -> Markup:
    """Return text with the words that spoke for the judgement marked; everything else is escaped."""
    out, at = [], 0
    for start, end, heads in _merged(weights, len(text)):
        out.append(escape(text[at:start]))
        title = "spoke for " + " and ".join(sorted({_HEADS.get(head, head) for head in heads}))
        out.append(Markup('<mark title="{}">{}</mark>').format(title, text[start:end]))
        at = end
    out.append(escape(text[at:]))
    return Markup("").join(out)


def _merged(weights: Iterable[Weight], length: int) -> list[tuple[int, int, set[str]]]:
    """Return the spans of the heaviest words that speak for something, in order, those that touch as one."""
    speaking = [w for w in weights if w.head in _MARKED and w.weight > 0 and 0 <= w.span[0] < w.span[1] <= length]
    heaviest = sorted(speaking, key=lambda w: -w.weight)[:MOST_MARKS]
    merged: list[tuple[int, int, set[str]]] = []
    for weight in sorted(heaviest, key=lambda w: w.span):
        start, end = weight.span
        if merged and start <= merged[-1][1]:
            first, last, heads = merged[-1]
            merged[-1] = (first, max(last, end), heads | {weight.head})
        else:
            merged.append((start, end, {weight.head}))
    return merged
