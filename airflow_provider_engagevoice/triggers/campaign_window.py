"""Wait for a campaign's window on the triggerer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat import sdk

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.triggers.base import WaitTrigger, accept_old_names

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub


@accept_old_names(state="wait_for", hours="use_daily_hours", look_at="poll_at")
class CampaignWindowTrigger(WaitTrigger):
    """
    Wait until a campaign's window is open, or closed.

    All waits of a triggerer on the same connection share their polls: one list of campaigns per dial group.
    A wait sleeps until the next instant at which time may end it, and notices edits within ``poke_interval``.
    A name means, at each poll, the campaign that has it then; see the sensor for what ends a wait.
    Its event is a mapping with ``status`` (``reached``, ``unreachable``, ``timeout`` or ``failed``),
    ``message`` and, if it was reached, ``campaign``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param campaign: id, exact name, or the mapping an operator returned
    :param dial_group: dial group of the campaign: id, exact name or mapping; None: all are searched
    :param wait_for: ``open`` or ``closed``
    :param use_daily_hours: whether to apply the daily hours
    :param timezone: IANA zone of the daily hours; default: the connection's
    :param poke_interval: longest time between two polls, in seconds
    :param deadline: ISO 8601 instant at which the sensor times out; None if the task started from this
        trigger: then it follows from ``timeout`` and ``trigger_timeout``
    :param timeout: the sensor's timeout, in seconds
    :param trigger_timeout: Airflow's own timeout of the trigger, in seconds
    :param poll_at: ISO 8601 instant at which the first poll is due; default: at once
    :param last_poll: what the sensor has found, which the timeout reports if no poll follows; None if unknown
    :param end_from_trigger: end the task here when the goal is reached, without another worker slot
    """

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        campaign: int | str | Mapping[str, object],
        dial_group: int | str | Mapping[str, object] | None,
        wait_for: str,
        use_daily_hours: bool | str,
        timezone: str | None,
        poke_interval: float,
        deadline: str | None = None,
        timeout: float | None = None,
        trigger_timeout: float | None = None,
        poll_at: str | None = None,
        last_poll: str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.wait_for = wait_for
        self.use_daily_hours = use_daily_hours
        self.timezone = timezone
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.timeout = timeout
        self.trigger_timeout = trigger_timeout
        self.poll_at = poll_at
        self.last_poll = last_poll
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "campaign": self.campaign,
                "dial_group": self.dial_group,
                "wait_for": self.wait_for,
                "use_daily_hours": self.use_daily_hours,
                "timezone": self.timezone,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "timeout": self.timeout,
                "trigger_timeout": self.trigger_timeout,
                "poll_at": self.poll_at,
                "last_poll": self.last_poll,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def _wait(self, hub: PollerHub) -> dict[str, Any]:
        from airflow_provider_engagevoice.inputs import read_wait_for
        from airflow_provider_engagevoice.polling.awaited import read_awaited
        from airflow_provider_engagevoice.polling.window_poll import WindowWait, read_hours_zone
        from airflow_provider_engagevoice.polling.windows import Goal

        goal, deadline = Goal(read_wait_for(self.wait_for)), self._ends_at()
        settings = await hub.requests.settings()
        zone = read_hours_zone(self.use_daily_hours, self.timezone, settings.timezone)
        awaited = read_awaited(self.campaign, self.dial_group)
        poll_at = None if self.poll_at is None else datetime.fromisoformat(self.poll_at)
        last = self.last_poll
        wait = WindowWait(awaited.campaign, goal, zone, self.poke_interval, deadline, poll_at)
        with hub.polling_for(wait, awaited.dial_group):
            while (update := await wait.next_update()) is not None:
                if isinstance(update, str):
                    self.log.warning("%s", update)
                    last = last or update
                    continue
                last = update.text(settings.timezone)
                if update.verdict.reached:
                    self.log.info("%s", last)
                    campaign = update.as_json(goal.outcome)
                    return {"status": "reached", "message": last, "campaign": campaign}
                if update.verdict.unreachable:
                    return {"status": "unreachable", "message": last}
                self.log.log(INFO if update.verdict.readable else WARNING, "waiting: %s", last)
        return {"status": "timeout", "message": last or f"campaign {self.campaign}"}

    def _ends_at(self) -> datetime:
        if self.deadline is not None:
            return datetime.fromisoformat(self.deadline)
        assert self.timeout is not None, "a trigger without a deadline needs the sensor's timeout"
        # Of when the task started, only Airflow's own timeout of the trigger survives a restart.
        ends_at: datetime | None = getattr(self, "timeout_after", None)
        if ends_at is None or self.trigger_timeout is None:
            return clock.now() + timedelta(seconds=self.timeout)
        ends_at = ends_at if ends_at.tzinfo else ends_at.replace(tzinfo=UTC)
        return ends_at + timedelta(seconds=self.timeout - self.trigger_timeout)


#: Variables of a template's context that the triggerer has in memory. All others (``ti``, ``var``, ``conn``,
#: ``prev_…``, the DAG's own macros) need requests, which block its event loop or never end.
_AVAILABLE = frozenset(
    {
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "logical_date",
        "macros",
        "params",
        "run_id",
        "task_instance_key_str",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
    }
)
_AIRFLOW_FILTERS = frozenset({"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"})


def why_not_from_trigger(fields: Mapping[str, object], inlets: Iterable[object], *, native: bool) -> str:
    """Return why a task cannot start on the triggerer; empty if it can.

    :param fields: the task's templated fields, before rendering
    :param native: whether the DAG renders templates to native objects
    """
    if not _renders_on_the_triggerer():
        return "it needs Airflow 3.3 or newer"
    if any(isinstance(inlet, sdk.AssetAlias) for inlet in inlets):
        return "the triggerer cannot resolve an asset alias among the inlets"
    for name, value in fields.items():
        if problem := _problem(value, native=native):
            return f"{name}: {problem}"
    return ""


def _problem(value: object, *, native: bool) -> str:
    match value:
        case None | bool() | int():
            return ""
        case str():
            return _problem_of_template(value, native=native)
        case Mapping():
            problems = (_problem(one, native=native) for one in value.values())
            return next(filter(None, problems), "")
        case sdk.XComArg():
            return "it comes from another task, which the triggerer cannot read"
        case _:
            return f"a {type(value).__name__} cannot be passed to the triggerer"


def _problem_of_template(text: str, *, native: bool) -> str:
    if "{" not in text:
        return ""
    from jinja2 import TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment()
    environment.filters |= dict.fromkeys(_AIRFLOW_FILTERS, str)
    try:
        unknown = meta.find_undeclared_variables(environment.parse(text)) - _AVAILABLE
    except TemplateError as error:
        return f"the triggerer cannot render it ({error.message})"
    if unknown:
        return f"the triggerer does not have {', '.join(sorted(unknown))}"
    if native:
        return "the DAG renders templates to native objects, and the triggerer renders to text"
    return ""


def _renders_on_the_triggerer() -> bool:
    try:
        from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS
    except ImportError:
        return False
    return AIRFLOW_V_3_3_PLUS
