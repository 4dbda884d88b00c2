"""Wait for a campaign's window."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat import sdk

from airflow_provider_engagevoice import inputs
from airflow_provider_engagevoice.arguments import read_plain_flag
from airflow_provider_engagevoice.assets import add_campaign_event
from airflow_provider_engagevoice.sensors.base import GRACE, EngageVoiceSensor

if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import Unpack
    from zoneinfo import ZoneInfo

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure
    from airflow_provider_engagevoice.polling.window_poll import WindowPoll
    from airflow_provider_engagevoice.utils.airflow_arguments import SensorArguments

_TRIGGER = "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger"


class EngageVoiceCampaignWindowSensor(EngageVoiceSensor):
    """
    Wait until a campaign's window is open, or closed.

    The window is open if the campaign is active and now is within its dates and, with ``use_daily_hours``,
    within the hours of the day. The sensor fails at once if that cannot happen because the dates are over; an
    inactive campaign, or one whose dates the server does not show, keeps it waiting. It wakes when the window
    opens, and polls at least every ``poke_interval``, because campaigns are edited. If it is deferred, the
    task ends on the triggerer without another worker slot, so it returns nothing. With an asset alias among
    its ``outlets`` it ends on a worker and adds an event of the campaign's asset.

    A name means, at each poll, the campaign that has it then: also one that was deleted and created again, or
    renamed. An id means that campaign, whatever its name. The sensor fails if there is no such campaign, or
    if several have the name, once a second poll 35 seconds later finds the same, because lists of a server
    may be behind for that long; until then it keeps its worker slot in mode ``reschedule``.

    :param campaign: campaign to wait for: id, exact name, the output of another operator, or a mapping such
        as ``{"campaign_name": "20261201"}``
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: each poll searches all
    :param wait_for: ``open`` (default), or ``closed`` to wait for the end of the dates (with
        ``use_daily_hours``: for the end of the day's hours, if that is sooner)
    :param use_daily_hours: whether to apply the hours of each day; default: False
    :param timezone: IANA time zone of the daily hours, which the vendor does not document; default: the
        connection's
    :param if_over: what to do if the window will not open because the dates are over, as in runs of a catchup
        or backfill: ``fail`` (default), or ``skip`` the task
    :param poke_interval: longest time between two polls, in seconds; default: 300
    :param deferrable: whether to wait on the triggerer; default: Airflow's ``operators.default_deferrable``
    :param start_from_trigger: whether to start on the triggerer as well, so that the task never takes a
        worker slot. Requires Airflow 3.3 and arguments without results of other tasks; otherwise, and in a
        mapped task, the DAG file is parsed with a warning and the task defers from a worker. Default: False
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"state": "wait_for", "hours": "use_daily_hours"}
    template_fields: Sequence[str] = (
        "campaign",
        "dial_group",
        "wait_for",
        "use_daily_hours",
        "timezone",
        "if_over",
        "engagevoice_conn_id",
    )

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        wait_for: str | XComArg = "open",
        use_daily_hours: bool | str | XComArg = False,
        timezone: str | tzinfo | XComArg | None = None,
        if_over: str | XComArg = "fail",
        poke_interval: timedelta | float = 300,
        deferrable: bool = sdk.conf.getboolean("operators", "default_deferrable", fallback=False),
        start_from_trigger: bool = False,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        start_from_trigger = read_plain_flag(start_from_trigger, "start_from_trigger")
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.deferrable = start_from_trigger or read_plain_flag(deferrable, "deferrable")
        self.campaign = campaign
        self.dial_group = dial_group
        self.wait_for = wait_for
        self.use_daily_hours = use_daily_hours
        self.timezone = timezone
        self.if_over: Any = if_over
        if start_from_trigger:
            self._start_from_trigger()
        self._last_poll: WindowPoll | None = None
        self._zone: ZoneInfo | None = None

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice.dates import read_zone

        return {
            "campaign": inputs.read_campaign,
            "dial_group": inputs.read_dial_group,
            "wait_for": inputs.read_wait_for,
            "use_daily_hours": inputs.read_flag,
            "timezone": read_zone,
            "if_over": inputs.read_if_over,
        }

    def poke(self, context: Context) -> bool:
        """Poll once; if deferrable and the goal is not reached, hand over to the trigger."""
        from airflow_provider_engagevoice import clock

        began = clock.now()
        self._last_poll = poll = self._poll_once(self._procedure)
        if poll is not None:
            self._push_link(context, poll.campaign.campaign_id)
            self._last_found = text = poll.text(self._zone_name)
            if poll.verdict.reached:
                self.log.info("%s", text)
                from airflow_provider_engagevoice.polling.windows import Goal

                goal = Goal(inputs.read_wait_for(self.wait_for))
                self._add_asset_event(context, poll.as_json(goal.outcome))
                return True
            if poll.verdict.unreachable:
                self._unreachable(text)
            self.log.log(INFO if poll.verdict.readable else WARNING, "waiting: %s", text)
        if self.deferrable:
            self._hand_over(poll, began)
        return False

    def _procedure(self) -> Procedure[WindowPoll]:
        from airflow_provider_engagevoice.polling.window_poll import poll_window, read_hours_zone
        from airflow_provider_engagevoice.polling.windows import Goal

        values = self.read_arguments()
        default_zone = self.hook.client.settings.timezone
        self._zone = read_hours_zone(values["use_daily_hours"], values["timezone"], default_zone)
        return poll_window(values["campaign"], values["dial_group"], Goal(values["wait_for"]), self._zone)

    @property
    def _goal(self) -> str:
        return str(self.wait_for)

    def _unreachable(self, message: str) -> NoReturn:
        if inputs.read_if_over(self.if_over) == "skip":
            raise sdk.AirflowSkipException(message)
        hint = "for past runs of a catchup or backfill, set if_over='skip', or catchup=False"
        super()._unreachable(f"{message}; {hint}")

    def _reached(self, context: Context, event: object) -> None:
        match event:
            case {"campaign": dict(campaign)}:
                self._add_asset_event(context, campaign)
            case _:
                raise sdk.AirflowException(f"unknown event from the trigger: {event!r}")

    def _add_asset_event(self, context: Context, campaign: dict[str, Any]) -> None:
        """Add an event of the campaign's asset to the aliases among the task's outlets."""
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        if not any(isinstance(outlet, sdk.AssetAlias) for outlet in self.outlets):
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
        """Have the scheduler hand this task to the triggerer itself, if possible."""
        from airflow_provider_engagevoice.triggers.campaign_window import why_not_from_trigger

        timezone = getattr(self.timezone, "key", None) or getattr(self.timezone, "name", self.timezone)
        # What to do about a window that is over is decided on a worker.
        names = [name for name in self.template_fields if name != "if_over"]
        fields = {name: getattr(self, name) for name in names} | {"timezone": timezone}
        dag = self.get_dag()
        native = dag is not None and dag.render_template_as_native_obj
        if reason := why_not_from_trigger(fields, self.inlets, native=native):
            warnings.warn(
                f"task {self.task_id!r} cannot start from the trigger and will defer from a worker: {reason}",
                UserWarning,
                stacklevel=5,
            )
            return
        from airflow.triggers.base import StartTriggerArgs

        trigger_timeout = self._time_limit + GRACE
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=_TRIGGER,
            trigger_kwargs={
                **fields,
                "poke_interval": self.poke_interval,
                "timeout": self._time_limit.total_seconds(),
                "trigger_timeout": trigger_timeout.total_seconds(),
                "end_from_trigger": not self.outlets,
            },
            next_method="execute_complete",
            timeout=trigger_timeout,
        )
        self.start_from_trigger = True

    def _hand_over(self, poll: WindowPoll | None, began: datetime) -> NoReturn:
        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.polling.awaited import read_awaited
        from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger

        deadline = began + self._time_limit
        values = self.read_arguments()
        awaited = read_awaited(values["campaign"], values["dial_group"])
        if poll is not None and isinstance(awaited.campaign, int):
            # A campaign stays in its dial group, so the trigger need not search all.
            awaited = awaited._replace(dial_group=poll.dial_group_id)
        arguments = {
            "engagevoice_conn_id": self.engagevoice_conn_id,
            **awaited.as_references(),
            "wait_for": self.wait_for,
            "use_daily_hours": self._zone is not None,
            "timezone": None if self._zone is None else self._zone.key,
        }
        self.defer(
            trigger=CampaignWindowTrigger(
                **arguments,
                poke_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                poll_at=None if poll is None else poll.next_poll_at(self.poke_interval).isoformat(),
                last_poll=self._last_found or None,
                # Only a worker records asset events.
                end_from_trigger=not self.outlets,
            ),
            method_name="execute_complete",
            timeout=deadline - clock.now() + GRACE,
        )

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        """Sleep until the window may change, at most for ``poke_interval`` or until the timeout."""
        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.polling.window_poll import pause_after

        interval = float(self.poke_interval)
        if self._last_poll is not None:
            wake_at = self._last_poll.next_poll_at(self.poke_interval)
            interval = (wake_at - clock.now()).total_seconds()
        elif self._failures:
            interval = pause_after(self._failures, interval)
        return self._pause(interval, run_duration)
