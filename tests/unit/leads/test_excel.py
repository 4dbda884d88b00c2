"""Workbooks: sheets, and cells whose value is not certain."""

from __future__ import annotations

import base64
import datetime
import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import excel
from tests.unit.leads.lists import check, file

PHONE = 4155550123
#: A workbook of Excel 97, made by xlwt.
OLD = (
    "H4sIAAAAAAACA+1YTUhUURT+7ntvfv2bMQ00GgYhU1NQc6CNTQYlQZm1KSLI0Xnh4DjGzBTaoiybZRC0KtoItmhjtel/UbsWgZGL"
    "ICi0lkEQVLRQX+ee92YczcCBEibeN9xz7zn33nPuvefcn3mvZ/xzk/dr57EKu6FiyfDAmScTlDxZxgeqNwxZzOZuSoaNooLHTY50"
    "OvC07JVL+lD6ex4K7mkviAIfKZ3EGYwGNxZ7eQwRIcfQKTSKPQW3KJWjhsdVyXSA6Samd7ntM6Z7WHKVaSe1nRMnMBPuadplxfFx"
    "pY7ryokKPOQ+71jShmq8lHF88Zow2zrQlYxF4kVWEdBKMQVyabee0JOSr8BteIExQsvwcEs0OocqcvcUvhtB4Ft2Xz8P2vKNlQuQ"
    "/OdKuesPcjc5cbX8uqIB4zD6hAzmDMqga7LGgYN6JJrKUJQ/cZp7+3B6UE+mFhBDCfEl5pmtj6b1ZOJAlI72OHXoHRxJ6FQ+HUum"
    "0j2RYd0BpGKJAZ10RAbSsXO6CnRFI2SjtbWjvRxo6GgLNQZDoVBLa1t7B8l7zsbjFI4RSv1eeWnwIeNbcciU8dYrJRpFBZf9vAF9"
    "NKSFO1/fHOrvDZ9iyThfLOb1s03OFQYuyR7UuZxreLqstYl77GB6mbVu4XIt0ypaE8rre6utwv4JbnOFa+vJzk7GbHh7XrmBypnP"
    "Rx4FMp/CjVSe7p4/XzX9NjyJOroOo9Rf/ibQLJrFzRsSj8PZXFgH1XumNb8dWm7FB9NXhnXHVmBRblOCn6nJydUROU6x1srkVOLU"
    "HKcRp1maBa/KsuYLipdlfgRkP1o9wZqBvlD1jy9dUoNg7eRzq7VKM/gwq8ChuInTeBxObOWTxrQrL33ThAsBIVU7pXF1jWmpbNxp"
    "DVZl464cJw1LV0tTKpuid4hSiQdyrnSmL2MjgkrJ1RdrUIk1g8qTFxyrW5jB4c2uO9Zadxs2bNiwYcNGsUNYLx3VekY7rJeUy/qu"
    "s0hpyf5M8t/iKEbol6a/lPuQoDyJsYLiZzMcIqtLrLNP9nuhxDGynsQQ+nkcQwXHL72ERf581t3R9/e2UKH2lwoZ5z+2/wuk7F83"
    "ABYAAA=="
)


