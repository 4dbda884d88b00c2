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

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

#: Seconds between the end of a process and the next one of the same attempt. If it starts within about one
#: second, the scheduler takes the end of the first process for the end of the second, and fails the attempt.
_SETTLE_SECONDS = 3.0
#: How long a task is deferred for an answer that is there or not.
_FIND_WITHIN = timedelta(minutes=15)
#: In the event of an answer that was there before the attempt.
_EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class HumanInput:
    """What a person has chosen.

    :param by: name of the user; ``by_id`` is the id in Airflow's auth manager
    :param is_earlier: whether it was there before the attempt
    """

    choice: str
    at: datetime
    by: str | None
    by_id: str | None
    is_earlier: bool = False


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


def wait_for_answer(method_name: str, timeout: timedelta | None) -> NoReturn:
    """End the process; the task goes on in a method once there is an answer, or none in time.

    :param method_name: method that takes the ``event``, see :func:`answer_in`
    """
    # Not an Exception, so that no operator handles it.
    from airflow.sdk.exceptions import TaskAwaitingInput

    raise TaskAwaitingInput(method_name=method_name, timeout=timeout)


def find_answer(task: BaseOperator, context: Any, method_name: str) -> NoReturn:
    """End the process; the task goes on in a method with an answer that the form had before, or with none.

    A worker cannot read it, but the triggerer can.
    """
    trigger = AnswerTrigger(str(context["ti"].id))
    task.defer(trigger=trigger, method_name=method_name, timeout=_FIND_WITHIN)


def is_too_late(event: Mapping[str, Any]) -> bool:
    """Return whether there was no answer in time."""
    return "error" in event


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
        is_earlier=event.get(_EARLIER, False),
    )


class AnswerTrigger(BaseTrigger):
    """
    Read the answer that the form of a task instance has.

    Its event has the keys of those of :func:`wait_for_answer`, or none if there is no answer.

    :param ti_id: id of the task instance
    """

    def __init__(self, ti_id: str) -> None:
        super().__init__()
        self.ti_id = ti_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return "airflow_provider_engagevoice.triggers.human_input.AnswerTrigger", {"ti_id": self.ti_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail

        # The triggerer answers only threads of this kind.
        from asgiref.sync import sync_to_async

        await asyncio.sleep(_SETTLE_SECONDS)
        event: dict[str, Any] = {}
        try:
            found = await sync_to_async(get_hitl_detail_content_detail)(UUID(self.ti_id))
        except AirflowRuntimeError as error:
            self.log.info("the task has no form yet, or it cannot be read: %s", error)
        else:
            if found.response_received:
                user = found.responded_by_user
                event = {
                    "chosen_options": list(found.chosen_options or ()),
                    "responded_at": found.responded_at,
                    "responded_by_user": None if user is None else {"id": user.id, "name": user.name},
                    _EARLIER: True,
                }
        yield TriggerEvent(event)
