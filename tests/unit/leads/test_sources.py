"""leads/sources: files as people have them, and what is read from each."""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads import sources
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources import PartitionedSource, partitions_of
from airflow_provider_engagevoice.leads.sources.base import Source, read_records, read_table
from tests.unit.leads.lists import check, file

Rows = list[list[Any]]


def excel(rows: Rows, *, hidden: Collection[str] = (), **sheets: Rows) -> bytes:
    """Return a workbook with the rows in its first sheet, ``Leads``."""
    workbook = openpyxl.Workbook()
    for number, (title, cells) in enumerate({"Leads": rows, **sheets}.items()):
        sheet = workbook.active if number == 0 else workbook.create_sheet()
        sheet.title = title
        sheet.sheet_state = "hidden" if title in hidden else "visible"
        for row in cells:
            sheet.append(row)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def parquet(**columns: Any) -> bytes:
    data = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), data)
    return data.getvalue()


def read(content: str | bytes, name: str = "list.csv", **options: Any) -> list[dict[str, object]]:
    """Return the records of a file."""
    source = file(content, name, **options)
    return [dict(batch.record(at)) for batch in source.batches(None) for at in range(len(batch.numbers))]


MOMENT = datetime.datetime(2026, 11, 1, 8, 30)
TWO = [{"a": "1", "b": "2"}]
UTF16 = "a,b\n1,2\n".encode("utf-16")


