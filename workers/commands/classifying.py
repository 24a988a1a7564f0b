"""`amends classify`, `evaluate` and `train`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from config import settings as configuration
from domain.classification import Classification, Text, Unclassifiable
from domain.errors import Invalid
from domain.ports import Classifier
from workers import models

BATCH = 64
MAX_LINE = 4_000_000


def classify(
    model: Annotated[str, typer.Option(help="amends, rules, or an artifact's folder.")] = "",
    why: Annotated[bool, typer.Option("--why", help="Say which words weighed.")] = False,
) -> None:
    """Classify JSON lines from stdin to JSON lines on stdout, one for one and in order."""
    settings = configuration.load()
    classifier = models.load(model or settings.model, threads=settings.threads)
    failed = False
    lines = enumerate(_lines(), 1)
    while batch := list(islice(lines, BATCH)):
        for record in _answers(classifier, batch, why=why):
            failed = failed or "error" in record
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _lines() -> Iterator[bytes]:
    yield from sys.stdin.buffer


def _answers(classifier: Classifier, batch: list[tuple[int, bytes]], *, why: bool) -> list[dict[str, Any]]:
    read = [_read(number, line) for number, line in batch]
    texts = [item for item in read if isinstance(item, Text)]
    results = iter(classifier.classify(texts))
    answers = []
    for item in read:
        result: Classification | Unclassifiable = next(results) if isinstance(item, Text) else item
        if isinstance(result, Unclassifiable):
            answers.append({"id": result.id, "error": result.error})
            continue
        if why and isinstance(item, Text):
            result = replace(result, why=tuple(classifier.why(item)))
        answers.append(result.to_record(why=why))
    return answers


def _read(number: int, line: bytes) -> Text | Unclassifiable:
    """Return a line's text, or what is wrong with it; `id` falls back to the line's number."""
    fallback = f"line {number}"
    if len(line) > MAX_LINE:
        return Unclassifiable(id=fallback, error=f"the line is longer than {MAX_LINE:,} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return Unclassifiable(id=fallback, error="not JSON")
    if not isinstance(record, dict):
        return Unclassifiable(id=fallback, error="not a JSON object")
    identity = str(record.get("id") or fallback)
    text, lang, rating = record.get("text"), record.get("lang"), record.get("rating")
    if not isinstance(text, str) or not text.strip():
        return Unclassifiable(id=identity, error="no text")
    if lang is not None and not isinstance(lang, str):
        return Unclassifiable(id=identity, error="lang is a code such as fi")
    if rating is not None and (not isinstance(rating, int) or not 1 <= rating <= 5):
        return Unclassifiable(id=identity, error="rating is a whole number, 1 to 5")
    return Text(id=identity, text=text, lang=lang, rating=rating)


def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled rows, JSONL or JSONL.gz.")],
    model: Annotated[str, typer.Option(help="amends, rules, or an artifact's folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Measure a model on labelled rows: figures per language and label."""
    from classifiers.evaluate import evaluate_file, markdown

    settings = configuration.load()
    if not file.is_file():
        raise FileNotFoundError(2, "there is no such file", str(file))
    classifier = models.load(model or settings.model, threads=settings.threads)
    figures = evaluate_file(classifier, file)
    typer.echo(json.dumps(figures) if as_json else markdown(figures))


def train(
    data: Annotated[list[Path], typer.Option("--data", help="Labelled rows; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Folder for the artifact.")],
) -> None:
    """Train, calibrate and export a model, and write its card (needs the extra [train])."""
    try:
        from classifiers.train import train as run
    except ImportError as error:
        raise Invalid("training needs more packages: pip install --constraint constraints.txt '.[train]'") from error
    run(data, out)
