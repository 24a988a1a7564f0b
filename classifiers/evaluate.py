"""How good a classifier is on labelled rows: figures per head, source and language, as plain dicts and as markdown."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from classifiers.calibrate import calibration_error
from classifiers.metrics import binary, macro
from classifiers.rows import Part, Row, read
from domain.classification import Classification, Text
from domain.ports import Classifier

Pairs = Sequence[tuple[Row, Classification]]
STEP = 512


def evaluate_files(
    classifier: Classifier,
    paths: Iterable[Path],
    *,
    part: Part | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return the figures of `classifier` on labelled JSONL files, of one part of their rows or of all.

    `tell(done, all)` is called as it goes on. Raises ValueError naming file and line where a row is not one.
    """
    rows = [row for row in read(paths) if part is None or row.part == part]
    return evaluate(classifier, rows, tell=tell)


def evaluate(
    classifier: Classifier, rows: Sequence[Row], *, tell: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Return `{"model", "rows", "unclassifiable", "groups": [...]}`; a group is one head on one source and language.

    The row's language is given as a hint, as a platform would. Figures are shares from 0 to 1.
    """
    pairs: list[tuple[Row, Classification]] = []
    for start in range(0, len(rows), STEP):
        some = rows[start : start + STEP]
        said = classifier.classify([Text(id=str(at), text=row.text, lang=row.lang) for at, row in enumerate(some)])
        pairs += [(row, each) for row, each in zip(some, said, strict=True) if isinstance(each, Classification)]
        if tell:
            tell(min(start + STEP, len(rows)), len(rows))
    return {
        "model": classifier.model,
        "rows": len(rows),
        "unclassifiable": len(rows) - len(pairs),
        "groups": [figures for head in HEADS for figures in _groups(head, pairs)],
    }


def _groups(head: str, pairs: Pairs) -> list[dict[str, Any]]:
    cells: dict[tuple[str, str], list[tuple[Row, Classification]]] = defaultdict(list)
    for pair in pairs:
        if _labelled(head, pair[0]):
            cells[pair[0].source, pair[0].lang].append(pair)
    return [
        {"head": head, "source": source, "lang": lang, "rows": len(some), **HEADS[head](some)}
        for (source, lang), some in sorted(cells.items())
    ]


def _labelled(head: str, row: Row) -> bool:
    if head == "topics":
        return bool(row.topics) and row.urgency is not None
    return getattr(row, head) is not None


def _complaint(pairs: Pairs) -> dict[str, float]:
    truth = [bool(row.complaint) for row, _ in pairs]
    return binary(truth, [said.complaint.score for _, said in pairs], [said.complaint.label for _, said in pairs])


def _sentiment(pairs: Pairs) -> dict[str, float]:
    truth, said = [row.sentiment or "" for row, _ in pairs], [each.sentiment.label for _, each in pairs]
    figures = macro(truth, said)
    right = [t == s for t, s in zip(truth, said, strict=True)]
    return {**figures, "calibration_error": calibration_error([each.sentiment.score for _, each in pairs], right)}


def _urgency(pairs: Pairs) -> dict[str, float]:
    truth, said = [row.urgency or "" for row, _ in pairs], [each.urgency.label for _, each in pairs]
    critical = [s == "critical" for t, s in zip(truth, said, strict=True) if t == "critical"]
    ordinary = [s == "critical" for t, s in zip(truth, said, strict=True) if t != "critical"]
    figures = macro(truth, said)
    return {
        "accuracy": figures["accuracy"],
        "macro_f1": figures["macro_f1"],
        "critical": float(len(critical)),
        "critical_found": sum(critical) / len(critical) if critical else math.nan,
        "false_critical": sum(ordinary) / len(ordinary) if ordinary else math.nan,
    }


def _topics(pairs: Pairs) -> dict[str, float]:
    first = [bool(each.topics) and each.topics[0].name in row.topics for row, each in pairs]
    some = [any(topic.name in row.topics for topic in each.topics) for row, each in pairs]
    return {"first_right": sum(first) / len(first), "one_right": sum(some) / len(some)}


HEADS: dict[str, Callable[[Pairs], dict[str, float]]] = {
    "complaint": _complaint,
    "sentiment": _sentiment,
    "urgency": _urgency,
    "topics": _topics,
}


def markdown(results: Sequence[dict[str, Any]], head: str, columns: Sequence[str]) -> str:
    """Return a table of one head: a line for each source and language, and a column for each figure and model."""
    heads = [f"{column.replace('_', ' ')}, {each['model']}" for column in columns for each in results]
    lines = [f"| source | language | rows | {' | '.join(heads)} |", "|---|---|---:|" + "---:|" * len(heads)]
    tables = [{(g["source"], g["lang"]): g for g in each["groups"] if g["head"] == head} for each in results]
    for key, group in tables[0].items():
        values = [shown(table.get(key, {}).get(column)) for column in columns for table in tables]
        lines.append(f"| {key[0]} | {key[1]} | {group['rows']:,} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def shown(value: float | None) -> str:
    """Return a figure as it stands in a table: three digits, or a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"
