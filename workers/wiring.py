"""Which class stands for which platform: one table of dotted names, loaded when first asked for."""

import importlib
from collections.abc import Mapping
from typing import Any, cast

from config.settings import Settings
from connectors.http import Http
from domain.errors import Invalid
from domain.limits import Limits
from domain.ports import Eligibility, Publisher, Source
from domain.source import SourceSpec
from store import mentions, sources
from store.engine import Database

PLATFORMS: Mapping[str, str] = {
    "file": "connectors.file:File",
    "drop": "connectors.file:DropFolder",
    "feed": "connectors.feed:Feed",
    "simulated": "connectors.simulated:Simulated",
}

AT_THE_DESK = ("feed",)
"""Platforms that may be added at the desk or by the API; the others read files of this machine."""

DIRECT = frozenset({"hand"})
"""Platforms whose people are answered directly, by telephone or letter, and not in public."""

WAYS: Mapping[str, Eligibility] = {
    "simulated": Eligibility(way="api", reason="The simulated platform takes replies by API."),
    "feed": Eligibility(way="manual", reason="A feed is only for reading: answer on the site, then confirm it here."),
    "file": Eligibility(
        way="manual", reason="This came from a file: answer where it was written, then confirm it here."
    ),
    "hand": Eligibility(
        way="manual", reason="Logged by hand: answer by the customer's own channel, then confirm here."
    ),
}


def load(dotted: str) -> Any:
    """Return what a dotted name `package.module:name` stands for."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


def limits() -> dict[str, Limits]:
    """Return the counting rules of each platform that can be answered."""
    classes = {platform: load(dotted) for platform, dotted in PLATFORMS.items()}
    return {platform: found.limits for platform, found in classes.items() if hasattr(found, "limits")}


class Connectors:
    """Opens connectors by a source's spec, with its secrets."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._http = Http(allow_private=settings.allow_private)

    def source(self, spec: SourceSpec) -> Source:
        """Open a source; `Invalid` when there is no such platform or a setting is wrong."""
        dotted = PLATFORMS.get(spec.platform)
        if dotted is None:
            raise Invalid(f"source {spec.name}: there is no platform {spec.platform!r}: {', '.join(PLATFORMS)}")
        opened = load(dotted).open(spec, secrets=self._settings.secrets_of(spec.name), http=self._http)
        return cast(Source, opened)

    def publisher(self, mention_id: int) -> tuple[int, Publisher] | None:
        """Return the first active source a mention came by that can answer, and its publisher."""
        with self._database.read() as connection:
            names = mentions.source_names(connection, mention_id)
            rows = [sources.by_name(connection, name) for name in names]
        for row in rows:
            if row is None or row["status"] != "active" or not hasattr(load(PLATFORMS[row["platform"]]), "reply"):
                continue
            return int(row["id"]), cast(Publisher, self.source(sources.spec(row)))
        return None

    def close(self) -> None:
        """Close the shared HTTP client."""
        self._http.close()
