"""`amends classify`, `evaluate` and `train`."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from config import settings as configuration
from domain.classification import Classification, Text, Unclassifiable
from domain.errors import AmendsError, Unavailable
from domain.ports import Classifier
from workers import models
from workers.commands import lines

BATCH = 64
PLACE = ("head", "source", "lang", "rows")


def classify(
    model: Annotated[str, typer.Option(help="amends, rules, or an artifact's folder.")] = "",
    why: Annotated[bool, typer.Option("--why", help="Say which words weighed.")] = False,
) -> None:
    """Classify JSON lines from stdin to JSON lines on stdout, one for one and in order."""
    settings = configuration.load()
    classifier = models.load(model or settings.model, threads=settings.threads)
    failed = 0
    read = lines.read()
    while batch := list(islice(read, BATCH)):
        for record in _answers(classifier, batch, why=why):
            failed += "error" in record
            lines.write(record)
        lines.flush()
    if failed:
        raise AmendsError(f"{failed:,} of the lines could not be classified: see their error")


def _answers(classifier: Classifier, batch: list[tuple[int, bytes | None]], *, why: bool) -> Iterator[dict[str, Any]]:
    read = [_read(number, line) for number, line in batch]
    results = iter(classifier.classify([text for _, text in read if isinstance(text, Text)]))
    for identity, item in read:
        result: Classification | Unclassifiable = next(results) if isinstance(item, Text) else item
        if isinstance(result, Unclassifiable):
            yield {"id": identity, "error": result.error}
            continue
        if why and isinstance(item, Text):
            result = replace(result, why=tuple(classifier.why(item)))
        yield result.to_record(why=why) | {"id": identity}


def _read(number: int, line: bytes | None) -> tuple[Any, Text | Unclassifiable]:
    """Return a line's own id, which comes back as it was given, and its text or what is wrong with it."""
    record = lines.parse(number, line)
    if isinstance(record, Unclassifiable):
        return record.id, record
    identity = lines.identity_of(record, number)
    text, lang, rating = record.get("text"), record.get("lang"), record.get("rating")
    wrong = ""
    if not isinstance(text, str) or not text.strip():
        wrong = "no text"
    elif lang is not None and not isinstance(lang, str):
        wrong = "lang is a code such as fi"
    elif rating is not None and not lines.is_rating(rating):
        wrong = "rating is a whole number, 1 to 5"
    if wrong or not isinstance(text, str):
        return identity, Unclassifiable(id=str(identity), error=wrong)
    return identity, Text(id=str(identity), text=text, lang=lang, rating=rating)


def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled rows, JSONL or JSONL.gz.")],
    model: Annotated[str, typer.Option(help="amends, rules, or an artifact's folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Measure a model on labelled rows: figures per language and label."""
    from classifiers.evaluate import HEADS, evaluate_files, markdown

    settings = configuration.load()
    if not file.is_file():
        raise Unavailable(f"{file}: there is no such file")
    classifier = models.load(model or settings.model, threads=settings.threads)
    try:
        figures = evaluate_files(classifier, [file])
    # A row that is none, or a file that is no gzip: a file that cannot be used.
    except (ValueError, EOFError) as error:
        raise Unavailable(str(error)) from error
    if as_json:
        typer.echo(json.dumps(figures))
        return
    typer.echo(f"{figures['model']}: {figures['rows']:,} rows, {figures['unclassifiable']:,} unclassifiable")
    for head in HEADS:
        columns = [key for key in next((g for g in figures["groups"] if g["head"] == head), {}) if key not in PLACE]
        if columns:
            typer.echo(f"\n{head}\n\n{markdown([figures], head, columns)}")


def train(
    data: Annotated[list[Path], typer.Option("--data", help="Labelled rows; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Folder for the artifact.")],
) -> None:
    """Train, calibrate and export a model, and write its card (needs the extra packages of `train`)."""
    try:
        from classifiers.train import main as run
    except ImportError as error:
        raise Unavailable("training needs more packages: pip install -c constraints.txt '.[train]'") from error
    run(["--data", *map(str, data), "--out", str(out)])
