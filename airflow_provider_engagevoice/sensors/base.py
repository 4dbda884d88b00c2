"""What the sensors share: the connection, the errors of a look, and the trigger's event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    BaseSensorOperator,
)

from airflow_provider_engagevoice import clock

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

T = TypeVar("T")

#: The triggerer keeps a wait's time-out itself; Airflow's own stands behind it, this much later.
GRACE = timedelta(minutes=5)


class EngageVoiceSensor(BaseSensorOperator):
    """A sensor that looks by a connection of type ``engagevoice``, or has a trigger wait.

    :param deferrable: wait on the triggerer
    :param engagevoice_conn_id: id of the connection
    """

    ui_color = "#ffe4c4"

    def __init__(
        self, *, deferrable: bool, engagevoice_conn_id: str = "engagevoice_default", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.deferrable = deferrable
        self._failures = 0

    @cached_property
    def hook(self) -> EngageVoiceHook:
        """The hook of the task's connection."""
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

        return EngageVoiceHook(self.engagevoice_conn_id)

    def _look(self, prepare: Callable[[], Procedure[T]]) -> T | None:
        """Look once; None when that failed and another look may do.

        :param prepare: checks the rendered fields, and returns what is to be done
        """
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET

        self.hook.deadline = clock.now() + timedelta(seconds=self.timeout)
        try:
            found = self.hook.run(prepare())
        except EngageVoiceError as error:
            self._failures += 1
            if not error.retryable:
                raise AirflowFailException(str(error)) from error
            if self.deferrable or self._failures > FAILURE_BUDGET:
                raise
            self.log.warning("look %d in a row failed: %s", self._failures, error)
            return None
        finally:
            self.hook.close()
        self._failures = 0
        return found

    def execute_complete(self, context: Context, event: object = None) -> None:
        """Take the trigger's event; anything but a goal that was reached fails the task."""
        match event:
            case {"status": "reached", "message": str(message)}:
                self.log.info("%s", message)
                self._reached(context, event)
            case "success":
                # `airflow dags test` runs the trigger in line and brings even an event that ends a task here.
                pass
            case {"status": "unreachable" | "never", "message": str(message)}:
                raise AirflowFailException(message)
            case {"status": "timeout", "message": str(message)}:
                raise AirflowSensorTimeout(f"not {self._goal} within {self.timeout:.0f} s: {message}")
            case {"status": "failed", "message": str(message), "retryable": True}:
                raise AirflowException(message)
            case {"status": "failed", "message": str(message)}:
                raise AirflowFailException(message)
            case _:
                raise AirflowException(f"the trigger sent an event that is not known: {event!r}")

    @property
    @abstractmethod
    def _goal(self) -> str:
        """What is awaited, in a word."""

    def _reached(self, context: Context, event: object) -> None:
        """Do what remains once the trigger has told that the goal is reached."""
