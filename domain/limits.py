"""What a platform allows in a reply, and how it counts."""

from dataclasses import dataclass
from typing import Literal

import regex

Unit = Literal["code_points", "graphemes"]
_GRAPHEME = regex.compile(r"\X")
_LINK = regex.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Counting rules of one platform.

    `max_length` in `unit`s, None where there is no limit; a link counts as `link_length` units where that is set.
    `replaces`: the platform holds one reply to a post; ours replaces the one before.
    """

    max_length: int | None = None
    unit: Unit = "code_points"
    link_length: int | None = None
    replaces: bool = False

    def length(self, text: str) -> int:
        """Return how long `text` is, as the platform counts."""
        links = _LINK.findall(text) if self.link_length is not None else []
        bare = _LINK.sub("", text) if links else text
        count = len(_GRAPHEME.findall(bare)) if self.unit == "graphemes" else len(bare)
        return count + len(links) * (self.link_length or 0)
