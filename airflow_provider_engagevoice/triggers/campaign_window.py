"""Wait for a campaign's window on the triggerer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.triggers.base import WaitTrigger

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub


class CampaignWindowTrigger(WaitTrigger):
    """
    Wait until a campaign's window is open, or closed.

    All waits of a triggerer on the same connection share their looks at the API: one list of campaigns for
    each dial group. A wait sleeps until the next instant at which its answer can change, and sees what people
    edit within ``poke_interval``. Its event is a mapping with ``status`` (``reached``, ``never``, ``timeout``
    or ``failed``), ``message`` and, when it was reached, ``campaign``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param campaign: id, exact name, or the mapping an operator returned
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param state: ``open`` or ``closed``
    :param hours: whether the day's hours count
    :param timezone: IANA zone of the day's hours; the connection's where left out
    :param poke_interval: longest time between two looks, in seconds
    :param deadline: ISO 8601 instant at which the sensor's time-out is reached; where left out, the task
        began with this trigger, and ``timeout`` and ``trigger_timeout`` tell
    :param timeout: the sensor's time-out, in seconds
    :param trigger_timeout: after how many seconds Airflow itself ends the trigger
    :param look_at: ISO 8601 instant at which the first look is due; at once where left out
    :param end_from_trigger: end the task here when the goal is reached, without another worker slot
    """

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        campaign: int | str | Mapping[str, object],
        dial_group: int | str | Mapping[str, object] | None,
        state: str,
        hours: bool | str,
        timezone: str | None,
        poke_interval: float,
        deadline: str | None = None,
        timeout: float | None = None,
        trigger_timeout: float | None = None,
        look_at: str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.state = state
        self.hours = hours
        self.timezone = timezone
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.timeout = timeout
        self.trigger_timeout = trigger_timeout
        self.look_at = look_at
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "campaign": self.campaign,
                "dial_group": self.dial_group,
                "state": self.state,
                "hours": self.hours,
                "timezone": self.timezone,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "timeout": self.timeout,
                "trigger_timeout": self.trigger_timeout,
                "look_at": self.look_at,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def _wait(self, polls: PollerHub) -> dict[str, Any]:
        from airflow_provider_engagevoice.inputs import read_wait_for
        from airflow_provider_engagevoice.polling.window_poll import WindowWait, read_hours_zone

        goal, deadline = read_wait_for(self.state), self._ends_at()
        settings = await polls.reads.settings()
        zone = read_hours_zone(self.hours, self.timezone, settings.timezone)
        located = await polls.locate(self.campaign, self.dial_group, deadline, self.log.warning)
        told: object = f"campaign {self.campaign}"
        if located is None:
            return {"status": "timeout", "message": str(told)}
        dial_group_id, campaign_id = located
        look_at = None if self.look_at is None else datetime.fromisoformat(self.look_at)
        wait = WindowWait(campaign_id, goal, zone, self.poke_interval, deadline, look_at)
        with polls.looking_for(wait, dial_group_id):
            while (news := await wait.news()) is not None:
                if isinstance(news, str):
                    self.log.warning("%s", news)
                    continue
                told = news
                if news.verdict.reached:
                    self.log.info("%s", told)
                    return {"status": "reached", "message": str(told), "campaign": news.as_json(goal.outcome)}
                if news.verdict.never:
                    return {"status": "never", "message": str(told)}
                self.log.info("waiting: %s", told)
        return {"status": "timeout", "message": str(told)}

    def _ends_at(self) -> datetime:
        if self.deadline is not None:
            return datetime.fromisoformat(self.deadline)
        assert self.timeout is not None, "a trigger without a deadline needs the sensor's time-out"
        # Airflow keeps its own time-out of a trigger over restarts, and nothing else of when the task began.
        ends_at: datetime | None = getattr(self, "timeout_after", None)
        if ends_at is None or self.trigger_timeout is None:
            return clock.now() + timedelta(seconds=self.timeout)
        ends_at = ends_at if ends_at.tzinfo else ends_at.replace(tzinfo=UTC)
        return ends_at + timedelta(seconds=self.timeout - self.trigger_timeout)
