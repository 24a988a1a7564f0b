"""`amends user` and `amends token`: who may come in."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config import settings as configuration
from domain.errors import Invalid, NotFound
from domain.person import MIN_PASSWORD, ROLES, SCOPES, Person, valid_email
from store import people
from workers import foundation

KEYS = ("id", "email", "name", "scopes", "created_at", "revoked_at")

users = typer.Typer(help="People.", no_args_is_help=True, add_completion=False)
tokens = typer.Typer(help="API tokens.", no_args_is_help=True, add_completion=False)


@users.callback()
def _users() -> None:
    """People who sign in to the desk."""


@tokens.callback()
def _tokens() -> None:
    """Tokens for the REST API."""


@users.command("add")
def add(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="As colleagues and customers know them.")] = "",
    role: Annotated[str, typer.Option(help="agent, lead or admin.")] = "agent",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Add a person."""
    if role not in ROLES:
        raise Invalid(f"--role {role}: one of {', '.join(ROLES)}")
    address = valid_email(email)
    password_hash = _new_password(from_stdin=password_stdin)
    settings = configuration.load()
    with foundation.database(settings) as database, database.write() as connection:
        user_id = people.add(
            connection,
            email=address,
            name=name.strip() or address.partition("@")[0],
            role=role,
            password_hash=password_hash,
            now=datetime.now(UTC),
        )
    typer.echo(
        json.dumps({"id": user_id, "email": address, "role": role}) if as_json else f"{address} may sign in as {role}."
    )


@users.command("password")
def change(
    email: Annotated[str, typer.Argument(help="Whose password it is.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Give a person a new password; their sessions end."""
    address = valid_email(email)
    password_hash = _new_password(from_stdin=password_stdin)
    settings = configuration.load()
    with foundation.database(settings) as database, database.write() as connection:
        people.set_password(connection, _active(connection, address).id, password_hash)
    typer.echo(f"{address} has a new password; sessions that were open have ended.")


@users.command("disable")
def disable(email: Annotated[str, typer.Argument(help="Who may not come in any more.")]) -> None:
    """Let a person in no more; their sessions and tokens end."""
    address = valid_email(email)
    settings = configuration.load()
    with foundation.database(settings) as database, database.write() as connection:
        people.disable(connection, _active(connection, address).id, now=datetime.now(UTC))
    typer.echo(f"{address} may not sign in any more; their sessions and tokens have ended.")


@tokens.command("create")
def create(
    email: Annotated[str, typer.Argument(help="Whose token it is; it may never do more than they.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[list[str], typer.Option("--scope", help="read, write, send, admin; may be repeated.")] = ["read"],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Make an API token; it is shown this once."""
    if unknown := sorted(set(scope) - set(SCOPES)):
        raise Invalid(f"--scope {unknown[0]}: one of {', '.join(SCOPES)}")
    settings = configuration.load()
    with foundation.database(settings) as database, database.write() as connection:
        owner = _active(connection, valid_email(email))
        secret = people.add_token(connection, owner.id, name=name, scopes=sorted(set(scope)), now=datetime.now(UTC))
    typer.echo(json.dumps({"token": secret, "scopes": sorted(set(scope))}) if as_json else secret)


@tokens.command("list")
def listing(as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False) -> None:
    """List the API tokens, never their secrets."""
    settings = configuration.load()
    with foundation.database(settings) as database, database.read() as connection:
        rows = people.tokens(connection)
    if as_json:
        typer.echo(json.dumps([{key: row[key] for key in KEYS} for row in rows], default=datetime.isoformat))
        return
    if not rows:
        typer.echo("No tokens yet: `amends token create` makes one.")
        return
    table = Table(*(key.replace("_", " ") for key in KEYS))
    for row in rows:
        scopes, made, ended = ", ".join(row["scopes"] or ()), _minute(row["created_at"]), _minute(row["revoked_at"])
        table.add_row(*map(Text, (str(row["id"]), row["email"], row["name"], scopes, made, ended)))
    # In a pipe there is no width to keep to, and a name that is cut is no name.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


@tokens.command("revoke")
def revoke(token_id: Annotated[int, typer.Argument(metavar="ID", help="Its number in `amends token list`.")]) -> None:
    """Make a token worthless, at once and for good."""
    settings = configuration.load()
    with foundation.database(settings) as database, database.write() as connection:
        people.revoke_token(connection, token_id, now=datetime.now(UTC))
    typer.echo(f"Token {token_id} is revoked.")


def _active(connection: sa.Connection, address: str) -> Person:
    found = people.find(connection, address)
    if found is None:
        raise NotFound(f"nobody is called {address} here: `amends user add` adds them")
    return found[0]


def _new_password(*, from_stdin: bool) -> str:
    """Ask for a password and return its hash."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif not sys.stdin.isatty():
        raise Invalid("there is no terminal to ask for the password on: use --password-stdin")
    else:
        password = typer.prompt(
            f"Password ({MIN_PASSWORD} characters or more)", hide_input=True, confirmation_prompt=True
        )
    from desk.auth import hash_password  # the same rules as at the desk; slow to load

    return hash_password(password)


def _minute(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
