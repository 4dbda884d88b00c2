"""Ask a person before a plan is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.preflight.findings import check_accepted
from airflow_provider_engagevoice.seasons.approval import (
    REJECT,
    NotApprovedError,
    RejectedError,
    approving_choice,
    form_text,
    needs_approval,
    short_digest,
)
from airflow_provider_engagevoice.seasons.claim import check_not_stale
from airflow_provider_engagevoice.seasons.work import Approval
from airflow_provider_engagevoice.storage import markdown_path
from airflow_provider_engagevoice.triggers import human_input

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.arguments import CheckedArguments
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Records
    from airflow_provider_engagevoice.triggers.human_input import HumanInput

#: Keys in the task's state store, which retries share, also after a clear: the form's id and its choice that
#: approves a plan, and the time of the last rejection that has ended the task.
_ASKED, _REJECTED = "engagevoice_asked", "engagevoice_rejected"


def approval_of(
    task: CheckedArguments,
    context: Context,
    plan: Plan,
    records: Records,
    *,
    method_name: str,
    event: Mapping[str, Any] | None,
    since: float | None,
) -> Approval | None:
    """Return who has approved a plan; None if it needs no approval.

    Otherwise the task waits for an answer, without a worker, and goes on in a method.

    :param method_name: that method; it takes the event, and since when the task waits
    :param event: that it was given
    :param since: that it was given, in seconds since the epoch
    :raises FindingsError: if the preflight has found errors that are not accepted
    :raises NotApprovedError: if the plan was rejected, or not approved in time
    :raises StalePlanError: if it cannot be applied any more
    """
    values = task.read_arguments()
    if not needs_approval(plan, values["approve"]):
        return None
    mine = records.of_plan(plan.serial + 1, plan.digest)
    if mine is not None and (mine.approval is not None or mine.status == "applied"):
        # An apply that goes on was approved when it began.
        return mine.approval
    check_not_stale(plan, records.last())
    check_accepted(plan.findings, values["accept_findings"] or ())
    within: timedelta | None = values["approve_within"]
    store: Any = context["task_state_store"]
    asked: Any = store.get(_ASKED)
    if event is None:
        if asked is not None:
            human_input.find_answer(task, context, method_name, asked["form"])
        event = {}
    answer = human_input.answer_in(event)
    if answer is not None:
        problem = _problem(answer, plan, within, store)
        if not problem:
            task.log.info("plan %s was approved by %s at %s", short_digest(plan), answer.by, answer.at)
            return Approval(answer.choice, answer.at.isoformat(), answer.by, answer.by_id)
        task.log.warning(
            "the answer %r of %s at %s %s; asking again", answer.choice, answer.by, answer.at, problem
        )
    waits_for = (asked or {}).get("choice") if human_input.is_open(event) else None
    if waits_for != approving_choice(plan):
        _ask(context, plan, values, store)
        since = None
    since = clock.time() if since is None else since
    left = None if within is None else within - timedelta(seconds=clock.time() - since)
    if left is not None and left <= timedelta():
        raise NotApprovedError(
            f"plan {short_digest(plan)} of season {plan.season!r} was not approved within {within}; nothing "
            "was applied; clear the task to ask again"
        )
    task.log.info("waiting for an answer to %r", approving_choice(plan))
    human_input.wait_for_answer(method_name, since, left)


def _ask(context: Context, plan: Plan, values: Mapping[str, Any], store: Any) -> None:
    """Show the plan to people; an answer that the form has is removed.

    :raises NotApprovedError: if Airflow keeps an earlier form
    """
    asked = {"choice": approving_choice(plan), "form": human_input.form_id(context)}
    # Before it is asked: a task that is killed in between must look for an answer.
    store.set(_ASKED, asked)
    shown = _show(context, plan, values)
    if asked["choice"] not in shown:
        store.set(_ASKED, {**asked, "choice": shown[0]})
        raise NotApprovedError(
            f"plan {short_digest(plan)} of season {plan.season!r} cannot be approved in this run: its form "
            f"is that of an earlier plan ({shown[0]}), and Airflow replaces it from 3.4 on only; nothing was "
            "applied; trigger a new run of the DAG"
        )


def _show(context: Context, plan: Plan, values: Mapping[str, Any]) -> Sequence[str]:
    """Return the choices of the form."""
    return human_input.ask(
        context,
        subject=f"Apply plan {short_digest(plan)} of season {plan.season}?",
        body=form_text(plan, markdown_path(values["plan"])),
        choices=(approving_choice(plan), REJECT),
        users=values["approvers"],
    )


def _problem(answer: HumanInput, plan: Plan, within: timedelta | None, store: Any) -> str:
    """Return why an answer does not approve a plan; empty if it does.

    :raises RejectedError: if it rejects the plan
    """
    at = answer.at.isoformat()
    if answer.choice == REJECT:
        if store.get(_REJECTED) == at:
            return "has ended the task before"
        store.set(_REJECTED, at)
        raise RejectedError(
            f"plan {short_digest(plan)} of season {plan.season!r} was rejected by {answer.by} at "
            f"{answer.at}; nothing was applied"
        )
    if answer.choice != approving_choice(plan):
        return f"is for another plan than {short_digest(plan)}"
    if within is not None and clock.now() - answer.at > within:
        return f"is older than approve_within={within}"
    return ""
