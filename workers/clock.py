"""Rings every kind of work at its pace; a ring that was lost is made up for here."""

import threading
import time

from domain.ports import Bell

PACE_S = {"poll": 1.0, "classify": 2.0, "triage": 2.0, "prepare": 2.0, "deliver": 1.0, "sweep": 5.0}
TICK_S = 0.5


class Clock:
    """A thread that rings; start it once per installation (two do no harm)."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Start ringing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop ringing."""
        self._stopping.set()
        self._thread.join(TICK_S * 4)

    def _run(self) -> None:
        due = dict.fromkeys(PACE_S, 0.0)
        while not self._stopping.wait(TICK_S):
            now = time.monotonic()
            for kind, at in due.items():
                if now >= at:
                    self._bell.ring(kind)
                    due[kind] = now + PACE_S[kind]
