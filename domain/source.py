"""One listening configuration: platform, account or query, pace."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import Invalid

NAME = re.compile(r"(?!.*__)[a-z0-9][a-z0-9_-]{0,62}")
MIN_EVERY_S = 5
MAX_EVERY_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """What an operator says of a source. `every_s`: seconds between polls; `options`: what only its platform knows.

    `trusted`: its hosts come from the operator's own files and may be private; otherwise the SSRF guard decides.
    """

    name: str
    platform: str
    every_s: int = 300
    query: str = ""
    account: str = ""
    base_url: str = ""
    brand: str = ""
    trusted: bool = False
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise Invalid(
                f"source name {self.name!r}: use lower-case letters, digits, '-' and '_' (not two together), at most 63"
            )
        if not MIN_EVERY_S <= self.every_s <= MAX_EVERY_S:
            raise Invalid(f"source {self.name}: every must be {MIN_EVERY_S} to {MAX_EVERY_S} seconds")

    def option(self, key: str, default: str = "") -> str:
        """Return an option as text."""
        return str(self.options.get(key, default))
