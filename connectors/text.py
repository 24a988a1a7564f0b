"""Markup → the words a person reads."""

import html
import re

import nh3

from domain.storable import storable

_BREAK = re.compile(r"(?i)</?(?:p|div|li|tr|h[1-6]|blockquote|pre|ul|ol|table|br)\b[^<>]*>")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")


def from_html(markup: str) -> str:
    """Return the words of a piece of HTML, blocks on lines of their own; scripts and styles go with their content."""
    # White space of the source means nothing in HTML; the ends of blocks do.
    flat = re.sub(r"\s+", " ", markup)
    bare = nh3.clean(_BREAK.sub(lambda tag: "\n" + tag[0], flat), tags=set())
    text = _SPACES.sub(" ", html.unescape(bare))
    return storable("\n".join(line for line in map(str.strip, text.split("\n")) if line))
