"""`amends sources`: list, check, and one dry poll."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config import settings as configuration
from domain.errors import NotFound, OutsideError
from domain.mention import Deletion, Mention
from domain.source import SourceSpec
from store import sources
from store.engine import Database
from workers import house
from workers.wiring import Connectors

app = typer.Typer(help="Where Amends listens.", invoke_without_command=True)


@app.callback()
def listing(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """List the sources with their state."""
    if context.invoked_subcommand is not None:
        return
    settings = configuration.load()
    with house.database(settings) as database:
        house.sync_sources(settings, database, drop_folder=False)
        with database.read() as connection:
            rows = sources.listing(connection)
    keys = ("name", "platform", "brand", "status", "polled_at", "due_at", "mentions", "rejects", "error")
    if as_json:
        typer.echo(json.dumps([{key: row[key] for key in keys} for row in rows], default=_text))
        return
    if not rows:
        typer.echo(
            "No sources yet: `amends import FILE`, or add one in the desk or in AMENDS_CONFIG (docs/connectors.md)."
        )
        return
    table = Table(*(key.replace("_", " ") for key in keys))
    for row in rows:
        table.add_row(*("" if row[key] is None else _text(row[key]) for key in keys))
    Console().print(table)


@app.command()
def check(name: Annotated[str, typer.Argument(help="The source's name.")]) -> None:
    """Say whether a source's credentials and reach are fine, and if not how to mend it."""
    settings = configuration.load()
    with house.database(settings) as database:
        house.sync_sources(settings, database, drop_folder=False)
        connectors = Connectors(settings, database)
        typer.echo(f"{name}: {connectors.source(_spec(database, name)).check()}")
        connectors.close()


@app.command()
def poll(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; print what one poll would bring.")] = False,
) -> None:
    """Poll at a worker's next look; with --dry-run at once, printing what it would bring and storing nothing."""
    settings = configuration.load()
    with house.database(settings) as database:
        house.sync_sources(settings, database, drop_folder=False)
        spec = _spec(database, name)
        if not dry_run:
            with database.write() as connection:
                row = sources.by_name(connection, name)
                if row is not None:
                    sources.poll_now(connection, row["id"], now=datetime.now(UTC))
            typer.echo(f"{name}: a running worker polls it at its next look")
            return
        connectors = Connectors(settings, database)
        with database.read() as connection:
            row = sources.by_name(connection, name)
        _dry(connectors, spec, row["cursor"] if row is not None else None)
        connectors.close()


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
            typer.echo(json.dumps(_item(item), ensure_ascii=False, default=_text))
        summary["cursor"] = page.cursor
        summary["rejects"] = [asdict(reject) for reject in page.rejects]
        summary["coverage"] |= {"items": len(page.items), "more": page.more, "truncated": page.truncated}
    summary["coverage"]["ended_at"] = datetime.now(UTC)
    print(json.dumps(summary, ensure_ascii=False, default=_text), file=sys.stderr)
    raise typer.Exit(status)


def _item(item: Mention | Deletion) -> dict[str, Any]:
    fields = asdict(item)
    return {"deleted": True, **fields} if isinstance(item, Deletion) else fields


def _spec(database: Database, name: str) -> SourceSpec:
    with database.read() as connection:
        row = sources.by_name(connection, name)
    if row is None:
        raise NotFound(f"there is no source called {name}: `amends sources` lists them")
    return sources.spec(row)


def _text(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
