"""Labelled rows: read from JSONL, normalised, and split the same way every time by a hash of the text."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from classifiers.normalise import normalise

SENTIMENTS = ("negative", "neutral", "positive")
OWN = "amends"
"""The source of posts that were written for the purpose; their own field `split` says what they are for."""

Part = Literal["train", "calibrate", "held-out"]
_SHORT = {"neg": "negative", "neu": "neutral", "pos": "positive"}
_OWN_PARTS: dict[str, Part] = {"train": "train", "tune": "calibrate", "check": "held-out"}


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text, normalised; a label is None where nobody gave one."""

    text: str
    lang: str
    source: str
    complaint: bool | None
    sentiment: str | None
    urgency: str | None
    topics: tuple[str, ...]
    weak: bool
    """True where the sentiment is a proxy (stars, emotions, a projection) and no person's label."""
    part: Part


def part_of(text: str) -> Part:
    """Return the part of a normalised text, by hash: 10 % held out, 6 % to calibrate, the rest to train."""
    bucket = int.from_bytes(hashlib.sha256(text.casefold().encode()).digest()[:4], "big") % 100
    if bucket < 10:
        return "held-out"
    return "calibrate" if bucket < 16 else "train"


def read(paths: Iterable[Path]) -> list[Row]:
    """Read labelled rows from JSONL files, gzipped or not; a text that comes twice counts once.

    Raises ValueError naming file and line where a line is no JSON object with a text.
    """
    seen: set[str] = set()
    rows: list[Row] = []
    for path in paths:
        for row in _rows(path):
            if row.text not in seen:
                seen.add(row.text)
                rows.append(row)
    return rows


def corpus() -> list[Path]:
    """Return the files of posts written for the purpose, one a language, that lie beside this module."""
    return sorted((Path(__file__).parent / "corpus").glob("*.jsonl"))


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = _row(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{path}, line {number}: not a labelled row ({error!r})") from None
            if row.text:
                yield row


def _row(found: dict[str, Any]) -> Row:
    text = normalise(found["text"])
    sentiment, complaint = found.get("sentiment"), found.get("complaint")
    source = str(found.get("source", "file"))
    sentiment = _SHORT.get(str(sentiment), sentiment)
    return Row(
        text=text,
        lang=str(found.get("lang", "und")),
        source=source,
        complaint=None if complaint is None else bool(complaint),
        sentiment=sentiment if sentiment in SENTIMENTS else None,
        urgency=found.get("urgency") if isinstance(found.get("urgency"), str) else None,
        topics=tuple(found.get("topics") or ()),
        weak="sentiment" in (found.get("weak") or ()),
        part=_OWN_PARTS[found["split"]] if source == OWN else part_of(text),
    )
