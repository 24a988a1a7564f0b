"""`amends run` and `amends migrate`."""

import importlib.metadata
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn
from desk.app import create_app
from rich.console import Console

from config import settings as configuration
from desk.edge import House
from domain.errors import Invalid
from store import people, schema
from workers import demo, house
from workers.wiring import PLATFORMS

LOOPBACK = ("127.0.0.1", "::1", "localhost")
console = Console(stderr=True, highlight=False)


def run(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Data folder (AMENDS_DATA).")] = None,
    demonstration: Annotated[
        bool, typer.Option("--demo", help="A demonstration brand on a simulated platform.")
    ] = False,
) -> None:
    """Run everything in one process: desk, clock and jobs."""
    settings = configuration.load(data=data)
    house.quiet_logs(settings.log)
    if demonstration:
        settings = replace(settings, data=settings.data / "demo", database_url="", sources=(), brands=())
    if host not in LOOPBACK and not settings.public_url:
        raise Invalid(
            "AMENDS_PUBLIC_URL must be set when the desk listens beyond loopback, such as https://amends.example.com"
        )
    with _listening(host, port) as listener, house.database(settings) as database:
        port = listener.getsockname()[1]
        address = settings.public_url or f"http://{'127.0.0.1' if host in LOOPBACK else host}:{port}"
        if demonstration:
            demo.prepare(settings, database)
        house.sync_sources(settings, database, drop_folder=not demonstration)
        working = house.start(settings, database)
        app = create_app(
            House(
                database=database,
                bell=working.bell,
                rules=working.rules,
                policy=settings.policy,
                platforms=tuple(PLATFORMS),
                public_url=address,
                hosts=(*LOOPBACK, host, urlsplit(address).hostname or host),
                demo=demonstration,
                version=importlib.metadata.version("amends"),
            )
        )
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3)
        )
        try:
            with database.write() as connection:
                links = demo.sign_in_links(connection, address) if demonstration else []
                empty = people.count(connection) == 0
            _greet(address, links, empty=empty)
            server.run(sockets=[listener])
        finally:
            working.stop()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        raise house.Unusable(f"cannot listen on {host}:{port}: {error.strerror or error}; try --port") from error
    return listener


def _greet(address: str, links: list[tuple[str, str]], *, empty: bool) -> None:
    console.print(f"\n  [bold]Amends[/bold] is at [link={address}]{address}[/link]")
    for name, link in links:
        console.print(f"  Sign in as {name}: [link={link}]{link}[/link]", soft_wrap=True)
    if empty:
        console.print("  Open it to make the first account.")
    console.print("  Stop with Ctrl+C.\n")


def migrate_command(
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Bring the database to the newest schema."""
    settings = configuration.load()
    with house.database(settings, bring_to_head=False) as database:
        before, after = schema.migrate(database)
    if as_json:
        typer.echo(f'{{"before": {f"{chr(34)}{before}{chr(34)}" if before else "null"}, "after": "{after}"}}')
    elif before == after:
        typer.echo(f"already at schema {after}")
    else:
        typer.echo(f"schema {before or 'none'} → {after}")
