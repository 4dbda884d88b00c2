"""Parquet: valid files, and the errors of damaged ones and of wrong types."""

from __future__ import annotations

import datetime
import io
import subprocess
import sys
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import Source
from tests.unit.leads.lists import check, file


def written(columns: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file of columns."""
    data = io.BytesIO()
    pq.write_table(pa.table(columns), data, **options)
    return data.getvalue()


def parquet(columns: dict[str, Any], **options: Any) -> Source:
    return file(written(columns, **options), "list.parquet")


EIGHT = datetime.datetime(2026, 11, 1, 8)
LEADS: dict[str, Any] = {"externId": ["1", "2"], "leadPhone": ["4155550123", "4155550124"]}


def test_files_are_read_and_rows_counted() -> None:
    checked = check(parquet(LEADS | {"leadPhone": ["4155550123", None]}))
    assert checked.bodies == [{"externId": "1", "leadPhone": "4155550123"}]
    assert checked.reasons == [(2, "leadPhone", "the phone is missing")]
    assert checked.rejects[0].record == {"externId": "2", "leadPhone": None}


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.string(), ["Ada", None], ["Ada", None]),
        (pa.large_string(), ["Ada", ""], ["Ada", None]),
        (pa.dictionary(pa.int32(), pa.string()), ["Ada", "Ada"], ["Ada", "Ada"]),
        (pa.null(), [None, None], [None, None]),
        (pa.bool_(), [True, None], ["true", None]),
        (pa.uint8(), [7, 0], ["7", "0"]),
        (pa.float64(), [7.0, float("nan")], ["7", None]),
        (pa.float64(), [0.1, None], ["0.1", None]),
        (pa.float32(), [0.5, None], ["0.5", None]),
        (pa.decimal128(10, 2), [Decimal("12.50"), None], ["12.50", None]),
        (pa.date32(), [datetime.date(2026, 11, 1), None], ["2026-11-01", None]),
        (pa.time32("s"), [datetime.time(8, 30), None], ["08:30:00", None]),
        (pa.timestamp("ms"), [EIGHT, None], ["2026-11-01T08:00:00", None]),
        (pa.timestamp("us", "UTC"), [EIGHT, None], ["2026-11-01T08:00:00+00:00", None]),
    ],
)  # fmt: skip
def test_values_become_text(kind: pa.DataType, values: list[Any], texts: list[str | None]) -> None:
    bodies = check(parquet(LEADS | {"auxData1": pa.array(values, kind)})).bodies
    assert [body.get("auxData1") for body in bodies] == texts


def test_a_time_of_nanoseconds_loses_none() -> None:
    bodies = check(parquet(LEADS | {"auxData1": pa.array([1, 1_000], pa.timestamp("ns"))})).bodies
    assert [body["auxData1"].rstrip("0").endswith("000000001") for body in bodies] == [True, False]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [4155550123, 4155550124]),
        (pa.uint64(), [4155550123, 4155550124]),
        (pa.float64(), [4155550123.0, 4155550124.0]),
        (pa.decimal128(10, 0), [Decimal(4155550123), Decimal(4155550124)]),
    ],
)
def test_phones_may_be_whole_numbers(kind: pa.DataType, values: list[Any]) -> None:
    checked = check(parquet(LEADS | {"leadPhone": pa.array(values, kind)}))
    assert [lead.phone for lead in checked.leads] == ["4155550123", "4155550124"]


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="pyarrow writes UUIDs since version 18")
def test_uuids_are_ids() -> None:
    ids = [uuid.UUID(int=1), uuid.UUID(int=2)]
    column = pa.array([one.bytes for one in ids], pa.uuid())
    checked = check(parquet(LEADS | {"externId": column, "leadPhone": ["4155550123", "x"]}))
    assert [lead.extern_id for lead in checked.leads] == [str(ids[0])]
    assert checked.rejects[0].record["externId"] == ids[1]


#: Polars's Arrow types of the columns externId, an integer of 128 bits, and leadPhone.
POLARS = (
    "/////7EAAAAEAAAA8v///xQAAAAEAAEAAAAKAAsACAAKAAQA+P///wwAAAAIAAgAAAAEAAIAAAA4AAAABAAAALz///8cAAAA"
    "EAAAAAgAAAABFAAAAAAAAPz///8EAAQACQAAAGxlYWRQaG9uZQAAAOz///84AAAAIAAAABgAAAABAgAAEAASAAQAEAARAAgA"
    "AAAMAAAAAAD0////gAAAAAEAAAAIAAkABAAIAAgAAABleHRlcm5JZAA="
)


def test_integers_of_128_bits_are_ids() -> None:
    numbers = [2**100, 7, 2**127]
    table = pa.table(
        {
            "externId": pa.array([one.to_bytes(16, "little") for one in numbers], pa.binary(16)),
            "leadPhone": ["4155550123", "4155550124", "4155550125"],
        }
    )
    data = io.BytesIO()
    with pq.ParquetWriter(data, table.schema, store_schema=False) as writer:
        writer.add_key_value_metadata({"ARROW:schema": POLARS})
        writer.write_table(table)
    with pytest.raises(pa.ArrowNotImplementedError):
        pq.ParquetFile(data)
    checked = check(file(data.getvalue(), "list.parquet"))
    assert [lead.extern_id for lead in checked.leads] == [str(2**100), "7"]
    # The type is not known to be signed or not.
    assert checked.reasons == [(3, "externId", "expected text, got bytes")]


def test_bytes_are_no_ids() -> None:
    with pytest.raises(BadSourceError, match="its type fixed_size_binary"):
        check(parquet(LEADS | {"externId": pa.array([bytes(16), bytes(16)], pa.binary(16))}))


def test_phones_with_a_fraction_or_lost_digits_are_rejected() -> None:
    checked = check(parquet(LEADS | {"leadPhone": pa.array([4155550123.5, 1e300], pa.float64())}))
    assert {reason for _, _, reason in checked.reasons} == {
        "the number has a fraction or has lost digits; write it as text"
    }


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("leadPhone", pa.array([4155550123.0, None], pa.float32())),
        ("auxPhone", pa.array([4155550123.0, None], pa.float32())),
        ("callerId", pa.array([4155550123.0, None], pa.float32())),
        ("leadPhone", pa.array([True, False])),
        ("leadPhone", pa.array([datetime.date(2026, 1, 1), None])),
        ("leadPhone", pa.array([["4155550123"], None])),
        ("leadPhone", pa.array([b"4155550123", None])),
        ("externId", pa.array([1.0, 2.0], pa.float32())),
        ("externId", pa.array([datetime.datetime(2026, 1, 1), None])),
        ("firstName", pa.array([b"Ada", None])),
        ("firstName", pa.array([{"a": 1}, None])),
        ("firstName", pa.array([1, 2], pa.duration("s"))),
        ("personaPhoneConfig.Work", pa.array([1.5, 2.5], pa.float32())),
    ],
)
def test_wrong_types_fail_before_anything_is_read(column: str, values: pa.Array) -> None:
    with pytest.raises(
        BadSourceError, match=r"its type .* cannot be converted to .*; write it as string, or ignore"
    ) as caught:
        check(parquet(LEADS | {column: values}))
    assert caught.value.column == column


def test_unmapped_columns_may_have_any_type_and_are_not_read() -> None:
    data = LEADS | {"photo": pa.array([b"\0", b"\1"]), "tags": pa.array([["a"], ["b"]])}
    checked = check(parquet(data))
    assert len(checked.leads) == 2
    assert list(checked.report.unmapped) == ["photo", "tags"]
    checked = check(parquet(data | {"leadPhone": ["x", "y"]}))
    assert checked.rejects[0].record == {"externId": "1", "leadPhone": "x"}


#: Older versions of pyarrow sort the fields of a type that they infer.
HOME = pa.struct([("zip", pa.string()), ("n", pa.int64())])


def test_nested_values_are_extended_data_as_json() -> None:
    data = LEADS | {
        "tags": pa.array([["ä", "b"], None]),
        "home": pa.array([{"zip": "1", "n": 2}, None], HOME),
    }
    assert check(parquet(data), send_unmapped=True).bodies == [
        {
            "externId": "1",
            "leadPhone": "4155550123",
            "extendedLeadData": {"tags": '["ä","b"]', "home": '{"zip":"1","n":2}'},
        },
        {"externId": "2", "leadPhone": "4155550124"},
    ]


def test_many_row_groups() -> None:
    count = 9_001
    data = {"externId": list(range(count)), "leadPhone": [2125550000 + n for n in range(count)]}
    checked = check(parquet(data, row_group_size=1_000))
    assert [lead.row for lead in checked.leads] == list(range(1, count + 1))
    assert checked.leads[-1].extern_id == "9000"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid Parquet"),
        (b"externId,leadPhone\n1,4155550123\n", "not parquet but text; set source_format"),
        (written(LEADS)[:-1], "not valid Parquet"),
        (written(LEADS)[:100], "not valid Parquet"),
        (written(LEADS)[10:], "not valid Parquet"),
        (written({"externId": pa.array([], pa.string()), "leadPhone": pa.array([], pa.string())}), "no rows"),
    ],
)
def test_damage_is_reported(content: bytes, words: str) -> None:
    with pytest.raises(BadSourceError, match=words) as caught:
        check(file(content, "list.parquet"))
    assert caught.value.source == "list.parquet"


def test_damaged_pages_are_reported() -> None:
    values = [f"id-{number * number}" for number in range(20_000)]
    data = bytearray(written({"externId": values, "leadPhone": values}, use_dictionary=False))
    data[2_000:30_000] = bytes(28_000)
    with pytest.raises(BadSourceError, match="not valid Parquet"):
        check(file(bytes(data), "list.parquet"))


def test_columns_of_the_same_name() -> None:
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["externId", "externId"])
    data = io.BytesIO()
    pq.write_table(table, data)
    with pytest.raises(BadSourceError, match="columns 1 and 2 have the same name"):
        open_source(data, "list.parquet")


def test_gzip_is_not_supported() -> None:
    with pytest.raises(InvalidInputError, match="Parquet has its own compression"):
        file(b"", "list.parquet.gz")


def test_a_storage_error_is_not_reported_as_damage() -> None:
    class Failing(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            raise ConnectionResetError(104, "reset")

    with pytest.raises(ConnectionResetError):
        open_source(Failing(written(LEADS)), "list.parquet")


def test_without_pyarrow_the_extra_is_named() -> None:
    program = """
import io, sys
sys.modules["pyarrow"] = None
from airflow_provider_engagevoice.leads.sources import open_source
open_source(io.BytesIO(b"externId,leadPhone"), "list.csv")
try:
    open_source(io.BytesIO(), "list.parquet")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'airflow-provider-engagevoice[parquet]'" in done.stdout
