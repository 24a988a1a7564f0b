"""`amends sources`: list, check, and one dry poll."""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config import settings as configuration
from config.settings import Settings
from domain.errors import AmendsError, NotFound, OutsideError
from domain.mention import Deletion, Mention
from domain.source import SourceSpec
from store import sources
from store.engine import Database
from workers import foundation
from workers.commands import lines
from workers.wiring import Connectors

KEYS = ("name", "platform", "brand", "status", "polled_at", "due_at", "mentions", "rejects", "error")
UNSEEN = {"status": "not started", "mentions": 0, "rejects": 0, "error": ""}

app = typer.Typer(help="Where Amends listens.", invoke_without_command=True, add_completion=False)


@app.callback()
def listing(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """List the sources with their state."""
    if context.invoked_subcommand is not None:
        return
    settings = configuration.load()
    with foundation.database(settings) as database, database.read() as connection:
        rows: list[Mapping[Any, Any]] = list(sources.listing(connection))
    stored = {row["name"] for row in rows}
    rows += [
        dict.fromkeys(KEYS) | {"name": spec.name, "platform": spec.platform, "brand": spec.brand or None} | UNSEEN
        for spec in settings.sources
        if spec.name not in stored
    ]
    if as_json:
        typer.echo(json.dumps([{key: row[key] for key in KEYS} for row in rows], default=_text))
        return
    if not rows:
        typer.echo(
            "No sources yet: `amends import FILE`, or add one in the desk or in AMENDS_CONFIG (docs/connectors.md)."
        )
        return
    table = Table(*(key.replace("_", " ") for key in KEYS))
    for row in rows:
        table.add_row(*(Text("" if row[key] is None else _text(row[key])) for key in KEYS))
    # In a pipe there is no width to keep to, and a name that is cut is no name.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Say whether a source's credentials and reach are fine, and if not how to mend it."""
    settings = configuration.load()
    foundation.quiet_logs("error")
    with foundation.database(settings) as database:
        spec, _ = _known(settings, database, name)
        with closing(Connectors(settings, database)) as connectors:
            try:
                told = connectors.source(spec).check()
            except AmendsError as error:
                raise foundation.Unusable(f"{name}: {error}") from error
    typer.echo(json.dumps({"source": name, "ok": True, "detail": told}) if as_json else f"{name}: {told}")


@app.command()
def poll(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; print what one poll would bring.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON; a dry run always does.")] = False,
) -> None:
    """Poll at a worker's next look; with --dry-run at once, printing what it would bring and storing nothing."""
    settings = configuration.load()
    foundation.quiet_logs("error")
    with foundation.database(settings) as database:
        spec, row = _known(settings, database, name)
        if dry_run:
            with closing(Connectors(settings, database)) as connectors:
                _dry(connectors, spec, row["cursor"] if row is not None else None)
            return
        if row is None or row["status"] != "active":
            state = "not started yet: `amends run` starts it" if row is None else row["status"]
            raise foundation.Unusable(f"{name} is {state}; --dry-run shows what a poll would bring")
        with database.write() as connection:
            sources.poll_now(connection, row["id"], now=datetime.now(UTC))
    told = "a running worker polls it at its next look"
    typer.echo(json.dumps({"source": name, "due": True, "detail": told}) if as_json else f"{name}: {told}")


def _dry(connectors: Connectors, spec: SourceSpec, cursor: Any) -> None:
    started = datetime.now(UTC)
    summary: dict[str, Any] = {
        "cursor": cursor,
        "coverage": {"started_at": started, "outcome": "polled"},
        "rejects": [],
    }
    status = 0
    try:
        page = connectors.source(spec).poll(cursor)
    except OutsideError as error:
        summary["coverage"] |= {"outcome": type(error).__name__, "detail": str(error)}
        status = 1
    else:
        for item in page.items:
            lines.write(json.loads(json.dumps(_item(item), default=_text)))
        lines.flush()
        summary["cursor"] = page.cursor
        summary["rejects"] = [asdict(reject) for reject in page.rejects]
        summary["coverage"] |= {"items": len(page.items), "more": page.more, "truncated": page.truncated}
    summary["coverage"]["ended_at"] = datetime.now(UTC)
    print(json.dumps(summary, default=_text), file=sys.stderr)
    if status:
        raise typer.Exit(status)


def _item(item: Mention | Deletion) -> dict[str, Any]:
    fields = asdict(item)
    return {"deleted": True, **fields} if isinstance(item, Deletion) else fields


def _known(settings: Settings, database: Database, name: str) -> tuple[SourceSpec, sa.RowMapping | None]:
    """Return a source as the operator's file has it now, or as it is stored; looking must not change what is stored."""
    with database.read() as connection:
        row = sources.by_name(connection, name)
    for spec in settings.sources:
        if spec.name == name:
            return spec, row
    if row is None:
        raise NotFound(f"there is no source called {name}: `amends sources` lists them")
    return sources.spec(row), row


def _text(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
