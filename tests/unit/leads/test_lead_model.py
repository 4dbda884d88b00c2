"""The vendor's value lists, and the result of a load."""

from __future__ import annotations

import pydantic
import pytest

from airflow_provider_engagevoice.models.lead import LEAD_FIELDS, OTHER_FIELDS, LoadResult, ProcessingStatus
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.models.lead_search import LeadState


def test_fields_can_be_loaded_or_not() -> None:
    assert not set(LEAD_FIELDS) & set(OTHER_FIELDS)
    assert len(set(LEAD_FIELDS)) == len(LEAD_FIELDS)
    assert len(LeadAction) == 13
    assert LeadState.DO_NOT_CALL == "DO-NOT-CALL"


def test_a_result_is_read() -> None:
    data = {
        "leadsSupplied": 3,
        "leadsAccepted": 2,
        "leadsInserted": 2,
        "dncReturnedCount": None,
        "processingStatus": "DEFAULT_NOT_A_FAILURE",
        "rejectedRows": [{"message": "bad phone", "rowData": ["3", "12"]}, {"message": None}, "odd"],
        "somethingNew": {"a": 1},
    }
    result = LoadResult.from_server(data)
    assert (result.leadsSupplied, result.leadsAccepted, result.leadsConverted) == (3, 2, 0)
    assert result.dncReturnedCount == result.deletedCount == 0
    assert [(row.message, row.rowData) for row in result.rejectedRows] == [
        ("bad phone", ["3", "12"]),
        ("", None),
        ("", "odd"),
    ]
    assert not result.failed
    assert result.raw == data


@pytest.mark.parametrize("rows", [None, []])
def test_no_rejected_rows(rows: object) -> None:
    assert LoadResult.from_server({"leadsSupplied": 1, "rejectedRows": rows}).rejectedRows == []
    assert LoadResult.from_server({"leadsSupplied": 1}).rejectedRows == []


@pytest.mark.parametrize("status", [*list(ProcessingStatus)[1:], "SOMETHING_NEW"])
def test_a_200_may_be_a_failure(status: str) -> None:
    assert LoadResult.from_server({"processingStatus": status}).failed


@pytest.mark.parametrize("data", [{}, [], "ok", None, {"generalMessage": "no"}, {"rejectedRows": []}])
def test_other_responses_are_not_results(data: object) -> None:
    with pytest.raises(TypeError, match="expected the result of loading leads"):
        LoadResult.from_server(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["leadsSupplied", "leadsAccepted", "leadsInserted", "deletedCount"])
def test_counts_that_matter_are_never_guessed(field: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=field):
        LoadResult.from_server({"leadsSupplied": 1, field: "many"})
    # Fields that are only informative may be invalid.
    assert (
        LoadResult.from_server({"leadsSupplied": 1, "whitelistCount": "many", "message": 7}).leadsSupplied
        == 1
    )
