"""Text as it may be stored: no NUL, no half characters, no markup."""

import html
import math
import re
from typing import Any

import nh3

# PostgreSQL cannot store NUL, and a lone surrogate is no character in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BREAK = re.compile(r"(?i)</?(?:p|div|li|tr|h[1-6]|blockquote|pre|ul|ol|table|br)\b[^<>]*>")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")


def storable(text: str) -> str:
    """Return `text` without the characters that cannot be stored."""
    return _UNSTORABLE.sub("", text)


def storable_json(value: Any) -> Any:
    """Return a JSON value with every text in it, keys too, made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_html(markup: str) -> str:
    """Return the words of a piece of HTML, blocks on lines of their own; scripts and styles go with their content."""
    # White space of the source means nothing in HTML; the ends of blocks do.
    flat = re.sub(r"\s+", " ", markup)
    bare = nh3.clean(_BREAK.sub(lambda tag: "\n" + tag[0], flat), tags=set())
    text = _SPACES.sub(" ", html.unescape(bare))
    return storable("\n".join(line for line in map(str.strip, text.split("\n")) if line))


def web_url(value: str) -> str | None:
    """Return a link only when it is one that a browser may be sent to: http or https."""
    link = storable(value).strip()
    return link if link.lower().startswith(("http://", "https://")) and len(link) <= 2000 else None
