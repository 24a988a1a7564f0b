"""Fold text for searching: the same on both databases, because Python does it."""

import re
import unicodedata

_SPACE = re.compile(r"\s+")


def fold(*parts: str | None) -> str:
    """Return the parts in one line, without case and accents."""
    text = unicodedata.normalize("NFKD", " ".join(part for part in parts if part))
    return _SPACE.sub(" ", "".join(c for c in text if not unicodedata.combining(c)).casefold()).strip()


def like(query: str) -> str:
    """Return a LIKE pattern (escape character `\\`) that finds the folded query anywhere."""
    folded = fold(query).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{folded}%"
