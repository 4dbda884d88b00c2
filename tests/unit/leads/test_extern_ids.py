"""Ids: one and the same text from every format, or a reject."""

from __future__ import annotations

import datetime
import io
import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_engagevoice.leads.coerce import EMPTY_MARKS, EMPTY_TEXTS
from airflow_provider_engagevoice.leads.sources.base import Source, read_table
from tests.unit.leads.lists import check, file, one

PHONE = "4155550123"
UUID = uuid.UUID("12345678-9abc-def0-1234-56789abcdef0")


def in_each_format(number: float) -> Iterator[tuple[str, Source]]:
    """Yield a list with the number as id in each format, written by a float column."""
    yield "CSV", file(f"externId,leadPhone\n{number!r},{PHONE}\n")
    yield "TSV", file(f"externId\tleadPhone\n{number!r}\t{PHONE}\n", "list.tsv")
    yield "JSON Lines", file(json.dumps({"externId": number, "leadPhone": PHONE}), "list.jsonl")
    data = io.BytesIO()
    pq.write_table(pa.table({"externId": pa.array([number], pa.float64()), "leadPhone": [PHONE]}), data)
    yield "Parquet", file(data.getvalue(), "list.parquet")
    workbook, data = openpyxl.Workbook(), io.BytesIO()
    for row in (["externId", "leadPhone"], [number, PHONE]):
        workbook.active.append(row)
    workbook.save(data)
    yield "Excel", file(data.getvalue(), "list.xlsx")
    yield "SQL", read_table(["externId", "leadPhone"], [(number, PHONE)])
    yield "SQL, decimal", read_table(["externId", "leadPhone"], [(Decimal(repr(number)), PHONE)])


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7.0, "7"),
        (0.0, "0"),
        (-12.0, "-12"),
        (10.5, "10.5"),
        (123456789012345.0, "123456789012345"),
        (9007199254740991.0, "9007199254740991"),
    ],
)
def test_a_float_is_the_same_id_in_each_format(number: float, text: str) -> None:
    ids = {name: [lead.extern_id for lead in check(source).leads] for name, source in in_each_format(number)}
    assert ids == {name: [text] for name in ids}
    assert len(ids) == 7


@pytest.mark.parametrize("number", [2.0**53, 9007199254740994.0, -(2.0**60), 1.5e300])
def test_a_float_that_lost_digits_is_no_id_in_any_format(number: float) -> None:
    for name, source in in_each_format(number):
        checked = check(source)
        assert not checked.leads, name
        assert "lost digits" in checked.reasons[0][2] or "scientific" in checked.reasons[0][2], name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("9007199254740993", "9007199254740993"),
        (2**62 + 1, str(2**62 + 1)),
        (2**127 - 1, str(2**127 - 1)),
        (Decimal(10**37), "1" + "0" * 37),
        (Decimal("7.000"), "7"),
        (Decimal("7.250"), "7.250"),
        ("7.00", "7"),
        ("1.234", "1.234"),
        ("007.0", "007.0"),
        ("0042", "0042"),
        ("12E5", "12E5"),
        ("E+10", "E+10"),
        ("A=1", "A=1"),
        (UUID, str(UUID)),
        ("'00123", "00123"),
        ("\u2019123", "123"),
        ("\ufeffC\u200b1\u00ad", "C1"),
        ("\u00a0C1 ", "C1"),
        ("C 1", "C 1"),
        ("Иван-7", "Иван-7"),
        ("Nullarbor", "Nullarbor"),
    ],
)
def test_ids_that_are_certain(value: object, text: str) -> None:
    [lead] = check(one(value, "externId")).leads
    assert lead.extern_id == lead.body["externId"] == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("9007199254740993.0", "has lost digits"),
        ("1" + "0" * 5000 + ".0", "has lost digits"),
        (Decimal("9007199254740993.0"), "has lost digits"),
        (float("inf"), "has lost digits"),
        *((text, "is missing") for text in ("", None, " ", float("nan"), Decimal("NaN"))),
        *((text, "scientific notation") for text in ("=A2", "4.2E+10", "1e+5", "4,2E+10")),
        ("1.0000001E7", "scientific notation"),
        ("1,5e-7", "scientific notation"),
        (1e-7, "scientific notation"),
        (Decimal("1E+7"), "scientific notation"),
        ("1.000", "may have a fraction or thousands"),
        *((text, "stands for a missing value") for text in ("NULL", "null", "nan", "None", "N/A", "<NA>")),
        *((text, "stands for a missing value") for text in ("\\N", "#N/A", "#REF!", " #DIV/0! ", "#SPILL!")),
        *(
            (text, "stands for a missing value")
            for text in ("#NV", "#BEZUG!", "#¡REF!", "#N/D", "inf", "-Infinity")
        ),
        *((text, "stands for a missing value") for text in ("-", "--", "?", "<null>", "[NULL]")),
        ("C\t1", "not shown"),
        ("C\u00a01", "not shown"),
        ("C\n1", "not shown"),
        ("'C1", "apostrophe"),
        ("\u200b", "missing"),
        (True, "expected an id, got bool"),
        (datetime.date(2026, 3, 4), "expected an id, got date"),
        (UUID.bytes, "expected text, got bytes"),
    ],
)
def test_values_that_are_no_ids(value: Any, reason: str) -> None:
    [(row, column, found)] = check(one(value, "externId")).reasons
    assert (row, column) == (1, "externId")
    assert reason in found