@pytest.mark.parametrize(
    ("content", "name", "options", "records"),
    [
        # Rows and lines without text.
        ("a,b\n,\n1,2\n \n , \n\n", "list.csv", {}, TWO),
        ("a,b,c\n,\n1,2,\n", "list.csv", {}, [{"a": "1", "b": "2", "c": ""}]),
        # Delimiters: detected where only one fits, or given.
        ("a;b\n1;2\n", "list.csv", {}, TWO),
        ("a\tb\n1\t2\n", "list.csv", {}, TWO),
        ("a|b\n1|2\n", "list.csv", {}, TWO),
        ("a;b\n1;2\n", "list.tsv", {}, TWO),
        ("a;b\n1;2,5\n", "list.csv", {}, [{"a": "1", "b": "2,5"}]),
        ('"a";"b,c"\n1;2\n', "list.csv", {}, [{"a": "1", "b,c": "2"}]),
        ("a,b\n1,2;3\n", "list.csv", {}, [{"a": "1", "b": "2;3"}]),
        ("a,b|c\n1,2|3\n", "list.csv", {}, [{"a": "1", "b|c": "2|3"}]),
        ("a,b|c\n1,2|3\n", "list.csv", {"delimiter": "|"}, [{"a,b": "1,2", "c": "3"}]),
        ("a~b\n1~2\n", "list.csv", {"delimiter": "~"}, TWO),
        ("sep=;\na;b\n1;2\n", "list.csv", {}, TWO),
        ("sep=;;;\na;b\n1;2\n", "list.csv", {}, TWO),
        ('"sep=|"\r\na|b\r\n1|2\r\n', "list.csv", {}, TWO),
        # Encodings and compression by their marks.
        (UTF16, "list.csv", {}, TWO),
        ("a;b\n1;2\n".encode("utf-16-be").replace(b"\0a", b"\xfe\xff\0a", 1), "list.csv", {}, TWO),
        (gzip.compress(UTF16, mtime=0), "list.csv.gz", {}, TWO),
        (UTF16, "list.csv", {"encoding": "utf-16-be"}, TWO),
        ("a,b\n1,2\n".encode("utf-32"), "list.csv", {"encoding": "utf-32"}, TWO),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "list.csv", {}, TWO),
        # A delimiter at the end of the rows, or of the header alone.
        ("a;b\n1;2;\n", "list.csv", {}, TWO),
        ("a,b,\n1,2\n", "list.csv", {}, TWO),
        ("a,,b\n1,,2\n", "list.csv", {}, TWO),
        # Cells as Excel and people write them.
        ('"a", "b"\n1,2\n', "list.csv", {}, TWO),
        ('a,b\n "1", "2"\n', "list.csv", {}, TWO),
        ("a,b\n" + "1,2\n" * 20_000 + '1, "2"\n 1, 2\n', "list.csv", {}, TWO * 20_002),
        ('a,b\n1,"x, ""y"""\n', "list.csv", {}, [{"a": "1", "b": 'x, "y"'}]),
        ('a,b\n1,"x\n, ""y"""\n1, 2\n', "list.csv", {}, [{"a": "1", "b": 'x\n, "y"'}, {"a": "1", "b": " 2"}]),
        ("\u200ba,b\ufeff\u00a0\n1,2\n", "list.csv", {}, TWO),
        ('a,b\n1, "2, 3"\n', "list.csv", {}, [{"a": "1", "b": "2, 3"}]),
        ("a,b\n1, 2\n", "list.csv", {}, [{"a": "1", "b": " 2"}]),
        ('a,b\n1,="02134"\n', "list.csv", {}, [{"a": "1", "b": "02134"}]),
        ('a,b\n1, ="02134" \n', "list.csv", {}, [{"a": "1", "b": "02134"}]),
        ("a,b\r\n1,2\r\n\x1a", "list.csv", {}, TWO),
        ('a,b\n1,"=""02134"""\n', "list.csv", {}, [{"a": "1", "b": "02134"}]),
        # Columns without a name.
        ("a,b,\n1,2,\n", "list.csv", {}, TWO),
        ("a,b\n1,2,\n1,2,,\n", "list.csv", {}, TWO * 2),
        (",a,b\n,1,2\n", "list.csv", {}, TWO),
        (",a,b\n0,1,2\n", "list.csv", {"drop_unnamed": True}, TWO),
        (",a,b\nNaN,1,2\n\u200b,1,2,\\N\n", "list.csv", {}, TWO * 2),
        # One of several files may be empty.
        ("", "list.csv", {"may_be_empty": True}, []),
        ("a,b\n", "list.csv", {"may_be_empty": True}, []),
        ("\n", "list.jsonl", {"may_be_empty": True}, []),
        (gzip.compress(b"", mtime=0), "list.csv.gz", {"may_be_empty": True}, []),
        (excel([]), "list.xlsx", {"may_be_empty": True}, []),
        *(
            (b"", f"list.{suffix}", {"may_be_empty": True}, [])
            for suffix in ("tsv", "parquet", "xlsx", "jsonl")
        ),
        (parquet(), "list.parquet", {"may_be_empty": True}, []),
        # JSON Lines and Parquet.
        ('{"a": "1", "b": "2"}\n\n', "list.jsonl", {}, TWO),
        (
            '\ufeff{"a": 1, "b": null}\n{"c": [1.50]}\n',
            "list.ndjson",
            {},
            [{"a": 1, "b": None}, {"c": [Decimal("1.50")]}],
        ),
        ('{"a": "1", "b": "2"}\n'.encode("utf-16"), "list.jsonl", {}, TWO),
        (gzip.compress(b'{"a": "1", "b": "2"}\n', mtime=0), "list.jsonl.gz", {}, TWO),
        (parquet(a=["1"], b=["2"]), "list.parquet", {}, TWO),
        (parquet(a=[1], b=[MOMENT]), "leads.bin", {"format": "parquet"}, [{"a": 1, "b": MOMENT}]),
        # Workbooks.
        (excel([["a", "b"], ["1", "2"], [], [None, None]]), "list.xlsx", {}, TWO),
        (excel([["a", "b"], ["3", None]]), "list.xlsx", {}, [{"a": "3", "b": None}]),
        (excel([[], ["a", "b", None], [1, 4155550123, None]]), "list.xlsx", {}, [{"a": 1, "b": 4155550123}]),
        (excel([["x"]], Second=[["a", "b"], ["1", "2"]]), "list.xlsx", {"sheet": "Second"}, TWO),
        (
            excel([["a", "b"], [MOMENT, True], [MOMENT.date(), 1.5]]),
            "list.xlsx",
            {},
            [{"a": MOMENT, "b": True}, {"a": MOMENT.date(), "b": 1.5}],
        ),
        (excel([["a", "b"], ["1", "2"]]), "leads.bin", {"format": "excel"}, TWO),
        (excel([["x"]], Leads2=[["a", "b"], ["1", "2"]], hidden={"Leads"}), "list.xlsx", {}, TWO),
    ],
)
def test_what_is_read(content: str | bytes, name: str, options: dict[str, Any], records: Rows) -> None:
    assert read(content, name, **options) == records


