"""A person approves a plan, that plan and no other, and nothing is applied before."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.preflight.findings import ERROR, Finding, FindingsError
from airflow_provider_engagevoice.seasons import approval
from airflow_provider_engagevoice.seasons.apply import Apply, NotAppliedError
from airflow_provider_engagevoice.seasons.approval import (
    REJECT,
    NotApprovedError,
    RejectedError,
    approving_choice,
    form_text,
    needs_approval,
)
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_rollback
from airflow_provider_engagevoice.seasons.work import Approval
from airflow_provider_engagevoice.triggers import human_input
from airflow_provider_engagevoice.utils.season_approval import approval_of
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, day, season

ANN = {"id": "7", "name": "Ann"}
#: Events of a wait that has ended, and of a form that has no answer.
NO_ANSWER = {"error": "too late", "error_type": "timeout"}
OPEN_FORM = {"has_form": True}


class WaitingError(Exception):
    """The task waits for a person."""


class FindingError(Exception):
    """The task waits for the answer of an earlier attempt."""


class Form:
    """Stands in for Airflow: the one form of a task instance, as release 3.3 keeps it."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.left: timedelta | None = None
        self.since = 0.0
        self.asked = 0

    def ask(self, context: Any, **form: Any) -> Any:
        self.asked += 1
        self.shown = self.shown or form
        return self.shown["choices"]

    def wait_for_answer(self, method_name: str, since: float, left: timedelta | None) -> NoReturn:
        self.since, self.left = since, left
        raise WaitingError(method_name)

    def find_answer(self, task: Any, context: Any, method_name: str, earlier_form: str) -> NoReturn:
        assert earlier_form == "form 1"
        raise FindingError(method_name)


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch) -> Form:
    form = Form()
    for name in ("ask", "wait_for_answer", "find_answer"):
        monkeypatch.setattr(human_input, name, getattr(form, name))
    return form


Approve = Callable[..., Approval | None]


class StateStore(dict[str, Any]):
    """Stands in for Airflow's state store of a task."""

    set = dict.__setitem__


@pytest.fixture
def store() -> StateStore:
    return StateStore()


@pytest.fixture
def approve(form: Form, world: SeasonWorld, store: StateStore) -> Approve:
    def approve(
        plan: Plan, event: Mapping[str, Any] | None = None, *, since: float | None = None, **arguments: Any
    ) -> Approval | None:
        values = {"plan": "s3://b/plan.json", "approve": "always", "accept_findings": None}
        values |= {"approvers": None, "approve_within": None}
        task: Any = SimpleNamespace(
            read_arguments=lambda: {**values, **arguments}, log=logging.getLogger("task")
        )
        context: Any = {"task_state_store": store, "ti": SimpleNamespace(id="form 1")}
        return approval_of(task, context, plan, world.records, method_name="go_on", event=event, since=since)

    return approve


def answer(choice: str, age: float = 10, **more: Any) -> dict[str, Any]:
    """Return the event of an answer.

    :param age: in seconds
    """
    at = clock.now() - timedelta(seconds=age)
    return {"chosen_options": [choice], "responded_at": at, "responded_by_user": ANN, **more}


def apply(world: SeasonWorld, plan: Plan, approved: Approval | None, **options: Any) -> Any:
    procedure = Apply(plan, world.records, run="run", attempt=options.pop("attempt", 1), approval=approved)
    return world.run(procedure.run(), **options)


def test_the_form_has_the_plan_and_its_digest(world, form, approve) -> None:
    plan = world.plan(season(2))
    with pytest.raises(WaitingError, match="go_on"):
        approve(plan, approvers=["ann"], approve_within=timedelta(hours=2))
    assert form.shown["subject"] == f"Apply plan {plan.digest[:12]} of season spring?"
    assert list(form.shown["choices"]) == [f"Apply {plan.digest[:12]}", "Reject"]
    assert form.shown["users"] == ["ann"]
    assert (form.since, form.left) == (clock.time(), timedelta(hours=2))
    assert "| create | 2 |" in form.shown["body"]
    assert "<br>" not in form.shown["body"]
    assert world.records.last() is None


def test_who_has_approved_is_in_the_record(world, form, approve) -> None:
    plan = world.plan(season())
    approved = approve(plan, answer(approving_choice(plan)))
    moment = datetime.fromtimestamp(clock.time() - 10, UTC).isoformat()
    assert approved == Approval(f"Apply {plan.digest[:12]}", moment, "Ann", "7")
    apply(world, plan, approved)
    assert Record.from_json(world.record.to_json(), "r.json").approval == approved
    assert form.asked == 0
    # The apply has ended: another one of the plan does nothing.
    assert approve(plan) == approved


