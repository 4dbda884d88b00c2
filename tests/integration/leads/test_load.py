"""Each lead is loaded exactly once, even if requests or responses are lost."""

from __future__ import annotations

import json

import pytest

from airflow_provider_engagevoice.exceptions import (
    BadRequestError,
    EngageVoiceError,
    LoadRefusedError,
    SupersededError,
)
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from tests.integration.leads.conftest import LoadRunner, lead

LEADS = [lead(number) for number in range(95)]
IDS = [one["externId"] for one in LEADS]
DIRECT = "leadLoader/direct"


def test_every_lead_is_loaded_once_and_a_rerun_loads_nothing(runner: LoadRunner) -> None:
    counts = runner.load(LEADS)
    assert (counts.accepted, counts.inserted, counts.rejected, counts.reconciled) == (95, 95, 0, 0)
    assert runner.stored() == IDS
    assert runner.progress[-1] == (95, 95)
    again = runner.load(LEADS)
    assert again == counts
    assert runner.sent() == 10
    assert runner.searched() == 0


def test_a_chunk_is_saved_before_it_is_sent(runner: LoadRunner) -> None:
    runner.sandbox.add_fault("status", path=DIRECT, status=400, times=1, after=3)
    with pytest.raises(BadRequestError):
        runner.load(LEADS, max_concurrent_requests=1)
    state = json.loads(runner.checkpoint.saved[-1])
    assert state["done"] == 3
    assert [(index, done) for index, (_, done, _) in state["beyond"].items()] == [("3", False)]


def test_a_retry_resumes_the_last_attempt(runner: LoadRunner) -> None:
    runner.sandbox.add_fault("status", path=DIRECT, status=400, times=1, after=6)
    with pytest.raises(BadRequestError):
        runner.load(LEADS, max_concurrent_requests=1)
    assert runner.sent() == 7
    counts = runner.load(LEADS, max_concurrent_requests=1)
    assert runner.stored() == IDS
    # The one that failed was looked up; those before it were not sent again.
    assert (runner.sent(), counts.reconciled) == (11, 1)
    assert counts.accepted == 95


@pytest.mark.parametrize("kind", ["drop_answer", "reset"])
def test_a_lost_response_is_reconciled(runner: LoadRunner, kind: str) -> None:
    runner.sandbox.add_fault(kind, path=DIRECT, times=2, after=1)
    counts = runner.load(LEADS)
    assert runner.stored() == IDS
    assert (counts.accepted, counts.reconciled) == (95, 2)


def test_a_200_that_is_a_failure_is_a_failure(runner: LoadRunner) -> None:
    body = json.dumps(
        {"processingStatus": "GENERAL_FAILURE", "processingResult": "Failed", "message": "no disk"}
    )
    runner.sandbox.add_fault(
        "status", path=DIRECT, status=200, body=body, content_type="application/json", times=1
    )
    counts = runner.load(LEADS)
    assert runner.stored() == IDS
    assert counts.reconciled == 1
    runner.checkpoint.saved.clear()
    runner.sandbox.add_fault(
        "status", path=DIRECT, status=200, body=body, content_type="application/json", times=99
    )
    with pytest.raises(LoadRefusedError, match="GENERAL_FAILURE, Failed, no disk"):
        runner.load([lead(1000)])


def test_a_lost_checkpoint_is_reconciled(runner: LoadRunner) -> None:
    runner.load(LEADS[:40])
    runner.checkpoint.saved.clear()
    runner.load(LEADS, lists_exist=True)
    assert runner.stored() == IDS
    # One page suffices for a chunk that is loaded completely; one that is not is looked up three times.
    assert runner.searched() == 4 + 6 * 3


def test_a_source_that_has_changed_is_looked_up_lead_by_lead(runner: LoadRunner) -> None:
    runner.load(LEADS)
    more = [lead(200), *LEADS, lead(201)]
    runner.sandbox.add_fault("status", path=DIRECT, status=400, times=1)
    with pytest.raises(BadRequestError):
        runner.load(more, max_concurrent_requests=1)
    # If an attempt must look up each lead, so must the next one.
    runner.load(more, max_concurrent_requests=1)
    assert runner.stored() == [*IDS, "L200", "L201"]


