"""JSON Lines: valid files, and the errors of damaged ones."""

from __future__ import annotations

import gzip
import json

import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.sources import open_source
from tests.unit.leads.lists import check, file
from tests.unit.leads.test_delimited import Endless

ADA = {"externId": "1", "leadPhone": "4155550123", "firstName": "Ada"}
LINE = json.dumps(ADA) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.jsonl", LINE),
        ("list.ndjson", "\n" + LINE.replace("\n", "\r\n") + "\n\n"),
        ("list.jsonl", b"\xef\xbb\xbf" + LINE.encode()),
        ("list.jsonl.gz", gzip.compress(LINE.encode(), mtime=0)),
        ("list.jsonl", LINE.replace("Ada", "\\u0041da")),
        ("list.jsonl", LINE.replace("}", ', "title": null, "suffix": NaN}')),
    ],
)
def test_files_are_read(name: str, content: str | bytes) -> None:
    assert check(file(content, name)).bodies == [ADA]


def test_each_line_may_have_other_columns() -> None:
    lines = ['{"externId": "1", "leadPhone": "4155550123"}', "", '{"leadPhone": "4155550124", "title": "Dr"}']
    lines += ['{"externId": "3", "leadPhone": "4155550125", "City": "Rock"}']
    checked = check(file("\n".join(lines), "list.jsonl"))
    assert [(lead.row, lead.body.get("city")) for lead in checked.leads] == [(1, None), (4, "Rock")]
    assert checked.reasons == [(3, "externId", "the externId is missing")]
    assert checked.rejects[0].record == {"leadPhone": "4155550124", "title": "Dr"}


def test_a_batch_without_a_required_column_is_rejected_not_damaged() -> None:
    good = [json.dumps({"externId": str(n), "leadPhone": str(2125550000 + n)}) for n in range(2000)]
    lines = good + [json.dumps({"externId": f"x{n}"}) for n in range(3)]
    checked = check(file("\n".join(lines), "list.jsonl"))
    assert len(checked.leads) == 2000
    assert checked.reasons == [(row, None, "the phone is missing") for row in (2001, 2002, 2003)]


def test_numbers_keep_their_digits() -> None:
    record = '{"externId": 12345678901234567890, "leadPhone": 4155550123, "auxData1": 12.50, "auxData2": 1e3,'
    record += '"auxData3": true, "auxData4": 0.1, "auxData5": 5.0, "leadPriority": 3.0}'
    assert check(file(record, "list.jsonl")).bodies == [
        {
            "externId": "12345678901234567890",
            "leadPhone": "4155550123",
            "auxData1": "12.50",
            "auxData2": "1e3",
            "auxData3": "true",
            "auxData4": "0.1",
            "auxData5": "5.0",
            "leadPriority": 3,
        }
    ]


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        ("", None, "the file is empty"),
        ("\n \n", None, "the file is empty"),
        (LINE + '{"externId": 1', 2, "not valid JSON"),
        (LINE + "\n[1, 2]\n", 3, "must be a JSON object, column to value, not list"),
        (LINE + '"text"\n', 2, "must be a JSON object"),
        (LINE + '{"a": 1, "b": 2, "a": 3}\n', 2, "duplicate key 'a'"),
        (LINE + '{"a": 1} {"b": 2}\n', 2, "not valid JSON"),
        (LINE + '{"a": "\0"}\n', 2, "the line has a NUL byte"),
        (LINE + "[" * 100_000 + "\n", 2, "not valid JSON"),
        (LINE + '{"a": ' + "1" * 5000 + "}\n", 2, "not valid JSON"),
        (LINE.encode() + b'{"a": "\xff"}\n', 2, "is not utf-8"),
        ("[" + LINE + "]", 1, "not valid JSON"),
    ],
)
def test_damage_is_reported_with_its_position(content: str | bytes, row: int | None, words: str) -> None:
    with pytest.raises(BadSourceError, match=words) as caught:
        check(file(content, "list.jsonl"))
    assert (caught.value.source, caught.value.row) == ("list.jsonl", row)


def test_an_endless_line_is_not_read_to_its_end() -> None:
    with pytest.raises(BadSourceError, match="longer than 1048576 characters") as caught:
        check(open_source(Endless(LINE.encode() + b'{"a": "', b"x" * 4096), "list.jsonl"))  # type: ignore[arg-type]
    assert caught.value.row == 2


def test_too_many_different_columns() -> None:
    lines = "".join(json.dumps(ADA | {f"c{number}": 1}) + "\n" for number in range(1000))
    with pytest.raises(BadSourceError, match="rows 1 to 1000 have 1003 different columns"):
        check(file(lines, "list.jsonl"))
