"""`amends user` and `amends token`: who may come in."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from config import settings as configuration
from domain.errors import Invalid, NotFound
from domain.person import MIN_PASSWORD, ROLES, SCOPES, valid_email
from store import people
from workers import foundation

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
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif not sys.stdin.isatty():
        raise Invalid("there is no terminal to ask for the password on: use --password-stdin")
    else:
        password = typer.prompt(
            f"Password ({MIN_PASSWORD} characters or more)", hide_input=True, confirmation_prompt=True
        )
    from desk.auth import hash_password  # the same rules as at the desk; slow to load

    password_hash = hash_password(password)
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
        found = people.find(connection, valid_email(email))
        if found is None:
            raise NotFound(f"nobody is called {email} here: `amends user add` adds them")
        secret = people.add_token(connection, found[0].id, name=name, scopes=sorted(set(scope)), now=datetime.now(UTC))
    typer.echo(json.dumps({"token": secret, "scopes": sorted(set(scope))}) if as_json else secret)
