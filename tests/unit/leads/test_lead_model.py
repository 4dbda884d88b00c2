"""The vendor's value lists, and its answer to a load."""

from __future__ import annotations

import pydantic
import pytest

from airflow_provider_engagevoice.models.lead import (
    LEAD_FIELDS,
    OTHER_FIELDS,
    LoadAnswer,
    ProcessingStatus,
)
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.models.lead_search import LeadState


def test_fields_are_either_loaded_or_not() -> None:
    assert not set(LEAD_FIELDS) & set(OTHER_FIELDS)
    assert len(set(LEAD_FIELDS)) == len(LEAD_FIELDS)
    assert len(LeadAction) == 13
    assert LeadState.DO_NOT_CALL == "DO-NOT-CALL"


def test_an_answer_is_read() -> None:
    data = {
        "leadsSupplied": 3,
        "leadsAccepted": 2,
        "leadsInserted": 2,
        "dncReturnedCount": None,
        "processingStatus": "DEFAULT_NOT_A_FAILURE",
        "rejectedRows": [{"message": "bad phone", "rowData": ["3", "12"]}, {"message": None}, "odd"],
        "somethingNew": {"a": 1},
    }
    answer = LoadAnswer.from_server(data)
    assert (answer.leadsSupplied, answer.leadsAccepted, answer.leadsConverted) == (3, 2, 0)
    assert answer.dncReturnedCount == answer.deletedCount == 0
    assert [(row.message, row.rowData) for row in answer.rejectedRows] == [
        ("bad phone", ["3", "12"]),
        ("", None),
        ("", "odd"),
    ]
    assert not answer.failed
    assert answer.raw == data


@pytest.mark.parametrize("rows", [None, []])
def test_no_rejected_rows(rows: object) -> None:
    assert LoadAnswer.from_server({"leadsSupplied": 1, "rejectedRows": rows}).rejectedRows == []
    assert LoadAnswer.from_server({"leadsSupplied": 1}).rejectedRows == []


@pytest.mark.parametrize("status", [*list(ProcessingStatus)[1:], "SOMETHING_NEW"])
def test_a_200_may_be_a_failure(status: str) -> None:
    assert LoadAnswer.from_server({"processingStatus": status}).failed


@pytest.mark.parametrize("data", [{}, [], "ok", None, {"generalMessage": "no"}, {"rejectedRows": []}])
def test_what_says_nothing_about_a_load_is_no_answer_to_one(data: object) -> None:
    with pytest.raises(TypeError, match="expected the result of loading leads"):
        LoadAnswer.from_server(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["leadsSupplied", "leadsAccepted", "leadsInserted", "deletedCount"])
def test_counts_that_matter_are_never_guessed(field: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=field):
        LoadAnswer.from_server({"leadsSupplied": 1, field: "many"})
    # What only is told may be unreadable.
    assert (
        LoadAnswer.from_server({"leadsSupplied": 1, "whitelistCount": "many", "message": 7}).leadsSupplied
        == 1
    )
