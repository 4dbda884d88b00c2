"""Wait for a campaign's window on the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent


class CampaignWindowTrigger(BaseTrigger):
    """
    Wait until a campaign's window is open, or closed.

    It sleeps until the next instant at which the answer can change, and looks at least every
    ``poke_interval``, because people edit campaigns. Its event is a mapping with ``status`` (``reached``,
    ``never``, ``timeout`` or ``failed``) and ``message``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param dial_group_id: dial group of the campaign
    :param campaign_id: the campaign
    :param state: ``open`` or ``closed``
    :param hours_zone: IANA zone of the day's hours, None to look at dates alone
    :param poke_interval: longest time between two looks, in seconds
    :param deadline: ISO 8601 instant at which the sensor's time-out is reached
    :param end_from_trigger: end the task here when the goal is reached, without another worker slot
    """

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        dial_group_id: int,
        campaign_id: int,
        state: str,
        hours_zone: str | None,
        poke_interval: float,
        deadline: str,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.dial_group_id = dial_group_id
        self.campaign_id = campaign_id
        self.state = state
        self.hours_zone = hours_zone
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "dial_group_id": self.dial_group_id,
                "campaign_id": self.campaign_id,
                "state": self.state,
                "hours_zone": self.hours_zone,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        from airflow_provider_engagevoice.exceptions import EngageVoiceError

        try:
            event = await self._wait()
        except EngageVoiceError as error:
            event = {"status": "failed", "message": str(error), "retryable": error.retryable}
        if event["status"] == "reached" and self.end_from_trigger:
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(event)

    async def _wait(self) -> dict[str, Any]:
        from airflow_provider_engagevoice.dates import read_zone
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
        from airflow_provider_engagevoice.waits import FAILURE_BUDGET, look, pause_after
        from airflow_provider_engagevoice.windows import Goal

        goal, deadline = Goal(self.state), datetime.fromisoformat(self.deadline)
        zone = read_zone(self.hours_zone) if self.hours_zone is not None else None
        failures, told = 0, ""
        hook = EngageVoiceHook(self.engagevoice_conn_id, deadline=deadline)
        async with await hook.get_async_conn() as client:
            while True:
                try:
                    seen = await client.run(look(self.campaign_id, self.dial_group_id, goal, zone))
                except EngageVoiceError as error:
                    failures += 1
                    if not error.retryable or failures > FAILURE_BUDGET:
                        raise
                    pause = pause_after(failures, self.poke_interval)
                    self.log.warning("look %d in a row failed: %s; next in %.0f s", failures, error, pause)
                    wake_at = datetime.now(UTC) + timedelta(seconds=pause)
                else:
                    failures = 0
                    if seen.verdict.reached:
                        self.log.info("%s", seen)
                        return {"status": "reached", "message": str(seen)}
                    if seen.verdict.never:
                        return {"status": "never", "message": str(seen)}
                    if told != str(seen):
                        told = str(seen)
                        self.log.info("waiting: %s", told)
                    wake_at = seen.wake_at(self.poke_interval)
                if datetime.now(UTC) >= deadline:
                    return {"status": "timeout", "message": told or f"campaign {self.campaign_id}"}
                await _sleep_until(min(wake_at, deadline))


async def _sleep_until(instant: datetime) -> None:
    # The wall clock decides: a sleep measured by another clock can end a moment early.
    while (seconds := (instant - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(seconds)
