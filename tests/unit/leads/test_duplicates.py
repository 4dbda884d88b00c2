"""Duplicates in a list, and rows that are rejected once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads.build import without_numbers
from airflow_provider_engagevoice.leads.coerce import has_no_value
from airflow_provider_engagevoice.leads.report import RejectKind
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table
from tests.support.cases import cases
from tests.unit.leads.lists import check, file

PHONES = st.one_of(st.integers(4155550000, 4155550020), st.sampled_from(["415-555-0001", "x", "", None]))


CELLS = st.one_of(
    st.none(), st.text(max_size=12), st.integers(), st.floats(), st.decimals(), st.booleans(), st.dates(),
    st.binary(max_size=3), st.lists(st.integers(), max_size=2),
)  # fmt: skip


def lead(extern_id: object, phone: object) -> dict[str, object]:
    return {"externId": extern_id, "leadPhone": phone}


def test_duplicates_are_rejected_with_the_first_row() -> None:
    records = [
        lead("1", "4155550123"),
        lead("2", "(415) 555-0123"),
        lead("1", "4155550124"),
        lead(1, 4155550123),
        lead("3", "4155550125|4155550126"),
        lead("4", "4155550127|4155550126"),
        lead("5", "4155550127"),
    ]
    checked = check(read_records(records))
    assert [(one.row, one.phone) for one in checked.leads] == [
        (1, "4155550123"),
        (5, "4155550125|4155550126"),
        # The number that row 5 has is dropped, not the lead.
        (6, "4155550127"),
    ]
    assert [(one.row, one.kind, one.first, one.column) for one in checked.rejects] == [
        (2, RejectKind.DUPLICATE_PHONE, "row 1", "leadPhone"),
        (3, RejectKind.DUPLICATE_EXTERN_ID, "row 1", "externId"),
        (4, RejectKind.DUPLICATE_PHONE, "row 1", "leadPhone"),
        (7, RejectKind.DUPLICATE_PHONE, "row 6", "leadPhone"),
    ]
    report = checked.report
    assert (report.rows, report.leads, report.bad, report.rejected) == (7, 3, 1, 4)
    assert (report.duplicate_phones, report.duplicate_extern_ids, report.dropped_numbers) == (3, 1, 1)
    assert "Further numbers not loaded, since another lead has them: 1" in report.text()


@pytest.mark.parametrize("more", ["", ',"leadPhoneE164":"+14155550101|+14155550102"'])
def test_a_number_is_dropped_and_the_one_that_is_left_is_sent_in_both_forms(more: str) -> None:
    lead = f'{{"externId":"1","leadPhone":"4155550101|4155550102"{more}}}'
    assert json.loads(without_numbers(lead, (0,))) == {
        "externId": "1",
        "leadPhone": "4155550102",
        "leadPhoneE164": "+14155550102",
    }


def test_retained_duplicates_are_loaded_but_equal_rows_are_not() -> None:
    rows = [("1", "4155550123"), ("2", "4155550123"), ("1", "4155550123"), ("1", "4155550124")]
    checked = check(read_records([lead(*row) for row in rows]), retain_duplicates=True)
    assert [one.row for one in checked.leads] == [1, 2]
    assert [one.kind for one in checked.rejects] == [
        RejectKind.DUPLICATE_PHONE,
        RejectKind.DUPLICATE_EXTERN_ID,
    ]


def test_rejected_rows_do_not_make_duplicates() -> None:
    rows = [("1", "4155550123"), ("1", "4155550124"), ("2", "4155550124"), ("3", "x"), ("3", "4155550125")]
    records = [lead(*row) for row in rows]
    assert [one.row for one in check(read_records(records)).leads] == [1, 3, 5]


def test_duplicates_are_found_across_sources() -> None:
    first = file("externId,leadPhone\n1,4155550123\n", "a.csv")
    second = file("externId,leadPhone\n\n2,415-555-0123\n1,4155550124\n3,4155550125\n", "b.csv")
    assert [str(one) for one in check(first, second).rejects] == [
        "b.csv, row 3, column 'leadPhone': duplicate phone; first seen in a.csv, row 2",
        "b.csv, row 4, column 'externId': duplicate externId, with another phone; first seen in a.csv, row 2",
    ]


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(st.tuples(st.one_of(st.integers(0, 20), CELLS), PHONES, CELLS, CELLS), max_size=40))
def test_every_row_is_one_lead_or_reject_and_no_lead_is_duplicated(rows: list[tuple[Any, ...]]) -> None:
    columns = ("externId", "leadPhone", "firstName", "leadPriority")
    checked = check(read_table(columns, rows))
    numbers = sorted([one.row for one in checked.leads] + [one.row for one in checked.rejects])
    filled = [at for at, row in enumerate(rows, 1) if not all(map(has_no_value, row))]
    assert numbers == filled
    assert len({one.phone for one in checked.leads}) == len({one.extern_id for one in checked.leads})
    assert len({one.phone for one in checked.leads}) == len(checked.leads)
    report = checked.report
    assert report.rows == len(filled) == report.leads + report.rejected
    assert report.rejected == report.bad + report.duplicate_phones
    assert sum(report.reasons.values()) == report.rejected
    for body in checked.bodies:
        assert all(value != "" and value is not None for value in body.values())
    # The phone of each duplicate is among the leads.
    loaded = {one.phone for one in checked.leads}
    for reject in checked.rejects:
        if reject.kind is RejectKind.DUPLICATE_PHONE:
            assert str(reject.record["leadPhone"]).replace("-", "") in loaded