def workbook(change: Callable[[Any], None], *rows: list[Any]) -> bytes:
    """Return a workbook of some rows, after a change to its sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    return saved(book)


def saved(book: Any) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def rewritten(content: bytes, **texts: str) -> bytes:
    """Return a workbook with other texts in its first sheet."""
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                for text, other in texts.items():
                    part = part.replace(text.encode(), other.encode())
            new.writestr(name, part)
    return data.getvalue()


def read(content: bytes, name: str = "list.xlsx", **options: Any) -> list[dict[str, object]]:
    source = file(content, name, **options)
    return [dict(batch.record(at)) for batch in source.batches(None) for at in range(len(batch.numbers))]


def test_old_workbooks_are_read() -> None:
    content = gzip.decompress(base64.b64decode("".join(OLD)))
    day = datetime.date(2026, 11, 1)
    first = {"externId": 7, "leadPhone": PHONE, "firstName": "Ada", "since": day, "active": True}
    second = {"externId": "0042", "leadPhone": "(415) 555-0124", "firstName": "Null"}
    assert read(content, "list.xls") == [first, second | {"since": None, "active": False}]
    assert read(content, "list.xls", sheet="Others") == [{"a": "b"}]
    with pytest.raises(BadSourceError, match="the file is not csv but excel"):
        read(content, "list.csv")


def test_a_password_is_named() -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(BadSourceError, match="protected with a password; save it without one"):
        read(content)


def test_dates_of_workbooks_that_count_from_1904() -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for cell in ("day", datetime.date(2026, 11, 1)):
        book.active.append([cell])
    assert read(saved(book)) == [{"day": datetime.date(2026, 11, 1)}]


def test_a_sheet_is_named_without_the_blanks_around_it() -> None:
    book = openpyxl.Workbook()
    for title in ("March ", "April", " April"):
        book.create_sheet(title).append(["a"])
        book[title].append([title])
    content = saved(book)
    assert read(content, sheet="March") == read(content, sheet="March ") == [{"a": "March "}]
    for name in ("2", "march", "April "):
        with pytest.raises(InvalidInputError, match="its sheets: 'Sheet', 'March ', 'April', ' April'"):
            read(content, sheet=name)


HEADER = ["externId", "leadPhone", "firstName", "note"]
ROWS = [HEADER, [1, PHONE, "Ada", "x"], [2, PHONE + 1, None, None]]


@pytest.mark.parametrize(
    ("cells", "row", "column"),
    [("C2:C3", 2, "firstName"), ("A2:A3", 2, "externId"), ("B2:C9", 2, "leadPhone")],
)
def test_cells_that_are_merged_with_those_below_are_refused(cells: str, row: int, column: str) -> None:
    content = workbook(lambda sheet: sheet.merge_cells(cells), *ROWS)
    with pytest.raises(BadSourceError, match="merged with those below it; unmerge it") as caught:
        check(file(content, "list.xlsx"))
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.mark.parametrize("cells", ["D2:D3", "C2:D2", "C3:C4", "E1:E9"])
def test_other_merged_cells_lose_nothing(cells: str) -> None:
    """In columns that are not loaded, side by side, or without a value."""
    assert len(check(file(workbook(lambda sheet: sheet.merge_cells(cells), *ROWS), "list.xlsx")).leads) == 2


def test_formulas_that_were_never_calculated_are_refused() -> None:
    for at, column in enumerate(HEADER[:3]):
        rows = [list(row) for row in ROWS]
        rows[2][at] = "=A1&B1"
        content = workbook(lambda sheet: None, *rows)
        with pytest.raises(BadSourceError, match="the formula was never calculated; open") as caught:
            check(file(content, "list.xlsx"))
        assert (caught.value.row, caught.value.column) == (3, column)


def test_formulas_with_a_value_or_in_other_columns_are_read() -> None:
    def change(sheet: Any) -> None:
        sheet.insert_rows(1)
        sheet["A1"] = "=1+1"
        sheet["C3"], sheet["D3"] = "=A3", "=B3"

    content = rewritten(
        workbook(change, *ROWS),
        **{'<c r="A1"><f>1+1</f><v></v></c>': "", '<c r="A1"><f>1+1</f><v /></c>': ""},
        **{'<c r="C3"><f>A3</f>': '<c r="C3" t="str"><f>A3</f>'},
    )
    bodies = check(file(content, "list.xlsx")).bodies
    assert [body["externId"] for body in bodies] == ["1", "2"]
    # An empty text is the value of a formula.
    assert "firstName" not in bodies[0]


def test_what_is_far_from_the_list_is_refused_before_it_takes_the_memory() -> None:
    far = workbook(lambda sheet: sheet.cell(1_048_576, 16_384, "x"), *ROWS)
    with pytest.raises(BadSourceError, match="17,179,869,184 cells, empty ones included"):
        read(far)


def test_formatted_cells_far_from_the_list_do_not_matter() -> None:
    def paint(sheet: Any) -> None:
        sheet.cell(1_048_576, 16_384).fill = PatternFill("solid", fgColor="FF0000")

    assert len(read(workbook(paint, *ROWS))) == 2


def test_a_full_sheet_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "_MAX_CELLS", 12)
    assert len(read(workbook(lambda sheet: None, *ROWS))) == 2
    with pytest.raises(BadSourceError, match="the sheet has 16 cells"):
        read(workbook(lambda sheet: sheet.append([3]), *ROWS))
