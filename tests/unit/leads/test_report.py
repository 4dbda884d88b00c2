"""What a check has found, and how much of it is too much."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.leads.errors import LeadsRejectedError
from airflow_provider_engagevoice.leads.report import RejectLimit, Report
from tests.unit.leads.lists import check, file

TWICE = "another lead has this phone"
MIXED_UP = "another lead, with another phone, has this externId"


def blame(row: int, value: str, column: str = "leadPhone") -> str:
    return f"list.csv, row {row}, column {column!r}: {value!r}: "


def report() -> Report:
    """Return the report of 100 rows: 4 bad ones, 2 with an externId twice, 10 with a phone twice."""
    phones = [str(2125550000 + number) for number in range(100)]
    ids = [str(number) for number in range(100)]
    phones[10:14] = ["", "12", "=A1", "13"]
    ids[20] = ids[21] = "0"
    phones[30:40] = [phones[0]] * 10
    rows = zip(ids, phones, strict=True)
    content = "externId,leadPhone,note,shoe size\n" + "".join(f"{one},{phone},x,y\n" for one, phone in rows)
    return check(file(content)).report


def test_it_is_told_to_people() -> None:
    twice = [f"      {blame(row, '2125550000')}{TWICE}; the first one is row 2" for row in (32, 33, 34)]
    mixed_up = [f"      {blame(row, '0', 'externId')}{MIXED_UP}; the first one is row 2" for row in (22, 23)]
    assert report().text().splitlines() == [
        "100 rows: 84 leads, 4 bad, 12 duplicates",
        f"  leadPhone: {TWICE}: 10",
        *twice,
        "  leadPhone: the number is too short: 2",
        f"      {blame(13, '12')}the number is too short",
        f"      {blame(15, '13')}the number is too short",
        f"  externId: {MIXED_UP}: 2",
        *mixed_up,
        "  leadPhone: the phone is missing: 1",
        "      list.csv, row 12, column 'leadPhone': the phone is missing",
        "  leadPhone: it is a formula, not a number: 1",
        f"      {blame(14, '=A1')}it is a formula, not a number",
        "  columns left out, as they are for no field: 'note', 'shoe size'",
    ]


def test_it_is_told_to_programs() -> None:
    told = report().as_dict()
    assert json.loads(json.dumps(told)) == told
    examples = told.pop("examples")
    assert len(examples) == 9
    assert told == {
        "rows": 100,
        "leads": 84,
        "bad": 4,
        "duplicate_phones": 10,
        "duplicate_extern_ids": 2,
        "reasons": {
            f"leadPhone: {TWICE}": 10,
            "leadPhone: the number is too short": 2,
            f"externId: {MIXED_UP}": 2,
            "leadPhone: the phone is missing": 1,
            "leadPhone: it is a formula, not a number": 1,
        },
        "unmapped": ["note", "shoe size"],
    }


def test_it_stays_small() -> None:
    columns = [f"c{number}" for number in range(300)]
    head = ",".join(["externId", "leadPhone", *columns])
    rows = "".join(f"{number},{'x' * 5000}{',y' * 300}\n" for number in range(500))
    mapping = {column: f"extendedLeadData.{column}" for column in columns[:150]}
    told = check(file(f"{head}\n{rows}"), mapping=mapping).report
    assert len(told.examples) == 3
    assert len(told.unmapped) == 100
    assert len(told.text()) < 5000


@pytest.mark.parametrize(
    ("on_reject", "passes"),
    [
        ("fail", False),
        (0, False),
        (5, False),
        (6, True),
        ("6", True),
        ({"rows": 5}, False),
        ({"rows": 6}, True),
        ("5%", False),
        ("5.9%", False),
        ("6%", True),
        ("6.0 %", True),
        ("100%", True),
        ({"share": 0.05}, False),
        ({"share": 0.06}, True),
        ({"share": 1}, True),
    ],
)
def test_people_who_would_be_left_out_are_counted(on_reject: object, passes: bool) -> None:
    limit, found = RejectLimit.of(on_reject), report()
    if passes:
        limit.verify(found)
        return
    with pytest.raises(LeadsRejectedError) as caught:
        limit.verify(found)
    assert caught.value.report is found
    assert isinstance(caught.value, EngageVoiceError)
    assert not caught.value.retryable


def test_the_first_bad_rows_are_named() -> None:
    with pytest.raises(LeadsRejectedError) as caught:
        RejectLimit.of("2%").verify(report())
    assert str(caught.value).splitlines() == [
        "6 of 100 rows are bad, and on_reject='2%' allows 2",
        "  list.csv, row 12, column 'leadPhone': the phone is missing",
        f"  {blame(13, '12')}the number is too short",
        f"  {blame(14, '=A1')}it is a formula, not a number",
        f"  {blame(15, '13')}the number is too short",
        f"  {blame(22, '0', 'externId')}{MIXED_UP}; the first one is row 2",
    ]


def test_what_the_server_refuses_counts_too() -> None:
    RejectLimit.of(8).verify_refused(report(), 2)
    with pytest.raises(LeadsRejectedError, match=r"^9 of 100 rows are bad, 3 of them refused by the server"):
        RejectLimit.of(8).verify_refused(report(), 3)


def test_a_share_is_not_rounded_down_by_floats() -> None:
    found = Report()
    found.rows, found.bad = 100, 29
    RejectLimit.of({"share": 0.29}).verify(found)
    RejectLimit.of("29%").verify(found)
    found.bad = 30
    with pytest.raises(LeadsRejectedError):
        RejectLimit.of("29%").verify(found)


def test_nothing_read_is_nothing_bad() -> None:
    RejectLimit.of("fail").verify(Report())


@pytest.mark.parametrize(
    "on_reject",
    [
        *(None, True, -1, 1.5, "some", "101%", "%", "-1", "9" * 5000, [], {}, {"most": 1}),
        *({"rows": 1, "share": 1}, {"rows": True}, {"rows": -1}, {"rows": None}),
        *({"share": 2}, {"share": "2%"}, {"share": True}, {"share": -0.1}),
    ],
)
def test_what_is_no_limit(on_reject: Any) -> None:
    with pytest.raises(
        InvalidInputError, match=r"max_bad_rows=.*must be 'fail', a number of rows, or a share"
    ):
        RejectLimit.of(on_reject)
