"""The command line: `amends`.

Exit status: 0 done; 1 something could not be used, or done with rejects; 2 wrong usage or a wrong setting.
"""

import importlib.metadata
import sys
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import AmendsError, Invalid
from workers.commands import classifying, importing, listening, people, running, suggesting

app = typer.Typer(
    name="amends",
    help="Listen to what people say about you in public, answer well, and keep what you promise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(running.run)
app.command("migrate")(running.migrate_command)
app.command("import")(importing.import_command)
app.command("classify")(classifying.classify)
app.command("evaluate")(classifying.evaluate)
app.command("train")(classifying.train)
app.command("suggest")(suggesting.suggest)
app.add_typer(listening.app, name="sources")
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"amends {importlib.metadata.version('amends')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """Listen, understand, answer, follow up."""


def main() -> None:
    """Run the command line; a known error is one plain line on stderr, never a traceback."""
    try:
        app()
    except Invalid as error:
        typer.echo(f"amends: {error}", err=True)
        sys.exit(2)
    except AmendsError as error:
        typer.echo(f"amends: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        where = f"{Path(error.filename)}: " if isinstance(error.filename, str) else ""
        typer.echo(f"amends: {where}{error.strerror or error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
