"""The local bell and the clock: no ring is lost, no job ends its thread, and stopping is quick."""

import threading
import time
from collections.abc import Callable

import pytest

from store.bell import LocalBell, SilentBell
from workers.clock import Clock
from workers.jobs import KINDS, THREADS, ring_all


def until(true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Work:
    """Rows that wait; a job takes one of them."""

    def __init__(self, waiting: int = 0) -> None:
        self.waiting = waiting
        self.done = 0
        self.looks = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> int:
        self.looks += 1
        self.begun.set()
        taken = min(self.waiting, 1)
        self.go_on.wait(10)
        self.waiting -= taken
        self.done += taken
        return taken


def test_work_left_by_the_last_run_is_done_without_a_ring() -> None:
    work = Work(waiting=3)
    bell = LocalBell({"poll": work})
    bell.start()
    until(lambda: work.done == 3)
    bell.stop()


def test_a_ring_wakes_its_kind_only() -> None:
    mine, other = Work(), Work()
    bell = LocalBell({"mine": mine, "other": other})
    bell.start()
    until(lambda: mine.looks == other.looks == 1)
    mine.waiting = 2
    bell.ring("mine")
    bell.ring("nobody answers this")
    until(lambda: mine.done == 2)
    assert other.looks == 1
    bell.stop()


def test_a_ring_while_it_works_is_not_lost() -> None:
    work = Work()
    work.go_on.clear()
    bell = LocalBell({"poll": work})
    bell.start()
    assert work.begun.wait(10)  # it has looked and found nothing, and has not come back yet
    work.waiting = 1
    for _ in range(3):
        bell.ring("poll")
    work.go_on.set()
    until(lambda: work.done == 1)
    bell.stop()


def test_a_job_that_raises_does_not_end_its_thread(capfd: pytest.CaptureFixture[str]) -> None:
    looks: list[int] = []

    def job() -> int:
        looks.append(1)
        if len(looks) < 3:
            raise RuntimeError("broken")
        return 0

    bell = LocalBell({"poll": job})
    bell.start()
    for times in (1, 2, 3):
        until(lambda times=times: len(looks) == times)  # type: ignore[misc]
        bell.ring("poll")
    until(lambda: len(looks) == 4)
    bell.stop()
    out, err = capfd.readouterr()
    assert "job_failed" in out + err


def test_several_threads_work_on_one_kind_together() -> None:
    meeting = threading.Barrier(THREADS["poll"])
    met = threading.Event()

    def job() -> int:
        meeting.wait(10)
        met.set()
        return 0

    bell = LocalBell({"poll": job}, threads=THREADS)
    bell.start()
    assert met.wait(10)
    bell.stop()


def test_stopping_waits_for_the_work_in_hand_and_begins_no_more() -> None:
    work = Work(waiting=5)
    work.go_on.clear()
    bell = LocalBell({"poll": work})
    bell.start()
    assert work.begun.wait(10)
    threading.Timer(0.2, work.go_on.set).start()
    bell.stop()
    assert (work.done, work.waiting) == (1, 4)


def test_stopping_is_quick_however_many_hang() -> None:
    held = threading.Event()
    bell = LocalBell({f"kind{n}": lambda: int(held.wait(30)) * 0 for n in range(6)})
    bell.start()
    started = time.monotonic()
    bell.stop(timeout=0.5)
    assert time.monotonic() - started < 2
    held.set()


def test_an_idle_bell_stops_at_once() -> None:
    bell = LocalBell(dict.fromkeys(KINDS, lambda: 0), threads=THREADS)
    bell.start()
    started = time.monotonic()
    bell.stop()
    assert time.monotonic() - started < 2
    LocalBell({}).stop()


class Heard:
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def ring(self, kind: str) -> None:
        self.kinds.append(kind)


def test_the_clock_rings_every_kind_of_work_and_stops() -> None:
    heard = Heard()
    clock = Clock(heard)
    clock.start()
    until(lambda: set(heard.kinds) == set(KINDS))
    until(lambda: heard.kinds.count("poll") > 1)
    started = time.monotonic()
    clock.stop()
    assert time.monotonic() - started < 2
    count = len(heard.kinds)
    time.sleep(0.6)
    assert len(heard.kinds) == count


def test_every_kind_can_be_rung_at_once() -> None:
    heard = Heard()
    ring_all(heard)
    assert tuple(heard.kinds) == KINDS
    ring_all(SilentBell())
