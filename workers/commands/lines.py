"""JSON lines in and out of a command: one line out for each line in, however odd."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

from domain.classification import Unclassifiable

MAX_LINE = 4_000_000


def read() -> Iterator[tuple[int, bytes | None]]:
    """Read stdin as numbered lines; None stands for a line over the limit, which is skipped and never held."""
    stream = sys.stdin.buffer
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) <= MAX_LINE:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)
        yield number, None


def parse(number: int, line: bytes | None) -> dict[str, Any] | Unclassifiable:
    """Return a line's object, or what is wrong with it under the name of its line."""
    identity = f"line {number}"
    if line is None:
        return Unclassifiable(id=identity, error=f"the line is longer than {MAX_LINE:,} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return Unclassifiable(id=identity, error="not JSON")
    return record if isinstance(record, dict) else Unclassifiable(id=identity, error="not a JSON object")


def identity_of(record: dict[str, Any], number: int) -> Any:
    """Return the record's own `id` as it stands, or the name of its line."""
    found = record.get("id")
    known = isinstance(found, str | int) or (isinstance(found, float) and math.isfinite(found))
    return found if known and found != "" else f"line {number}"


def is_rating(value: Any) -> bool:
    """Whether a value is 1 to 5 stars."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5


def write(record: Any) -> None:
    """Write one line to stdout. Half a surrogate pair comes out as the escape that it came in as."""
    line = json.dumps(record, ensure_ascii=False) + "\n"
    sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace"))


def flush() -> None:
    """Hand on what was written."""
    sys.stdout.buffer.flush()
