"""The words that the rules look for: `wording/<language>.toml`, read once and compiled.

A pattern is folded like the text it meets (lower case, no accents). `*` is the rest of a word, ` ~ ` a gap of at most
four words inside a sentence, `(a|b)` one of several, `(a )?` may be missing. It begins and ends at a word's edge.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from classifiers.normalise import Folded, fold

LANGUAGES = ("en", "fi", "lv", "nb", "pl")
_NEAR = {"nb": "nb", "nn": "nb", "no": "nb", "da": "nb", "sv": "nb"}
_BLANK = r"[^\w.!?]{1,4}"
_EDGE = r"(?:[\W_]{1,4})"


@dataclass(frozen=True, slots=True)
class Found:
    """One place in a text that a pattern met: a span of the original, in code points, and the words there."""

    span: tuple[int, int]
    words: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One list of patterns: `section.name` of one language."""

    pattern: re.Pattern[str]

    def first(self, text: str, shape: Folded) -> Found | None:
        """Return the first place that is met, or None."""
        met = self.pattern.search(shape.text)
        return _found(text, shape, met) if met else None

    def all(self, text: str, shape: Folded) -> list[Found]:
        """Return every place that is met, in order, without overlaps; each wording once."""
        places = {met.group(): _found(text, shape, met) for met in self.pattern.finditer(shape.text)}
        return list(places.values())


def spoken(code: str) -> tuple[str, ...]:
    """Return the languages whose wording is tried on a text in `code`: its own and English, or all where unknown."""
    own = _NEAR.get(code, code)
    if own == "en":
        return ("en",)
    return (own, "en") if own in LANGUAGES else LANGUAGES


@cache
def wording(language: str, section: str) -> Mapping[str, Wording]:
    """Return the compiled lists of one section, by name, in the order of the file."""
    path = Path(__file__).parent / "wording" / f"{language}.toml"
    lists = tomllib.loads(path.read_text("utf-8"))[section]
    return {name: Wording(compiled(tuple(patterns))) for name, patterns in lists.items()}


def compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression for a list of patterns, to be used on folded text."""
    return re.compile(rf"\b(?:{'|'.join(_expression(pattern) for pattern in patterns)})(?!\w)")


def _expression(pattern: str) -> str:
    made = fold(pattern).replace("&", r"\&").replace("(", "(?:")
    made = made.replace(" ~ ", "\0").replace(" ?", "\1").replace(" ", "\2").replace("*", r"\w*")
    made = made.replace("\0", rf"{_BLANK}(?:\w+{_BLANK}){{0,4}}?").replace("\1", rf"{_EDGE}?").replace("\2", _EDGE)
    return made


def _found(text: str, shape: Folded, met: re.Match[str]) -> Found:
    start, end = shape.span(met.start(), met.end())
    return Found((start, end), text[start:end])
