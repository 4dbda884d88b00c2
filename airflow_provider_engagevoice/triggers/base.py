"""What triggers of waits share: the polls of their connection, and one event at the end."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.hub import PollerHub


class WaitTrigger(BaseTrigger):
    """A trigger that waits with others on its connection."""

    engagevoice_conn_id: str
    #: Whether the task ends here when what it waits for has come, without another worker slot.
    end_from_trigger: bool

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        # What this takes to load would hold the event loop for everybody.
        await asyncio.to_thread(import_module, "airflow_provider_engagevoice.triggers.shared")
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.triggers.shared import shared_polls

        try:
            async with shared_polls(self.engagevoice_conn_id) as polls:
                event = await self._wait(polls)
        except EngageVoiceError as error:
            event = {"status": "failed", "message": str(error), "retryable": error.retryable}
        if event["status"] == "reached" and self.end_from_trigger:
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(event)

    @abstractmethod
    async def _wait(self, polls: PollerHub) -> dict[str, Any]:
        """Wait; return the event: ``status`` (``reached``, ``never``, ``timeout``) and ``message``."""
