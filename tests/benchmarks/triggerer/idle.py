"""The least a trigger can do: the remaining cost is Airflow's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class IdleTrigger(BaseTrigger):
    """Wait for an instant, or forever.

    :param moment: ISO 8601; None for never
    """

    def __init__(self, moment: str | None) -> None:
        super().__init__()
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return "tests.benchmarks.triggerer.idle.IdleTrigger", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        if self.moment is None:
            await asyncio.Event().wait()
        else:
            seconds = (datetime.fromisoformat(self.moment) - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(0.0, seconds))
        yield TriggerEvent("success")
