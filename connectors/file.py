"""Files of posts: one named file (`file`), or a folder that files are dropped into (`drop`)."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from connectors.http import Http
from connectors.table import REJECTS, SUFFIXES, Row, Table, open_table
from domain.errors import Invalid, Unavailable
from domain.mention import Cursor, Mention, Page, Reject
from domain.ports import Eligibility
from domain.record import BadRow, mention
from domain.source import SourceSpec
from domain.storable import storable

PAGE_ROWS = 500
# A page of long rows is cut earlier, so that memory stays flat.
PAGE_BYTES = 8_000_000
SETTLED_S = 2.0
MAX_REMEMBERED = 2_000
Clock = Callable[[], datetime]


def _mention(row: Row, *, spec: SourceSpec, now: datetime) -> Mention:
    if row.record is None:
        raise BadRow(row.reason)
    return mention(row.record, realm=spec.name, now=now, account=spec.account)


def utc_now() -> datetime:
    """Return the time now, aware UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Reading:
    """An open file and how far it has been read, so that the next page need not start over (an XLSX cannot seek)."""

    table: Table
    rows: Iterator[Row]
    cursor: Cursor


class File:
    """Reads one CSV, JSONL or XLSX file of import records. A file that has changed is read again from its beginning."""

    platform = "file"

    def __init__(self, spec: SourceSpec, *, path: Path, clock: Clock = utc_now) -> None:
        self._reading: _Reading | None = None
        self._spec = spec
        self._path = path
        self._clock = clock

    @classmethod
    def open(cls, spec: SourceSpec, *, secrets: Mapping[str, str], http: Http) -> Self:
        """Make the source; `path` names the file."""
        return cls(spec, path=path_of(spec))

    def poll(self, cursor: Cursor | None) -> Page:
        """Read the next 500 rows. The cursor holds the file's size and date, a byte offset and a line number."""
        at = self._resume(cursor)
        if at["done"]:
            return Page(items=(), cursor=at)
        rows = self._rows(at)
        now = self._clock()
        items: list[Mention] = []
        rejects: list[Reject] = []
        begin = at["offset"]
        try:
            for row in rows:
                try:
                    items.append(_mention(row, spec=self._spec, now=now))
                except (BadRow, RecursionError) as error:
                    rejects.append(_reject(row, error))
                at |= {"offset": row.offset, "line": row.line}
                if len(items) + len(rejects) >= PAGE_ROWS or row.offset - begin >= PAGE_BYTES:
                    break
            else:
                at |= {"done": True}
                self.close()
        except OSError as error:
            self.close()
            raise Unavailable(f"{self._path.name}: {error.strerror or error}") from error
        except Invalid:
            self.close()
            raise
        if self._reading is not None:
            self._reading.cursor = dict(at)
        # Rows of a file are in the order their owner chose; we hand on oldest first.
        items.sort(key=lambda item: item.posted_at)
        return Page(items=tuple(items), cursor=at, more=not at["done"], rejects=tuple(rejects))

    def check(self) -> str:
        """Open the file and read its columns."""
        table = open_table(self._path)
        try:
            next(table.rows(offset=0, line=0), None)
        finally:
            table.close()
        return f"{self._path.name} can be read: {self.size():,} bytes"

    def size(self) -> int:
        """Return the file's size in bytes: where a cursor's `offset` ends."""
        return int(_identity(self._path)["size"])

    def progress(self, cursor: Cursor | None) -> float:
        """Return how much of the file lies before a cursor, 0 to 1."""
        if not cursor:
            return 0.0
        return 1.0 if cursor.get("done") else min(1.0, int(cursor.get("offset", 0)) / max(1, self.size()))

    def eligibility(self, mention: Mention) -> Eligibility:
        """Say that a person answers where the post came from."""
        return Eligibility(way="manual", reason="imported from a file: answer on the platform it came from")

    def close(self) -> None:
        """Close the file if it is open between two pages."""
        if self._reading is not None:
            self._reading.table.close()
            self._reading = None

    def __del__(self) -> None:
        self.close()

    def _resume(self, cursor: Cursor | None) -> dict[str, Any]:
        """Return where to read on: at the cursor, or at the beginning of a file that is not the cursor's any more."""
        now = _identity(self._path)
        if not cursor or "file" not in cursor:
            return _beginning(now)
        then = cursor["file"]
        # A file that is appended to while we read would otherwise never be finished; it is read again once it was.
        grown = not cursor["done"] and then.get("head") == now["head"] and now["size"] >= cursor["offset"]
        return dict(cursor) if then == now or grown else _beginning(now)

    def _rows(self, at: Mapping[str, Any]) -> Iterator[Row]:
        if self._reading is not None and self._reading.cursor == at:
            return self._reading.rows
        self.close()
        table = open_table(self._path)
        rows = table.rows(offset=at["offset"], line=at["line"])
        self._reading = _Reading(table, rows, dict(at))
        return rows


