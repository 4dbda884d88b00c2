"""Arguments of the approval of a plan, and what a rejection does to the task."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from packaging.version import Version

from airflow_provider_engagevoice import arguments, clock
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
        ({"approve": "always", "approvers": "ann, bo"}, r"approvers='ann, bo'.*write a list"),
        ({"approve": "always", "approvers": "['ann', 'bo']"}, r"approvers=.*it is not JSON.*\| tojson"),
        ({"accept_findings": "us-hours,us-sundays"}, r"accept_findings=.*write a list"),
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


@pytest.mark.parametrize(
    ("approvers", "users"),
    [
        ("ann", ["ann"]),
        ('["ann", "bo"]', ["ann", "bo"]),
        (["ann", "bo"], ["ann", "bo"]),
        (("ann",), ["ann"]),
        ([7, "cn=ann,ou=people"], ["7", "cn=ann,ou=people"]),
    ],
)
def test_approvers_are_a_list_or_one_user(approvers, users) -> None:
    assert apply(approve="always", approvers=approvers).read_arguments()["approvers"] == users


def test_templates_are_read_when_they_are_rendered(assert_not_retried, sandbox) -> None:
    task = apply(approve="{{ params.approve }}", approvers="{{ params.who }}")
    assert_not_retried(task, {"approve": "sometimes", "approvers": "ann"}, "approve='sometimes'")
    assert_not_retried(task, {"approve": "always", "approvers": "['ann', 'bo']"}, "it is not JSON")
    assert_not_retried(task, {"approve": "always", "approvers": "None"}, "must be text that is not blank")
    # As a DAG that renders to native objects has it.
    assert_not_retried(task, {"approve": "always", "approvers": None}, "must name at least one user")


@pytest.mark.parametrize("approve", ["always", "if_destructive"])
def test_an_airflow_that_cannot_ask_refuses_the_dag_file(monkeypatch, approve) -> None:
    monkeypatch.setattr(human_input, "is_supported", lambda: False)
    with pytest.raises(InvalidInputError, match=r"needs Airflow 3.3 or newer; write 'never', and on 3.1 and"):
        apply(approve=approve)
    assert apply(approve="never").approve == "never"


class _StateStore(dict[str, Any]):
    set = dict.__setitem__


def test_airflow_3_3_and_newer_can_ask() -> None:
    assert (Version(airflow_version) >= Version("3.3")) == CAN_ASK


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
    context: Any = {"task_state_store": _StateStore()}
    with pytest.raises(error, match=r"was rejected by Ann at 2026-12-01 00:00:00.00:00; nothing was applied"):
        task.execute_answered(context, event)
    assert not [one for one in sandbox.requests() if "campaigns" in one.path]


@pytest.mark.skipif(not CAN_ASK, reason="Airflow 3.3 has the answer")
@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        (["answered"], (True, True)),
        (["open"], (True, False)),
        (["unreadable", "open"], (True, False)),
        (["none", "answered"], (False, True)),
        (["none", "open"], (False, False)),
        (["none", "unreadable", "none", "answered"], (False, True)),
        (["none", "none"], (False, False)),
    ],
)
def test_a_retry_reads_the_answer_of_the_attempt_before(monkeypatch, forms, expected) -> None:
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time import hitl
    from airflow.sdk.execution_time.comms import ErrorResponse

    ids, moment = (uuid4(), uuid4()), datetime(2026, 12, 1, tzinfo=UTC)
    read: list[UUID] = []

    def answer_to(form_id: UUID) -> Any:
        read.append(form_id)
        form = forms[len(read) - 1]
        if form in ("none", "unreadable"):
            detail = {"status_code": 404 if form == "none" else None}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
        return SimpleNamespace(
            response_received=form == "answered",
            chosen_options=["Reject"],
            responded_at=moment,
            responded_by_user=SimpleNamespace(id="1", name="Ann"),
        )

    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", answer_to)
    monkeypatch.setattr(human_input, "_SETTLE_SECONDS", 0)
    monkeypatch.setattr(human_input, "_READ_AGAIN_SECONDS", 0)
    _, arguments_of = human_input.AnswerTrigger(str(ids[0]), str(ids[1])).serialize()
    trigger = human_input.AnswerTrigger(**arguments_of)

    async def event() -> Any:
        return [one.payload async for one in trigger.run()]

    (payload,) = asyncio.run(event())
    has_form, is_answered = expected
    assert (read[0], read[-1]) == (ids[0], ids[0] if has_form else ids[1])
    assert len(read) == len(forms)
    assert human_input.answer_in(payload) == (
        human_input.HumanInput("Reject", moment, "Ann", "1") if is_answered else None
    )
    assert human_input.is_open(payload) == (has_form and not is_answered)


@pytest.mark.skipif(not CAN_ASK, reason="Airflow 3.3 waits for people")
@pytest.mark.parametrize(
    ("waited", "left", "seconds"),
    [(0, None, 60), (59, None, 60), (61, None, 3600), (0, 5, 5), (7000, 200, 200), (7000, 9000, 3600)],
)
def test_waits_end_from_time_to_time(waited, left, seconds) -> None:
    from airflow.sdk.exceptions import TaskAwaitingInput

    since = clock.time() - waited
    with pytest.raises(TaskAwaitingInput) as caught:
        human_input.wait_for_answer("go_on", since, None if left is None else timedelta(seconds=left))
    assert caught.value.timeout == timedelta(seconds=seconds)
    assert caught.value.kwargs == {"since": since}
