"""Clocks that tests put in place of the package's own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


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


@dataclass
class FakeClock:
    """A clock that advances only during sleeps.

    :ivar sleeps: duration of each sleep, in seconds
    """

    now: float = 1_800_000_000.0
    sleeps: list[float] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += max(0.0, seconds)
