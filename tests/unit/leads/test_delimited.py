"""CSV and TSV: valid files, and the errors of damaged ones."""

from __future__ import annotations

import codecs
import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import BATCH_ROWS
from tests.unit.leads.lists import check, file

HEADER = "externId,leadPhone,firstName\n"
ADA = {"externId": "1", "leadPhone": "4155550123", "firstName": "Ada"}
ROW = "1,4155550123,Ada\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", HEADER + ROW),
        ("LIST.CSV", HEADER + ROW),
        ("list.csv", (HEADER + ROW).replace("\n", "\r\n")),
        ("list.csv", (HEADER + ROW).replace("\n", "\r")),
        ("list.csv", (HEADER + ROW).rstrip("\n")),
        ("list.csv", "\n" + HEADER + "\n\n" + ROW + "\n"),
        ("list.csv", codecs.BOM_UTF8 + (HEADER + ROW).encode()),
        ("list.csv", ' externId ,"leadPhone", firstName\n' + ROW),
        ("list.tsv", (HEADER + ROW).replace(",", "\t")),
        ("list.csv.gz", gzip.compress((HEADER + ROW).encode(), mtime=0)),
        ("list.tsv.gz", gzip.compress((HEADER + ROW).replace(",", "\t").encode(), mtime=0)),
    ],
)
def test_files_are_read(name: str, content: str | bytes) -> None:
    assert check(file(content, name)).bodies == [ADA]


def test_the_format_can_be_given() -> None:
    assert check(file((HEADER + ROW).replace(",", "\t"), "part-0001", format="tsv")).bodies == [ADA]
    with pytest.raises(InvalidInputError, match=r"source='part-0001'.*must end in \.csv"):
        file(HEADER, "part-0001")
    with pytest.raises(InvalidInputError, match="must be 'csv', 'tsv', 'jsonl', 'parquet' or 'excel'"):
        file(HEADER, "list.csv", format="xlsx")


def test_rows_are_numbered_by_the_line_on_which_they_start() -> None:
    checked = check(
        file(
            'externId,leadPhone,note\n1,4155550123,"a\nb\nc"\n\n2,bad,x\n3,"4155550124","y\n\n"\n4,worse,z\n'
        ),
        mapping={"note": "auxData1"},
    )
    assert [(lead.row, lead.body["auxData1"]) for lead in checked.leads] == [(2, "a\nb\nc"), (7, "y")]
    assert [reject.row for reject in checked.rejects] == [6, 10]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-8-sig", "shift_jis"])
def test_other_encodings(encoding: str) -> None:
    name = "Mörder" if encoding != "shift_jis" else "山田"
    content = (HEADER + f"1,4155550123,{name}\n").encode(encoding)
    assert check(file(content, encoding=encoding)).bodies == [ADA | {"firstName": name}]


def test_unknown_encodings() -> None:
    for encoding in ("utf-9", "base64"):
        with pytest.raises(InvalidInputError, match=f"encoding='{encoding}'.*such as 'utf-8'"):
            file(HEADER, encoding=encoding)


def test_other_line_separators_are_kept() -> None:
    content = HEADER + "1,4155550123,A\u2028d\u0085a\x0b\x0c\x1c!\n2,4155550124,Bo\n"
    assert [body["firstName"] for body in check(file(content)).bodies] == [
        "A\u2028d\u0085a\x0b\x0c\x1c!",
        "Bo",
    ]


