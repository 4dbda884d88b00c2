"""Ask a person before a plan is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.arguments import CheckedArguments
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Records
    from airflow_provider_engagevoice.triggers.human_input import HumanInput


def approval_of(
    task: CheckedArguments,
    context: Context,
    plan: Plan,
    records: Records,
    *,
    method_name: str,
    event: Mapping[str, Any] | None,
) -> Approval | None:
    """Return who has approved a plan; None if it needs no approval.

    Otherwise the task waits for an answer, without a worker, and goes on in a method.

    :param method_name: that method; it takes the event
    :param event: that it was given
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
    if event is None and context["ti"].try_number > 1:
        human_input.find_answer(task, context, method_name)
    if event is not None and human_input.is_too_late(event):
        raise NotApprovedError(
            f"plan {short_digest(plan)} of season {plan.season!r} was not approved within {within}; nothing "
            "was applied; clear the task to ask again"
        )
    answer = human_input.answer_in(event or {})
    if answer is not None:
        ti: Any = context["ti"]
        is_cleared = ti.max_tries > task.retries
        problem = _problem(answer, plan, within, is_cleared=is_cleared)
        if not problem:
            task.log.info("plan %s was approved by %s at %s", short_digest(plan), answer.by, answer.at)
            return Approval(answer.choice, answer.at.isoformat(), answer.by, answer.by_id)
        task.log.warning(
            "the answer %r of %s at %s %s; asking again", answer.choice, answer.by, answer.at, problem
        )
    shown = _ask(context, plan, values)
    if approving_choice(plan) not in shown:
        raise NotApprovedError(
            f"plan {short_digest(plan)} of season {plan.season!r} cannot be approved in this run: its form "
            f"is that of an earlier plan ({shown[0]}), and Airflow replaces it from 3.4 on only; nothing was "
            "applied; trigger a new run of the DAG"
        )
    task.log.info("waiting for an answer to %r", approving_choice(plan))
    human_input.wait_for_answer(method_name, within)


def _ask(context: Context, plan: Plan, values: Mapping[str, Any]) -> Sequence[str]:
    """Show the plan to people; return the choices of the form."""
    return human_input.ask(
        context,
        subject=f"Apply plan {short_digest(plan)} of season {plan.season}?",
        body=form_text(plan, markdown_path(values["plan"])),
        choices=(approving_choice(plan), REJECT),
        users=values["approvers"],
    )


def _problem(answer: HumanInput, plan: Plan, within: timedelta | None, *, is_cleared: bool) -> str:
    """Return why an answer does not approve a plan; empty if it does.

    :param is_cleared: whether the task was cleared in its run
    :raises RejectedError: if it rejects the plan
    """
    if answer.choice == REJECT:
        if answer.is_earlier and is_cleared:
            return "was given before the task was cleared"
        raise RejectedError(
            f"plan {short_digest(plan)} of season {plan.season!r} was rejected by {answer.by} at "
            f"{answer.at}; nothing was applied"
        )
    if answer.choice != approving_choice(plan):
        return f"is for another plan than {short_digest(plan)}"
    if within is not None and clock.now() - answer.at > within:
        return f"is older than approve_within={within}"
    return ""
