"""What the model sees of a post: mended, masked text; the original stays as it was written."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import ftfy

LONGEST = 30_000
"""Characters of one text that are read; of a longer one the first two thirds and the last third of this many."""

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@\w[\w.-]*(?:@[\w-]+(?:\.[\w-]+)+)?")
_NUMBER = re.compile(r"\d(?:[ -]?\d){8,}")
_SPACE = re.compile(r"\s+")
_KEPT_FORMAT = {"\u200d"}
"""Format characters that stay: the joiner inside an emoji."""


def readable(text: str) -> str:
    """Return the part of `text` that is read (see `LONGEST`), without NULs, lone surrogates and control characters."""
    if len(text) > LONGEST:
        head = LONGEST * 2 // 3
        text = text[:head] + " " + text[-(LONGEST - head) :]
    if text.isascii() and text.isprintable():
        return text
    return "".join(_plain(character) for character in text)


def normalise(text: str) -> str:
    """Return `text` as the model reads it: encoding mended, handles, links, addresses and long numbers masked.

    `@anyone` becomes `@user`, a link `http`, an e-mail address `[email]`, nine digits or more `[number]`. Emoji stay.
    White space is folded to single blanks. Never raises; a text of nothing but noise comes back empty.
    """
    mended = ftfy.fix_text(readable(text))
    mended = _LINK.sub("http", mended)
    mended = _HANDLE.sub("@user", mended)  # before the addresses: a fediverse handle holds one
    mended = _EMAIL.sub("[email]", mended)
    mended = _NUMBER.sub("[number]", mended)
    return _SPACE.sub(" ", mended).strip()


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in lower case without accents, and where each of its characters stands in the original."""

    text: str
    places: tuple[int, ...] | None
    """None where the two are as long as each other, character for character."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return a span of the folded text as a span of the original, in code points, end exclusive."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> str:
    """Return `text` in lower case without accents: `Łódź` as `lodz`; combining marks are left out."""
    return folded(text).text


def folded(text: str) -> Folded:
    """Return `text` folded, with the way back to the original."""
    if text.isascii():
        return Folded(text.lower(), None)
    letters = [_folded(character) for character in text]
    if all(letters):
        return Folded("".join(letters), None)
    return Folded("".join(letters), tuple(place for place, letter in enumerate(letters) if letter))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs" or category == "Cc":
        return " "
    if category == "Cf" and character not in _KEPT_FORMAT:
        return ""
    return character


_FOLDED = {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "æ": "a", "Æ": "a", "’": "'", "‘": "'", "`": "'"}


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """Return one character, or none for a combining mark."""
    if character in _FOLDED:
        return _FOLDED[character]
    if unicodedata.category(character) == "Mn":
        return ""
    base = unicodedata.normalize("NFKD", character)[:1].lower()
    return base if len(base) == 1 else character
