"""Arguments of the approval of a plan, and what a rejection does to the task."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_engagevoice import arguments
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.seasons import EngageVoiceApplySeasonOperator
from airflow_provider_engagevoice.seasons.plan import Plan, PlannedCampaign, PlannedWave
from airflow_provider_engagevoice.triggers import human_input
from tests.support.connections import ACCOUNT_ID

CAN_ASK = human_input.is_supported()


@pytest.fixture(autouse=True)
def can_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this Airflow be one of 3.3, whatever it is."""
    monkeypatch.setattr(human_input, "is_supported", lambda: True)
    arguments._check_once.cache_clear()


def apply(**given: Any) -> EngageVoiceApplySeasonOperator:
    return EngageVoiceApplySeasonOperator(**{"task_id": "apply", "plan": "s3://plans/1.json", **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"approve": "allways"},
            "approve='allways' is not usable: must be 'always', 'if_destructive' or 'never'",
        ),
        ({"approve": "always", "on_reject": "stop"}, "on_reject='stop'.*must be 'fail' or 'skip'"),
        ({"approve": "always", "approvers": []}, "approvers=.*must name at least one user"),
        ({"approve": "always", "approvers": ["ann", " "]}, "approvers=' '.*must be text"),
        ({"approve": "always", "approve_within": "2 hours"}, "approve_within='2 hours'.*a time such as '2h'"),
        ({"approve": "always", "approve_within": 7200}, "approve_within=7200"),
        ({"approve": "always", "approve_within": timedelta()}, "approve_within=.*a timedelta, or"),
        ({"approve": "always", "approve_within": "P1D"}, "approve_within='P1D'"),
        ({"approvers": ["ann"]}, "approvers=.*it needs approve='always' or 'if_destructive'"),
        ({"approve_within": "2h"}, "approve_within='2h'.*it needs approve="),
    ],
)
def test_literal_mistakes_are_errors_of_the_dag_file(given, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        apply(**given)


def test_a_time_is_a_timedelta_or_text() -> None:
    for given in ("1d 12h", timedelta(hours=36), " 36h"):
        task = apply(approve="if_destructive", approve_within=given, approvers="ann")
        assert task.read_arguments()["approve_within"] == timedelta(hours=36)
        assert task.read_arguments()["approvers"] == ["ann"]


def test_templates_are_read_when_they_are_rendered(assert_not_retried, sandbox) -> None:
    task = apply(approve="{{ params.approve }}", approvers="{{ params.who }}")
    assert_not_retried(task, {"approve": "sometimes", "approvers": "ann"}, "approve='sometimes'")


@pytest.mark.parametrize("approve", ["always", "if_destructive"])
def test_an_airflow_that_cannot_ask_refuses_the_dag_file(monkeypatch, approve) -> None:
    monkeypatch.setattr(human_input, "is_supported", lambda: False)
    with pytest.raises(InvalidInputError, match=r"needs Airflow 3.3 or newer; write 'never', and on 3.1 and"):
        apply(approve=approve)
    assert apply(approve="never").approve == "never"


@pytest.mark.parametrize(
    ("on_reject", "error"), [("fail", AirflowFailException), ("skip", AirflowSkipException)]
)
def test_a_rejection_fails_without_a_retry_or_skips(sandbox, tmp_path, on_reject, error) -> None:
    campaign = PlannedCampaign(
        *("7/A", "create", "west", 7, "West", "A", 0, "USA", None, None, {}, 0, False, None)
    )
    waves = [PlannedWave(["west"])]
    plan = Plan("spring", ACCOUNT_ID, str(tmp_path), 0, 0.0, "source", waves, [campaign])
    (tmp_path / "plan.json").write_text(plan.to_json())
    task = apply(plan=f"{tmp_path}/plan.json", approve="always", on_reject=on_reject, retries=3)
    user = {"id": "1", "name": "Ann"}
    event = {
        "chosen_options": ["Reject"],
        "responded_at": datetime(2026, 12, 1, tzinfo=UTC),
        "responded_by_user": user,
    }
    context: Any = {"ti": SimpleNamespace(try_number=1, max_tries=3)}
    with pytest.raises(error, match=r"was rejected by Ann at 2026-12-01 00:00:00.00:00; nothing was applied"):
        task.execute_answered(context, event)
    assert not [one for one in sandbox.requests() if "campaigns" in one.path]


@pytest.mark.skipif(not CAN_ASK, reason="Airflow 3.3 has the answer")
@pytest.mark.parametrize("state", ["answered", "asked", "not asked"])
def test_a_retry_reads_the_answer_of_the_attempt_before(monkeypatch, state) -> None:
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time import hitl
    from airflow.sdk.execution_time.comms import ErrorResponse

    ti_id, moment = uuid4(), datetime(2026, 12, 1, tzinfo=UTC)

    def read(given: UUID) -> Any:
        assert given == ti_id
        if state == "not asked":
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))
        return SimpleNamespace(
            response_received=state == "answered",
            chosen_options=["Reject"],
            responded_at=moment,
            responded_by_user=SimpleNamespace(id="1", name="Ann"),
        )

    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", read)
    monkeypatch.setattr(human_input, "_SETTLE_SECONDS", 0)
    _, arguments_of = human_input.AnswerTrigger(str(ti_id)).serialize()
    trigger = human_input.AnswerTrigger(**arguments_of)

    async def event() -> Any:
        return [one.payload async for one in trigger.run()]

    (payload,) = asyncio.run(event())
    found = human_input.answer_in(payload)
    assert found == (
        human_input.HumanInput("Reject", moment, "Ann", "1", True) if state == "answered" else None
    )
    assert not human_input.is_too_late(payload)
