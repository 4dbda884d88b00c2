"""What both sensors share: the connection, errors of a poll that are retried, the trigger, and its event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

# Each name is looked up where it is needed: that takes time, and DAG files are parsed over and over.
from airflow.providers.common.compat import sdk

from airflow_provider_engagevoice.arguments import CAMPAIGN_INDEX, CampaignLinks, CheckedArguments

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.exceptions import EngageVoiceError
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
    from airflow_provider_engagevoice.polling.awaited import Missing

T = TypeVar("T")

#: The trigger itself ends a wait that times out; Airflow's own timeout follows this much later.
GRACE = timedelta(minutes=5)


# In this order, Airflow does not wrap the constructor once more.
class EngageVoiceSensor(sdk.BaseSensorOperator, CheckedArguments):
    """
    Base of sensors that poll by a connection of type ``engagevoice``, on a worker or by a trigger.

    :param poke_interval: longest time between two polls, in seconds
    :param deferrable: whether to wait on the triggerer
    :param engagevoice_conn_id: id of the connection
    """

    ui_color = "#ffe4c4"

    operator_extra_links = CampaignLinks()
    default_map_index = CAMPAIGN_INDEX
    #: What the last polls of this run have found if not one campaign.
    _missing: Missing | None = None
    _base_url = ""
    #: The connection's time zone, in which logs show dates.
    _zone_name = ""
    #: What the last poll has found, or why it failed.
    _last_found = ""
    #: Polls in a row that failed.
    _failures = 0
    #: Id of the connection. Sensors set it themselves: Airflow wraps each constructor, which costs time.
    engagevoice_conn_id: Any

    @cached_property
    def hook(self) -> EngageVoiceHook:
        """The hook of the task's connection."""
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook

        return EngageVoiceHook(self.engagevoice_conn_id)

    def execute(self, context: Context) -> Any:
        """Wait; with ``soft_fail`` only a timeout skips the task."""
        with self._errors_reported():
            return super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """End after the trigger; with ``soft_fail`` only a timeout skips the task."""
        with self._errors_reported():
            return super().resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def _errors_reported(self) -> Iterator[None]:
        """Log an error in one line, before Airflow logs a traceback, in which it cuts long lines."""
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        failed: BaseException
        try:
            yield
        except sdk.AirflowSkipException as skip:
            # With soft_fail, Airflow skips the task after most errors, in some modes an outage among them.
            cause = skip.__cause__
            if not self.soft_fail or cause is None or isinstance(cause, sdk.AirflowSensorTimeout):
                raise
            failed = cause
        except (sdk.AirflowException, sdk.AirflowTaskTimeout, EngageVoiceError) as error:
            if hasattr(error, "reschedule_date"):
                # No failure: it ends one run of mode reschedule.
                raise
            failed = error
        else:
            return
        self.log.error("%s", failed)
        raise failed.with_traceback(None) from None

    @property
    def _time_limit(self) -> timedelta:
        """``timeout``, or ``execution_timeout`` if smaller: Airflow 3 ignores it for a deferred task."""
        timeout = timedelta(seconds=self.timeout)
        return timeout if self.execution_timeout is None else min(timeout, self.execution_timeout)

    @property
    def reschedule(self) -> bool:
        """Whether the task gives up its worker slot between two polls.

        Not before a poll that confirms what the last one found: the next run would not know of it.
        """
        return super().reschedule and (self._missing is None or self._missing.since is None)

    def _poll_once(self, prepare: Callable[[], Procedure[T]]) -> T | None:
        """Poll once; None if there is no campaign that it is about, or it failed, and the next may see more.

        :param prepare: reads the rendered arguments and returns the procedure to run
        """
        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.exceptions import (
            AmbiguousNameError,
            EngageVoiceError,
            NotFoundError,
        )
        from airflow_provider_engagevoice.polling.awaited import may_poll_again
        from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET

        began = clock.now()
        self.hook.deadline = began + self._time_limit
        procedure = None
        try:
            procedure = prepare()
            poll = self.hook.run(procedure)
            settings = self.hook.client.settings
            self._base_url, self._zone_name = settings.base_url, settings.timezone
        except (NotFoundError, AmbiguousNameError) as error:
            self._failures = 0
            self._confirm_missing(error, began)
            return None
        except EngageVoiceError as error:
            self._failures += 1
            if not may_poll_again(error):
                raise sdk.AirflowFailException(str(error)) from None
            if procedure is None or self._failures > FAILURE_BUDGET:
                raise
            self._last_found = f"the last poll failed: {error}"
            self.log.warning("poll failed, %d in a row: %s", self._failures, error)
            return None
        finally:
            self.hook.close()
        self._failures = 0
        self._missing = None
        return poll

    def _confirm_missing(self, error: EngageVoiceError, polled_at: datetime) -> None:
        """Fail the task if an earlier poll has found the same."""
        from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER, Missing

        self._missing = self._missing or Missing()
        if self._missing.is_confirmed(error, polled_at):
            raise sdk.AirflowFailException(str(error)) from None
        self._last_found = str(error)
        self.log.warning("%s; checking again in %.0f s", error, CONFIRM_AFTER.total_seconds())

    def _push_link(self, context: Context, campaign_id: int) -> None:
        from airflow_provider_engagevoice.links import push_campaign_url

        push_campaign_url(context, self, self._base_url, campaign_id)

    def _pause(self, interval: float, run_duration: Callable[[], float]) -> float:
        """Return the seconds until the next poll: at most ``interval``, and not past the timeout."""
        from airflow_provider_engagevoice import clock

        if self._missing is not None and self._missing.confirm_at is not None:
            left = (self._missing.confirm_at - clock.now()).total_seconds()
            interval = min(interval, left) if left > 0 else interval
        return max(0.0, min(interval, self.timeout - run_duration()))

    def execute_complete(self, context: Context, event: object = None) -> None:
        """Handle the trigger's event; any other than a reached goal fails the task."""
        match event:
            case {"status": "reached", "message": str(message)}:
                self.log.info("%s", message)
                self._reached(context, event)
            case "success":
                # `airflow dags test` runs the trigger in line and hands over even an event that ends a task.
                pass
            case {"status": "unreachable" | "never", "message": str(message)}:
                self._unreachable(message)
            case {"status": "timeout", "message": str(message)}:
                seconds = self._time_limit.total_seconds()
                if seconds < self.timeout:
                    # As from a worker: retried, and not skipped.
                    raise sdk.AirflowTaskTimeout(
                        f"not {self._goal} within {seconds:.0f} s, its execution_timeout: {message}"
                    )
                raise sdk.AirflowSensorTimeout(f"not {self._goal} within {seconds:.0f} s: {message}")
            case {"status": "failed", "message": str(message), "retryable": True}:
                raise sdk.AirflowException(message)
            case {"status": "failed", "message": str(message)}:
                raise sdk.AirflowFailException(message)
            case _:
                raise sdk.AirflowException(f"unknown event from the trigger: {event!r}")

    @property
    @abstractmethod
    def _goal(self) -> str:
        """The goal of the wait, in a word."""

    def _unreachable(self, message: str) -> NoReturn:
        """End the task: its goal can no longer be reached."""
        raise sdk.AirflowFailException(message)

    def _reached(self, context: Context, event: object) -> None:
        """Complete the task after the trigger has reached the goal."""
