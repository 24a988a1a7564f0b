"""The lines of a text file with their byte offsets: UTF-8 or UTF-16, any size, flat memory."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from domain.errors import Invalid

MAX_LINE = 2 * 1024 * 1024
ALLOWED = "UTF-8 (with or without a byte order mark) or UTF-16 with a byte order mark"
_SAMPLE = 1024 * 1024
_ESCAPED = re.compile("[\udc80-\udcff]")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class LineTooLong(ValueError):
    """A line over the limit; it has been skipped."""


class Lines(Iterator[str]):
    """Reads decoded lines. `offset` is the byte after the last line read, `line` how many lines have been read.

    Bytes that are no text come out as lone surrogates, for `undecodable` to find.
    """

    def __init__(self, handle: BinaryIO, *, encoding: str, offset: int, line: int) -> None:
        self._handle = handle
        self._encoding = encoding
        self.seek(offset, line)

    def seek(self, offset: int, line: int) -> None:
        """Go to the start of a line: `offset` in bytes, after `line` lines."""
        self._handle.seek(offset)
        self.offset = offset
        self.line = line

    def __next__(self) -> str:
        raw = self._narrow() if self._encoding == "utf-8" else self._wide()
        if not raw:
            raise StopIteration
        self.line += 1
        if len(raw) > MAX_LINE:
            raise LineTooLong(f"the line is longer than {MAX_LINE:,} bytes")
        return raw.decode(self._encoding, "surrogateescape" if self._encoding == "utf-8" else "replace")

    def _narrow(self) -> bytes:
        raw = self._handle.readline(MAX_LINE + 1)
        self.offset += len(raw)
        piece = raw
        while len(raw) > MAX_LINE and piece and not piece.endswith(b"\n"):
            piece = self._handle.readline(MAX_LINE)
            self.offset += len(piece)
        return raw

    def _wide(self) -> bytes:
        """Read up to a line end of two bytes: a byte 0x0A alone may be half of another character."""
        little = self._encoding == "utf-16-le"
        ends = b"\n\x00" if little else b"\x00\n"
        kept, length, tail = bytearray(), 0, b""
        while piece := self._handle.readline(MAX_LINE + 1):
            if little and piece.endswith(b"\n") and (length + len(piece)) % 2:
                piece += self._handle.read(1)
            length += len(piece)
            tail = (tail + piece)[-2:]
            kept += piece if length <= MAX_LINE else b""
            if length % 2 == 0 and tail == ends:
                break
        self.offset += length
        return bytes(kept) if length <= MAX_LINE else b" " * (MAX_LINE + 1)


def start(path: Path, handle: BinaryIO) -> tuple[str, int]:
    """Return a file's encoding and the byte where its text starts. Raises `Invalid` when it is not text we read."""
    head = handle.read(_SAMPLE)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    # Without a mark, UTF-16 shows as every other byte zero; a stray NUL in UTF-8 does not.
    if head[:200].count(0) * 3 > len(head[:200]):
        raise Invalid(f"{path.name}: this looks like UTF-16 without a byte order mark, or no text; allowed: {ALLOWED}")
    _check(path, head)
    return "utf-8", 0


def undecodable(text: str) -> str | None:
    """Say which byte of `text` is not UTF-8, None when all are. One bad byte costs its row, not the file."""
    found = None if text.isascii() else _ESCAPED.search(text)
    return f"byte 0x{ord(found[0]) - 0xDC00:02X} is not UTF-8; allowed: {ALLOWED}" if found else None


def _check(path: Path, head: bytes) -> None:
    """Raise when most lines that are not plain ASCII are not UTF-8 either: then it is the file that is wrong."""
    good, bad, first = 0, 0, ""
    offset = 0
    # The last line of the sample may be cut in the middle of a character.
    lines = head.split(b"\n") if len(head) < _SAMPLE else head.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        if not line.isascii():
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError as error:
                bad += 1
                first = first or f"line {number}, byte {offset + error.start + 1:,} (0x{line[error.start]:02X})"
        offset += len(line) + 1
    if bad > good and bad > 1:
        raise Invalid(f"{path.name}: not UTF-8 at {first}; allowed: {ALLOWED}. Save the file as UTF-8 and try again")
