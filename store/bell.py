"""The local bell: threads in one process, a waiting ring for each."""

import threading
import time
from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger()


class LocalBell:
    """Ring a kind of work and a thread of that kind works until nothing is due.

    A job returns how much it found due; it is called again until that is 0. Rings while it works are one ring.
    """

    def __init__(self, jobs: Mapping[str, Callable[[], int]], *, threads: Mapping[str, int] | None = None) -> None:
        self._jobs = dict(jobs)
        self._count = dict(threads or {})
        self._rung: dict[str, list[threading.Event]] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads; each begins with one look, for work left by the last run."""
        for kind, job in self._jobs.items():
            for number in range(self._count.get(kind, 1)):
                rung = threading.Event()
                rung.set()
                self._rung.setdefault(kind, []).append(rung)
                thread = threading.Thread(target=self._answer, args=(kind, job, rung), name=f"{kind}-{number}")
                thread.daemon = True
                self._threads.append(thread)
                thread.start()

    def ring(self, kind: str) -> None:
        """Wake the threads of a kind; a kind nobody answers here is another process's business."""
        for rung in self._rung.get(kind, ()):
            rung.set()

    def stop(self, *, timeout: float = 4.0) -> None:
        """Let the threads finish what they have in hand, `timeout` seconds for all of them together."""
        self._stopping.set()
        for events in self._rung.values():
            for rung in events:
                rung.set()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _answer(self, kind: str, job: Callable[[], int], rung: threading.Event) -> None:
        while not self._stopping.is_set():
            rung.wait()
            rung.clear()
            while not self._stopping.is_set():
                try:
                    if not job():
                        break
                except Exception as error:
                    log.error("job_failed", kind=kind, exc_info=error)
                    break


class SilentBell:
    """Rings nothing: for commands that store and leave the work to a running worker's sweep."""

    def ring(self, kind: str) -> None:
        """Do nothing."""
