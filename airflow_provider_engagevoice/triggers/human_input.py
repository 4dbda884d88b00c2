"""Ask a person, and wait for the answer: all internals of Airflow that this needs (3.3 and newer).

Airflow's own operators ask what is known before the task runs, and end with the answer; a plan is only known
to the task that applies it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_engagevoice import clock

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

#: Seconds between the end of a process and the next one of the same attempt. Before Airflow 3.4, if the next
#: one is queued before the scheduler has seen the end of the first, which takes about a second, the scheduler
#: takes that end for the end of the next one, and fails the attempt.
_SETTLE_SECONDS = 10.0
#: Seconds between two tries to read an answer.
_READ_AGAIN_SECONDS = 5.0
#: How long a task is deferred for an answer that is there or not.
_FIND_WITHIN = timedelta(minutes=15)
#: Before Airflow 3.4, an answer that arrives just as the task begins to wait may not wake it. The scheduler
#: finds it when the wait ends, so the first one is short: only programs answer that fast.
_FIRST_WAIT, _NEXT_WAIT = timedelta(minutes=1), timedelta(hours=1)
#: In the events of :class:`AnswerTrigger`.
_HAS_FORM = "has_form"


@dataclass(frozen=True, slots=True)
class HumanInput:
    """What a person has chosen.

    :param by: name of the user; ``by_id`` is the id in Airflow's auth manager
    """

    choice: str
    at: datetime
    by: str | None
    by_id: str | None


def is_supported() -> bool:
    """Return whether a task can wait for an answer without a worker and without a triggerer."""
    try:
        # Airflow 3.1 and 3.2 have forms, too, but no state in which a task waits for one.
        from airflow.sdk.exceptions import TaskAwaitingInput  # noqa: F401
    except ImportError:
        return False
    return True


def ask(
    context: Any, *, subject: str, body: str, choices: Sequence[str], users: Sequence[str] | None
) -> Sequence[str]:
    """Show a form under "Required Actions" for a task instance; an answer that it has is removed.

    :param body: Markdown, without HTML
    :param users: ids of those who may answer; None for all who may act on the DAG
    :return: the choices of the form. Before Airflow 3.4 a task instance keeps its first form in a run, also
        after it was cleared.
    """
    # Airflow's upsert_hitl_detail sends the same, and does not return the form.
    from airflow.sdk.api.datamodels._generated import HITLUser
    from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    form: Any = SUPERVISOR_COMMS.send(
        CreateHITLDetailPayload(
            ti_id=context["ti"].id,
            options=list(choices),
            subject=subject,
            body=body,
            # The API refuses None.
            params={},
            assigned_users=[HITLUser(id=user, name=user) for user in users or ()],
        )
    )
    options: Sequence[str] = form.options
    return options


def wait_for_answer(method_name: str, since: float, left: timedelta | None) -> NoReturn:
    """End the process; the task goes on in a method once there is an answer, or none for a while.

    :param method_name: method that takes ``event``, see :func:`answer_in`, and ``since``
    :param since: when the task began to wait, in seconds since the epoch
    :param left: how long it may wait still; None for any time
    """
    # Not an Exception, so that no operator handles it.
    from airflow.sdk.exceptions import TaskAwaitingInput

    is_first = clock.time() - since < _FIRST_WAIT.total_seconds()
    timeout = _FIRST_WAIT if is_first else _NEXT_WAIT
    timeout = timeout if left is None else min(left, timeout)
    raise TaskAwaitingInput(method_name=method_name, kwargs={"since": since}, timeout=timeout)


def form_id(context: Any) -> str:
    """Return the id of the form that :func:`ask` shows; before Airflow 3.4 it changes with each attempt."""
    return str(context["ti"].id)


def find_answer(task: BaseOperator, context: Any, method_name: str, earlier_form: str) -> NoReturn:
    """End the process; the task goes on in a method with an answer that a form had before, or with none.

    A worker cannot read it, but the triggerer can.

    :param earlier_form: id of the last form that was shown; from Airflow 3.4 on, each attempt has its own
    """
    trigger = AnswerTrigger(form_id(context), earlier_form)
    task.defer(trigger=trigger, method_name=method_name, timeout=_FIND_WITHIN)


def is_open(event: Mapping[str, Any]) -> bool:
    """Return whether the form of this attempt has no answer yet, so far as an event tells."""
    return "error" in event or (event.get(_HAS_FORM, False) and answer_in(event) is None)


def answer_in(event: Mapping[str, Any]) -> HumanInput | None:
    """Return the answer that an event has."""
    if not event.get("chosen_options"):
        return None
    user = event.get("responded_by_user") or {}
    return HumanInput(
        choice=event["chosen_options"][0],
        at=event["responded_at"],
        by=user.get("name"),
        by_id=user.get("id"),
    )


class AnswerTrigger(BaseTrigger):
    """
    Read the answer that a task instance has got.

    Its event says whether there is a form. If there is an answer, it also has the keys of an event of
    :func:`wait_for_answer`.

    :param form: id of its form
    :param earlier_form: id of the form that counts if there is no such form
    """

    def __init__(self, form: str, earlier_form: str) -> None:
        super().__init__()
        self.form = form
        self.earlier_form = earlier_form

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"form": self.form, "earlier_form": self.earlier_form}
        return "airflow_provider_engagevoice.triggers.human_input.AnswerTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event."""
        from airflow.sdk.exceptions import AirflowRuntimeError

        # The triggerer answers only threads of this kind.
        from asgiref.sync import sync_to_async

        await asyncio.sleep(_SETTLE_SECONDS)
        while True:
            try:
                form = await sync_to_async(_read)(self.form)
                found = form or await sync_to_async(_read)(self.earlier_form)
            except AirflowRuntimeError as error:
                self.log.warning("the form cannot be read (%s); trying again", error)
                await asyncio.sleep(_READ_AGAIN_SECONDS)
            else:
                yield TriggerEvent({_HAS_FORM: form is not None, **_event(found)})
                return


def _read(form_id: str) -> Any:
    """Return the answer to a form, whether or not it has one; None if there is no such form."""
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail

    try:
        return get_hitl_detail_content_detail(UUID(form_id))
    except AirflowRuntimeError as error:
        if (error.error.detail or {}).get("status_code") == 404:
            return None
        raise


def _event(found: Any) -> dict[str, Any]:
    """Return an answer as Airflow has it in its own events."""
    if found is None or not found.response_received:
        return {}
    user = found.responded_by_user
    return {
        "chosen_options": list(found.chosen_options or ()),
        "responded_at": found.responded_at,
        "responded_by_user": None if user is None else {"id": user.id, "name": user.name},
    }
