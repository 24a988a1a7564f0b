"""The classifier in a child process: pages stay fast, and it dies with its parent.

Both sides speak JSON lines over the child's stdin and stdout. The parent's death closes stdin, and the child ends.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from domain.classification import Classification, Text, Unclassifiable, Weight
from domain.errors import AmendsError, Unavailable
from domain.ports import Classifier

PATIENCE_S = 2.0
"""For a child that has nothing more to read to end."""
LAST_WORD_S = 0.5
"""For a batch in hand to be answered when all is to stop; a batch that is lost is classified again."""


class ChildClassifier:
    """A `Classifier` that asks a child process, starting it when needed and again when it has died."""

    def __init__(self, model: str, *, threads: int) -> None:
        self.model = model
        self._command = [sys.executable, "-m", "workers.child", model, str(threads), str(os.getpid())]
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._closed = False

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        """Classify a batch in the child."""
        asked = [{"id": t.id, "text": t.text, "lang": t.lang, "rating": t.rating} for t in texts]
        answer = self._ask({"classify": asked})
        return [
            Unclassifiable(id=row["id"], error=row["error"]) if "error" in row else Classification.from_record(row)
            for row in answer["results"]
        ]

    def why(self, text: Text) -> list[Weight]:
        """Ask the child for the words that weighed."""
        answer = self._ask({"why": {"id": text.id, "text": text.text, "lang": text.lang}})
        return [Weight(span=(w["span"][0], w["span"][1]), weight=w["weight"], head=w["head"]) for w in answer["why"]]

    def pid(self) -> int | None:
        """Return the child's process id while it lives."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def close(self) -> None:
        """End the child, at once if it is in the middle of a batch; whoever waits for that hears `Unavailable`."""
        self._closed = True
        if not self._lock.acquire(timeout=LAST_WORD_S):
            child = self._child
            if child is not None:
                child.kill()
            self._lock.acquire()
        try:
            self._let_go()
        finally:
            self._lock.release()

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            child = self._alive()
            try:
                line = _exchange(child, json.dumps(question))
            except OSError:
                line = ""
            if not line.endswith("\n"):
                status = self._let_go()
                raise Unavailable(f"the classifier's process ended with status {status}; it is started again")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return answer

    def _alive(self) -> subprocess.Popen[str]:
        if self._closed:
            raise Unavailable("the classifier is closed")
        if self._child is not None and self._child.poll() is not None:
            self._let_go()
        if self._child is None:
            try:
                # A process group of its own: Ctrl+C in a terminal is for the parent to act on.
                self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    process_group=0,
                )
            except OSError as error:
                raise Unavailable(f"the classifier's process cannot be started: {error.strerror}") from error
        return self._child

    def _let_go(self) -> int | None:
        """Close the pipes, see the child end, and return its status."""
        child, self._child = self._child, None
        if child is None:
            return None
        if child.stdin is not None:
            with contextlib.suppress(OSError):  # what it has not read yet is lost with it
                child.stdin.close()
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
        return child.returncode


def _exchange(child: subprocess.Popen[str], question: str) -> str:
    if child.stdin is None or child.stdout is None:
        raise OSError("no pipes")
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return child.stdout.readline()


def serve(classifier: Classifier, questions: TextIO, answers: TextIO) -> None:
    """Answer questions until there are no more."""
    for line in questions:
        try:
            answer = _answer(classifier, json.loads(line))
        except AmendsError as error:
            answer = {"failed": str(error)}
        except Exception as error:  # noqa: BLE001 - the parent must get an answer to every question
            answer = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(classifier: Classifier, question: Mapping[str, Any]) -> dict[str, Any]:
    if "why" in question:
        weights = classifier.why(Text(**question["why"]))
        return {"why": [{"span": list(w.span), "weight": w.weight, "head": w.head} for w in weights]}
    results = classifier.classify([Text(**text) for text in question["classify"]])
    return {
        "results": [r.to_record() if isinstance(r, Classification) else {"id": r.id, "error": r.error} for r in results]
    }


def main() -> None:
    """Load the model named on the command line and serve stdin."""
    from workers.models import load

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    model, threads, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # The end of stdin is seen between two batches only; loading a model and a large batch take longer.
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    os.nice(5)  # pages first
    # Anything that prints would break the line protocol: keep the real stdout to ourselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        classifier: Classifier = load(model, threads=threads)
    except Exception as error:  # noqa: BLE001 - told to the parent as the answer to each question
        classifier = _Unloaded(f"the model {model!r} cannot be used: {error}")
    serve(classifier, sys.stdin, answers)


class _Unloaded:
    """Stands for a model that could not be loaded, and says so."""

    model = ""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def classify(self, texts: Sequence[Text]) -> list[Classification | Unclassifiable]:
        raise Unavailable(self._reason)

    def why(self, text: Text) -> list[Weight]:
        raise Unavailable(self._reason)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