@pytest.mark.parametrize("odd", ["1e-07", "-", "__", "NULL"])
def test_an_odd_id_is_refused_whatever_the_others_are(odd: str) -> None:
    for other in ("C1", "C.1"):
        checked = check(file(f"externId,leadPhone\n{other},2125550123\n{odd},2125550124\n"))
        assert ([lead.extern_id for lead in checked.leads], len(checked.rejects)) == ([other], 1)


def test_a_line_break_in_an_id_is_seen_among_others() -> None:
    rows = [("C1", "2125550123"), ("C2\nC3", "2125550124"), ("C4", "2125550125")]
    checked = check(read_table(["externId", "leadPhone"], rows))
    assert [lead.extern_id for lead in checked.leads] == ["C1", "C4"]


def test_each_empty_text_has_a_mark() -> None:
    assert [text for text in EMPTY_TEXTS if not any(mark in text for mark in EMPTY_MARKS)] == []


@pytest.mark.parametrize("number", ["1e5", "1E5", "1E400", "5e-324", "1.5E3"])
def test_a_number_of_json_with_an_exponent_is_no_id(number: str) -> None:
    [(_, _, reason)] = check(file(f'{{"externId": {number}, "leadPhone": "{PHONE}"}}', "list.jsonl")).reasons
    assert "scientific notation" in reason


def test_one_odd_id_leaves_the_others_of_its_batch_alone() -> None:
    lines = "".join(f"C{n},{2125550000 + n}\n" for n in range(50))
    checked = check(file(f"externId,leadPhone\n{lines}null,2125550099\n8.0,2125550098\n"))
    assert [lead.extern_id for lead in checked.leads] == [*(f"C{n}" for n in range(50)), "8"]
    assert [row for row, _, _ in checked.reasons] == [52]


@pytest.mark.parametrize(
    "value",
    ["\\N", "#N/A", "#REF!", "NaN", " #VALUE! ", "#CALC!", "#BEZUG!", "#¿NOMBRE?", float("nan"), None],
)
@pytest.mark.parametrize("field", ["firstName", "leadPriority", "auxPhone", "extendedLeadData.plan"])
def test_no_values_of_other_fields(value: object, field: str) -> None:
    expected = [{"externId": "1", "leadPhone": PHONE}]
    assert check(one(value, field)).bodies == expected
    if isinstance(value, str):
        assert check(file(f"externId,leadPhone,{field}\n1,{PHONE},{value}\n")).bodies == expected


@pytest.mark.parametrize("name", ["Null", "None", "NULL", "null", "nan", "NA", "N/A", "#NV", "inf"])
def test_people_may_be_called_null(name: str) -> None:
    [body] = check(file(f"externId,leadPhone,lastName\n1,{PHONE},{name}\n")).bodies
    assert body["lastName"] == name
