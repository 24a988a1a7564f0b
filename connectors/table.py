"""Rows out of CSV, JSONL and XLSX files, streamed: any size, flat memory, and every bad row told by its place."""

import csv
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from connectors.lines import MAX_LINE, Lines, LineTooLong, start, undecodable
from domain.errors import Invalid
from domain.record import COLUMNS, REQUIRED

SUFFIXES = (".csv", ".jsonl", ".xlsx")
REJECTS = ".rejects.jsonl"
_DELIMITERS = ",;\t"
MAX_RAW = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: `record` or, where it could not be read, `reason`. `offset` and `line` say where the next one starts."""

    place: str
    offset: int
    line: int
    record: Mapping[str, Any] | None = None
    reason: str = ""
    raw: str = ""


class Table(Protocol):
    """An open file of rows. Raises `Invalid` when the file as a whole cannot be read."""

    def rows(self, *, offset: int, line: int) -> Iterator[Row]:
        """Read on from a place that a `Row` named; from the beginning at 0, 0."""
        ...

    def close(self) -> None: ...


class TextTable(ABC):
    """A table of lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = path.open("rb")
        try:
            self._encoding, self._start = start(path, self._handle)
        except Invalid:
            self._handle.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def _lines(self, *, offset: int, line: int) -> Lines:
        return Lines(self._handle, encoding=self._encoding, offset=max(offset, self._start), line=line)

    @abstractmethod
    def rows(self, *, offset: int, line: int) -> Iterator[Row]:
        """Read on from a place that a `Row` named; from the beginning at 0, 0."""


class JsonLines(TextTable):
    """One JSON object a line."""

    def rows(self, *, offset: int, line: int) -> Iterator[Row]:
        """Read on from a place that a `Row` named; from the beginning at 0, 0."""
        lines = self._lines(offset=offset, line=line)
        while True:
            text, record, reason = "", None, ""
            try:
                text = next(lines)
                if not text.strip():
                    continue
                reason = undecodable(text) or ""
                record = None if reason else _object(text)
            except StopIteration:
                return
            except RecursionError:
                reason = "the JSON is nested too deeply"
            except ValueError as error:
                reason = str(error)
            yield Row(
                place=f"line {lines.line}",
                offset=lines.offset,
                line=lines.line,
                record=record,
                reason=reason,
                raw=text[:MAX_RAW],
            )


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return {key.strip().lower() if key.strip().lower() in COLUMNS else key: inner for key, inner in value.items()}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Csv(TextTable):
    """Comma, semicolon or tab between fields; the first line names the columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        # The standard limit of 128 kB is below what we accept; the module keeps one for the whole process.
        csv.field_size_limit(MAX_LINE)
        try:
            self._columns, self._delimiter, self._body, self._body_line = self._head()
        except Exception:
            self._handle.close()
            raise

    def _head(self) -> tuple[list[str], str, int, int]:
        lines = self._lines(offset=0, line=0)
        try:
            first = next(lines, "")
            if first.lower().startswith("sep=") and len(first.strip()) == 5:
                # A line that Excel writes for itself.
                first = next(lines, "")
        except LineTooLong as error:
            raise Invalid(f"{self.path.name}: {error}; the first line must name the columns") from None
        if bad := undecodable(first):
            raise Invalid(f"{self.path.name}: line 1: {bad}")
        splits = [(columns_of(next(csv.reader([first], delimiter=mark), [])), mark) for mark in _DELIMITERS]
        best, chosen = max(splits, key=lambda split: (sum(name in COLUMNS for name in split[0]), len(split[0])))
        require_columns(self.path.name, best)
        return best, chosen, lines.offset, lines.line

    def rows(self, *, offset: int, line: int) -> Iterator[Row]:
        """Read on from a place that a `Row` named; from the beginning at 0, 0."""
        if offset < self._body:
            offset, line = self._body, self._body_line
        lines = self._lines(offset=offset, line=line)
        while True:
            begin, first = (lines.offset, lines.line), lines.line + 1
            reason, fields = "", []
            try:
                fields = next(csv.reader(_Counted(lines), delimiter=self._delimiter, strict=True))
            except StopIteration:
                return
            except (csv.Error, LineTooLong) as error:
                # An open quote would swallow what follows: give up this line only, and read on at the next.
                reason = _plainly(error)
                lines.seek(*begin)
                raw = self._skip(lines)
            else:
                if not any(field.strip() for field in fields):
                    continue
                raw = self._delimiter.join(fields)[:MAX_RAW]
                reason = undecodable("".join(fields)) or self._misfit(fields)
            record = None if reason else dict(zip(self._columns, fields, strict=False))
            yield Row(
                place=f"line {first}", offset=lines.offset, line=lines.line, record=record, reason=reason, raw=raw
            )

    def _misfit(self, fields: list[str]) -> str:
        if len(fields) <= len(self._columns) or not any(field.strip() for field in fields[len(self._columns) :]):
            return ""
        return f"{len(fields)} fields for {len(self._columns)} columns: is a field that holds a separator not quoted?"

    def _skip(self, lines: Lines) -> str:
        try:
            return next(lines, "")[:MAX_RAW]
        except LineTooLong:
            return ""


class _Counted(Iterator[str]):
    """The lines of one record, up to a limit."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._length = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self._length += len(line)
        if self._length > MAX_LINE:
            raise csv.Error("unexpected end of data")
        return line


def _plainly(error: Exception) -> str:
    if "unexpected end of data" in str(error) or "field larger" in str(error):
        return "a quote is opened and never closed"
    if "expected after" in str(error):
        return "a quote inside a quoted field is not doubled"
    if "new-line character" in str(error):
        return "a carriage return stands alone in the line; end lines with LF or CR LF"
    return str(error)


def columns_of(cells: list[Any]) -> list[str]:
    """Return column names: ours in lower case, others as they are, nameless ones by their number."""
    names = []
    for number, cell in enumerate(cells, start=1):
        name = str(cell if cell is not None else "").replace("\x00", "").strip().strip("\ufeff")
        plain = name.lower().replace(" ", "_")
        names.append(plain if plain in COLUMNS else name[:100] or f"column {number}")
    return names


def require_columns(file: str, names: list[str]) -> None:
    """Raise `Invalid` unless the required columns are there, each known column once."""
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        found = ", ".join(names[:30]) or "none"
        raise Invalid(
            f"{file}: no column {' and no column '.join(missing)}; columns found: {found}; required: id, text"
        )
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise Invalid(f"{file}: column {twice[0]} is there twice")


def open_table(path: Path) -> Table:
    """Open a file by its suffix. Raises `Invalid` when it is none that we read, or is not there."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise Invalid(f"{path.name}: only {', '.join(SUFFIXES)} files are read")
    try:
        if suffix == ".xlsx":
            # openpyxl is slow to load, and most never need it.
            from connectors.sheet import Sheet

            return Sheet(path)
        return Csv(path) if suffix == ".csv" else JsonLines(path)
    except OSError as error:
        raise Invalid(f"{path}: {os.strerror(error.errno) if error.errno else error}") from error