@pytest.mark.parametrize(
    ("content", "row", "column", "words"),
    [
        ("", None, None, "the file is empty"),
        ("\n\n", None, None, "the file is empty"),
        (codecs.BOM_UTF8, None, None, "the file is empty"),
        (HEADER, None, None, "the file has a header but no rows"),
        (HEADER + ROW + "2,4155550124\n", 3, "firstName", "the row has 2 cells, the header 3"),
        (HEADER + ROW + "2,4155550124,Bo,x\n", 3, 4, "the row has 4 cells, the header 3"),
        (HEADER + ROW + "x\n", 3, "leadPhone", "the row has 1 cells, the header 3"),
        ("externId,leadPhone,externId\n" + ROW, 1, "externId", "columns 1 and 3 have the same name"),
        ("externId,leadPhone,\n" + ROW, 2, 3, "the column has no name.*mapping={'': None}"),
        (",externId,leadPhone\n0,1,4155550123\n", 2, 1, "the column has no name"),
        ("externId;leadPhone\n1;4155550123;x\n", 1, None, "are columns separated by ';'.*delimiter=';'"),
        ("externId\tleadPhone\n1\t4155550123\tx\n", 1, None, "are columns separated by tabs"),
        (HEADER + ROW + '2,4155550124,"Bo\n' + ROW, 3, None, "not readable as csv"),
        (HEADER + ROW + '2,4155550124,"Bo"x\n', 3, None, "not readable as csv"),
        (HEADER + ROW + '2,4155550124,"' + "x" * 200_000 + '"\n', 3, None, "field larger than field limit"),
        (HEADER + ROW + "2,4155550124,B\0o\n", 3, "firstName", "the line has a NUL byte"),
        (HEADER + ROW + '2,"41,\0",Bo\n', 3, "leadPhone", "the line has a NUL byte"),
        (HEADER + ROW + '2,4155550124,"a\n\0"\n', 4, None, "the line has a NUL byte"),
        ((HEADER + ROW).encode("utf-16-le"), 1, None, "the line has a NUL byte; .*encoded as 'utf-16-le'"),
        ("externId\n".encode("utf-16-be"), 1, None, "encoded as 'utf-16-be'"),
        (b"PK\x03\x04", None, None, "the file is not csv but excel"),
        (b"PAR1", None, None, "the file is not csv but parquet; set source_format='parquet'"),
    ],
)
def test_damage_is_reported_with_its_position(
    content: str | bytes, row: int | None, column: str | int | None, words: str
) -> None:
    with pytest.raises(BadSourceError, match=words) as caught:
        check(file(content, "folder/list.csv"))
    assert (caught.value.source, caught.value.row, caught.value.column) == ("folder/list.csv", row, column)
    assert str(caught.value).startswith("folder/list.csv")


def test_another_encoding_is_reported_with_the_byte() -> None:
    rows = "".join(f"{number},4155550123,Ada\n" for number in range(3000))
    content = (HEADER + rows).encode() + "9,4155550123,Jos\xe9\n".encode("cp1252") + (rows * 2).encode()
    with pytest.raises(BadSourceError, match=r"is not utf-8 .*encoding='cp1252'") as caught:
        check(file(content))
    assert caught.value.row == 3002
    assert f"byte 0xe9 at offset {content.index(0xE9)} " in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_another_encoding_is_reported_with_its_row(end: str) -> None:
    rows = "".join(f"{number},4155550123,Ada{end}" for number in range(30_000))
    content = (HEADER.strip() + end + rows).encode() + b"9,4155550123,Jos\xe9"
    with pytest.raises(BadSourceError) as caught:
        check(file(content))
    assert caught.value.row == 30_002


def test_another_encoding_in_gzip_is_reported_with_the_byte() -> None:
    content = HEADER.encode() + b"9,4155550123,Jos\xe9\n"
    with pytest.raises(BadSourceError, match=f"byte 0xe9 at offset {content.index(0xE9)} ") as caught:
        check(file(gzip.compress(content, mtime=0), "list.csv.gz"))
    assert caught.value.row == 2


def test_a_utf8_mark_is_detected_under_another_encoding() -> None:
    with pytest.raises(BadSourceError, match="has a byte-order mark of UTF-8; remove encoding='cp1252'"):
        file(codecs.BOM_UTF8 + HEADER.encode(), encoding="cp1252")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-20], "the compressed file is truncated"),
        (lambda data: data[:40] + bytes(20) + data[60:], "not valid gzip"),
        (lambda data: data[:-8] + bytes(8), "not valid gzip"),
        (lambda data: b"externId,leadPhone\n", "not valid gzip"),
    ],
)
def test_damaged_gzip(change: object, words: str) -> None:
    data = gzip.compress((HEADER + "".join(f"{n},4155550123,x{n * n}\n" for n in range(999))).encode())
    with pytest.raises(BadSourceError, match=words):
        check(file(change(data), "list.csv.gz"))  # type: ignore[operator]


