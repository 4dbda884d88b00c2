"""Clocks that tests put in place of the package's own."""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from threading import Event, RLock
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client import rate_limiter


@dataclass
class ShiftedClock:
    """The real clock, set ahead.

    :param wall: seconds by which the wall clock is ahead
    :param uptime: seconds by which the monotonic clock is ahead
    """

    wall: float = 0.0
    uptime: float = 0.0

    def time(self) -> float:
        return time.time() + self.wall

    def monotonic(self) -> float:
        return time.monotonic() + self.uptime

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> bool:
        return event.wait(seconds)


@dataclass
class FakeClock:
    """A clock that moves only while a thread sleeps, and then at once.

    :ivar sleeps: duration of each sleep, in seconds
    """

    now: float = 1_800_000_000.0
    sleeps: list[float] = field(default_factory=list)
    _due: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: Any = field(default_factory=RLock)

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> None:
        """Call a function once the clock has moved that far, in the thread that sleeps then."""
        with self._lock:
            heappush(self._due, (self.now + seconds, next(self._numbers), partial(call, *arguments)))

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
            self.now += max(0.0, seconds)
            while self._due and self._due[0][0] <= self.now:
                heappop(self._due)[-1]()

    def wait(self, event: Event, seconds: float) -> bool:
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()


class SkippingClock(ShiftedClock):
    """The real clock, which moves ahead at once by each sleep that is not short."""

    def sleep(self, seconds: float) -> None:
        if seconds <= _SHORT_SECONDS:
            time.sleep(seconds)
            return
        with _SKIPPING:
            self.wall += seconds
            self.uptime += seconds


class SharedClock(SkippingClock):
    """The same for several processes: what one of them skips has passed for all.

    :param path: a file that they share; made by the first
    """

    def __init__(self, path: Path) -> None:
        with path.open("ab") as file:
            if not file.tell():
                file.write(_SECONDS.pack(0.0))
        self._file = path.open("r+b")
        self._skipped = mmap.mmap(self._file.fileno(), _SECONDS.size)

    def time(self) -> float:
        return time.time() + self._ahead()

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead()

    def sleep(self, seconds: float) -> None:
        if seconds <= _SHORT_SECONDS:
            time.sleep(seconds)
            return
        with _SKIPPING:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                _SECONDS.pack_into(self._skipped, 0, self._ahead() + seconds)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _ahead(self) -> float:
        return float(_SECONDS.unpack_from(self._skipped)[0])


#: The form in which processes share by how much they are ahead.
_SECONDS = struct.Struct("=d")
#: Sleeps that are not skipped, so that a server or another thread can do something meanwhile.
_SHORT_SECONDS = 0.25
_SKIPPING = RLock()

C = TypeVar("C", FakeClock, SkippingClock, SharedClock)


@contextmanager
def pauses_skipped(fake: C) -> Iterator[C]:
    """Let the pauses of both clients be sleeps of a clock in the block; requests take their real time."""

    async def sleep(seconds: float) -> None:
        fake.sleep(seconds)

    skipping = SimpleNamespace(sleep=sleep, to_thread=asyncio.to_thread)
    with pytest.MonkeyPatch.context() as patch, clock.use(fake):
        patch.setattr(rate_limiter, "asyncio", skipping)
        yield fake
