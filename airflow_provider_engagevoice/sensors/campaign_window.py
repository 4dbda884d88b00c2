"""Wait for a campaign's window."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AssetAlias,
    conf,
)

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.assets import add_campaign_event
from airflow_provider_engagevoice.sensors.base import GRACE, EngageVoiceSensor

if TYPE_CHECKING:
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.polling.window_poll import WindowPoll

_TRIGGER = "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger"


class EngageVoiceCampaignWindowSensor(EngageVoiceSensor):
    """
    Wait until a campaign's window is open, or closed.

    Open means: the campaign is active and now lies within its dates and, with ``hours=True``, within the
    day's hours. It fails at once when that can never be, because the dates are over or the campaign is gone;
    an inactive campaign keeps it waiting. It knows when the window opens and wakes then, and looks at least
    every ``poke_interval``, because people edit campaigns. Deferred, it ends on the triggerer, without
    another worker slot. It returns nothing: a task that ends there cannot hand on a mapping. With an asset
    alias among its ``outlets`` it ends on a worker, and makes an event of the campaign's asset.

    :param campaign: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param state: ``open``, or ``closed`` to wait for the end of the dates (with ``hours=True``: for the end
        of the day's hours, if that is sooner)
    :param hours: whether the day's hours count
    :param timezone: IANA zone of the day's hours, which the vendor does not document; the connection's
        where left out
    :param poke_interval: longest time between two looks, in seconds; 300 where left out
    :param timeout: as for every sensor: seconds from the first look until it fails; Airflow's default is
        seven days
    :param deferrable: wait on the triggerer; Airflow's ``operators.default_deferrable`` where left out
    :param start_from_trigger: start on the triggerer, too, so that the task never takes a worker slot. Needs
        Airflow 3.3 and fields that involve no other task's result; where that is not so, and in a mapped
        task, it warns as the DAG is parsed and defers from a worker
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "campaign",
        "dial_group",
        "state",
        "hours",
        "timezone",
        "engagevoice_conn_id",
    )

    def __init__(
        self,
        *,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None = None,
        state: str = "open",
        hours: bool | str = False,
        timezone: str | tzinfo | None = None,
        poke_interval: timedelta | float = 300,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        start_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, deferrable=deferrable or start_from_trigger, **kwargs)
        self.campaign = campaign
        self.dial_group = dial_group
        self.state = state
        self.hours = hours
        self.timezone = timezone
        if start_from_trigger:
            self._start_from_trigger()
        self._seen: WindowPoll | None = None
        self._zone: ZoneInfo | None = None

    def poke(self, context: Context) -> bool:
        """Look once; deferrable, hand over to the triggerer when the goal is not reached."""
        began = clock.now()
        self._seen = seen = self._look(self._procedure)
        if seen is None:
            return False
        if seen.verdict.reached:
            self.log.info("%s", seen)
            self._tell_outlets(context, seen.as_json(self._outcome))
            return True
        if seen.verdict.unreachable:
            raise AirflowFailException(str(seen))
        self.log.info("waiting: %s", seen)
        if self.deferrable:
            self._hand_over(seen, began)
        return False

    def _procedure(self) -> Procedure[WindowPoll]:
        from airflow_provider_engagevoice.polling.window_poll import poll_window, read_goal, read_hours_zone

        goal = read_goal(self.state)
        self._zone = read_hours_zone(self.hours, self.timezone, self.hook.client.settings.timezone)
        return poll_window(self.campaign, self.dial_group, goal, self._zone)

    @property
    def _outcome(self) -> str:
        from airflow_provider_engagevoice.polling.windows import Goal

        return Goal(self.state).outcome

    @property
    def _goal(self) -> str:
        return self.state

    def _reached(self, context: Context, event: object) -> None:
        match event:
            case {"campaign": dict(campaign)}:
                self._tell_outlets(context, campaign)
            case _:
                raise AirflowException(f"the trigger sent an event that is not known: {event!r}")

    def _tell_outlets(self, context: Context, campaign: dict[str, Any]) -> None:
        """Make an asset event of the campaign, through the aliases among the task's outlets."""
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        if not any(isinstance(outlet, AssetAlias) for outlet in self.outlets):
            return
        try:
            account_id = self.hook.client.account_id()
        except EngageVoiceError as error:
            self.log.warning("no asset event for campaign %s: %s", campaign["campaign_id"], error)
        else:
            add_campaign_event(context, self.outlets, account_id, campaign)
        finally:
            self.hook.close()

    def _start_from_trigger(self) -> None:
        """Have the scheduler hand this task to the triggerer itself, if that can be."""
        from airflow_provider_engagevoice.utils.start_from_trigger import why_not_from_trigger

        timezone = getattr(self.timezone, "key", None) or getattr(self.timezone, "name", self.timezone)
        fields = {name: getattr(self, name) for name in self.template_fields} | {"timezone": timezone}
        dag = self.get_dag()
        native = dag is not None and dag.render_template_as_native_obj
        if reason := why_not_from_trigger(fields, self.inlets, native=native):
            warnings.warn(
                f"task {self.task_id!r} cannot start from the trigger and will defer from a worker: {reason}",
                UserWarning,
                stacklevel=4,
            )
            return
        from airflow.triggers.base import StartTriggerArgs

        trigger_timeout = timedelta(seconds=self.timeout) + GRACE
        if self.execution_timeout is not None:
            trigger_timeout = min(trigger_timeout, self.execution_timeout)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=_TRIGGER,
            trigger_kwargs={
                **fields,
                "poke_interval": self.poke_interval,
                "timeout": self.timeout,
                "trigger_timeout": trigger_timeout.total_seconds(),
                "end_from_trigger": not self.outlets,
            },
            next_method="execute_complete",
            timeout=trigger_timeout,
        )
        self.start_from_trigger = True

    def _hand_over(self, seen: WindowPoll, began: datetime) -> NoReturn:
        from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger

        deadline = began + timedelta(seconds=self.timeout)
        self.defer(
            trigger=CampaignWindowTrigger(
                engagevoice_conn_id=self.engagevoice_conn_id,
                campaign=seen.campaign.campaign_id,
                dial_group=seen.dial_group_id,
                wait_for=self.state,
                use_daily_hours=self._zone is not None,
                timezone=None if self._zone is None else self._zone.key,
                poke_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                poll_at=seen.next_poll_at(self.poke_interval).isoformat(),
                # Assets are recorded by a worker alone.
                end_from_trigger=not self.outlets,
            ),
            method_name="execute_complete",
            timeout=deadline - clock.now() + GRACE,
        )

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Sleep until the answer can change, never longer than ``poke_interval`` or the time-out."""
        from airflow_provider_engagevoice.polling.window_poll import pause_after

        interval = float(self.poke_interval)
        if self._seen is not None:
            next_poll_at = self._seen.next_poll_at(self.poke_interval)
            interval = (next_poll_at - clock.now()).total_seconds()
        elif self._failures:
            interval = pause_after(self._failures, interval)
        return max(0.0, min(interval, self.timeout - run_duration()))
