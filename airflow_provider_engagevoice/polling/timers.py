"""Wake at instants of the wall clock, on an event loop."""

from __future__ import annotations

import asyncio
from datetime import datetime
from weakref import WeakKeyDictionary, WeakSet

from airflow_provider_engagevoice import clock

#: A clock that was set, or a machine that was suspended, is noticed within this many seconds.
_CHECK_SECONDS = 1.0
#: Smaller differences between the clocks are drift.
_STEP_SECONDS = 0.02


class Timer:
    """Wait for an instant, or for a call of :meth:`wake`.

    An event loop sleeps by a clock that stops while the machine is suspended and ignores changes of the wall
    clock. So all timers of a loop share one monitor that wakes them when the two clocks diverge.
    """

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the current wait, or else the next one."""
        self._woken.set()

    async def wait(self, until: datetime | None) -> None:
        """Return at ``until``, or earlier on :meth:`wake` or when the clock was set; None: only on these."""
        loop = asyncio.get_running_loop()
        handle = None
        if until is not None:
            seconds = (until - clock.now()).total_seconds()
            handle = loop.call_later(max(0.0, seconds), self._woken.set)
        monitor = _MONITORS.get(loop)
        if monitor is None:
            monitor = _MONITORS[loop] = _ClockMonitor(loop)
        monitor.add(self)
        try:
            await self._woken.wait()
        finally:
            monitor.discard(self)
            if handle is not None:
                handle.cancel()
        self._woken.clear()


class _ClockMonitor:
    """Compare the wall clock with the loop's clock once a second, while any timer waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop_time = loop.time
        self._call_later = loop.call_later
        self._timers: WeakSet[Timer] = WeakSet()
        self._offset = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def add(self, timer: Timer) -> None:
        self._timers.add(timer)
        if self._handle is None:
            self._offset = self._measure()
            self._handle = self._call_later(_CHECK_SECONDS, self._check)

    def discard(self, timer: Timer) -> None:
        self._timers.discard(timer)
        if not self._timers and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _measure(self) -> float:
        return clock.time() - self._loop_time()

    def _check(self) -> None:
        offset = self._measure()
        if abs(offset - self._offset) > _STEP_SECONDS:
            self._offset = offset
            for timer in list(self._timers):
                timer.wake()
        self._handle = self._call_later(_CHECK_SECONDS, self._check)


_MONITORS: WeakKeyDictionary[asyncio.AbstractEventLoop, _ClockMonitor] = WeakKeyDictionary()


#: Updates published before the event loop runs anything else. Each then writes a log line and hands its event
#: to Airflow, in about half a millisecond.
_BATCH = 25


class FairYield:
    """Let the event loop run other tasks between batches of updates."""

    def __init__(self) -> None:
        self._count = 0
        self._one_by_one = asyncio.Lock()

    async def before_update(self) -> None:
        """Return at once, or, once per batch, after the event loop has run everything else that is ready."""
        async with self._one_by_one:
            self._count += 1
            if self._count % _BATCH == 0:
                await asyncio.sleep(0)
