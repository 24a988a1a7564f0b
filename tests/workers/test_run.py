"""`amends run` as a process: it starts, it stops on a signal, and it leaves nobody behind."""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.conftest import environment


class Running:
    """An `amends run` that has said where it is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        end = time.monotonic() + 60
        assert process.stderr is not None
        while "Stop with" not in self.said:
            line = process.stderr.readline()
            assert line and time.monotonic() < end, self.said
            self.said += line
        found = re.search(r"is at (http://\S+)", self.said)
        assert found is not None, self.said
        self.address = found[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stderr:
                self.said += line

    def children(self) -> list[int]:
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.address}/healthz", timeout=10) as answer:
            return bool(answer.status == 200)


@contextlib.contextmanager
def running(data: Path, *arguments: str) -> Iterator[Running]:
    config = data.with_name("rules.toml")
    config.write_text('[classifier]\nmodel = "rules"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.cli", "run", "--port", "0", *arguments],
        env=environment(data, {"AMENDS_CONFIG": str(config), "COLUMNS": "40"}),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def wait_for_child(at: Running) -> int:
    end = time.monotonic() + 60
    while not at.children():
        assert time.monotonic() < end, at.said
        time.sleep(0.05)
    return at.children()[0]


def ended(pid: int, *, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def texts(path: Path) -> int:
    connection = sqlite3.connect(path)
    count = int(connection.execute("SELECT count(*) FROM mentions").fetchone()[0])
    connection.close()
    return count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_with_0_and_its_child_with_it(data: Path, number: int) -> None:
    with running(data, "--demo") as at:
        assert at.healthy()
        child = wait_for_child(at)
        started = time.monotonic()
        at.process.send_signal(number)
        assert at.process.wait(20) == 0
        assert time.monotonic() - started < 15  # about five, on a machine that has nothing else to do
        assert ended(child)
        time.sleep(0.1)
        assert "Traceback" not in at.said


def test_the_demonstration_never_touches_real_data(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,real\n")
    command = [sys.executable, "-m", "workers.cli", "import", str(tmp_path / "a.csv")]
    subprocess.run(command, env=environment(data), check=True, stdout=subprocess.DEVNULL)
    before = (data / "amends.sqlite").read_bytes()
    with running(data, "--demo") as at:
        end = time.monotonic() + 60
        while texts(data / "demo" / "amends.sqlite") < 3:
            assert time.monotonic() < end, at.said
            time.sleep(0.1)
        links = re.findall(r"Sign in as \w+, (?:agent|admin): (http://\S+/in/[\w-]{43})$", at.said, re.MULTILINE)
        assert len(links) == 2  # whole, though the terminal is 40 wide
    assert (data / "amends.sqlite").read_bytes() == before
    assert sorted(path.name for path in data.iterdir() if not path.name.startswith("amends.sqlite-")) == [
        "amends.sqlite",
        "demo",
    ]


def test_an_empty_desk_takes_a_file_while_it_runs(data: Path, tmp_path: Path) -> None:
    with running(data) as at:
        assert "first account" in at.said and (data / "drop").is_dir()
        file = tmp_path / "a.csv"
        file.write_text("id,text\n" + "".join(f"{n},The parcel {n} is broken\n" for n in range(150)))
        done = subprocess.run(
            [sys.executable, "-m", "workers.cli", "import", str(file), "--wait", "--json"],
            env=environment(data), capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), at.said
        assert texts(data / "amends.sqlite") == 150
        assert at.healthy()


def test_a_busy_port_is_one_plain_line(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "workers.cli", "run", "--port", str(port)],
            env=environment(data), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"amends: cannot listen on 127.0.0.1:{port}: Address already in use; try --port\n"
