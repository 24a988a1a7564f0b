"""`amends migrate`: the schema to head."""

import json
from typing import Annotated

import typer

from config import settings as configuration
from store import schema
from workers import foundation


def migrate_command(
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Bring the database to the newest schema."""
    settings = configuration.load()
    with foundation.database(settings, bring_to_head=False) as database:
        before, after = schema.migrate(database)
    if as_json:
        typer.echo(json.dumps({"before": before, "after": after}))
    elif before == after:
        typer.echo(f"already at schema {after}")
    else:
        typer.echo(f"schema {before or 'none'} → {after}")
