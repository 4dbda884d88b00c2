"""Waking at instants of the wall clock, on an event loop."""

from __future__ import annotations

import asyncio
from datetime import datetime
from weakref import WeakKeyDictionary, WeakSet

from airflow_provider_engagevoice import clock

#: A clock that is set, or a machine that was suspended, is noticed within so many seconds.
_NOTICED_SECONDS = 1.0
#: Clocks that drift apart by less are not worth waking anybody.
_STEP_SECONDS = 0.02


class Timer:
    """Something to wait for: an instant, or somebody who rings.

    Event loops sleep by a clock that stands still while the machine is suspended and knows nothing of a wall
    clock that is set. All alarms of a loop therefore share one watch that rings them when the clocks part.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits, or will."""
        self._rung.set()

    async def wait(self, until: datetime | None) -> None:
        """Return at ``until``, or sooner when somebody rang or the clock was set; None for these alone."""
        loop = asyncio.get_running_loop()
        handle = None
        if until is not None:
            seconds = (until - clock.now()).total_seconds()
            handle = loop.call_later(max(0.0, seconds), self._rung.set)
        watch = _WATCHES.get(loop)
        if watch is None:
            watch = _WATCHES[loop] = _ClockMonitor(loop)
        watch.add(self)
        try:
            await self._rung.wait()
        finally:
            watch.discard(self)
            if handle is not None:
                handle.cancel()
        self._rung.clear()


class _ClockMonitor:
    """Compares the wall clock with the loop's once a second, while anybody waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop_time = loop.time
        self._call_later = loop.call_later
        self._alarms: WeakSet[Timer] = WeakSet()
        self._offset = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def add(self, alarm: Timer) -> None:
        self._alarms.add(alarm)
        if self._handle is None:
            self._offset = self._measured()
            self._handle = self._call_later(_NOTICED_SECONDS, self._look)

    def discard(self, alarm: Timer) -> None:
        self._alarms.discard(alarm)
        if not self._alarms and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _measured(self) -> float:
        return clock.time() - self._loop_time()

    def _look(self) -> None:
        offset = self._measured()
        if abs(offset - self._offset) > _STEP_SECONDS:
            self._offset = offset
            for alarm in list(self._alarms):
                alarm.ring()
        self._handle = self._call_later(_NOTICED_SECONDS, self._look)


_WATCHES: WeakKeyDictionary[asyncio.AbstractEventLoop, _ClockMonitor] = WeakKeyDictionary()


#: So many waits are told something before everything else on the event loop gets a turn. Each then writes its
#: log and hands its event to Airflow, in about half a millisecond.
_BATCH = 25


class FairYield:
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
