"""Letting others on the event loop have a turn while many waits end at once."""

from __future__ import annotations

import asyncio

#: So many waits are told something before everything else on the event loop gets a turn. Each then writes its
#: log and hands its event to Airflow, in about half a millisecond.
_BATCH = 25


class Turnstile:
    """Passed once for each wait that is told something, by whoever tells it."""

    def __init__(self) -> None:
        self._passed = 0
        self._one_by_one = asyncio.Lock()

    async def pass_through(self) -> None:
        """Return at once, or after everything else has had its turn."""
        async with self._one_by_one:
            self._passed += 1
            if self._passed % _BATCH == 0:
                await asyncio.sleep(0)
