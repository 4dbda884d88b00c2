"""The report of a validation, and the limit of bad rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.report import (
    LeadsRejectedError,
    RejectLimit,
    Report,
    not_called,
    rejected_by_server,
    verify_loaded,
)
from tests.unit.leads.lists import check, file

DUPLICATE_PHONE = "duplicate phone"
DUPLICATE_ID = "duplicate externId, with another phone"


def blame(row: int, column: str = "leadPhone") -> str:
    return f"list.csv, row {row}, column {column!r}: "


def report() -> Report:
    """Return the report of 100 rows: 6 bad ones, 2 of them with a duplicate externId, 10 duplicate phones."""
    phones = [str(2125550000 + number) for number in range(100)]
    ids = [str(number) for number in range(100)]
    phones[10:14] = ["", "12", "=A1", "13"]
    ids[20] = ids[21] = "0"
    phones[30:40] = [phones[0]] * 10
    rows = zip(ids, phones, strict=True)
    content = "externId,leadPhone,note,shoe size\n" + "".join(f"{one},{phone},x,y\n" for one, phone in rows)
    return check(file(content)).report


def test_text() -> None:
    phones = [f"           - {blame(row)}{DUPLICATE_PHONE}; first seen in row 2" for row in (32, 33, 34)]
    ids = [f"           - {blame(row, 'externId')}{DUPLICATE_ID}; first seen in row 2" for row in (22, 23)]
    assert report().text().splitlines() == [
        "Rows read: 100; valid: 84, bad: 6, with the phone of an earlier row: 10",
        "Rejected rows by reason:",
        f"       10  leadPhone: {DUPLICATE_PHONE}",
        *phones,
        "        2  leadPhone: the number is too short; write it whole, with the area code",
        f"           - {blame(13)}the number is too short; write it whole, with the area code",
        f"           - {blame(15)}the number is too short; write it whole, with the area code",
        f"        2  externId: {DUPLICATE_ID}",
        *ids,
        "        1  leadPhone: the phone is missing",
        "           - list.csv, row 12, column 'leadPhone': the phone is missing",
        "        1  leadPhone: a formula, not a number; write its value",
        f"           - {blame(14)}a formula, not a number; write its value",
        "Ignored columns (no lead field): 'note', 'shoe size'",
    ]
    assert Report().text() == "Rows read: 0; valid: 0, bad: 0, with the phone of an earlier row: 0"


def test_as_dict() -> None:
    data = report().as_dict()
    assert json.loads(json.dumps(data)) == data
    examples = data.pop("examples")
    assert len(examples) == 9
    assert data == {
        "rows": 100,
        "leads": 84,
        "bad": 6,
        "duplicate_phones": 10,
        "duplicate_extern_ids": 2,
        "dropped_numbers": 0,
        "reasons": {
            f"leadPhone: {DUPLICATE_PHONE}": 10,
            "leadPhone: the number is too short; write it whole, with the area code": 2,
            f"externId: {DUPLICATE_ID}": 2,
            "leadPhone: the phone is missing": 1,
            "leadPhone: a formula, not a number; write its value": 1,
        },
        "warnings": {},
        "unmapped": ["note", "shoe size"],
    }


def test_it_stays_small() -> None:
    columns = [f"c{number}" for number in range(300)]
    head = ",".join(["externId", "leadPhone", *columns])
    rows = "".join(f"{number},{'x' * 5000}{',y' * 300}\n" for number in range(500))
    mapping = {column: f"extendedLeadData.{column}" for column in columns[:150]}
    checked = check(file(f"{head}\n{rows}"), mapping=mapping).report
    assert len(checked.examples) == 3
    assert len(checked.unmapped) == 100
    assert len(checked.text()) < 5000


@pytest.mark.parametrize(
    ("max_bad_rows", "passes"),
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
def test_limit_of_bad_rows(max_bad_rows: object, passes: bool) -> None:
    limit, result = RejectLimit.of(max_bad_rows), report()
    if passes:
        limit.verify(result)
        return
    with pytest.raises(LeadsRejectedError) as caught:
        limit.verify(result)
    assert caught.value.report is result
    assert isinstance(caught.value, EngageVoiceError)
    assert not caught.value.retryable


def test_the_first_bad_rows_are_named() -> None:
    with pytest.raises(LeadsRejectedError) as caught:
        RejectLimit.of("2%").verify(report())
    assert str(caught.value).splitlines() == [
        "6 of 100 rows are bad; max_bad_rows='2%' allows 2",
        "  list.csv, row 12, column 'leadPhone': the phone is missing",
        f"  {blame(13)}the number is too short; write it whole, with the area code",
        f"  {blame(14)}a formula, not a number; write its value",
        f"  {blame(15)}the number is too short; write it whole, with the area code",
        f"  {blame(22, 'externId')}{DUPLICATE_ID}; first seen in row 2",
        "  and 1 more",
    ]


WRONG_COLUMN = "  all rows have a date as {}: the wrong column may be mapped to it"


@pytest.mark.parametrize(
    ("phones", "others", "field"),
    [
        (["2026-07-24"], [""], "leadPhone"),
        (["2026-07-24", "24.07.2026", "July 24, 2026"] * 3, [""] * 9, "leadPhone"),
        (["2125550123", "2125550124"], ["2026-07-24", "24.07.2026"], "auxPhone"),
        (["2026-07-24", "12"], ["", ""], None),
        (["2026-07-24", ""], ["", ""], None),
        (["2026-07-24", "2125550123"], ["", ""], None),
        (["2026-07-24", "2125550123"], ["", "2026-07-24"], None),
        (["12", "13"], ["", ""], None),
    ],
)
def test_dates_in_all_rows_say_that_the_column_may_be_wrong(
    phones: list[str], others: list[str], field: str | None
) -> None:
    rows = [
        f'{number},"{one}","{other}"' for number, (one, other) in enumerate(zip(phones, others, strict=True))
    ]
    found = check(file("\n".join(["externId,leadPhone,auxPhone", *rows]))).report
    with pytest.raises(LeadsRejectedError) as caught:
        RejectLimit.of("fail").verify(found)
    lines = str(caught.value).splitlines()
    assert [line for line in lines if "wrong column" in line] == (
        [WRONG_COLUMN.format(field)] if field is not None else []
    )
    if field is not None:
        assert lines[-1] == WRONG_COLUMN.format(field)


def test_leads_rejected_by_the_server_count() -> None:
    RejectLimit.of(8).verify(report(), rejected_by_server=2)
    with pytest.raises(LeadsRejectedError, match=r"^9 of 100 rows are bad, 3 of them rejected by the server"):
        RejectLimit.of(8).verify(report(), rejected_by_server=3)


def test_a_share_is_not_rounded_down_by_floats() -> None:
    found = Report()
    found.rows, found.bad = 100, 29
    RejectLimit.of({"share": 0.29}).verify(found)
    RejectLimit.of("29%").verify(found)
    found.bad = 30
    with pytest.raises(LeadsRejectedError):
        RejectLimit.of("29%").verify(found)


def test_an_empty_report_passes() -> None:
    RejectLimit.of("fail").verify(Report())


@pytest.mark.parametrize(
    "max_bad_rows",
    [
        *(None, True, -1, 1.5, "some", "101%", "%", "-1", "9" * 5000, [], {}, {"most": 1}),
        *({"rows": 1, "share": 1}, {"rows": True}, {"rows": -1}, {"rows": None}),
        *({"share": 2}, {"share": "2%"}, {"share": True}, {"share": -0.1}),
    ],
)
def test_invalid_limits(max_bad_rows: Any) -> None:
    with pytest.raises(
        InvalidInputError, match=r"max_bad_rows=.*must be 'fail', a number of rows, or a share"
    ):
        RejectLimit.of(max_bad_rows)


def test_one_line_says_how_many_are_not_called_and_why() -> None:
    found = report()
    assert not_called(found, Counts(inserted=79, duplicates=2, do_not_call=1)) == (
        "9 of 100 people are not called: leadPhone: the number is too short: 2; "
        f"externId: {DUPLICATE_ID}: 2; "
        "rejected by the server: 2; leadPhone: the phone is missing: 1; "
        "leadPhone: a formula, not a number: 1; "
        "on the do-not-call list: 1. Rows with the phone of an earlier row: 10. "
        "People already in the campaign: 2"
    )
    found.dropped_numbers = 3
    line = not_called(found, Counts(inserted=84))
    assert line.endswith("Further numbers not loaded, since another lead has them: 3")
    assert not_called(Report(), Counts()) == "0 of 0 people are not called"


def test_leads_that_no_count_accounts_for_count_as_rejected() -> None:
    assert rejected_by_server(report(), Counts(inserted=80, duplicates=2, do_not_call=1)) == 1


@pytest.mark.parametrize(
    ("bad", "duplicates", "counts", "fails"),
    [
        (0, 0, Counts(inserted=1), False),
        (9, 0, Counts(inserted=1), False),
        (0, 0, Counts(rejected=1), True),
        (0, 0, Counts(duplicates=1), False),
        (0, 0, Counts(do_not_call=1), False),
        (0, 5, Counts(duplicates=1), False),
        (1, 0, Counts(duplicates=1), False),
        (1, 0, Counts(do_not_call=1), False),
        (1, 5, Counts(rejected=1), True),
        (0, 0, Counts(), True),
    ],
)
def test_a_load_fails_if_all_rows_are_bad_or_rejected(
    bad: int, duplicates: int, counts: Counts, fails: bool
) -> None:
    found = Report()
    found.leads, found.bad, found.duplicate_phones = 1, bad, duplicates
    found.rows = 1 + bad + duplicates
    if not fails:
        verify_loaded(found, counts)
        return
    with pytest.raises(LeadsRejectedError, match=r"^no lead is loaded: \d+ of \d+ people are not called"):
        verify_loaded(found, counts)


def test_an_empty_load_passes() -> None:
    verify_loaded(Report(), Counts())
