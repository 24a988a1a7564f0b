"""The command line: `amends`.

Exit status: 0 done; 1 something could not be used, or done with rejects; 2 wrong usage or a wrong setting.
"""

import importlib
import importlib.metadata
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from domain.errors import AmendsError, Invalid

COMMANDS = {
    "run": ("running:run", "Run everything in one process: desk, clock and jobs."),
    "migrate": ("migrating:migrate_command", "Bring the database to the newest schema."),
    "import": ("importing:import_command", "Store the posts of a CSV, JSONL or XLSX file."),
    "sources": ("listening:app", "Where Amends listens: list, check, poll."),
    "classify": ("classifying:classify", "Classify JSON lines from stdin."),
    "suggest": ("suggesting:suggest", "Write drafts for posts, JSON lines from stdin."),
    "evaluate": ("classifying:evaluate", "Measure a model on labelled rows."),
    "train": ("classifying:train", "Train, calibrate and export a model."),
    "user": ("people:users", "People who sign in to the desk."),
    "token": ("people:tokens", "Tokens for the REST API."),
}
"""Each command's place below `workers.commands`, and what it is for. A module is loaded when its command is called:
the desk, the models and the database are slow to load, and most commands need one of them at most."""


class Commands(TyperGroup):
    """The table as a group of commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that was called."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(str(name)), rest


def load(name: str) -> Any:
    """Return a command, ready to be called."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(f"workers.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="amends",
    cls=Commands,
    help="Listen to what people say about you in public, answer well, and keep what you promise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


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


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a known error is one plain line on stderr, never a traceback."""
    sys.exit(_status(arguments))


def _status(arguments: list[str] | None) -> int:
    os.umask(0o077)  # what we keep is nobody else's to read
    try:
        status = app(arguments, prog_name="amends", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except typer.TyperException as error:
        return _usage(error)
    except typer.Abort:
        return _say("stopped", status=1)
    except Invalid as error:
        return _say(str(error), status=2)
    except AmendsError as error:
        return _say(str(error), status=1)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return _say(f"{where}{error.strerror or error}", status=1)
    except Exception as error:
        reason = _of_the_database(error)
        if not reason:
            raise
        return _say(reason, status=1)


def _usage(error: typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        return _say("say which command", status=error.exit_code)  # the help is on stdout already
    context = getattr(error, "ctx", None)
    hint = f" ({context.command_path} --help)" if context is not None else ""
    return _say(f"{error.format_message().rstrip('.')}{hint}", status=error.exit_code)


def _of_the_database(error: Exception) -> str:
    """Say in one line what a database's own error means; empty when it is none, or our own mistake."""
    if type(error).__module__.startswith("alembic."):
        return f"this database cannot be brought to this version's schema: {error}. Was a newer Amends here?"
    if type(error).__module__ != "sqlalchemy.exc":
        return ""
    from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
    from sqlalchemy.exc import TimeoutError as NoConnection

    if isinstance(error, NoConnection):
        return "the database gives no more connections"
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError | ProgrammingError):
        return ""
    reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    if "locked" in reason:
        return "the database is busy: another process has been writing to it all the time; try again"
    return f"cannot use the database: {reason}"


def _say(message: str, *, status: int) -> int:
    typer.echo(f"amends: {' '.join(message.split())}", err=True)
    return status


if __name__ == "__main__":
    main()