#: The same list in each format.
IN_EACH_FORMAT: dict[str, str | bytes] = {
    "csv": "a,b\n1,2\n",
    "tsv": "a\tb\n1\t2\n",
    "jsonl": '{"a": "1", "b": "2"}\n',
    "parquet": parquet(a=["1"], b=["2"]),
    "excel": excel([["a", "b"], ["1", "2"]]),
}


def test_each_suffix_selects_its_format() -> None:
    assert tuple(IN_EACH_FORMAT) == sources.FORMATS
    suffixes = [suffix for reader in sources._READERS.values() for suffix in reader.suffixes]
    assert len(suffixes) == len(set(suffixes)) == 9
    for suffix in suffixes:
        content = IN_EACH_FORMAT[sources.detect_format(f"x.{suffix}")]
        for name in (f"list.{suffix}", f"LIST.{suffix.upper()}"):
            assert read(content, name) == TWO


def test_a_format_under_the_suffix_of_another_is_named_by_its_content() -> None:
    for kind in ("parquet", "excel"):
        for other in sources.FORMATS:
            if other != kind:
                with pytest.raises(
                    BadSourceError, match=f"not {other} but {kind}; set source_format='{kind}'"
                ):
                    read(IN_EACH_FORMAT[kind], "list", format=other)


def zipped(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "externId,leadPhone")
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "options", "words"),
    [
        (excel([["a"]]), "list.csv", {}, "the file is not csv but excel; set source_format='excel'"),
        (parquet(a=["1"]), "list.csv", {}, "the file is not csv but parquet; set source_format='parquet'"),
        (zipped("list.csv"), "list.csv", {}, "the file is not csv but a zip archive; unpack it"),
        (zipped("list.csv"), "list.xlsx", {}, "the file is not excel but a zip archive; unpack it"),
        (b"\xd0\xcf\x11\xe0", "list.csv", {}, "the file is not csv but excel"),
        (b"PK\x05\x06" + bytes(18), "list.csv", {}, "the file is not csv but a zip archive; unpack it"),
        (gzip.compress(excel([["a"]])), "list.csv", {}, "not csv but a zip archive or a workbook; unpack it"),
        (gzip.compress(parquet(a=["1"])), "list.csv.gz", {}, "not csv but parquet; remove gzip"),
        (bz2.compress(b"a,b\n1,2\n"), "list.csv", {}, "not csv but bzip2; unpack or convert it"),
        (lzma.compress(b"a,b\n1,2\n"), "list.jsonl", {}, "not jsonl but xz; unpack or convert it"),
        (b"%PDF-1.7\n", "list.tsv", {}, "the file is not tsv but PDF"),
        (b"Rar!\x1a\x07", "list.xlsx", {}, "the file is not excel but RAR; unpack or convert it"),
        ("a,b\n1,2\n", "list.parquet", {}, "the file is not parquet but text; set source_format"),
        ("a,b\n1,2\n", "list.csv", {"encoding": "utf-16"}, "no byte-order mark: set encoding='utf-16-le'"),
        (UTF16[:-1], "list.csv", {}, "is not utf-16 .*; the file is damaged; write it again"),
        ('[{"a": 1},\n', "list.jsonl", {}, "row 1: the line is not valid JSON: .*; write an object a line"),
        ('{}\n{"a": null, "b": [], "c": {}}\n', "list.jsonl", {}, "the file is empty"),
        ("a,b\n1,2\n", "list.xlsx", {}, "the file is not excel but text; set source_format, such as 'csv'"),
        (" <html><table>", "list.xls", {}, "the file is not excel but HTML or XML"),
        ("\ufeff<?xml", "list.xls", {}, "the file is not excel but HTML or XML"),
        ("\ufeffa,b\n1,2\n", "list.xlsx", {}, "the file is not excel but text"),
        ("a\tb\n".encode("utf-16"), "list.xls", {}, "the file is not excel but text"),
        (b"\x09\x08\x10\0\0\x06\x05\0", "list.xls", {}, "not readable as an Excel workbook"),
        (excel([]), "list.xlsx", {}, "the sheet is empty"),
        (excel([["a", "b"]]), "list.xlsx", {}, "the sheet has a header but no rows"),
        (excel([["a", "a"]]), "list.xlsx", {}, "columns 1 and 2 have the same name"),
        (
            excel([["a", None], ["1", "x"]]),
            "list.xlsx",
            {},
            "row 2, column 2: the column has no name in row 1, the header",
        ),
    ],
)
def test_what_is_refused(content: str | bytes, name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSourceError, match=words):
        read(content, name, **options)


