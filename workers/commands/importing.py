"""`amends import`: a file into the record, streamed."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from config import settings as configuration
from domain.errors import Conflict, Invalid
from domain.mention import Reject
from domain.source import SourceSpec
from monitor.listen import store_page
from store import mentions, sources
from store.engine import Database
from workers import house
from workers.wiring import Connectors

STALLED_S = 120


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV, JSONL or XLSX.")],
    source: Annotated[str, typer.Option("--source", help="Name of the source; the file's own name otherwise.")] = "",
    brand: Annotated[str, typer.Option("--brand", help="The brand these posts concern.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until a running worker has classified them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Store the posts of a file; the same file twice adds nothing. Rejects go to a file beside it."""
    settings = configuration.load()
    house.quiet_logs("warning")
    if not file.is_file():
        raise house.Unusable(f"{file}: there is no such file")
    name = source or re.sub(r"[^a-z0-9_-]+", "-", file.stem.lower()).strip("-")[:63]
    with house.database(settings) as database:
        spec = SourceSpec(name=name, platform="file", brand=brand, trusted=True, options={"path": str(file.resolve())})
        report = _import(database, Connectors(settings, database), spec, file, settings.data)
        if wait:
            _wait(database, name)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        told = ", ".join(f"{report[key]:,} {key}" for key in ("new", "known", "changed", "rejected"))
        typer.echo(f"{report['rows']:,} rows from {file.name} into source {name}: {told}")
        if report["rejected"]:
            typer.echo(f"What could not be read, with line and reason: {report['rejects_file']}")
    if report["rejected"]:
        raise typer.Exit(1)


def _import(database: Database, connectors: Connectors, spec: SourceSpec, file: Path, data: Path) -> dict[str, Any]:
    reader = connectors.source(spec)
    row = _source_row(database, spec)
    total = {"new": 0, "known": 0, "changed": 0}
    rows, cursor, version = 0, None, row["cursor_version"]
    size = max(file.stat().st_size, 1)
    rejects = _Rejects(file, data)
    with _bar(file.name) as progress:
        while True:
            started = datetime.now(UTC)
            page = reader.poll(cursor)
            try:
                kept = store_page(database, row, page, version=version, started=started, now=datetime.now(UTC))
            except Conflict as error:
                raise Conflict(f"source {spec.name} is being imported by another process: wait for it") from error
            version, cursor = version + 1, page.cursor
            rows += len(page.items) + len(page.rejects)
            for key in total:
                total[key] += getattr(kept, key)
            rejects.add(page.rejects)
            progress(min(1.0, int((cursor or {}).get("offset", 0)) / size), rows)
            if not page.more:
                break
    rejects.close()
    return {
        "source": spec.name,
        "rows": rows,
        **total,
        "rejected": rejects.count,
        "rejects_file": str(rejects.path) if rejects.count else None,
    }


def _source_row(database: Database, spec: SourceSpec) -> sa.RowMapping:
    with database.write() as connection:
        row = sources.by_name(connection, spec.name)
        if row is None:
            sources.add(connection, spec, origin="import", status="manual", now=datetime.now(UTC))
            row = sources.by_name(connection, spec.name)
        if row is None or row["platform"] != "file":
            raise Invalid(f"--source {spec.name}: there is a source of that name already, and it is not a file")
        return row


class _Rejects:
    """The file beside the import, made when the first reject comes; in the data folder where there is no writing."""

    def __init__(self, file: Path, data: Path) -> None:
        self.path = file.with_name(file.name + ".rejects.jsonl")
        self.count = 0
        self._elsewhere = data / self.path.name
        self._stream: IO[str] | None = None

    def add(self, rejects: tuple[Reject, ...]) -> None:
        for reject in rejects:
            if self._stream is None:
                self._stream = self._open()
            row = {"place": reject.place, "reason": reject.reason, "raw": reject.raw}
            self._stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.count += 1

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        elif self.path.exists():
            self.path.unlink()  # the rejects of an earlier try, mended since

    def _open(self) -> IO[str]:
        try:
            return self.path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError:
            self.path = self._elsewhere
            return self.path.open("w", encoding="utf-8", errors="backslashreplace")


@contextmanager
def _bar(name: str) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(name, total=1.0, rows=0)
        yield lambda done, rows: progress.update(task, completed=done, rows=rows)


def _wait(database: Database, name: str) -> None:
    """Wait until nothing of the source waits for a worker; a standstill of two minutes is an error."""
    console = Console(stderr=True)
    left, moved = -1, time.monotonic()
    with console.status("waiting for a worker to classify …") if console.is_terminal else _nothing():
        while True:
            with database.read() as connection:
                now_left = mentions.unfinished(connection, name)
            if now_left == 0:
                return
            if now_left != left:
                left, moved = now_left, time.monotonic()
            elif time.monotonic() - moved > STALLED_S:
                raise house.Unusable(
                    f"{left:,} posts still wait and nothing moves: is `amends run` running on this database?"
                )
            time.sleep(0.5)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
