"""The leads of a search, in each format."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.writers.search_results import (
    COLUMNS,
    OTHER,
    open_search_results,
    output_format,
)
from tests.unit.leads.lists import check, file

ROW: dict[str, Any] = {
    "leadId": 7,
    "externId": "L7",
    "leadPhone": "4155550123",
    "leadState": "COMPLETE",
    "leadPasses": 3,
    "suppressed": False,
    "loadedDts": "2026-07-01T07:00:00.000+0000",
    "nextDialTime": None,
    "firstName": 'Ada "the first", of London\nand elsewhere',
    "extraData": '{"plan": "gold"}',
    "campaignLead": {"leadId": 7},
}
ODD: dict[str, Any] = {
    "leadId": 8,
    "externId": 8,
    "leadPasses": "three",
    "suppressed": "no",
    "stateDts": "yesterday",
    "city": "half \ud800",
    "newField": [1, None],
}
OTHERS = {key: value for key, value in ODD.items() if key != "leadId"}


def written(format: str, *rows: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    writer = open_search_results(file, format)
    writer.write(rows)
    writer.close()
    assert not file.closed
    return file.getvalue()


def test_json_lines_are_what_the_server_sent() -> None:
    lines = written("jsonl", ROW, ODD).splitlines()
    assert [json.loads(line) for line in lines] == [ROW, ODD]
    assert written("jsonl") == b""


def test_csv_has_a_column_for_each_field() -> None:
    header, row, odd = csv.reader(io.StringIO(written("csv", ROW, ODD).decode(), newline=""))
    assert header == [*COLUMNS, OTHER]
    cells = dict(zip(header, row, strict=True))
    assert {name: cell for name, cell in cells.items() if cell} == {
        "leadId": "7",
        "externId": "L7",
        "leadPhone": "4155550123",
        "leadState": "COMPLETE",
        "leadPasses": "3",
        "suppressed": "false",
        "loadedDts": "2026-07-01T07:00:00.000+0000",
        "firstName": ROW["firstName"],
        "extraData": '{"plan": "gold"}',
        "campaignLead": '{"leadId": 7}',
    }
    cells = dict(zip(header, odd, strict=True))
    assert json.loads(cells.pop(OTHER)) == OTHERS
    assert {name: cell for name, cell in cells.items() if cell} == {"leadId": "8"}
    assert written("csv").decode().splitlines() == [",".join(header)]


def test_parquet_has_the_types_of_the_fields() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(written("parquet", ROW, ODD)))
    assert table.column_names == [*COLUMNS, OTHER]
    row, odd = table.to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        **{name: value for name, value in ROW.items() if value is not None},
        "loadedDts": datetime(2026, 7, 1, 7, tzinfo=UTC),
        "campaignLead": '{"leadId": 7}',
    }
    assert json.loads(odd.pop(OTHER)) == OTHERS
    assert {name: value for name, value in odd.items() if value is not None} == {"leadId": 8}
    empty = parquet.read_table(io.BytesIO(written("parquet")))
    assert empty.schema == table.schema
    assert empty.num_rows == 0


def test_parquet_is_written_in_row_groups() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"leadId": number} for number in range(12_000)]
    file = parquet.ParquetFile(io.BytesIO(written("parquet", *rows)))
    assert file.metadata.num_row_groups == 3
    assert file.read(["leadId"]).column(0).to_pylist() == list(range(12_000))


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("extra", ['{"plan": "gold", "a b": "ä"}', {"plan": "gold", "a b": "ä"}])
def test_what_a_search_wrote_loads_back(format: str, extra: object) -> None:
    lead = {"leadTimezone": "NSW1", "zip": "02134", "maxPasses": 4, "auxPhone": None, "lastName": "Null"}
    row = ROW | lead | {"extraData": extra}
    plain = ROW | {"leadId": 8, "externId": "L8", "leadPhone": "4155550124", "extraData": None}
    checked = check(file(written(format, row, plain), f"leads.{format}"), time_zone_option="NPA_NXX")
    assert not checked.rejects
    first, second = checked.bodies
    assert first == {
        **{name: ROW[name] for name in ("externId", "leadPhone", "firstName")},
        **{name: value for name, value in lead.items() if value is not None},
        "extendedLeadData": {"plan": "gold", "a b": "ä"},
    }
    assert second.keys() == {"externId", "leadPhone", "firstName"}


def test_numbers_of_extended_data_keep_their_digits() -> None:
    extra = '{"a": 1.50, "b": 12345678901234567890.5, "c": 1e5, "d": NaN, "e": 7}'
    [body] = check(file(written("csv", ROW | {"extraData": extra}), "leads.csv")).bodies
    assert body["extendedLeadData"] == {"a": "1.50", "b": "12345678901234567890.5", "c": "1e5", "e": "7"}


@pytest.mark.parametrize("path", ["x.jsonl", "s3://bucket/a.b/X.CSV", "file:///tmp/x.csv"])
def test_the_suffix_determines_the_format(path: str) -> None:
    assert output_format(path) == path.lower().rpartition(".")[2]


@pytest.mark.parametrize("path", ["x", "x.json", "s3://bucket/x.csv/", "s3://bucket.csv/x", "x.csv.gz", ""])
def test_unknown_suffixes(path: str) -> None:
    with pytest.raises(InvalidInputError, match=r"output_path=.*\.jsonl, \.csv, \.parquet"):
        output_format(path)


def test_parquet_without_pyarrow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInputError, match=r"airflow-provider-engagevoice\[parquet\]"):
        output_format("x.parquet")


def test_nothing_but_parquet_needs_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for format in ("jsonl", "csv"):
        assert output_format(f"x.{format}") == format
        assert b"L7" in written(format, ROW)