def test_a_list_is_the_same_leads_in_each_format() -> None:
    columns = ["externId", "leadPhone", "firstName", "leadPriority", "zip"]
    rows = [["C1", "4155550123", "Ada", "5", "02134"], ["C2", "(415) 555-0124", "Null", "", "94105"]]
    lines = [",".join(row) for row in (columns, *rows)]
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    sources = [
        file("\n".join(lines)),
        file("\r\n".join(lines).replace(",", ";"), "list.txt"),
        file("\n".join(lines).replace(",", "\t"), "list.tsv"),
        file("\n".join(map(json.dumps, records)), "list.jsonl"),
        file(parquet(**{name: [row[name] for row in records] for name in columns}), "list.parquet"),
        file(excel([columns, *rows]), "list.xlsx"),
        read_table(columns, rows),
        read_records(records),
    ]
    results = [check(source).texts for source in sources]
    assert len(results[0]) == 2
    assert results == [results[0]] * len(sources)


def test_an_unknown_sheet_has_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"sheet='leads'.* nearest: 'Leads'"):
        read(excel([["a"]]), "list.xlsx", sheet="leads")


def test_numbers_of_a_workbook_are_read_as_those_of_other_files() -> None:
    rows = [["externId", "leadPhone", "zip"], [7, 4155550123, "02134"], [None, None, None]]
    checked = check(file(excel(rows), "list.xlsx"))
    (body,) = checked.bodies
    assert (body["externId"], body["leadPhone"], body["zip"]) == ("7", "4155550123", "02134")
    assert checked.report.rows == 1


def test_rows_of_a_workbook_have_the_numbers_that_excel_shows() -> None:
    rows = [[], ["externId", "leadPhone"], ["1", "4155550123"], [], ["2", "bad"]]
    (reject,) = check(file(excel(rows), "list.xlsx")).rejects
    assert reject.row == 5


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (
            '{}\n{"externId": "1", "leadPhone": "4155550123"}\n{}\n{"externId": null, "x": [], "y": {}}\n',
            "list.jsonl",
        ),
        ("externId,leadPhone,note\n1,4155550123,\n" + ",,\n" * 1000, "list.csv"),
        ("externId,leadPhone\n1,4155550123\n\\N,\\N\nNaN,\n#N/A,#SPILL!\n\u200b,\u00a0\n", "list.csv"),
        (parquet(externId=[float("nan"), 1.0], leadPhone=[None, "4155550123"]), "list.parquet"),
        (excel([["externId", "leadPhone"], ["1", "4155550123"], [" ", "\u200b"]]), "list.xlsx"),
    ],
)
def test_rows_without_any_value_are_no_bad_rows(content: str | bytes, name: str) -> None:
    for folders in ({}, {"state": "CA"}):
        report = check(PartitionedSource(file(content, name), folders)).report
        assert (report.rows, report.bad) == (1, 0)


