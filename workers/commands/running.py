"""`amends run`: everything in one process."""

import importlib.metadata
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from config import settings as configuration
from config.settings import Settings
from desk.app import create_app
from desk.edge import House
from domain.errors import Invalid
from store import people
from store.engine import Database
from workers import demo, foundation, house
from workers.wiring import AT_THE_DESK

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
    foundation.quiet_logs(settings.log)
    # uvicorn raises the signal again once it has shut down; from here on that unwinds us too, wherever we are.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    if demonstration:
        settings = replace(settings, data=settings.data / "demo", database_url="", sources=(), brands=())
    if host not in LOOPBACK and not settings.public_url:
        raise Invalid(
            "AMENDS_PUBLIC_URL must be set when the desk listens beyond loopback, such as https://amends.example.com"
        )
    with _listening(host, port) as listener, foundation.database(settings) as database:
        port = listener.getsockname()[1]
        address = settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if demonstration:
            demo.prepare(settings, database)
        house.sync_sources(settings, database, drop_folder=not demonstration)
        working = house.start(settings, database)
        try:
            _serve(settings, database, working, listener, address=address, host=host, demonstration=demonstration)
        finally:
            working.stop()


class Server(uvicorn.Server):
    """Ends the live streams as soon as it is told to stop; they would otherwise outlive its patience."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # anybody may write them
                timeout_graceful_shutdown=3,
                limit_concurrency=1000,
            )
        )
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: called on SIGTERM and SIGINT."""
        super().handle_exit(sig, frame)
        self._app.state.streams.close()


def _serve(
    settings: Settings,
    database: Database,
    working: house.Running,
    listener: socket.socket,
    *,
    address: str,
    host: str,
    demonstration: bool,
) -> None:
    app = create_app(
        House(
            database=database,
            bell=working.bell,
            rules=working.rules,
            policy=settings.policy,
            platforms=AT_THE_DESK,
            public_url=address,
            hosts=_hosts(host, urlsplit(address).hostname or host),
            demo=demonstration,
            version=importlib.metadata.version("amends"),
        )
    )
    with database.write() as connection:
        links = demo.sign_in_links(connection, address) if demonstration else []
        empty = people.count(connection) == 0
    _greet(address, links, empty=empty)
    Server(app).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        raise foundation.Unusable(f"cannot listen on {host}:{port}: {error.strerror or error}; try --port") from error
    return listener


def _greet(address: str, links: list[tuple[str, str]], *, empty: bool) -> None:
    console.print("\n  [bold]Amends[/bold] is at", _link(address), soft_wrap=True)
    for name, link in links:
        console.print(f"  Sign in as {escape(name)}:", _link(link), soft_wrap=True)
    if empty:
        console.print("  Open it to make the first account.")
    console.print("  Stop with Ctrl+C.\n")


def _hosts(*names: str) -> tuple[str, ...]:
    """Return what browsers may call the desk; an IPv6 address stands in brackets there."""
    return tuple(dict.fromkeys(f"[{name}]" if ":" in name else name for name in (*LOOPBACK, *names)))


def _link(address: str) -> Text:
    return Text(address, style=f"link {address}")


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