class Endless(io.RawIOBase):
    """A file with an endless second line; counts the bytes read."""

    def __init__(self, start: bytes, more: bytes) -> None:
        self.start, self.more, self.given = start, more, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data, self.start = (self.start, b"") if self.start else (self.more, b"")
        self.given += len(data)
        assert self.given < 1 << 22, "it is read to the end"
        return data


@pytest.mark.parametrize(
    "more",
    [b"x" * 4096, b"x,y" * 1000, b"abc\n" * 1000, b"\r\n" * 2000],
    ids=["cell", "cells", "lines", "empty"],
)
@pytest.mark.parametrize("name", ["list.csv", "list.tsv"])
def test_an_endless_row_is_not_read_to_its_end(name: str, more: bytes) -> None:
    start = HEADER.replace(",", "," if name == "list.csv" else "\t").encode() + b'"1'
    with pytest.raises(BadSourceError) as caught:
        check(open_source(Endless(start, more), name))  # type: ignore[arg-type]
    assert caught.value.row == 2


def test_a_row_of_almost_a_mebibyte_is_read() -> None:
    cells = ",".join(["x" * 100_000] * 10)
    names = ",".join(f"auxData{number}" if number < 6 else f"c{number}" for number in range(1, 11))
    checked = check(file(f"externId,leadPhone,{names}\n1,4155550123,{cells}\n2,4155550124,{cells}\n"))
    assert [len(body["auxData5"]) for body in checked.bodies] == [100_000, 100_000]
    cells = ",".join(["x" * 110_000] * 10)
    with pytest.raises(BadSourceError, match="longer than 1048576 characters") as caught:
        check(file(f"externId,leadPhone,{names}\n1,4155550123,{cells}\n"))
    assert caught.value.row == 2


def test_too_many_columns() -> None:
    with pytest.raises(BadSourceError, match="there are 1001 columns, more than 1000"):
        file(",".join(f"c{number}" for number in range(1001)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_thousands_of_rows_are_those_of_the_csv_module(end: str) -> None:
    odd = {
        700: '"a, b"',
        2100: f'"a{end}b"',
        2101: f'"{end}{end}"',
        4000: '"say ""so"""',
        4500: "\u00e9\u2028",
        6000: "",
        9000: "x" * 5000,
        11000: f'"{"y" * 3000}"',
    }
    lines = [f"{number},{odd.get(number, 'Ada')}{end}" for number in range(12_000)]
    lines[5000] = f" {end}{end}{lines[5000]}"
    text = f"id,name{end}{''.join(lines)}"
    reader, expected = csv.reader(io.StringIO(text, newline="")), []
    while True:
        number = reader.line_num + 1
        row = next(reader, None)
        if row is None:
            break
        if any(map(str.strip, row)):
            expected.append((number, *row))
    source = file(text)
    batches = list(source.batches({}))
    read = [
        row for one in batches for row in zip(one.numbers, one.cells("id"), one.cells("name"), strict=True)
    ]
    assert read == expected[1:]
    assert len(read) == 12_000
    assert max(len(one.numbers) for one in batches) <= BATCH_ROWS


def test_the_file_stays_open() -> None:
    data = io.BytesIO((HEADER + ROW).encode())
    source = open_source(data, "list.csv")
    check(source)
    del source
    assert not data.closed


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(str.strip)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=30), st.sampled_from([",", "\t"]))
def test_everything_the_csv_module_writes_is_read(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["externId", "leadPhone", "firstName", "lastName"])
    for number, (first, last) in enumerate(rows):
        writer.writerow([number, f"415555{1000 + number}", first, last])
    checked = check(file(text.getvalue(), "list.csv" if delimiter == "," else "list.tsv"))
    assert [(body.get("firstName", ""), body.get("lastName", "")) for body in checked.bodies] == rows
