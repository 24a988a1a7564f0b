"""Files of import records: the contract, and everything that is wrong with files."""

import csv
import json
import os
import time
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.file import PAGE_ROWS, DropFolder, File
from connectors.http import Http
from domain.errors import Invalid
from domain.mention import Mention, Page
from domain.source import SourceSpec
from tests.connectors.contract import Harness, Seed, SourceContract, drain, mentions, texts

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def spec(path: Path, platform: str = "file", **extra: Any) -> SourceSpec:
    options = {"path": str(path)}
    return SourceSpec(name="old-desk", platform=platform, account="@OurBrand", trusted=True, options=options, **extra)


def source(path: Path) -> File:
    return File(spec(path), path=path, clock=lambda: NOW)


def read(path: Path) -> tuple[list[Mention], list[str]]:
    """Return the mentions and `place: reason` of the rejects of a whole file."""
    pages, _ = drain(source(path))
    return mentions(pages), [f"{reject.place}: {reject.reason}" for page in pages for reject in page.rejects]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def row_of(post: Seed) -> dict[str, str]:
    return {"id": post.id, "text": post.text, "created_at": post.at.isoformat(), "author": post.author}


class FileHarness(Harness):
    page_size = PAGE_ROWS

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[list[Any]] = []
        self.source = source(path)

    def seed(self, posts: Sequence[Seed]) -> None:
        self.rows += [list(row_of(post).values()) for post in posts]
        self._write()

    def seed_unreadable(self) -> None:
        self.rows.append(["", "no id", "", ""])
        self._write()

    def seed_ours(self, post: Seed) -> None:
        self.rows.append([post.id, post.text, post.at.isoformat(), "ourbrand"])
        self._write()

    def _write(self) -> None:
        with self.path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(["id", "text", "created_at", "author"])
            writer.writerows(self.rows)

    def state(self) -> Any:
        told = self.path.stat()
        return told.st_mtime_ns, self.path.read_bytes(), sorted(os.listdir(self.path.parent))


class JsonLinesHarness(FileHarness):
    def _write(self) -> None:
        names = ("id", "text", "created_at", "author")
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in self.rows]
        self.path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


class WorkbookHarness(FileHarness):
    def _write(self) -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        sheet.append(["id", "text", "created_at", "author"])
        for row in self.rows:
            sheet.append(row)
        book.save(self.path)
        book.close()


