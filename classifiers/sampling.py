"""Which rows a training sees and how often, so that a source's style or language does not stand in for a label."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.normalise import fold
from classifiers.rows import OWN, SENTIMENTS, Row

DRAWS: dict[str, float] = {
    "xci": 9.0,
    "cesamard": 7.0,
    "fincorp": 1.0,
    OWN: 4.5,
    "finnsentiment": 11.0,
    "ltec": 10.0,
    "norec_sentence": 11.0,
    "wccrs": 13.0,
    "maalej": 3.0,
    "xed:en": 7.0,
    "xed:fi": 9.0,
    "xed:pl": 4.0,
    "xed:nb": 3.0,
    "xed": 4.0,
}
"""Shares of the draws by source, or by source and language; a source that is not named here gets `OTHER`."""
OTHER = 3.0
CLASS_BALANCE = 0.5
"""0 draws the classes of a source as they come, 1 draws them equally often."""
WEAK = 0.5
"""What a weak sentiment label counts beside a person's."""
ASIDE = 0.3
"""What a complaint label counts that follows from the sentiment of a source where it nearly always does."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one text should come out as: complaint 0 or 1, sentiment as an index, and what each of them counts."""

    complaint: float
    complaint_counts: float
    sentiment: int
    sentiment_counts: float


def target(row: Row) -> Target:
    """Return the target of a row; a missing label counts nothing.

    Two weak complaint labels are added: a film line (`xed`, English) is none, and a sentence of a Polish hotel or
    doctor review (`wccrs`) is one where it is negative and none where it is positive.
    """
    complaint, counts = row.complaint, 1.0 if row.complaint is not None else 0.0
    if complaint is None and row.source == "xed" and row.lang == "en":
        complaint, counts = False, ASIDE
    if complaint is None and row.source == "wccrs" and row.sentiment in ("negative", "positive"):
        complaint, counts = row.sentiment == "negative", ASIDE
    sentiment = SENTIMENTS.index(row.sentiment) if row.sentiment else 0
    sentiment_counts = 0.0 if row.sentiment is None else WEAK if row.weak else 1.0
    return Target(float(bool(complaint)), counts, sentiment, sentiment_counts)


def usable(row: Row) -> bool:
    """Tell whether a row teaches anything."""
    return row.complaint is not None or row.sentiment is not None


class Sampler:
    """Draws rows for ever, group by group, with a state that can be saved and taken up again."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        cells: dict[tuple[str, str, object, str | None], list[Row]] = defaultdict(list)
        for row in rows:
            if usable(row):
                cells[row.source, row.lang, row.complaint, row.sentiment].append(row)
        groups: dict[str, float] = defaultdict(float)
        for (source, lang, *_), members in cells.items():
            groups[_group(source, lang)] += len(members) ** (1 - CLASS_BALANCE)
        self.cells = list(cells.values())
        self.shares = [
            DRAWS.get(_group(source, lang), OTHER) * len(members) ** (1 - CLASS_BALANCE) / groups[_group(source, lang)]
            for (source, lang, *_), members in cells.items()
        ]
        self.random = random.Random(seed)

    def draw(self, count: int) -> Iterator[tuple[str, Target]]:
        """Yield `count` texts, each slightly changed at random, with their targets."""
        for members in self.random.choices(self.cells, self.shares, k=count):
            row = self.random.choice(members)
            yield changed(row.text, self.random), target(row)

    def state(self) -> Any:
        return self.random.getstate()

    def take_up(self, state: Any) -> None:
        self.random.setstate(state)


def _group(source: str, lang: str) -> str:
    return f"{source}:{lang}" if f"{source}:{lang}" in DRAWS else source


def changed(text: str, chance: random.Random) -> str:
    """Return `text` with handles dropped or added, now and then in lower case or without its accents.

    Posts to a firm begin with its handle far oftener than others do; the network should not learn that a handle is
    a complaint.
    """
    if "@user" in text:
        if chance.random() < 0.5:
            text = " ".join(text.replace("@user", " ").split()) or text
    elif chance.random() < 0.3:
        text = f"@user {text}"
    kind = chance.random()
    if kind < 0.08:
        return text.lower()
    return fold(text) if kind < 0.14 else text
