"""Rows out of an XLSX workbook, streamed: the first visible sheet, formulas as the values that were saved with them."""

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from xml.parsers import expat

from openpyxl.reader.excel import ExcelReader  # type: ignore[import-untyped, unused-ignore]

from connectors.table import Row, columns_of, require_columns
from domain.errors import Invalid
from domain.record import as_text

MAX_ROWS = 1_048_576
MAX_COLUMNS = 500
# Sheets are streamed, so they may be large; what openpyxl holds in memory may not.
_MAX_SHEET = 2_000_000_000
_MAX_STRINGS = 300_000_000
_MAX_PART = 50_000_000
# Beyond this size nothing that people write is packed as tightly as this; sheets come to about 10.
_RATIO_FROM = 20_000_000
_MAX_RATIO = 200
# A row is held in memory with all that is in it. There are 16,384 columns; rich text is many elements.
_MAX_CELLS = 16_384
_MAX_ELEMENTS = 500_000
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ROW, _CELL = f"{_MAIN} row", f"{_MAIN} c"


class Sheet:
    """An open workbook. Rows are numbered as in a spreadsheet; `line` of a `Row` is its number."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = path.stat().st_size
        refuse_bomb(path)
        # It warns of styles and extensions, which are no concern of ours.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
        self._file = path.open("rb")
        try:
            reader = ExcelReader(self._file, read_only=True, data_only=True, keep_links=False)
            reader.archive = _Archive(self._file)
            reader.read()
            self._book = reader.wb
        # openpyxl meets a broken workbook with whatever its innards raise: KeyError, ParseError, TypeError, ...
        except Exception as error:
            self._file.close()
            raise Invalid(f"{path.name}: not a workbook that can be read ({_short(error)})") from error
        visible = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        if not visible:
            self.close()
            raise Invalid(f"{path.name}: the workbook has no visible sheet")
        self._sheet = visible[0]
        # What the file claims; it is only used to show progress.
        self._claimed = min(max(self._sheet.max_row or 1, 1), MAX_ROWS)
        self._sheet.reset_dimensions()

    def close(self) -> None:
        """Close the file."""
        self._book.close()
        self._file.close()

    def rows(self, *, offset: int, line: int) -> Iterator[Row]:
        """Read on after row number `line`; from the beginning at 0. `offset` is only an estimate here."""
        names: list[str] = []
        number = 0
        try:
            for number, cells in enumerate(self._sheet.iter_rows(max_row=MAX_ROWS, values_only=True), start=1):
                if not names:
                    if any(as_text(cell).strip() for cell in cells):
                        names = columns_of(list(cells[:MAX_COLUMNS]))
                        require_columns(self.path.name, names)
                    continue
                if number <= line or not any(as_text(cell).strip() for cell in cells):
                    continue
                yield self._row(number, names, cells)
        except Invalid:
            raise
        # As above: a broken cell ends the sheet, for what follows cannot be found any more.
        except Exception as error:  # noqa: BLE001
            yield Row(
                place=f"row {number + 1}",
                offset=self._size,
                line=MAX_ROWS,
                reason=f"the sheet cannot be read from here on ({_short(error)})",
            )
            return
        if not names:
            require_columns(self.path.name, [])

    def _row(self, number: int, names: list[str], cells: tuple[Any, ...]) -> Row:
        offset = min(self._size, self._size * number // self._claimed)
        values = [_value(cell) for cell in cells[:MAX_COLUMNS]]
        # Notes beside the table are kept under the number of their column.
        names = names + [f"column {place}" for place in range(len(names) + 1, len(values) + 1)]
        record = dict(zip(names, values, strict=False))
        return Row(place=f"row {number}", offset=offset, line=number, record=record)


def refuse_bomb(path: Path) -> None:
    """Raise `Invalid` when the archive claims to unfold beyond reason; zipfile reads no more than what is claimed."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise Invalid(f"{path.name}: not an XLSX workbook ({_short(error)})") from error
    for part in parts:
        name = part.filename.lower()
        limit = _MAX_PART
        if name.startswith("xl/worksheets/"):
            limit = _MAX_SHEET
        elif name.endswith("sharedstrings.xml"):
            limit = _MAX_STRINGS
        tight = part.file_size > _RATIO_FROM and part.file_size > _MAX_RATIO * part.compress_size
        if part.file_size > limit or tight:
            raise Invalid(
                f"{path.name}: {part.filename[:100]} would unfold from {part.compress_size:,} to {part.file_size:,} "
                "bytes; save it as CSV"
            )
    if len(parts) > 10_000:
        raise Invalid(f"{path.name}: {len(parts):,} parts in one workbook; save the sheet as CSV")


class _TooMuch(Exception):
    """A part of a workbook holds more than a spreadsheet can."""


class _Archive(zipfile.ZipFile):
    """A workbook's archive that watches its parts while they are read. Shared strings are limited by their size."""

    def open(self, name: Any, *args: Any, **more: Any) -> Any:
        """Open a part."""
        part = super().open(name, *args, **more)
        called = name if isinstance(name, str) else name.filename
        return part if called.lower().endswith("sharedstrings.xml") else _Watched(part)


class _Watched:
    """A part that stops when a row grows beyond reason: its elements are counted before openpyxl keeps them."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._rows = self._depth = self._cells = self._elements = 0
        self._parser: expat.XMLParserType | None = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, size: int = -1) -> bytes:
        """Read on, or raise `_TooMuch`."""
        data = self._part.read(size)
        if self._parser is not None and data:
            try:
                self._parser.Parse(data)
            # What is broken, or no XML at all, is for openpyxl to meet.
            except expat.ExpatError:
                self._parser = None
        return data

    def close(self) -> None:
        """Close the part."""
        # Parser and handlers hold each other.
        self._parser = None
        self._part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if name == _CELL:
            self._cells += 1
        elif name == _ROW:
            self._depth += 1
            self._rows += self._depth == 1
        if self._cells > _MAX_CELLS or self._elements > _MAX_ELEMENTS:
            raise _TooMuch(f"a row has more than {_MAX_CELLS:,} cells")
        if self._rows > MAX_ROWS:
            raise _TooMuch(f"more than {MAX_ROWS:,} rows")

    def _end(self, name: str) -> None:
        if name == _ROW:
            self._depth -= 1
            if self._depth == 0:
                self._cells = self._elements = 0


def _value(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, str | int | float) else as_text(cell)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
