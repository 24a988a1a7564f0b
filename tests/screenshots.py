"""The README's pictures, made again from the running demonstration: `make docs`."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.servers import chromium, free_port

PICTURES = Path(__file__).parent.parent / "docs" / "img"
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]


def start(folder: Path) -> tuple[subprocess.Popen[bytes], str, str]:
    """Start a demonstration; return its process, its address and Anna's sign-in link."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    log = folder / "log"
    command = [sys.executable, "-m", "workers.cli", "run", "--demo", "--port", str(port), "--data", str(folder)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
    for _ in range(600):
        if found := re.search(r"http://\S+/in/\S+", log.read_text()):
            return process, f"http://127.0.0.1:{port}", found[0]
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"the demonstration did not come up: {log.read_text()}")


def take(page: Page, address: str, link: str, folder: Path) -> None:
    """Sign in, open a case, take the pictures."""
    page.goto(link)
    page.get_by_test_id("sign-in").click()
    page.goto(f"{address}/queue/all")
    row = page.get_by_test_id("row").filter(has_text="three weeks").first
    row.wait_for(timeout=60_000)
    page.wait_for_timeout(8_000)  # the others come in
    page.goto(f"{address}/queue/all")
    row.click()
    page.get_by_test_id("draft").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1_000)
    page.screenshot(path=folder / "desk.png")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / "desk-dark.png")
    page.emulate_media(color_scheme="light")


def main(folder: Path = PICTURES) -> None:
    """Take all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        process, address, link = start(Path(name))
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, "--disable-sync"])
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            take(page, address, link, folder)
        finally:
            browser.close()
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
