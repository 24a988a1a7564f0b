"""`amends import`: a file into the record, streamed."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from config import settings as configuration
from config.settings import Settings
from connectors.table import REJECTS
from domain.errors import Conflict, Invalid
from domain.mention import Cursor, Page, Reject
from domain.ports import Source
from domain.source import SourceSpec
from monitor.listen import store_page
from store import mentions, sources
from store.engine import Database
from workers import foundation
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
    foundation.quiet_logs("warning")
    if not file.is_file():
        raise foundation.Unusable(f"{_shown(file)}: {'it is no file' if file.exists() else 'there is no such file'}")
    name = source or _name(file)
    with foundation.database(settings) as database:
        spec = SourceSpec(name=name, platform="file", brand=brand, trusted=True, options={"path": str(file.resolve())})
        with closing(Connectors(settings, database)) as connectors, closing(_Rejects(file, settings)) as rejects:
            report = _import(database, connectors.source(spec), spec, file, rejects)
        if wait:
            _wait(database, name)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        told = ", ".join(f"{report[key]:,} {key}" for key in ("new", "known", "changed", "rejected"))
        typer.echo(f"{report['rows']:,} rows from {_shown(file)} into source {name}: {told}")
    if report["rejected"]:
        raise foundation.Unusable(
            f"{report['rejected']:,} rows were rejected, each with line and reason in {_shown(report['rejects_file'])}"
        )


def _name(file: Path) -> str:
    """Return a source's name made of a file's."""
    return re.sub(r"[^a-z0-9_-]+", "-", file.stem.lower()).strip("-_")[:63].strip("-_") or "import"


def _shown(path: Path | str) -> str:
    """Return a path as it can be printed: a name on disk need not be text."""
    return os.fsencode(path).decode("utf-8", "replace")


def _import(database: Database, reader: Source, spec: SourceSpec, file: Path, rejects: "_Rejects") -> dict[str, Any]:
    row = _source_row(database, spec)
    total = {"new": 0, "known": 0, "changed": 0}
    rows, cursor, version = 0, None, row["cursor_version"]
    size = max(file.stat().st_size, 1)
    with _bar(_shown(file.name)) as progress:
        while True:
            started = datetime.now(UTC)
            page = _read(reader, cursor)
            try:
                kept = store_page(database, row, page, version=version, started=started, now=datetime.now(UTC))
            except Conflict as error:
                raise Conflict(f"source {spec.name} is being imported by another process: wait for it") from error
            version, cursor = version + 1, page.cursor
            rows += len(page.items) + len(page.rejects)
            total["new"] += kept.new
            total["changed"] += kept.changed
            # A row that repeats another of its page is known too.
            total["known"] += len(page.items) - kept.new - kept.changed
            rejects.add(page.rejects)
            progress(min(1.0, int((cursor or {}).get("offset", 0)) / size), rows)
            if not page.more:
                break
    return {
        "source": spec.name,
        "rows": rows,
        **total,
        "rejected": rejects.count,
        "rejects_file": str(rejects.path) if rejects.count else None,
    }


def _read(reader: Source, cursor: Cursor | None) -> Page:
    try:
        return reader.poll(cursor)
    except Invalid as error:
        # The command was used rightly; it is the file that cannot be.
        raise foundation.Unusable(str(error)) from error


def _source_row(database: Database, spec: SourceSpec) -> sa.RowMapping:
    with database.write() as connection:
        row = sources.by_name(connection, spec.name)
        if row is None:
            # Stored for people to read; the file itself is opened by the name it has on disk, which need not be text.
            told = replace(spec, options={"path": _shown(spec.option("path"))})
            sources.add(connection, told, origin="import", status="manual", now=datetime.now(UTC))
            row = sources.by_name(connection, spec.name)
        if row is None or row["platform"] != spec.platform:
            raise foundation.Unusable(f"there is a source {spec.name} already, not a file: choose another --source")
        return row


class _Rejects:
    """The file beside the import, made when the first reject comes; in the data folder where there is no writing."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self.path = file.with_name(file.name + REJECTS)
        self.count = 0
        self._settings = settings
        self._stream: IO[str] | None = None

    def add(self, rejects: tuple[Reject, ...]) -> None:
        """Write rejects down."""
        for reject in rejects:
            if self._stream is None:
                self._stream = self._open()
            row = {"place": reject.place, "reason": reject.reason, "raw": reject.raw}
            self._stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.count += 1
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Close the file; without rejects, what an earlier try left there is mended since."""
        if self._stream is not None:
            self._stream.close()
        elif sys.exc_info()[0] is None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _open(self) -> IO[str]:
        with suppress(OSError):
            return self.path.open("w", encoding="utf-8", errors="backslashreplace")
        self.path = foundation.data_folder(self._settings) / self.path.name
        return self.path.open("w", encoding="utf-8", errors="backslashreplace")


@contextmanager
def _bar(name: str) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        task = progress.add_task(name, total=1.0, rows=0)
        yield lambda done, rows: progress.update(task, completed=done, rows=rows)


def _wait(database: Database, name: str) -> None:
    """Wait until nothing of the source waits for a worker; a standstill of two minutes is an error."""
    console = Console(stderr=True)
    left, moved = -1, time.monotonic()
    with console.status("waiting for a worker to classify …") if sys.stderr.isatty() else nullcontext():
        while True:
            with database.read() as connection:
                now_left = mentions.unfinished(connection, name)
            if now_left == 0:
                return
            if now_left != left:
                left, moved = now_left, time.monotonic()
            elif time.monotonic() - moved > STALLED_S:
                raise foundation.Unusable(
                    f"{left:,} posts still wait and nothing moves: is `amends run` running on this database?"
                )
            time.sleep(0.5)
