"""Wait on the triggerer until campaigns of a season are not as the last apply has left them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.triggers.base import WaitTrigger

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub

_MODULES = ("airflow_provider_engagevoice.seasons.check", "airflow_provider_engagevoice.storage")


class SeasonDriftTrigger(WaitTrigger):
    """
    Wait until campaigns of a season are not as the last apply has left them.

    Each poll lists each dial group once. Its event is a mapping with ``status`` (``reached``, ``timeout`` or
    ``failed``), ``message`` and, if reached, ``season``, ``account_id`` and ``drift``.

    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param record_path: directory of the season's records
    :param storage_conn_id: connection of its storage
    :param poke_interval: time between two polls, in seconds
    :param deadline: ISO 8601 instant at which the sensor times out
    :param poll_at: ISO 8601 instant at which the first poll is due
    """

    end_from_trigger = False

    def __init__(
        self,
        *,
        engagevoice_conn_id: str,
        record_path: str,
        storage_conn_id: str | None,
        poke_interval: float,
        deadline: str,
        poll_at: str,
    ) -> None:
        super().__init__()
        self.engagevoice_conn_id = engagevoice_conn_id
        self.record_path = record_path
        self.storage_conn_id = storage_conn_id
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.poll_at = poll_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.season_drift.SeasonDriftTrigger",
            {
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "record_path": self.record_path,
                "storage_conn_id": self.storage_conn_id,
                "poke_interval": self.poke_interval,
                "deadline": self.deadline,
                "poll_at": self.poll_at,
            },
        )

    async def _wait(self, hub: PollerHub) -> dict[str, Any]:
        # Importing these on the event loop would block every other trigger.
        for module in _MODULES:
            await asyncio.to_thread(import_module, module)
        from airflow_provider_engagevoice import clock
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.polling.awaited import may_poll_again
        from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, pause_after
        from airflow_provider_engagevoice.seasons.check import DriftError, poll_drift, waiting_text
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.storage import ObjectStorage

        records = Records.in_directory(ObjectStorage(self.storage_conn_id), self.record_path)
        deadline, due = datetime.fromisoformat(self.deadline), datetime.fromisoformat(self.poll_at)
        failures = 0
        while due < deadline:
            await asyncio.sleep(max(0.0, (due - clock.now()).total_seconds()))
            pause = self.poke_interval
            try:
                # Another apply may have ended since.
                record = await asyncio.to_thread(records.known)
                found = await hub.requests.run(poll_drift(record), since=clock.now())
                if found and (now := await asyncio.to_thread(records.known)) != record:
                    # An apply that has begun meanwhile has changed the campaigns and the record.
                    found, record = [], now
                failures = 0
            except (EngageVoiceError, OSError) as error:
                failures += 1
                is_final = isinstance(error, EngageVoiceError) and not may_poll_again(error)
                if is_final or failures > FAILURE_BUDGET:
                    raise
                self.log.warning("poll failed, %d in a row: %s", failures, error)
                pause = pause_after(failures, self.poke_interval)
            else:
                if found:
                    return {
                        "status": "reached",
                        "message": str(DriftError(record.season, found)),
                        "season": record.season,
                        "account_id": record.account_id,
                        "drift": [one.as_json() for one in found],
                    }
                self.log.info("%s", waiting_text(record, pause))
            due = clock.now() + timedelta(seconds=pause)
        await asyncio.sleep(max(0.0, (deadline - clock.now()).total_seconds()))
        return {"status": "timeout", "message": f"the season in {self.record_path} is as applied"}
