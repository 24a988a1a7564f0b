"""Figures of the running product: `make bench` (or `python -m tests.bench --posts FILE`, import records as JSONL).

Starts `amends run` on an empty folder, imports a file, waits until all of it is classified, triaged and has drafts,
and measures the desk's pages meanwhile. The rate is set beside the bare classifier's on the same texts in the same run.
"""

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import sqlalchemy as sa

from store.engine import Database
from store.tables import cases, mentions, suggestions
from tests.servers import free_port

CORPUS = Path(__file__).parent.parent / "classifiers" / "corpus"
CLASSIFY_ALONE = """
import json, sys, time
from domain.classification import Text
from workers.models import load
texts = [Text(id=str(n), text=json.loads(line)["text"]) for n, line in enumerate(open(sys.argv[1]))]
model = load("amends", threads=2)
model.classify(texts[:64])
started = time.perf_counter()
for at in range(0, len(texts), 64):
    model.classify(texts[at:at + 64])
print(len(texts) / (time.perf_counter() - started))
"""


def corpus_posts(path: Path, count: int) -> None:
    """Write `count` import records, made by turning the project's own posts round and round."""
    texts = [
        json.loads(line)["text"] for file in sorted(CORPUS.glob("*.jsonl")) for line in file.open(encoding="utf-8")
    ]
    with path.open("w", encoding="utf-8") as out:
        for number, text in zip(range(count), itertools.cycle(texts), strict=False):
            row = {"id": str(number), "text": f"{text} ({number})", "author": f"author{number}"}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def peak_mib(pid: int) -> float:
    """Return a process's highest resident memory so far, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def children(pid: int) -> list[int]:
    """Return the ids of the children that any thread of a process has started."""
    found = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in found for child in text.split()]


def page_ms(url: str) -> float:
    """Return how long a page took, ms."""
    started = time.perf_counter()
    with urllib.request.urlopen(url, timeout=30) as answer:
        answer.read()
    return (time.perf_counter() - started) * 1000


def count(database: Database, query: sa.Select[tuple[int]]) -> int:
    """Return a count."""
    with database.read() as connection:
        return connection.execute(query).scalar_one()


def end_to_end(posts: Path, rows: int, environ: dict[str, str], folder: Path) -> dict[str, float]:
    """Import `posts` through the running product; return seconds, memory and page times."""
    port = free_port()
    command = [sys.executable, "-m", "workers.cli", "run", "--port", str(port)]
    server = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_up(address)
        database = Database(f"sqlite:///{folder / 'amends.sqlite'}")
        open_cases = sa.select(sa.func.count()).select_from(cases)
        waiting = sa.select(sa.func.count()).select_from(mentions).where(mentions.c.stage.in_(("classify", "triage")))
        undrafted = sa.select(sa.func.count()).select_from(cases).where(cases.c.prepare_at.is_not(None))
        quiet = sorted(page_ms(f"{address}/sign-in") for _ in range(40))
        started = time.perf_counter()
        importing = subprocess.Popen(
            [sys.executable, "-m", "workers.cli", "import", str(posts), "--source", "bench", "--json"],
            env=environ,
            stdout=subprocess.PIPE,
        )
        stored_s, pages = 0.0, []
        while True:
            pages.append(page_ms(f"{address}/sign-in"))
            if not stored_s and importing.poll() is not None:
                stored_s = time.perf_counter() - started
            if stored_s and not count(database, waiting):
                break
            time.sleep(0.2)
        classified_s = time.perf_counter() - started
        while count(database, undrafted):
            time.sleep(0.2)
        ready_s = time.perf_counter() - started
        report = json.loads(importing.communicate()[0])
        pages.sort()
        child = children(server.pid)
        return {
            "rows": rows,
            "stored": report["new"],
            "cases": count(database, open_cases),
            "drafts": count(database, sa.select(sa.func.count()).select_from(suggestions)),
            "import rows/s": rows / stored_s,
            "classified and triaged posts/s": rows / classified_s,
            "with drafts posts/s": rows / ready_s,
            "desk page p95 ms, idle": quiet[int(len(quiet) * 0.95)],
            "desk page p95 ms, meanwhile": pages[int(len(pages) * 0.95)],
            "memory of amends run, MiB": peak_mib(server.pid),
            "memory of its classifier, MiB": max((peak_mib(pid) for pid in child), default=0.0),
        }
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def wait_until_up(address: str) -> None:
    """Wait until the desk answers."""
    for _ in range(200):
        try:
            page_ms(f"{address}/healthz")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the desk did not come up")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--posts", type=Path, help="import records as JSONL; made from the project's own posts otherwise"
    )
    parser.add_argument("--rows", type=int, default=2000, help="how many to make where no file is given")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        posts = wanted.posts or folder / "posts.jsonl"
        if wanted.posts is None:
            corpus_posts(posts, wanted.rows)
        rows = sum(1 for _ in posts.open("rb"))
        environ = {k: v for k, v in os.environ.items() if not k.startswith("AMENDS_")} | {"AMENDS_DATA": name}
        figures = end_to_end(posts, rows, environ, folder)
        alone = subprocess.run(
            [sys.executable, "-c", CLASSIFY_ALONE, str(posts)], capture_output=True, text=True, check=True, env=environ
        )
    figures["the classifier alone, posts/s"] = float(alone.stdout)
    figures["ratio: classified and triaged / classifier alone"] = (
        figures["classified and triaged posts/s"] / figures["the classifier alone, posts/s"]
    )
    for key, value in figures.items():
        print(f"| {key} | {value:,.2f} |" if value < 100 else f"| {key} | {value:,.0f} |")


if __name__ == "__main__":
    main()
