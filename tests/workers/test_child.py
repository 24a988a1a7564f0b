"""The classifier in a child process: it answers, it is replaced when it dies, and it never outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.classification import Classification, Text
from domain.errors import Unavailable
from workers.child import ChildClassifier


@pytest.fixture
def child() -> Iterator[ChildClassifier]:
    classifier = ChildClassifier("rules", threads=1)
    yield classifier
    classifier.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[ChildClassifier]:
    """One child for the tests that leave it alive."""
    classifier = ChildClassifier("rules", threads=1)
    classifier.classify([text("1", "fine")])
    yield classifier
    classifier.close()


def text(identity: str, words: str) -> Text:
    return Text(id=identity, text=words)


def alive(pid: int) -> bool:
    """Whether a process is there and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_it_answers_like_the_classifier_itself(child: ChildClassifier) -> None:
    from classifiers.baseline import Rules

    texts = [
        Text(id="1", text="My parcel never arrived and nobody answers!", lang="en", rating=1),
        text("2", "Kiitos, kaikki toimii hienosti"),
        text("3", " "),
    ]
    assert child.pid() is None  # started when it is first needed
    assert child.classify(texts) == Rules().classify(texts)
    assert child.why(texts[0]) == Rules().why(texts[0])
    assert child.pid() is not None
    assert child.classify([]) == []


def test_a_killed_child_is_replaced_by_another(child: ChildClassifier) -> None:
    child.classify([text("1", "fine")])
    first = child.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert gone(first, seconds=5)
    assert isinstance(child.classify([text("1", "fine")])[0], Classification)
    assert child.pid() not in (None, first)


def test_a_child_killed_in_mid_answer_is_an_error_once(child: ChildClassifier) -> None:
    child.classify([text("1", "fine")])
    pid = child.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it takes the question and does not answer
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(Unavailable, match="ended with status -9"):
        child.classify([text("2", "fine")])
    assert [result.id for result in child.classify([text("2", "fine")])] == ["2"]


def test_a_model_that_cannot_be_loaded_is_named() -> None:
    broken = ChildClassifier("/no/such/folder", threads=1)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"/no/such/folder.*'amends', 'rules', or the folder"):
            broken.classify([text("1", "x")])
    with pytest.raises(Unavailable, match="/no/such/folder"):
        broken.why(text("1", "x"))
    broken.close()


def test_two_threads_get_each_their_own_answers(shared: ChildClassifier) -> None:
    wrong: list[str] = []

    def ask(name: str) -> None:
        for turn in range(20):
            given = [f"{name}-{turn}-{number}" for number in range(5)]
            found = [result.id for result in shared.classify([text(each, "It is broken") for each in given])]
            if found != given:
                wrong.append(f"{given} → {found}")

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_batch_larger_than_any_pipe_passes(shared: ChildClassifier) -> None:
    texts = [text(str(number), "This is broken. " * 200) for number in range(60)]
    assert [result.id for result in shared.classify(texts)] == [each.id for each in texts]


@pytest.mark.parametrize(
    "words",
    [
        "a\ud83d half \udc00pair",
        "nul \x00 in it",
        "line\nend\r\n\u2028\u2029\x85\x0b\x0c",
        "👩‍👩‍👧 مرحبا \u202e",
        "x" * 1_000_000,
    ],
    ids=["surrogates", "nul", "line ends", "emoji", "long"],
)
def test_weird_texts_pass(shared: ChildClassifier, words: str) -> None:
    results = shared.classify([text("first", words), text(words[:50], "This is broken")])
    assert [result.id for result in results] == ["first", words[:50]]


def test_closing_ends_it_for_good(child: ChildClassifier) -> None:
    child.classify([text("1", "fine")])
    pid = child.pid()
    assert pid is not None
    child.close()
    assert gone(pid, seconds=2)
    with pytest.raises(Unavailable, match="closed"):
        child.classify([text("1", "fine")])
    assert child.pid() is None
    child.close()


def test_closing_does_not_wait_for_a_long_batch(child: ChildClassifier) -> None:
    child.classify([text("1", "fine")])
    pid = child.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    errors: list[Unavailable] = []

    def ask() -> None:
        try:
            child.classify([text("1", "fine")])
        except Unavailable as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    started = time.monotonic()
    child.close()
    asking.join(5)
    assert time.monotonic() - started < 6
    assert len(errors) == 1 and not alive(pid)


PARENT = """
import sys, time
from domain.classification import Text
from workers.child import ChildClassifier
child = ChildClassifier("rules", threads=1)
if sys.argv[1] == "busy":
    import threading
    threading.Thread(target=child.classify, args=([Text(id="1", text="broken " * 150_000)] * 100,)).start()
    while child.pid() is None: time.sleep(0.01)
else:
    child.classify([Text(id="1", text="fine")])
print(child.pid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_it_ends_with_a_parent_that_is_killed(state: str) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, state], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        time.sleep(1.0 if state == "busy" else 0)
        parent.kill()
        parent.wait(10)
        assert gone(pid, seconds=5)


def test_ctrl_c_is_for_the_parent_to_act_on(shared: ChildClassifier) -> None:
    shared.classify([text("1", "fine")])
    pid = shared.pid()
    assert pid is not None
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    assert [result.id for result in shared.classify([text("2", "fine")])] == ["2"]
    assert shared.pid() == pid