class DropHarness(FileHarness):
    """Every seeding is a new file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path / "x.csv")
        self.folder = path
        self.files = 0
        self.source = DropFolder(spec(path, "drop"), path=path, clock=lambda: NOW)

    def _write(self) -> None:
        if not self.rows:
            return
        self.files += 1
        self.path = self.folder / f"{self.files:04}.csv"
        super()._write()
        os.utime(self.path, (1_000_000 + self.files, 1_000_000 + self.files))
        self.rows = []

    def state(self) -> Any:
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in self.folder.iterdir()}


class TestFileContract(SourceContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FileHarness(tmp_path / "posts.csv")


class TestJsonLinesContract(SourceContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return JsonLinesHarness(tmp_path / "posts.jsonl")


class TestWorkbookContract(SourceContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return WorkbookHarness(tmp_path / "posts.xlsx")


class TestDropContract(SourceContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return DropHarness(tmp_path)


def test_every_column_arrives(tmp_path: Path) -> None:
    row = {
        "id": "7", "text": " Late again ", "created_at": "2026-02-01T10:00:00+02:00", "author": "anna",
        "author_name": "Anna A.", "followers": "120", "url": "https://example.com/7", "platform": "Trustpilot",
        "conversation_id": "c1", "in_reply_to": "6", "rating": "2", "lang": "en-GB", "product": "Phone",
        "place": "Riga", "colour": "red",
    }  # fmt: skip
    with (tmp_path / "a.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, row)
        writer.writeheader()
        writer.writerow(row)
    write(tmp_path / "a.jsonl", json.dumps(row | {"followers": 120, "rating": 2}))
    book = openpyxl.Workbook()
    book.active.append(list(row))
    book.active.append(list((row | {"followers": 120, "rating": 2}).values()))
    book.save(tmp_path / "a.xlsx")
    for suffix in ("csv", "jsonl", "xlsx"):
        [found], rejects = read(tmp_path / f"a.{suffix}")
        assert rejects == []
        assert found.key == ("trustpilot", "old-desk", "7")
        assert (found.text, found.posted_at) == ("Late again", datetime(2026, 2, 1, 8, tzinfo=UTC))
        assert (found.author.external_id, found.author.name, found.author.followers) == ("anna", "Anna A.", 120)
        assert (found.url, found.conversation_id, found.in_reply_to) == ("https://example.com/7", "c1", "6")
        assert (found.rating, found.lang, found.product, found.place) == (2, "en", "Phone", "Riga")
        assert found.raw["colour"] == "red"


def test_what_is_missing_has_its_default(tmp_path: Path) -> None:
    found, _ = read(write(tmp_path / "a.csv", "id,text\n1,first\n2,second\n"))
    assert [item.key for item in found] == [("file", "old-desk", "1"), ("file", "old-desk", "2")]
    assert [item.conversation_id for item in found] == ["1", "2"]
    assert found[0].posted_at == NOW
    # Two unknown people are not one person.
    assert found[0].author.external_id != found[1].author.external_id


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("created_at", "yesterday", "ISO 8601"), ("created_at", "0001-01-01T00:00:00+14:00", "before 1970"),
        ("created_at", "9999-12-31T23:59:59Z", "in the future"),
        ("rating", "6", "1 to 5"), ("rating", "bad", "not a number"), ("rating", "nan", "not a number"),
        ("followers", "-1", "whole number"), ("followers", "9999999999", "whole number"),
        ("platform", "Face Book!", "platform"), ("id", "", "no id"), ("text", " ", "no text"),
        ("text", "\x00", "no text"), ("id", "x" * 501, "501"), ("id", "1.23457E+18", "rounded"),
        ("text", "x" * 100_001, "100,001"),
    ],
)  # fmt: skip
def test_a_bad_value_rejects_its_row_with_the_reason(tmp_path: Path, field: str, value: str, says: str) -> None:
    rows = [{"id": "1", "text": "fine"}, {"id": "2", "text": "bad"} | {field: value}, {"id": "3", "text": "fine too"}]
    found, rejects = read(write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    assert [item.external_id for item in found] == ["1", "3"]
    assert len(rejects) == 1 and rejects[0].startswith("line 2: ") and says in rejects[0]


def test_half_stars_are_rounded_and_a_strange_language_is_dropped(tmp_path: Path) -> None:
    [found], _ = read(write(tmp_path / "a.csv", "id,text,rating,lang,url\n1,x,2.5,Norwegian (Bokmål),javascript:x\n"))
    assert (found.rating, found.lang, found.url) == (3, None, None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_dialects(tmp_path: Path, delimiter: str, encoding: str, end: str) -> None:
    rows = [["id", " Text "], ["1", '"Hei, ""maailma""; ok\n2. rivi ਊ 👩‍👩‍👧\tloppu"'], ["2", "Ģirts ਅ"]]
    text = end.join(delimiter.join(row) for row in rows) + end
    found, rejects = read(write(tmp_path / "a.csv", text, encoding))
    assert rejects == []
    assert [item.text for item in found] == ['Hei, "maailma"; ok\n2. rivi ਊ 👩‍👩‍👧\tloppu', "Ģirts ਅ"]


def test_utf_16_resumes_at_its_byte_offset(tmp_path: Path) -> None:
    for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        path = tmp_path / f"{encoding}.csv"
        body = "id,text\n" + "".join(f"{i},ਊ row {i} Ċ\n" for i in range(PAGE_ROWS + 3))
        path.write_bytes(mark + body.encode(encoding))
        first = source(path).poll(None)
        second = source(path).poll(first.cursor)
        assert len(first.items) == PAGE_ROWS
        assert [item.text for item in second.items] == [f"ਊ row {PAGE_ROWS + i} Ċ" for i in range(3)]  # type: ignore[union-attr]


def test_excels_own_first_line_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    found, rejects = read(write(tmp_path / "a.csv", "sep=;\nid;text\n\n1;x\n;\n2;y\n"))
    assert ([item.external_id for item in found], rejects) == (["1", "2"], [])


@pytest.mark.parametrize(
    ("head", "says"),
    [("id,body", "no column text"), ("name;message", "columns found: name, message"), ("", "columns found: none"),
     ("id,text,ID", "twice")],
)  # fmt: skip
def test_a_missing_column_is_named(tmp_path: Path, head: str, says: str) -> None:
    for path in (write(tmp_path / "a.csv", head + "\n1,2\n"), tmp_path / "a.xlsx"):
        if path.suffix == ".xlsx":
            book = openpyxl.Workbook()
            book.active.append(head.replace(";", ",").split(","))
            book.save(path)
        with pytest.raises(Invalid) as caught:
            read(path)
        assert says in str(caught.value) and path.name in str(caught.value)


def test_a_file_in_another_encoding_is_refused_by_name_line_and_byte(tmp_path: Path) -> None:
    rows = "id,text\n" + "".join(f"{i},Hyvää päivää\n" for i in range(5))
    with pytest.raises(Invalid, match=r"a\.csv: not UTF-8 at line 2, byte 14 \(0xE4\).*UTF-16"):
        read(write(tmp_path / "a.csv", rows, "latin-1"))
    with pytest.raises(Invalid, match="byte order mark"):
        read(write(tmp_path / "b.csv", rows, "utf-16-le"))


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_one_row_in_another_encoding_costs_only_itself(tmp_path: Path, suffix: str) -> None:
    lines = {"csv": b"id,text\n1,\xc3\xa4\n2,\xe4\n3,\xc3\xa5\n",
             "jsonl": b'{"id":1,"text":"\xc3\xa4"}\n{"id":2,"text":"\xe4"}\n'
             b'{"id":3,"text":"\xc3\xa5"}\n'}  # fmt: skip
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(lines[suffix])
    found, [reject] = read(path)
    assert [item.text for item in found] == ["ä", "å"]
    assert "0xE4" in reject and "UTF-8" in reject


def test_nul_and_half_characters_are_taken_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"id": "1", "text": "a\\u0000b\\ud83d", "x": {"y\\u0000": ["\\udc00z"]}}\n')
    [found], _ = read(path)
    assert found.text == "ab"
    assert found.raw["x"] == {"y": ["z"]}
    [found], _ = read(write(tmp_path / "a.csv", "id,text\n1,a\x00b\n"))
    assert found.text == "ab"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"), ("[1]", "object"), ('"x"', "object"), ('{"id": 1, "text": NaN}', "NaN"),
        ('{"id": ' + "9" * 5000 + ', "text": "x"}', "limit"), ("[" * 100_000, "deep"),
        ('{"id": "2", "text": ["x"]}', "text must be"),
        ('{"id": "2", "text": "x", "x": ' + "[" * 600 + "]" * 600 + "}", "deep"),
    ],
)  # fmt: skip
def test_a_bad_json_line_is_a_reject(tmp_path: Path, line: str, says: str) -> None:
    text = '{"id": 1, "text": "a"}\n' + line + '\n\n{"id": 3, "text": "c"}'
    found, [reject] = read(write(tmp_path / "a.jsonl", text))
    assert [item.external_id for item in found] == ["1", "3"]
    assert reject.startswith("line 2: ") and says in reject


def test_csv_mishaps_cost_only_their_row(tmp_path: Path) -> None:
    lines = ["id,text,lang", "1,fine,en", '2,"never closed,en', "3,also fine,en", '4,"he said "hi" to me",en',
             "5,a,b,c,d",
             "6,short", '7,"two\nlines",en', "8,last,en"]  # fmt: skip
    found, rejects = read(write(tmp_path / "a.csv", "\n".join(lines)))
    assert [item.external_id for item in found] == ["1", "3", "6", "7", "8"]
    assert [reject.split(":")[0] for reject in rejects] == ["line 3", "line 5", "line 6"]
    assert "quote" in rejects[0] and "5 fields for 3 columns" in rejects[2]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_text_of_100_kb_is_read_and_an_endless_line_is_not(tmp_path: Path, suffix: str) -> None:
    long, endless = "ä" * 50_000 + "👩" * 12_500, "x" * 5_000_000
    if suffix == "csv":
        text = f"id,text\n1,{long}\n2,{endless}\n3,after\n"
    else:
        text = "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in ((1, long), (2, endless), (3, "after")))
    found, [reject] = read(write(tmp_path / f"a.{suffix}", text))
    assert [item.text for item in found] == [long, "after"]
    assert "longer than" in reject


def test_memory_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as handle:
        handle.write("id,text\n")
        for i in range(12_000):
            handle.write(f"{i},{'x' * 1500}\n")
        handle.write("endless," + "x" * 20_000_000)
    reader = source(path)
    tracemalloc.start()
    cursor, rows = None, 0
    while True:
        page = reader.poll(cursor)
        rows += len(page.items)
        cursor = page.cursor
        if not page.more:
            break
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 12_000
    assert peak < 15_000_000


def test_a_killed_import_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, "id,text\n" + "".join(f'{i},"text\n{i}"\n' for i in range(PAGE_ROWS * 3)))
    cursor = source(path).poll(None).cursor
    cursor = source(path).poll(json.loads(json.dumps(cursor))).cursor
    assert cursor is not None and cursor["line"] == 1 + PAGE_ROWS * 4
    pages, end = drain(source(path), cursor)
    assert [item.external_id for item in mentions(pages)] == [str(i) for i in range(PAGE_ROWS * 2, PAGE_ROWS * 3)]
    reader = source(path)
    assert [reader.progress(None), reader.progress(end)] == [0.0, 1.0]
    assert 0.6 < reader.progress(cursor) < 0.7
    assert source(path).poll(end) == Page(items=(), cursor=end)


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,x\n")
    _, cursor = drain(source(path))
    write(path, "id,text\n1,y\n2,z\n")
    assert texts(drain(source(path), cursor)[0]) == {"y", "z"}


def test_a_file_that_grows_all_the_time_is_finished_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n" + "".join(f"{i},row {i}\n" for i in range(PAGE_ROWS * 2)))

    def grow(number: int) -> None:
        with path.open("a") as handle:
            handle.write(f"more{number},more {number}\n")

    pages, cursor = drain(source(path), between=grow)
    assert {"row 999", "more 0"} <= texts(pages)
    assert len(mentions(drain(source(path), cursor)[0])) >= PAGE_ROWS * 2


def test_workbooks_give_values_of_formulas_dates_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.active
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("posts")
    sheet.append([None, None])
    sheet.append(["ID", "Text", "created_at", None])
    sheet.append([12.0, 5, datetime(2026, 1, 2, 3, 4), None])
    sheet.append([13, "=1+1", None, None])
    sheet.append([None, None, None, None])
    sheet.append([14, "x", "never", None])
    sheet.append([15, "ok", None, "note"])
    book.save(tmp_path / "a.xlsx")
    found, rejects = read(tmp_path / "a.xlsx")
    assert [(item.external_id, item.text, item.posted_at) for item in found] == [
        ("12", "5", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("15", "ok", NOW),
    ]
    # A formula that no spreadsheet has ever calculated has no value.
    assert [reject.split(":")[0] for reject in rejects] == ["row 4", "row 6"]
    assert found[1].raw["column 4"] == "note"


def test_a_workbook_resumes_in_another_process(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [["id", "text"], *[[str(i), f"row {i}"] for i in range(PAGE_ROWS + 2)]]:
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    book.close()
    cursor = source(tmp_path / "a.xlsx").poll(None).cursor
    assert texts([source(tmp_path / "a.xlsx").poll(cursor)]) == {f"row {PAGE_ROWS}", f"row {PAGE_ROWS + 1}"}


def test_a_bomb_or_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.save(tmp_path / "good.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "good.xlsx") as good,
        zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in good.namelist():
            bomb.writestr(part, good.read(part) if "styles" not in part else b" " * 60_000_000)
    write(tmp_path / "text.xlsx", "id,text\n")
    with zipfile.ZipFile(tmp_path / "empty.xlsx", "w"):
        pass
    for name in ("bomb", "text", "empty"):
        with pytest.raises(Invalid, match=f"{name}.xlsx"):
            read(tmp_path / f"{name}.xlsx")


def test_a_workbook_with_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.save(tmp_path / "good.xlsx")
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    hostile = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">{levels}]><x>&e11;</x>'
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w") as bomb:
        for part in good.namelist():
            bomb.writestr(part, hostile if "sheet1" in part else good.read(part))
    found = []
    try:
        found = drain(source(tmp_path / "bomb.xlsx"))[0]
    except Invalid:
        return
    assert mentions(found) == [] and sum(len(page.rejects) for page in found) == 1


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = '<row r="1"><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>text</t></is></c></row>'


def workbook(path: Path, sheet: str) -> Path:
    """Write a workbook whose sheet has this XML."""
    book = openpyxl.Workbook()
    book.save(path.with_suffix(".good"))
    with (
        zipfile.ZipFile(path.with_suffix(".good")) as good,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for part in good.namelist():
            made.writestr(part, sheet if "sheet1" in part else good.read(part))
    return path


def sheet_of(*rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><dimension ref="A1:B9"/><sheetData>{"".join(rows)}</sheetData></worksheet>'


@pytest.mark.parametrize(
    "where", ["after the head", "first", "without dimensions", "nested", "prefixed", "other elements"]
)
def test_a_row_of_a_million_cells_is_not_held_in_memory(tmp_path: Path, where: str) -> None:
    million = "<c><v>1</v></c>" * 1_000_000
    wide = {
        "after the head": sheet_of(HEAD, f"<row>{million}</row>"),
        "first": sheet_of(f"<row>{million}</row>"),
        "without dimensions": sheet_of(f"<row>{million}</row>").replace("dimension", "d"),
        "nested": sheet_of("<row>", (f"<row/>{'<c/>' * 1000}") * 3_000, "</row>"),
        "prefixed": f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row>{"<x:c/>" * 2_000_000}</x:row>'
        "</x:sheetData></x:worksheet>",
        "other elements": sheet_of("<row>", "<d/>" * 3_000_000, "</row>"),
    }[where]
    path = workbook(tmp_path / "wide.xlsx", wide)
    assert path.stat().st_size < 100_000
    del wide, million
    tracemalloc.start()
    try:
        _, rejects = read(path)
        assert [place for place in rejects if "more than 16,384 cells" in place], rejects
    except Invalid as error:
        assert "more than 16,384 cells" in str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 150_000_000


def test_rows_before_one_that_is_too_wide_are_kept(tmp_path: Path) -> None:
    good = "<row><c><v>1</v></c><c><v>2</v></c></row>"
    path = workbook(tmp_path / "wide.xlsx", sheet_of(HEAD, good * 2000, f"<row>{'<c/>' * 20_000}</row>", good))
    found, rejects = read(path)
    assert len(found) > 1500
    assert len(rejects) == 1 and "more than 16,384 cells" in rejects[0]


def test_as_many_cells_as_a_spreadsheet_has_are_read(tmp_path: Path) -> None:
    row = '<row><c t="inlineStr"><is><t>1</t></is></c><c t="inlineStr"><is><t>fine</t></is></c>' + "<c/>" * 16_382
    found, rejects = read(workbook(tmp_path / "a.xlsx", sheet_of(HEAD, f"{row}</row>")))
    assert ([mention.text for mention in found], rejects) == (["fine"], [])


def test_a_sheet_that_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx", sheet_of(HEAD, "<row/>" * 4_000_000))
    with pytest.raises(Invalid, match="would unfold from"):
        read(path)


@pytest.mark.parametrize("name", ["a.xls", "a.json", "a", "missing.csv"])
def test_other_files_are_refused_by_name(tmp_path: Path, name: str) -> None:
    if name != "missing.csv":
        write(tmp_path / name, "x")
    with pytest.raises(Invalid, match=name):
        read(tmp_path / name)
    with pytest.raises(Invalid):
        source(tmp_path / name).check()


def test_the_setting_path_is_required(http: Http, tmp_path: Path) -> None:
    for platform, kind in (("file", File), ("drop", DropFolder)):
        with pytest.raises(Invalid, match="path"):
            kind.open(SourceSpec(name="x", platform=platform, trusted=True), secrets={}, http=http)
        with pytest.raises(Invalid, match="configuration"):  # typed at the desk, or sent by the API
            options = {"path": str(tmp_path)}
            kind.open(SourceSpec(name="x", platform=platform, options=options), secrets={}, http=http)
    opened = File.open(spec(write(tmp_path / "a.csv", "id,text\n1,x\n")), secrets={}, http=http)
    assert opened.eligibility(mentions([opened.poll(None)])[0]).way == "manual"
    with pytest.raises(Invalid, match="does not exist"):
        DropFolder.open(spec(tmp_path / "none", "drop"), secrets={}, http=http).check()


@given(body=st.binary(max_size=400), suffix=st.sampled_from(["csv", "jsonl", "xlsx"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_only_our_errors_come_out(tmp_path: Path, body: bytes, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes((b"id,text\n" if suffix == "csv" else b"") + body)
    try:
        found, _ = read(path)
    except Invalid:
        return
    for item in found:
        item.text.encode("utf-8")
        json.dumps(dict(item.raw)).encode("utf-8")


@given(
    rows=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=50),
        max_size=20,
    ),
    delimiter=st.sampled_from(",;\t"),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_csv_writer_writes_is_read_back(tmp_path: Path, rows: list[str], delimiter: str) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["id", "text"])
        writer.writerows([i, text] for i, text in enumerate(rows))
    found, _ = read(path)
    assert [item.text for item in found] == [text.strip() for text in rows if text.strip()]


def test_a_half_written_file_waits_and_others_come_oldest_first(tmp_path: Path) -> None:
    for number, name in enumerate(["b.csv", "a.jsonl", "C.CSV"]):
        text = '{"id": "a", "text": "a.jsonl"}' if name == "a.jsonl" else f"id,text\n{name},{name}\n"
        write(tmp_path / name, text)
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    write(tmp_path / "fresh.csv", "id,text\n1,half")
    write(tmp_path / "notes.txt", "no")
    write(tmp_path / ".hidden.csv", "id,text\n1,hidden\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "folder.csv").mkdir()
    folder = DropFolder(spec(tmp_path, "drop"), path=tmp_path)
    pages, cursor = drain(folder)
    assert [item.text for item in mentions(pages)] == ["b.csv", "a.jsonl", "C.CSV"]
    os.utime(tmp_path / "fresh.csv", (time.time() - 5, time.time() - 5))
    assert texts(drain(folder, cursor)[0]) == {"half"}
    assert "files" in folder.check()


def test_an_unreadable_file_is_a_reject_and_the_next_one_comes(tmp_path: Path) -> None:
    for number, (name, text) in enumerate(
        [("bad.csv", "a,b\n1,2\n"), ("bad.xlsx", "x"), ("ok.csv", "id,text\n1,fine\n,x\n")]
    ):
        write(tmp_path / name, text)
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    folder = DropFolder(spec(tmp_path, "drop"), path=tmp_path)
    pages, cursor = drain(folder)
    assert texts(pages) == {"fine"}
    places = [reject.place for page in pages for reject in page.rejects]
    assert places == ["bad.csv", "bad.xlsx", "ok.csv line 3"]
    assert drain(folder, cursor)[0][0].rejects == ()


def test_an_overfull_folder_says_so_and_still_takes_newcomers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.file.MAX_REMEMBERED", 3)
    for number in range(6):
        write(tmp_path / f"{number}.csv", f"id,text\n{number},post {number}\n")
        os.utime(tmp_path / f"{number}.csv", (1000 + number, 1000 + number))
    folder = DropFolder(spec(tmp_path, "drop"), path=tmp_path)
    pages, cursor = drain(folder)
    assert len(texts(pages)) == 6
    assert any(page.truncated for page in pages)
    write(tmp_path / "new.csv", "id,text\nnew,newcomer\n")
    os.utime(tmp_path / "new.csv", (2000, 2000))
    assert texts(drain(folder, cursor)[0]) == {"newcomer"}
