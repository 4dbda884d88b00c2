"""Rows of database cursors, and records."""

from __future__ import annotations

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table
from tests.unit.leads.lists import check


def test_a_cursor_is_read() -> None:
    with sqlite3.connect(":memory:") as database:
        cursor = database.execute(
            "SELECT 'C1' AS extern_id, 4155550123 AS mobile, NULL AS email UNION ALL SELECT 'C2', '12', 'x'"
        )
        source = read_table([column[0] for column in cursor.description], cursor, "query on crm")
        checked = check(source, mapping={"mobile": "leadPhone"})
    assert checked.bodies == [{"externId": "C1", "leadPhone": "4155550123"}]
    assert (
        str(checked.rejects[0])
        == "query on crm, row 2, column 'mobile': the number is too short; write it whole, with the area code"
    )
    assert checked.rejects[0].record == {"extern_id": "C2", "mobile": "12", "email": "x"}


def test_rows_are_streamed() -> None:
    taken = 0

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield f"C{number}", str(2125550000 + number)

    source = read_table(["externId", "leadPhone"], rows())
    batches = source.batches(None)
    assert next(batches).numbers == range(1, 2001)
    assert taken == 2000
    assert next(batches).numbers == range(2001, 4001)


@pytest.mark.parametrize("columns", [[], ["a", "a"], ["", ""]])
def test_invalid_column_names(columns: list[str]) -> None:
    with pytest.raises(BadSourceError, match="query"):
        read_table(columns, [])


def test_a_row_of_another_width() -> None:
    with pytest.raises(BadSourceError, match="query, row 2: the row has 1 values, the query 2 columns"):
        check(read_table(["externId", "leadPhone"], [("1", "4155550123"), ("2",)]))


def test_sources_may_be_empty() -> None:
    for source in (read_table(["externId", "leadPhone"], []), read_records([])):
        assert check(source).report.rows == 0


@pytest.mark.parametrize("record", ["text", ("1", "2"), None])
def test_a_record_must_be_a_mapping(record: Any) -> None:
    with pytest.raises(BadSourceError, match="records, row 2: the record must be a mapping of column name"):
        check(read_records([{"externId": "1", "leadPhone": "4155550123"}, record]))


def test_keys_of_a_record_are_text() -> None:
    with pytest.raises(BadSourceError, match="records, row 1: the record has a column whose name"):
        check(read_records(csv.DictReader(["externId,leadPhone", "1,4155550123,x"])))


def test_a_missing_key_has_no_value_whatever_the_mapping_makes_of_it() -> None:
    record = defaultdict(int, {"externId": "1", "leadPhone": "4155550123"})
    other = {"externId": "2", "leadPhone": "4155550124", "firstName": "Ada"}
    first, second = check(read_records([record, other])).bodies
    assert (first.get("firstName"), second["firstName"]) == (None, "Ada")
    assert "firstName" not in record