UNNAMED = {"externId": "1", "leadPhone": "4155550123", "": "x"}
EMPTY_UNNAMED = UNNAMED | {"": None}


def unnamed(record: dict[str, Any]) -> list[Source]:
    """Return lists with a column without a name."""
    columns = list(record)
    return [
        file(parquet(**{name: [value] for name, value in record.items()}), "list.parquet"),
        file(json.dumps(record), "list.jsonl"),
        read_table(columns, [list(record.values())]),
        read_records([record]),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_columns_without_a_name_are_empty_or_ignored_in_each_format(kind: int) -> None:
    body = {"externId": "1", "leadPhone": "4155550123"}
    assert check(unnamed(EMPTY_UNNAMED)[kind], send_unmapped=True).bodies == [body]
    assert check(unnamed(UNNAMED)[kind], mapping={"": None}, send_unmapped=True).bodies == [body]
    with pytest.raises(BadSourceError, match="row 1: the column has no name; name it, or ignore it"):
        check(unnamed(UNNAMED)[kind])


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("s3://lists/state=CA/part-0.csv", {"state": "CA"}),
        ("s3://lists/year=2026/state=New%20York/part-0.csv", {"year": "2026", "state": "New York"}),
        ("s3://lists/state=__HIVE_DEFAULT_PARTITION__/part-0.csv", {"state": None}),
        ("s3://lists/state=/part-0.csv", {"state": ""}),
        ("s3://lists/a=b.csv", {}),
        ("/lists/=x/part-0.csv", {}),
    ],
)
def test_folders_of_a_path_are_columns(path: str, columns: dict[str, str | None]) -> None:
    assert partitions_of(path) == columns


def test_two_folders_that_contradict_each_other_are_refused() -> None:
    assert partitions_of("s3://lists/state=CA/state=CA/part-0.csv") == {"state": "CA"}
    with pytest.raises(BadSourceError, match="column 'state': two folders of the path give it different"):
        partitions_of("s3://lists/state=CA/state=NY/part-0.csv")


def test_records_without_any_value_come_first() -> None:
    checked = check(read_records([{}] * 2001 + [{"externId": "1", "leadPhone": "4155550123"}]))
    assert (len(checked.leads), checked.report.rows) == (1, 1)


@pytest.mark.parametrize("name", ["part.csv", "part.jsonl"])
def test_columns_of_a_path_are_mapped_like_those_of_the_file(name: str) -> None:
    content = "externId,leadPhone\n1,4155550123\n"
    if name.endswith("jsonl"):
        content = '{"externId": "1", "leadPhone": "4155550123"}\n'
    source = PartitionedSource(file(content, name), {"state": "CA", "externId": "9"})
    (body,) = check(source).bodies
    assert (body["state"], body["externId"]) == ("CA", "1")


def test_a_mapping_drops_columns_without_a_name() -> None:
    assert read_mapping({"": None, "a": "externId"}).drop_unnamed
    assert not read_mapping({"a": "externId"}).drop_unnamed
    with pytest.raises(InvalidInputError, match="can only be ignored"):
        read_mapping({"": "externId"})


def _rows_of(make: Callable[[int], str], count: int) -> str:
    return "".join(map(make, range(count)))


def test_a_delimiter_is_not_detected_from_rows_that_contradict_it() -> None:
    content = "externId;leadPhone\n" + _rows_of(lambda n: f"{n};4155550123{';x' if n == 3 else ''}\n", 9)
    with pytest.raises(BadSourceError, match=r"Set delimiter=';'"):
        file(content)