def test_leads_of_other_loads_do_not_count(runner: LoadRunner) -> None:
    runner.load(LEADS[:10])
    runner.sandbox.backend.database.change("UPDATE lead_lists SET listDesc = 'by hand'")
    runner.checkpoint.saved.clear()
    counts = runner.load(LEADS[:10], lists_exist=True, duplicates=DuplicateHandling.REMOVE_ALL_EXISTING)
    assert counts.accepted == 10


def test_leads_rejected_by_the_server_are_saved_with_their_rows(runner: LoadRunner) -> None:
    bad = {**lead(3), "leadPhone": "12"}
    counts = runner.load([*LEADS[:3], bad, *LEADS[4:12]])
    assert (counts.accepted, counts.rejected) == (11, 1)
    ((rejected,),) = runner.rejected.values()
    assert (rejected.row, rejected.body) == (5, bad)
    assert "leadPhone" in rejected.reason


def test_a_chunk_that_is_partly_loaded_is_completed(runner: LoadRunner) -> None:
    """A server may have stored some of a chunk when it fails."""
    runner.load(LEADS[:10])
    rows = runner.sandbox.backend.database
    rows.change("DELETE FROM leads WHERE externId IN ('L3', 'L7')")
    runner.checkpoint.saved.clear()
    counts = runner.load(LEADS[:10], lists_exist=True)
    assert runner.stored() == [*(one for one in IDS[:10] if one not in ("L3", "L7")), "L3", "L7"] or sorted(
        runner.stored()
    ) == sorted(IDS[:10])
    assert counts.accepted == 10


def test_nothing_is_sent_that_cannot_be_saved(runner: LoadRunner) -> None:
    def full(state: object) -> None:
        raise OSError("no space left")

    runner.checkpoint.save = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no space"):
        runner.load(LEADS)
    assert runner.sent() == 0


def test_a_server_that_never_responds_fails_the_load(runner: LoadRunner) -> None:
    runner.sandbox.add_fault("reset", path=DIRECT, times=99)
    with pytest.raises(EngageVoiceError, match="chunks in doubt: 1 of 1, whose leads may be loaded"):
        runner.load(LEADS[:10])
    assert runner.sent() == 6
    assert runner.stored() == []


def test_an_empty_list_loads_nothing(runner: LoadRunner) -> None:
    assert runner.load([]).accepted == 0
    assert runner.sent() == 0


def test_an_attempt_stops_once_a_newer_one_has_begun(runner: LoadRunner) -> None:
    saved = runner.checkpoint.saved

    class Shared(list[str]):
        """The newer attempt takes the checkpoint over after some chunks."""

        def append(self, state: str) -> None:
            super().append(state)
            if len(self) == 4:
                super().append(json.dumps(json.loads(state) | {"attempt": 2, "owner": "newer"}))

    runner.checkpoint.saved = Shared(saved)
    with pytest.raises(SupersededError, match="attempt 2 of this load has started; attempt 1 stops"):
        runner.load(LEADS, max_concurrent_requests=1)
    assert runner.sent() == 3
    assert json.loads(runner.checkpoint.saved[-1])["owner"] == "newer"
    runner.load(LEADS)
    assert runner.stored() == IDS


def test_leads_that_no_count_accounts_for_are_looked_up(runner: LoadRunner) -> None:
    """The server says that it has accepted 8 of 10, of which it has none."""
    few = {"leadsSupplied": 10, "leadsAccepted": 8, "leadsInserted": 8}
    answer = {"status": 200, "body": json.dumps(few), "content_type": "application/json"}
    runner.sandbox.add_fault("status", path=DIRECT, times=1, after=1, **answer)
    counts = runner.load(LEADS[:30], max_concurrent_requests=1)
    assert (counts.inserted, counts.rejected, counts.reconciled) == (20, 10, 1)
    ((index, rejected),) = runner.rejected.items()
    assert (index, [one.row for one in rejected]) == (1, list(range(12, 22)))


def test_an_answer_that_counts_nobody_is_looked_up_and_sent_again(runner: LoadRunner) -> None:
    nobody = {"leadsSupplied": 0, "leadsAccepted": 0, "leadsInserted": 0}
    answer = {"status": 200, "body": json.dumps(nobody), "content_type": "application/json"}
    runner.sandbox.add_fault("status", path=DIRECT, times=1, **answer)
    counts = runner.load(LEADS)
    assert runner.stored() == IDS
    assert (counts.inserted, counts.rejected, counts.reconciled) == (95, 0, 1)
