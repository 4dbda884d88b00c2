"""Files of rejects: the rows unchanged, and loaded again once corrected."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.report import Reject, RejectKind
from airflow_provider_engagevoice.leads.sources.base import Source, read_records, read_table
from airflow_provider_engagevoice.leads.writers.rejects import open_rejects
from tests.unit.leads.lists import check, file
from tests.unit.leads.test_parquet import parquet

LIST = "externId,leadPhone,note\n1,12,=A1\n2,4155550123,x\n3,13, +cmd\n4,415-555-0123,y\n"
REASONS = [
    "leadPhone: '12': the number is too short; write it whole, with the area code",
    "leadPhone: '13': the number is too short; write it whole, with the area code",
    "leadPhone: '***23': duplicate phone; first seen in row 3",
]


def rejects_of(source: Source, format: str | None = None, **options: Any) -> bytes:
    """Validate a source, and return the file of its rejects."""
    data = io.BytesIO()
    with open_rejects(data, source, format=format) as writer:
        for reject in check(source, **options).rejects:
            writer.write(reject)
    assert not data.closed
    return data.getvalue()


def reject(record: Mapping[str, object], **more: Any) -> Reject:
    return Reject("list", 7, "a", "email", "", "bad", RejectKind.BAD, None, record)._replace(**more)


@pytest.mark.parametrize(("name", "delimiter"), [("list.csv", ","), ("list.tsv", "\t")])
def test_cells_of_text_files_are_unchanged(name: str, delimiter: str) -> None:
    text = rejects_of(file(LIST.replace(",", delimiter), name)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == [
        ["externId", "leadPhone", "note", "reject_source", "reject_row", "reject_reason"],
        ["1", "12", "=A1", name, "2", REASONS[0]],
        ["3", "13", " +cmd", name, "4", REASONS[1]],
        ["4", "415-555-0123", "y", name, "5", REASONS[2]],
    ]


def test_rejects_of_a_workbook_are_csv() -> None:
    workbook, data = openpyxl.Workbook(), io.BytesIO()
    for row in (["externId", "leadPhone"], [1, 12]):
        workbook.active.append(row)
    workbook.save(data)
    text = rejects_of(file(data.getvalue(), "list.xlsx")).decode()
    assert text.startswith("externId,leadPhone,reject_source,reject_row,reject_reason\r\n1,12,list.xlsx,2,")


def test_a_file_without_rejects_has_a_header() -> None:
    content = "externId,leadPhone\n1,4155550123\n"
    assert rejects_of(file(content)) == b"externId,leadPhone,reject_source,reject_row,reject_reason\r\n"
    assert rejects_of(file('{"externId": "1", "leadPhone": "4155550123"}', "list.jsonl")) == b""
    empty = rejects_of(parquet({"externId": ["1"], "leadPhone": ["4155550123"]}))
    assert pq.read_table(io.BytesIO(empty)).num_rows == 0
    assert rejects_of(read_records([]), "parquet")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_text_keeps_its_encoding(encoding: str) -> None:
    content = "externId,leadPhone,Straße\n1,12,Köln\n"
    given_encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    data = rejects_of(file(content.encode(encoding), encoding=given_encoding))
    assert data.decode(encoding).startswith("externId,leadPhone,Straße,reject_source")
    assert data.startswith(content.encode(encoding)[:3])
    corrected = data.decode(encoding).replace(",12,", ",4155550123,").encode(encoding)
    assert len(check(file(corrected, encoding=given_encoding)).leads) == 1


def test_a_reason_that_cannot_be_encoded_is_escaped() -> None:
    data = rejects_of(file("externId,leadPhone\n1,12\n".encode("cp1252"), "山.csv", encoding="cp1252"))
    assert b"\\u5c71.csv" in data


def test_json_lines_keep_each_object() -> None:
    lines = [
        '{"externId": 1, "leadPhone": 4.15555E+09, "price": 12.50, "tags": ["ä", null]}',
        '{"externId": 2, "leadPhone": 12, "rate": 0.1, "big": 1' + "0" * 30 + "}",
    ]
    text = rejects_of(file("\n".join(lines), "list.jsonl")).decode()
    first, second = map(json.loads, text.splitlines())
    # Numbers that JSON readers would change are written as text.
    assert first == {
        "externId": 1,
        "leadPhone": "4.15555E+09",
        "price": "12.50",
        "tags": ["ä", None],
        "reject_source": "list.jsonl",
        "reject_row": 1,
        "reject_reason": ("leadPhone: '***': scientific notation: digits are lost; write it as text"),
    }
    assert '"rate":0.1,"big":1' + "0" * 30 in text
    assert second["reject_row"] == 2
    again = check(file(text, "rejects.jsonl"))
    assert [one.reason for one in again.rejects] == [
        "scientific notation: digits are lost; write it as text",
        "the number is too short; write it whole, with the area code",
    ]


def test_json_lines_escape_lone_surrogates() -> None:
    data = rejects_of(read_records([{"externId": "\ud800", "leadPhone": "\udfff\n"}]))
    assert json.loads(data)["externId"] == "\ud800"


def test_parquet_keeps_types() -> None:
    source = parquet(
        {
            "externId": pa.array([1, 2, 3], pa.int32()),
            "leadPhone": pa.array([12.0, 4155550123.0, None], pa.float64()),
            "auxData1": pa.array([Decimal("1.50"), None, None], pa.decimal128(5, 2)),
            "note": ["not", "read", "at all"],
        }
    )
    table = pq.read_table(io.BytesIO(rejects_of(source)))
    assert table.schema.types[:3] == [pa.int32(), pa.float64(), pa.decimal128(5, 2)]
    assert table.to_pylist() == [
        {
            "externId": 1,
            "leadPhone": 12.0,
            "auxData1": Decimal("1.50"),
            "reject_source": "list.parquet",
            "reject_row": 1,
            "reject_reason": "leadPhone: '12.0': the number is too short; write it whole, with the area code",
        },
        {
            "externId": 3,
            "leadPhone": None,
            "auxData1": None,
            "reject_source": "list.parquet",
            "reject_row": 3,
            "reject_reason": "leadPhone: the phone is missing",
        },
    ]


def test_parquet_converts_leads_that_were_sent() -> None:
    columns = {
        "externId": pa.array([1], pa.int32()),
        "leadPhone": pa.array([4155550123.0]),
        "state": pa.array(["CA"], pa.dictionary(pa.int8(), pa.string())),
        "auxData1": pa.array([datetime.date(2026, 1, 1)]),
        "auxData2": pa.array([True]),
        "leadPriority": pa.array(["5"]),
    }
    source, data = parquet(columns), io.BytesIO()
    with open_rejects(data, source) as writer:
        [lead] = check(source).leads
        record = read_mapping().record_of(lead.body, source)
        writer.write(reject(record, column=None, field="", reason="blocked"))
        writer.write(reject({**record, "externId": "+1415"}))
        writer.write(reject({**record, "externId": "A1"}))
    first, second, third = pq.read_table(io.BytesIO(data.getvalue())).to_pylist()
    assert first == {
        "externId": 1,
        "leadPhone": 4155550123.0,
        "state": "CA",
        "auxData1": datetime.date(2026, 1, 1),
        "auxData2": True,
        "leadPriority": "5",
        "reject_source": "list",
        "reject_row": 7,
        "reject_reason": "blocked",
    }
    assert second["reject_reason"] == 'a: bad; other values: {"externId":"+1415"}'
    assert (third["externId"], third["reject_reason"]) == (
        None,
        'a: bad; other values: {"externId":"A1"}',
    )


def test_parquet_is_written_in_row_groups() -> None:
    count = 12_345
    data = rejects_of(parquet({"externId": list(range(count)), "leadPhone": ["12"] * count}))
    read = pq.ParquetFile(io.BytesIO(data))
    assert read.metadata.num_rows == count
    assert read.metadata.num_row_groups == 3


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.parquet", "query", "records"])
def test_rejects_of_any_source_in_any_format_can_be_corrected_and_loaded(name: str, format: str) -> None:
    rows = [("1", "12"), ("2", "4155550124"), ("3", None)]
    records = [dict(zip(("externId", "mobile"), row, strict=True)) for row in rows]
    columns = {"externId": ["1", "2", "3"], "mobile": ["12", "4155550124", None]}
    sources: dict[str, Source] = {
        "list.csv": file("externId,mobile\n1,12\n2,4155550124\n3,\n"),
        "list.jsonl": file("\n".join(map(json.dumps, records)), "list.jsonl"),
        "list.parquet": parquet(columns),
        "query": read_table(["externId", "mobile"], rows),
        "records": read_records(records),
    }
    mapping = {"mobile": "leadPhone"}
    data = rejects_of(sources[name], format, mapping=mapping)
    again = check(file(data, f"rejects.{format}"), mapping=mapping, send_unmapped=True).rejects
    assert [(one.record["externId"], one.record["mobile"] or "") for one in again] == [("1", "12"), ("3", "")]
    repaired = [{**one.record, "mobile": f"415555012{at}"} for at, one in enumerate(again)]
    corrected = check(read_records(repaired), mapping=mapping, send_unmapped=True)
    assert corrected.bodies == [
        {"externId": "1", "leadPhone": "4155550120"},
        {"externId": "3", "leadPhone": "4155550121"},
    ]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_values_in_other_columns_are_not_lost(format: str) -> None:
    data = io.BytesIO()
    with open_rejects(data, read_records([]), format=format) as writer:
        writer.write(reject({"a": "1", "b": "2"}))
        writer.write(reject({"b": "2", "d": ""}))
        writer.write(reject({"a": "1", "c": 3, "d": None}))
    [batch] = file(data.getvalue(), f"rejects.{format}").batches(None)
    rows = [dict(batch.record(at)) for at in range(3)]
    assert [(row["a"], row["b"]) for row in rows] == [("1", "2"), (rows[1]["a"], "2"), ("1", rows[2]["b"])]
    assert not rows[1]["a"]
    assert not rows[2]["b"]
    assert [row["reject_reason"] for row in rows] == [
        "a: bad",
        "a: bad",
        'a: bad; other values: {"c":3}',
    ]


def test_the_columns_are_the_sources_not_the_first_rows() -> None:
    data = io.BytesIO()
    with open_rejects(data, file("externId,leadPhone,note\n")) as writer:
        writer.write(reject({"leadPhone": "12"}))
        writer.write(reject({"note": "x", "externId": "1"}))
    rows = list(csv.reader(io.StringIO(data.getvalue().decode(), newline="")))
    assert [row[:3] for row in rows] == [["externId", "leadPhone", "note"], ["", "12", ""], ["1", "", "x"]]


def test_only_columns_that_were_read_are_written() -> None:
    source = parquet({"externId": ["1"], "leadPhone": ["12"], "note": ["x"]})
    assert rejects_of(source, "csv").startswith(b"externId,leadPhone,reject_source")


def test_an_unknown_format() -> None:
    with pytest.raises(InvalidInputError, match=r"format='xlsx'.*must be 'csv', 'tsv', 'jsonl' or 'parquet'"):
        open_rejects(io.BytesIO(), read_records([]), format="xlsx")


def test_the_reason_of_the_server_is_written_alone() -> None:
    data = io.BytesIO()
    with open_rejects(data, read_records([])) as writer:
        writer.write(reject({"a": "1"}, column=None, field="", reason="number is blocked"))
    assert json.loads(data.getvalue())["reject_reason"] == "number is blocked"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


RECORDS = st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), min_size=1)


@given(RECORDS, st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_texts_are_the_same_when_read_again(records: list[dict[str, str]], format: str) -> None:
    data = io.BytesIO()
    with open_rejects(data, read_records([]), format=format) as writer:
        for record in records:
            writer.write(reject(record))
    source = file(data.getvalue(), f"rejects.{format}")
    read = [batch.record(at) for batch in source.batches(None) for at in range(len(batch.numbers))]
    assert [{"a": one["a"], "b": one["b"]} for one in read] == records
    assert {one["reject_row"] for one in read} == ({"7"} if format in ("csv", "tsv") else {7})