def test_an_answer_to_another_plan_asks_again(world, form, approve, caplog) -> None:
    other = world.plan(season(end=70))
    plan = world.plan(season())
    with pytest.raises(WaitingError):
        approve(plan, answer(approving_choice(other)))
    assert "of Ann at" in caplog.text
    assert f"is for another plan than {plan.digest[:12]}; asking again" in caplog.text


def test_a_form_that_airflow_keeps_from_another_plan_is_an_error(world, form, approve) -> None:
    other, plan = world.plan(season(end=70)), world.plan(season())
    with pytest.raises(WaitingError):
        approve(other)
    for event in (answer(approving_choice(other)), OPEN_FORM, OPEN_FORM):
        with pytest.raises(NotApprovedError, match=rf"of an earlier plan \(Apply {other.digest[:12]}"):
            approve(plan, event)


def test_an_answer_that_is_too_old_asks_again(world, form, approve, caplog) -> None:
    plan = world.plan(season())
    within = timedelta(hours=2)
    assert approve(plan, answer(approving_choice(plan), age=7200), approve_within=within)
    with pytest.raises(WaitingError):
        approve(plan, answer(approving_choice(plan), age=7201), approve_within=within)
    assert "is older than approve_within=2:00:00; asking again" in caplog.text


def test_no_answer_in_time_is_an_error(world, form, approve) -> None:
    plan, within = world.plan(season()), timedelta(hours=2)
    with pytest.raises(WaitingError):
        approve(plan, approve_within=within)
    begun = form.since
    world.clock.sleep(3600)
    with pytest.raises(WaitingError):
        approve(plan, NO_ANSWER, since=begun, approve_within=within)
    assert (form.since, form.left, form.asked) == (begun, timedelta(hours=1), 1)
    world.clock.sleep(3600)
    with pytest.raises(NotApprovedError, match=r"was not approved within 2:00:00; nothing was applied"):
        approve(plan, NO_ANSWER, since=begun, approve_within=within)
    assert not NotApprovedError.retryable
    # Cleared, the task waits again, and counts an answer that came too late for the attempt before.
    with pytest.raises(FindingError):
        approve(plan, approve_within=within)
    with pytest.raises(WaitingError):
        approve(plan, OPEN_FORM, approve_within=within)
    assert (form.since, form.left, form.asked) == (clock.time(), within, 1)
    assert approve(plan, answer(approving_choice(plan)), approve_within=within)


def test_without_a_limit_the_task_waits_for_ever(world, form, approve) -> None:
    plan = world.plan(season())
    with pytest.raises(WaitingError):
        approve(plan)
    world.clock.sleep(90 * 86_400)
    with pytest.raises(WaitingError):
        approve(plan, NO_ANSWER, since=form.since)
    assert (form.left, form.asked) == (None, 1)


def test_a_rejection_is_an_error(world, form, approve) -> None:
    with pytest.raises(RejectedError, match=r"'spring' was rejected by Ann at 2026-.*; nothing was applied"):
        approve(world.plan(season()), answer(REJECT))


def test_a_retry_finds_the_answer_of_the_attempt_before(world, form, approve) -> None:
    plan = world.plan(season())
    with pytest.raises(WaitingError):
        approve(plan)
    with pytest.raises(FindingError, match="go_on"):
        approve(plan)
    approved = approve(plan, answer(approving_choice(plan)))
    assert approved is not None
    assert approved.by == "Ann"
    with pytest.raises(RejectedError):
        approve(plan, answer(REJECT))


def test_a_retry_does_not_ask_again_while_its_form_is_open(world, form, approve) -> None:
    # An answer may have come after the form was read; asking would remove it.
    plan = world.plan(season())
    with pytest.raises(WaitingError):
        approve(plan)
    with pytest.raises(WaitingError):
        approve(plan, OPEN_FORM)
    assert form.asked == 1
    with pytest.raises(WaitingError):
        approve(plan, {"has_form": False})
    assert form.asked == 2


def test_a_task_that_was_killed_as_it_asked_looks_for_an_answer(world, form, approve, monkeypatch) -> None:
    def ask(*given: Any, **more: Any) -> NoReturn:
        raise KilledError

    plan = world.plan(season())
    monkeypatch.setattr(human_input, "ask", ask)
    with pytest.raises(KilledError):
        approve(plan)
    with pytest.raises(FindingError):
        approve(plan)


def test_a_rejection_counts_once(world, form, approve, caplog) -> None:
    plan = world.plan(season())
    rejected = answer(REJECT)
    with pytest.raises(RejectedError):
        approve(plan, rejected)
    # The task was cleared, and has found it again.
    with pytest.raises(WaitingError):
        approve(plan, rejected)
    assert "has ended the task before; asking again" in caplog.text
    assert form.asked == 1
    with pytest.raises(RejectedError):
        approve(plan, answer(REJECT, age=5))


