"""Each lead is in exactly once, whatever is lost on the way."""

from __future__ import annotations

import json

import pytest

from airflow_provider_engagevoice.exceptions import BadRequestError, EngageVoiceError, LoadRefusedError
from airflow_provider_engagevoice.models.lead import DuplicateHandling
from tests.integration.leads.conftest import Desk, lead

LEADS = [lead(number) for number in range(95)]
IDS = [one["externId"] for one in LEADS]
DIRECT = "leadLoader/direct"


def test_every_lead_is_in_once_and_a_rerun_loads_nothing(desk: Desk) -> None:
    counts = desk.load(LEADS)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (95, 95, 0, 0)
    assert desk.stored() == IDS
    assert desk.progress[-1] == (95, 95)
    again = desk.load(LEADS)
    assert again == counts
    assert desk.sent() == 10
    assert desk.searched() == 0


def test_a_chunk_is_noted_before_it_is_sent(desk: Desk) -> None:
    desk.sandbox.add_fault("status", path=DIRECT, status=400, times=1, after=3)
    with pytest.raises(BadRequestError):
        desk.load(LEADS, max_concurrent_requests=1)
    noted = json.loads(desk.checkpoint.saved[-1])
    assert noted["done"] == 3
    assert [(index, is_in) for index, (_, is_in, _) in noted["beyond"].items()] == [("3", False)]


def test_a_retry_goes_on_where_the_last_attempt_stopped(desk: Desk) -> None:
    desk.sandbox.add_fault("status", path=DIRECT, status=400, times=1, after=6)
    with pytest.raises(BadRequestError):
        desk.load(LEADS, max_concurrent_requests=1)
    assert desk.sent() == 7
    counts = desk.load(LEADS, max_concurrent_requests=1)
    assert desk.stored() == IDS
    # The one that was refused was looked for; those before it were not sent again.
    assert (desk.sent(), desk.searched(), counts.reconciled) == (11, 1, 1)
    assert counts.accepted == 95


@pytest.mark.parametrize("kind", ["drop_answer", "reset"])
def test_a_lost_answer_is_settled_by_looking(desk: Desk, kind: str) -> None:
    desk.sandbox.add_fault(kind, path=DIRECT, times=2, after=1)
    counts = desk.load(LEADS)
    assert desk.stored() == IDS
    assert (counts.accepted, counts.reconciled) == (95, 2)


def test_a_200_that_is_a_failure_is_a_failure(desk: Desk) -> None:
    body = json.dumps(
        {"processingStatus": "GENERAL_FAILURE", "processingResult": "Failed", "message": "no disk"}
    )
    desk.sandbox.add_fault(
        "status", path=DIRECT, status=200, body=body, content_type="application/json", times=1
    )
    counts = desk.load(LEADS)
    assert desk.stored() == IDS
    assert counts.reconciled == 1
    desk.checkpoint.saved.clear()
    desk.sandbox.add_fault(
        "status", path=DIRECT, status=200, body=body, content_type="application/json", times=99
    )
    with pytest.raises(LoadRefusedError, match="GENERAL_FAILURE, Failed, no disk"):
        desk.load([lead(1000)])


def test_a_ledger_that_is_lost_is_made_up_for_by_looking(desk: Desk) -> None:
    desk.load(LEADS[:40])
    desk.checkpoint.saved.clear()
    desk.load(LEADS, lists_exist=True)
    assert desk.stored() == IDS
    # Of a chunk of which nothing is there, or all, one page tells.
    assert desk.searched() == 10


def test_a_list_that_has_changed_is_looked_for_lead_by_lead(desk: Desk) -> None:
    desk.load(LEADS)
    more = [lead(200), *LEADS, lead(201)]
    desk.sandbox.add_fault("status", path=DIRECT, status=400, times=1)
    with pytest.raises(BadRequestError):
        desk.load(more, max_concurrent_requests=1)
    # An attempt that was looking leaves the next one to look, too.
    desk.load(more, max_concurrent_requests=1)
    assert desk.stored() == [*IDS, "L200", "L201"]


def test_leads_of_other_loads_are_no_proof(desk: Desk) -> None:
    desk.load(LEADS[:10])
    desk.sandbox.backend.database.change("UPDATE lead_lists SET listDesc = 'by hand'")
    desk.checkpoint.saved.clear()
    counts = desk.load(LEADS[:10], lists_exist=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    assert counts.accepted == 10


def test_leads_that_the_server_refuses_are_told_with_their_rows(desk: Desk) -> None:
    bad = {**lead(3), "leadPhone": "12"}
    counts = desk.load([*LEADS[:3], bad, *LEADS[4:12]])
    assert (counts.accepted, counts.rejected) == (11, 1)
    ((rejected,),) = desk.rejected.values()
    assert (rejected.row, rejected.body) == (5, bad)
    assert "leadPhone" in rejected.reason


def test_a_chunk_that_is_partly_in_is_completed(desk: Desk) -> None:
    """A server may have stored some of a chunk when it fails."""
    desk.load(LEADS[:10])
    rows = desk.sandbox.backend.database
    rows.change("DELETE FROM leads WHERE externId IN ('L3', 'L7')")
    desk.checkpoint.saved.clear()
    counts = desk.load(LEADS[:10], lists_exist=True)
    assert desk.stored() == [*(one for one in IDS[:10] if one not in ("L3", "L7")), "L3", "L7"] or sorted(
        desk.stored()
    ) == sorted(IDS[:10])
    assert counts.accepted == 10


def test_nothing_is_sent_that_cannot_be_noted(desk: Desk) -> None:
    def full(record: object) -> None:
        raise OSError("no space left")

    desk.checkpoint.save = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no space"):
        desk.load(LEADS)
    assert desk.sent() == 0


def test_a_server_that_never_answers_is_given_up(desk: Desk) -> None:
    desk.sandbox.add_fault("reset", path=DIRECT, times=99)
    with pytest.raises(EngageVoiceError):
        desk.load(LEADS[:10])
    assert desk.sent() == 6
    assert desk.stored() == []


def test_an_empty_list_loads_nobody(desk: Desk) -> None:
    assert desk.load([]).accepted == 0
    assert desk.sent() == 0
