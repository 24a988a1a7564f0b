"""The running product with a browser in front of it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from connectors.simulated_world import World
from store import people
from store.engine import Database
from tests.servers import CI, Missing, chromium, free_port

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
PASSWORD = "correct horse battery"
WAIT_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Product:
    """`amends run` on an empty folder, listening to a simulated world."""

    address: str
    world: World
    database: Database
    folder: Path


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    """Playwright for one test: while it is there, no other test in this process could run an event loop."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as started:
        started.selectors.set_test_id_attribute("data-test")
        yield started


@pytest.fixture
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        path = chromium()
    except Missing as missing:
        if CI:
            raise
        pytest.skip(str(missing))
    opened = playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--disable-sync"])
    yield opened
    opened.close()


@pytest.fixture
def page(browser: Browser, product: Product) -> Iterator[Page]:
    """A page before the product; any script error, refused content or answer of 500 fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if _is_fault(message) else None)
    yield opened
    context.close()
    assert errors == []


def _is_fault(message: ConsoleMessage) -> bool:
    """A 4xx is an answer to a person ("fill the gap first"), which browsers log as an error."""
    return message.type == "error" and "the server responded with a status of 4" not in message.text


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The product with an agent (`anna@example.com`) and an administrator (`leo@example.com`)."""
    world = World(tmp_path / "world.sqlite")
    config = tmp_path / "amends.toml"
    config.write_text(
        'brands = ["Nordvik"]\n[[sources]]\nname = "sim"\nplatform = "simulated"\nevery = 5\naccount = "nordvik"\n'
        f'brand = "Nordvik"\noptions = {{ path = "{world.path}" }}\n'
    )
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    environ |= {"AMENDS_CONFIG": str(config)}
    command = [sys.executable, "-m", "tests.loop_process", "run", "--port", str(port), "--data", str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, tmp_path / "log")
        database = Database(f"sqlite:///{tmp_path / 'amends.sqlite'}")
        with database.write() as connection:
            for name, role in (("Anna", "agent"), ("Leo", "admin")):
                people.add(
                    connection,
                    email=f"{name.lower()}@example.com",
                    name=name,
                    role=role,
                    password_hash=PasswordHasher().hash(PASSWORD),
                    now=datetime.now(UTC),
                )
        yield Product(address=address, world=world, database=database, folder=tmp_path)
        database.close()
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the desk did not come up: {log.read_text()}")


def sign_in(page: Page, product: Product, name: str = "anna") -> None:
    """Sign in by the form."""
    page.goto(product.address)
    page.get_by_label("E-mail").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_test_id("sign-in").click()
    page.wait_for_url("**/queue/**")
