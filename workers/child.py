"""The classifier in a child process: pages stay fast, and it dies with its parent.

Both sides speak JSON lines over the child's stdin and stdout. The parent's death closes stdin, and the child ends.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from domain.classification import Classification, Text, Unclassifiable, Weight
from domain.errors import Unavailable
from domain.ports import Classifier


class ChildClassifier:
    """A `Classifier` that asks a child process, starting it when needed and again when it has died."""

    def __init__(self, model: str, *, threads: int) -> None:
        self.model = model
        self._command = [sys.executable, "-m", "workers.child", model, str(threads)]
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

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
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._child is not None and self._child.stdin is not None:
                self._child.stdin.close()
                self._child.wait(10)
                if self._child.stdout is not None:
                    self._child.stdout.close()
            self._child = None

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            child = self._alive()
            if child.stdin is None or child.stdout is None:
                raise Unavailable("the classifier's process has no pipes")
            try:
                child.stdin.write(json.dumps(question) + "\n")
                child.stdin.flush()
                line = child.stdout.readline()
            except OSError as error:
                raise Unavailable("the classifier's process died; it is started again") from error
            if not line:
                code = child.wait()
                raise Unavailable(f"the classifier's process ended with status {code}; it is started again")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return answer

    def _alive(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        return self._child


def serve(classifier: Classifier, questions: TextIO, answers: TextIO) -> None:
    """Answer questions until there are no more."""
    for line in questions:
        try:
            answer = _answer(classifier, json.loads(line))
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
    import os

    from workers.models import load

    os.nice(5)  # pages first
    # Anything that prints would break the line protocol: keep the real stdout to ourselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    model, threads = sys.argv[1], int(sys.argv[2])
    try:
        classifier = load(model, threads=threads)
    except Exception as error:  # noqa: BLE001 - told to the parent as the answer to its first question
        reason = f"the model {model!r} cannot be used: {error}"
        for _ in sys.stdin:
            answers.write(json.dumps({"failed": reason}) + "\n")
            answers.flush()
        return
    serve(classifier, sys.stdin, answers)


if __name__ == "__main__":
    main()