class DropFolder:
    """Reads the files of a folder, oldest first, once each. Nothing in the folder is touched; the cursor remembers."""

    platform = "drop"

    def __init__(self, spec: SourceSpec, *, path: Path, clock: Clock = utc_now) -> None:
        self._spec = spec
        self._path = path
        self._clock = clock
        self._file: File | None = None
        self._file_mark = ""

    @classmethod
    def open(cls, spec: SourceSpec, *, secrets: Mapping[str, str], http: Http) -> Self:
        """Make the source; `path` names the folder."""
        return cls(spec, path=path_of(spec))

    def poll(self, cursor: Cursor | None) -> Page:
        """Read the next 500 rows of the oldest file that is not finished."""
        found = self._waiting()
        state = dict(cursor or {})
        marks = {mark for mark, _ in found}
        # Files that are gone need not be remembered.
        done = [mark for mark in state.get("done", []) if mark in marks]
        known, before = set(done), int(state.get("before", 0))
        waiting = [(mark, path) for mark, path in found if mark not in known and _date(mark) > before]
        if not waiting:
            self.close()
            return Page(items=(), cursor={"done": done, "before": before, "at": None, "mark": ""})
        mark, path = waiting[0]
        page = self._read(mark, path, state.get("at") if state.get("mark") == mark else None)
        if not page.more:
            done.append(mark)
        truncated = None
        if len(done) > MAX_REMEMBERED:
            before = max(before, *map(_date, done[:-MAX_REMEMBERED]))
            done = done[-MAX_REMEMBERED:]
            truncated = f"over {MAX_REMEMBERED:,} files in the folder: move read ones away, or newcomers may be missed"
        at = page.cursor if page.more else None
        return Page(
            items=page.items,
            cursor={"done": done, "before": before, "at": at, "mark": mark if page.more else ""},
            more=page.more or len(waiting) > 1,
            rejects=page.rejects,
            truncated=truncated,
        )

    def check(self) -> str:
        """List the folder."""
        return f"{self._path} can be read: {len(self._waiting())} files"

    def eligibility(self, mention: Mention) -> Eligibility:
        """Say that a person answers where the post came from."""
        return Eligibility(way="manual", reason="imported from a file: answer on the platform it came from")

    def close(self) -> None:
        """Close the file that is open between two pages."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, mark: str, path: Path, cursor: Cursor | None) -> Page:
        if self._file is None or self._file_mark != mark:
            self.close()
            self._file, self._file_mark = File(self._spec, path=path, clock=self._clock), mark
        try:
            page = self._file.poll(cursor)
        except Invalid as error:
            # One file that cannot be read costs itself, not the ones behind it.
            return Page(items=(), cursor=None, rejects=(Reject(place=storable(path.name), reason=str(error)),))
        placed = tuple(
            Reject(place=f"{storable(path.name)} {reject.place}", reason=reject.reason, raw=reject.raw)
            for reject in page.rejects
        )
        return Page(items=page.items, cursor=page.cursor, more=page.more, rejects=placed)

    def _waiting(self) -> list[tuple[str, Path]]:
        """List the settled files, oldest first, each with a mark made of name, size and date."""
        now = time.time()
        found: list[tuple[int, str, str, Path]] = []
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    # A link could lead anywhere on this machine.
                    if not entry.is_file(follow_symlinks=False) or entry.name.startswith("."):
                        continue
                    if not entry.name.lower().endswith(SUFFIXES) or entry.name.endswith(REJECTS):
                        continue
                    told = entry.stat(follow_symlinks=False)
                    # A date in the future is another machine's clock, not a file being written.
                    if 0 <= now - told.st_mtime < SETTLED_S:
                        continue
                    name = hashlib.sha256(os.fsencode(entry.name) + b"/%d" % told.st_size).hexdigest()[:12]
                    mark = f"{name}|{told.st_mtime_ns}"
                    found.append((told.st_mtime_ns, entry.name, mark, Path(entry.path)))
        except FileNotFoundError:
            raise Invalid(f"the folder {self._path} does not exist") from None
        except OSError as error:
            raise Unavailable(f"the folder {self._path} cannot be listed: {error.strerror or error}") from error
        return [(mark, path) for _, _, mark, path in sorted(found)]


def _date(mark: str) -> int:
    return int(mark.rpartition("|")[2])


def path_of(spec: SourceSpec) -> Path:
    """Return the setting `path`. Raises `Invalid` when it is missing."""
    path = spec.option("path")
    if not spec.trusted:
        raise Invalid(f"source {spec.name}: files are read only where the operator's own configuration names them")
    if not path:
        raise Invalid(f"source {spec.name}: set path to the {'folder' if spec.platform == 'drop' else 'file'} to read")
    return Path(path)


def _identity(path: Path) -> dict[str, Any]:
    try:
        told = path.stat()
        if not path.is_file():
            raise Invalid(f"{path} is not a file")
        with path.open("rb") as handle:
            head = hashlib.sha256(handle.read(1024)).hexdigest()[:16]
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror or error}") from error
    return {"size": told.st_size, "mtime_ns": told.st_mtime_ns, "head": head}


def _beginning(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {"file": dict(identity), "offset": 0, "line": 0, "done": False}


def _reject(row: Row, error: Exception) -> Reject:
    reason = str(error) if isinstance(error, BadRow) else "the row is nested too deeply"
    raw = row.raw
    if not raw and row.record is not None:
        raw = str({name: value if not isinstance(value, str) else value[:200] for name, value in row.record.items()})
    return Reject(place=row.place, reason=storable(reason), raw=storable(raw)[:2000])