@pytest.mark.parametrize("event", [NO_ANSWER, OPEN_FORM])
def test_a_plan_that_is_another_one_when_a_wait_ends_is_asked_about(world, form, approve, event) -> None:
    other, plan = world.plan(season(end=70)), world.plan(season())
    with pytest.raises(WaitingError):
        approve(other)
    # Airflow 3.4 replaces it.
    form.shown = {}
    with pytest.raises(WaitingError):
        approve(plan, event, since=0.0)
    assert approving_choice(plan) in form.shown["choices"]
    assert form.since == clock.time()


def test_an_apply_that_goes_on_does_not_ask_again(world, form, approve) -> None:
    asked = season(dial_groups=[GROUP, OTHER_GROUP])
    waves = [{"regions": ["r0"]}, {"regions": ["r1"], "after": "2d"}]
    plan = world.plan(asked | {"waves": waves})
    within = {"approve_within": timedelta(hours=2)}
    approved = approve(plan, answer(approving_choice(plan)), **within)
    with pytest.raises(KilledError):
        apply(world, plan, approved, kill_at=2)
    assert approve(plan, **within) == approved
    assert apply(world, plan, approved, attempt=2).until is not None
    world.clock.sleep(2 * 86_400)
    assert approve(plan, **within) == approved
    assert apply(world, plan, approved, attempt=2).until is None
    assert world.record.approval == approved
    assert form.asked == 0


def test_an_apply_that_was_not_approved_asks_when_it_goes_on(world, form, approve) -> None:
    plan = world.plan(season(2))
    with pytest.raises(KilledError):
        apply(world, plan, None, kill_at=2)
    with pytest.raises(WaitingError):
        approve(plan)


def test_a_stale_plan_is_refused_before_a_person_is_asked(world, form, approve) -> None:
    plan = world.plan(season())
    world.roll_out(season(end=70))
    with pytest.raises(StalePlanError):
        approve(plan)
    assert form.asked == 0


def test_errors_of_the_preflight_are_refused_before_a_person_is_asked(world, form, approve) -> None:
    plan = world.plan(season())
    plan.findings = [Finding("caller-id", ERROR, "rules", "2026-11-01", "no caller ID", "give one")]
    with pytest.raises(FindingsError):
        approve(plan)
    with pytest.raises(WaitingError):
        approve(plan, accept_findings=["caller-id"])
    assert "no caller ID" in form.shown["body"]


def test_what_is_changed_after_the_approval_is_left_as_it_is(world, form, approve) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    approved = approve(plan, answer(approving_choice(plan)))
    world.edit("C0 r0", callerId="4155550188")
    with pytest.raises(NotAppliedError, match="changed since the plan"):
        apply(world, plan, approved)


def test_a_plan_that_writes_nothing_needs_no_approval(world, form, approve) -> None:
    world.roll_out(season())
    assert approve(world.plan(season())) is None
    assert form.asked == 0


def test_what_is_destructive(world) -> None:
    def is_asked(plan: Plan) -> bool:
        assert not needs_approval(plan, "never")
        return needs_approval(plan, "if_destructive")

    world.add("Old")
    new = season(2)
    clone = {"name": "D", "from": "Old", "window": [day(30), day(60)]}
    assert not is_asked(world.plan(new | {"campaigns": [*new["campaigns"], clone]}))
    assert is_asked(world.plan(season(is_active=1)))
    assert is_asked(world.plan(season(is_active=2)))
    world.roll_out(season(is_active=1))
    assert not is_asked(world.plan(season(is_active=1)))
    assert is_asked(world.plan(season(is_active=1, end=70)))
    assert is_asked(world.plan(season(is_active=0)))
    assert is_asked(world.run(plan_pause(world.record, RECORDS)))
    assert is_asked(world.run(plan_rollback(world.record, RECORDS)))


def test_a_long_plan_is_cut_and_says_so_first(world, monkeypatch) -> None:
    plan = world.plan(season(40))
    text = form_text(plan, "s3://b/plan.md")
    monkeypatch.setattr(approval, "_MOST_BYTES", 1000)
    cut = form_text(plan, "s3://b/plan.md").splitlines()
    assert cut[:3] == [
        "# Season spring",
        "",
        f"**This is not all of the plan: {len(text.splitlines()) - len(cut) + 2} more lines are in s3://b/plan.md.**",
    ]
    assert len("\n".join(cut).encode()) < 1200


def test_records_of_earlier_versions_are_read(world) -> None:
    world.roll_out(season())
    data = json.loads(world.record.to_json())
    del data["approval"]
    assert Record.from_json(json.dumps(data), "r.json") == world.record
