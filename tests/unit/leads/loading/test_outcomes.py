"""Whether a server's counts account for each lead, and what becomes of those that they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome, read_outcome, settle
from airflow_provider_engagevoice.models.lead import LoadResult

BODIES = [{"externId": f"L{number}", "leadPhone": f"415555010{number}"} for number in range(10)]


def outcome(**answer: Any) -> Outcome:
    result = LoadResult.from_server(answer)
    return read_outcome(result, "list", json.dumps(BODIES).encode(), len(BODIES))


def answer(supplied: int = 10, accepted: int = 10, inserted: int = 10, **more: Any) -> dict[str, Any]:
    return {"leadsSupplied": supplied, "leadsAccepted": accepted, "leadsInserted": inserted, **more}


REJECTED = [{"message": "bad", "rowData": ["L3", "4155550103"]}]


@pytest.mark.parametrize(
    "stated",
    [
        answer(),
        answer(processingStatus="DEFAULT_NOT_A_FAILURE"),
        answer(inserted=7, deletedCount=2, dncReturnedCount=1),
        # The vendor does not say whether duplicates count as accepted.
        answer(accepted=7, inserted=7, deletedCount=3),
        answer(accepted=9, inserted=9, rejectedRows=REJECTED),
        answer(accepted=9, inserted=8, rejectedRows=REJECTED, deletedCount=1),
    ],
)
def test_counts_that_add_up_are_believed(stated: dict[str, Any]) -> None:
    found = outcome(**stated)
    assert found.is_final
    assert found.counts.leads == 10


@pytest.mark.parametrize(
    "stated",
    [
        answer(accepted=9, inserted=9),
        answer(inserted=9),
        answer(accepted=9),
        answer(supplied=9),
        answer(supplied=0),
        answer(supplied=11, accepted=11, inserted=11),
        answer(inserted=11, deletedCount=-1),
        answer(accepted=9, inserted=9, rejectedRows=[{"message": "bad", "rowData": ["other"]}]),
        answer(accepted=8, inserted=8, rejectedRows=[*REJECTED, *REJECTED]),
        answer(accepted=0, inserted=0, processingStatus="NO_LEADS_PASSED_VALIDATION"),
        {"processingStatus": "DEFAULT_NOT_A_FAILURE", "leadsSupplied": 10},
    ],
)
def test_counts_that_do_not_add_up_are_not_believed(stated: dict[str, Any]) -> None:
    assert not outcome(**stated).is_final


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (answer(processingStatus="GENERAL_FAILURE", message="missing.required.param"), "missing.required"),
        (answer(0, 0, 0), "counts none of 10 leads"),
        ({"processingStatus": "DEFAULT_NOT_A_FAILURE", "message": "OK"}, r"none of 10 leads \(DEFAULT.*OK"),
    ],
)
def test_an_answer_that_counts_nobody_is_a_failure(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(LoadRefusedError, match=message):
        outcome(**stated)


@pytest.mark.parametrize(
    ("row_data", "position"),
    [
        (["L3", "4155550103"], 3),
        ("L3", 3),
        ("L3,4155550103", 3),
        ('"L3","4155550103"', 3),
        ({"externId": "L3"}, 3),
        (["4155550103"], None),
        (["L3", "L4"], None),
        # Another lead's id in one of its cells.
        (["L4", "L3", "4155550103"], 3),
        (None, None),
    ],
)
def test_a_rejected_row_is_matched_to_one_lead(row_data: object, position: int | None) -> None:
    found = outcome(**answer(accepted=9, inserted=9, rejectedRows=[{"message": "bad", "rowData": row_data}]))
    assert found.rejected == ({} if position is None else {position: "bad"})


def test_a_rejected_row_without_an_id_is_not_that_of_the_lead_whose_id_is_its_phone() -> None:
    leads = [
        {"externId": "4155550101", "leadPhone": "4155550100"},
        {"externId": "B", "leadPhone": "4155550101"},
    ]
    stated = {"leadsSupplied": 2, "leadsAccepted": 1, "leadsInserted": 1}
    for row_data, expected in (
        (["4155550101"], {}),
        ({"leadPhone": "4155550101"}, {}),
        (["4155550101", "4155550100"], {0: "bad"}),
        (["B", "4155550101"], {1: "bad"}),
        (["B"], {1: "bad"}),
    ):
        answer = LoadResult.from_server({**stated, "rejectedRows": [{"message": "bad", "rowData": row_data}]})
        found = read_outcome(answer, "list", json.dumps(leads).encode(), 2)
        assert (found.rejected, found.is_final) == (expected, bool(expected))


def test_numbers_of_rejected_rows_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    outcome(**answer(accepted=9, inserted=9, rejectedRows=[{"message": "bad", "rowData": ["4155550103"]}]))
    assert "bad" in caplog.text
    assert "4155550103" not in caplog.text


def found(*numbers: int) -> set[str]:
    return {f"L{number}" for number in numbers}


@pytest.mark.parametrize(
    ("counts", "rejected", "loaded", "expected", "listed"),
    [
        # All of them are found, whatever the counts say.
        (Counts(9, 9), {}, found(*range(10)), Counts(10, 10), []),
        (Counts(), {}, found(*range(9)), Counts(9, 9, 1), [9]),
        (Counts(), {9: "bad"}, found(*range(9)), Counts(9, 9, 1), [9]),
        # The server says that it has rejected a lead that it has.
        (Counts(), {3: "bad"}, found(*range(9)), Counts(9, 9, 1), [9]),
        (Counts(duplicates=1), {}, found(*range(9)), Counts(10, 9, 0, 1), []),
        (Counts(duplicates=1, do_not_call=1), {}, found(*range(7)), Counts(9, 7, 1, 1, 1), [7, 8, 9]),
        (Counts(duplicates=50, do_not_call=50), {}, found(*range(7)), Counts(10, 7, 0, 3, 0), []),
        (Counts(duplicates=-5), {}, found(*range(9)), Counts(9, 9, 1), [9]),
        (Counts(10, 10), {}, set(), Counts(0, 0, 10), list(range(10))),
    ],
)
def test_leads_that_are_not_found_are_rejected(
    counts: Counts, rejected: dict[int, str], loaded: set[str], expected: Counts, listed: list[int]
) -> None:
    settled = settle(Outcome(counts, rejected, is_final=False), loaded, BODIES)
    assert settled.is_final
    assert settled.counts == expected
    assert settled.counts.leads == 10
    assert sorted(settled.rejected) == listed
