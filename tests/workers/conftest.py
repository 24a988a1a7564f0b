"""The command line, called in this process or in one of its own."""

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workers.cli import main


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def refused(self, status: int, *says: str) -> None:
        """Check the exit status and that stderr is one plain line."""
        assert (self.status, self.err.count("\n")) == (status, 1), self
        assert self.err.startswith("amends: ") and "Traceback" not in self.err
        for part in says:
            assert part in self.err


Amends = Callable[..., Done]


def environment(data: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without any setting but the data folder and `more`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    return plain | {"AMENDS_DATA": str(data)} | dict(more or {})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def amends(data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Amends:
    """Call `amends` in this process, on a data folder of the test's own."""
    for name in [name for name in os.environ if name.startswith("AMENDS_")]:
        monkeypatch.delenv(name)

    def call(*arguments: Any, stdin: bytes = b"", **environ: Any) -> Done:
        with monkeypatch.context() as patch:
            for name, value in {"AMENDS_DATA": data, **environ}.items():
                patch.setenv(name, str(value))
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main([str(argument) for argument in arguments])
            sys.stdout.flush()
            said = capfd.readouterr()
        return Done(status=int(ended.value.code or 0), out=said.out, err=said.err)

    return call
