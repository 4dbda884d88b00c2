"""leads/dnc_numbers: do-not-call files as they come, and the numbers that are read from each."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.dnc_numbers import NumberSpool
from airflow_provider_engagevoice.leads.report import LeadsRejectedError, Reject
from airflow_provider_engagevoice.leads.sources.base import Source
from tests.unit.leads.lists import file

ONE, TWO, THREE = "4155550101", "4155550102", "2125550103"


def excel(*rows: list[object]) -> bytes:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def read(
    content: str | bytes, name: str, columns: tuple[str, ...] = (), *, country: str = "USA", **options: Any
) -> tuple[list[str], list[Reject]]:
    """Return the numbers of a file, and its bad rows."""
    with NumberSpool(columns, country) as spool:
        options = {"header": None, "columns": spool.columns} | options
        rejects = list(spool.read(file(content, name, **options)))
        spool.verify()
        numbers = b"".join(spool.parts()).decode().split()
        assert (spool.report.leads, spool.report.bad) == (len(numbers), len(rejects))
        return numbers, rejects


FTC = "415,5550101\r\n415,5550102\r\n212,5550103\r\n"
AREA = ("1", "2")


@pytest.mark.parametrize(
    ("content", "name", "columns", "options"),
    [
        # One number a line.
        (f"{ONE}\n{TWO}\n\n{THREE}\n", "numbers.txt", (), {}),
        ("(415) 555-0101\n+1 415 555 0102\n212.555.0103", "numbers.txt", (), {}),
        (f"{ONE}\r\n{TWO}\r\n{THREE}\r\n".encode("utf-16"), "numbers.txt", (), {}),
        (f"{ONE}\n{TWO}\n{THREE}\n".encode("utf-16-le"), "numbers.csv", (), {"encoding": "utf-16-le"}),
        (f"\ufeff{ONE}\n{TWO}\n{THREE}\n", "numbers.csv", (), {}),
        (f'"{ONE}"\n"{TWO}"\n"{THREE}"\n', "numbers.csv", (), {"header": False}),
        (f"{ONE};\n{TWO};\n{THREE};\n", "numbers.txt", (), {}),
        (f"{ONE},,\n{TWO},\n{THREE},,\n", "numbers.csv", (), {}),
        (excel([ONE, " "], [TWO, None], [THREE]), "numbers.xlsx", (), {}),
        # Area code and number in two columns.
        (FTC, "ftc.txt", AREA, {}),
        (FTC.replace(",", "\t"), "ftc.txt", AREA, {}),
        (FTC.replace(",", "|"), "ftc.csv", AREA, {}),
        (FTC.replace(",", "~"), "ftc.txt", AREA, {"delimiter": "~"}),
        (f"area,number\n{FTC}", "ftc.csv", ("area", "number"), {}),
        (excel([415, 5550101], [415, 5550102], [212.0, "555-0103"]), "ftc.xlsx", AREA, {}),
        ("area,number\n415.0,5550101.0\n415,5550102.0\n212.0,5550103\n", "ftc.csv", ("area", "number"), {}),
        (
            '{"a": 415, "n": 5550101.0}\n{"a": 415.0, "n": "5550102"}\n{"a": 212, "n": 5550103}\n',
            "ftc.jsonl",
            ("a", "n"),
            {},
        ),
        # One column of several, with and without a header.
        (f"id,phone\n1,{ONE}\n2,\n3,{TWO}\n4,{THREE}\n", "list.csv", (), {}),
        (f"id; phone \n1;{ONE}\n2;{TWO}\n3;{THREE}\n", "list.csv", (), {}),
        (f"1,{ONE}\n2,{TWO}\n3,{THREE}\n", "list.csv", ("2",), {}),
        (f"1,{ONE},\n2,{TWO},\n3,{THREE},x\n", "list.csv", ("2",), {"header": False}),
        (excel(["phone"], [int(ONE)], [TWO], [THREE]), "list.xlsx", (), {}),
        (excel([int(ONE)], [TWO], [], [THREE]), "list.xlsx", (), {}),
        (f'{{"tel": {ONE}}}\n{{"tel": "{TWO}"}}\n{{"tel": "{THREE}"}}\n', "list.jsonl", ("tel",), {}),
        # A file of rejects, once corrected.
        (f"1,2,reject_source\n415,5550101,a\n415,5550102,a\n{THREE},,a\n", "rejects.csv", AREA, {}),
    ],
)
def test_numbers_of_each_form(
    content: str | bytes, name: str, columns: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert read(content, name, columns, **options) == ([ONE, TWO, THREE], [])


def test_an_area_code_keeps_its_zero() -> None:
    numbers, rejects = read("020,71838750\n", "ofcom.csv", AREA, country="GBR")
    assert (numbers, rejects) == (["+442071838750"], [])


@pytest.mark.parametrize(
    ("country", "content", "numbers", "rows"),
    [
        ("DEU", "030,123456\n,30123456\n040,\n", ["+4930123456"], [2, 3]),
        ("DEU", "+49 30 123456,\n,\n030,123457\n", ["+4930123456", "+4930123457"], []),
        ("GBR", ",2071838750\n020,71838750\n", ["+442071838750"], [1]),
        ("DEU", excel([30, 123456], [30.0, "123457"]), ["+4930123456", "+4930123457"], []),
        # 0331 234567, or the mobile 331 234567.
        ("ITA", excel([331, 234567], ["0331", "234568"]), ["+390331234568"], [1]),
    ],
)
def test_no_part_of_a_number_is_missing(
    country: str, content: str | bytes, numbers: list[str], rows: list[int]
) -> None:
    name = "list.csv" if isinstance(content, str) else "list.xlsx"
    found, rejects = read(content, name, AREA, country=country)
    assert (found, [reject.row for reject in rejects]) == (numbers, rows)


@pytest.mark.parametrize(
    ("content", "name", "columns", "numbers", "rows"),
    [
        (f"{ONE}\n123\nCALL\n{TWO}\n", "numbers.txt", (), [ONE, TWO], [2, 3]),
        (f"123\n{ONE}\n", "numbers.txt", (), [ONE], [1]),
        (f"mobile\n{ONE}\n", "numbers.txt", (), [ONE], [1]),
        (f"{ONE}\n{TWO},{THREE}\n{TWO}\n", "numbers.txt", (), [ONE, TWO], [2]),
        (f"{ONE}\n{TWO};{THREE}\n{TWO}\n", "numbers.txt", (), [ONE, TWO], [2]),
        (f"415,5550101\n{TWO}\n415,5550,103\n415,\n", "ftc.txt", AREA, [ONE, TWO], [3, 4]),
        (f"{TWO}x\n415,5550101\n", "ftc.txt", AREA, [ONE], [1]),
        (f"1,{ONE}\n{TWO}\n3;{THREE}\n4,\n", "list.csv", ("2",), [ONE], [2, 3]),
        (f"phone\n{ONE}|{TWO}\n{THREE}\n", "list.csv", (), [THREE], [2]),
        (excel([int(ONE)], [True], [TWO]), "list.xlsx", (), [ONE, TWO], [2]),
    ],
)
def test_a_bad_row_stops_no_other(
    content: str | bytes, name: str, columns: tuple[str, ...], numbers: list[str], rows: list[int]
) -> None:
    found, rejects = read(content, name, columns)
    assert (found, [reject.row for reject in rejects]) == (numbers, rows)


def test_a_reject_has_its_row_and_no_number_in_its_text() -> None:
    _, (reject,) = read(f"{ONE},Ada\n41555,Bob\n", "list.csv", ("1",))
    assert (
        str(reject)
        == "list.csv, row 2, column '1': the number is too short; write it whole, with the area code"
    )
    assert (reject.value, reject.record) == ("***55", {"1": "41555", "2": "Bob"})


def test_a_row_without_the_column_has_no_value() -> None:
    _, (reject,) = read(f"1,{ONE}\n{TWO}\n", "list.csv", ("2",))
    assert (reject.value, reject.record) == ("", {"1": TWO, "2": None})


@pytest.mark.parametrize(
    ("content", "columns", "options", "error", "words"),
    [
        (f"1,{ONE}\n", (), {}, InvalidInputError, r"column='phone' .* columns=\[1, 2\]"),
        (f"1,{ONE}\n", ("mobile",), {}, InvalidInputError, "column='mobile' .* written exactly like this"),
        (f"mobile\n{ONE}\n", ("mobil",), {"header": True}, InvalidInputError, "nearest: 'mobile'"),
        (f"{ONE}\n{TWO}\n", (), {"header": True}, InvalidInputError, "column='phone'"),
        ("phone,name\n,Ada\n", (), {}, InvalidInputError, "the column has no numbers"),
        ("phone\n123\nCALL\n", (), {}, LeadsRejectedError, "none of 2 numbers can be dialed\n.*row 2"),
        ("", (), {}, BadSourceError, "the file is empty"),
        (f'{ONE}\n"{TWO}\n', (), {}, BadSourceError, "not readable"),
    ],
)
def test_what_is_refused(
    content: str, columns: tuple[str, ...], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        read(content, "list.csv", columns, **options)
    assert ONE not in str(caught.value)


def test_many_numbers_are_read_in_order() -> None:
    numbers = [f"415{n:07}" for n in range(2_000_000, 2_004_500)]
    source: Source = file("\n".join(numbers), "numbers.txt", header=None, columns=("phone",))
    with NumberSpool((), "USA") as spool:
        assert list(spool.read(source)) == []
        assert b"".join(spool.parts()).decode().split() == numbers
