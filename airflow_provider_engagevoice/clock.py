"""The package's one clock: every instant it reads and every thread it puts to sleep go through here.

Tests replace it as a whole with :func:`use`, so that an hour of waiting takes no time. Coroutines sleep on
their event loop, whose own clock tests replace along with this one.
"""

from __future__ import annotations

import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a clock has to offer; the module :mod:`time` is one."""

    def time(self) -> float:
        """Return the wall clock's time, in seconds since the epoch."""

    def monotonic(self) -> float:
        """Return the seconds of a clock that nobody sets."""

    def sleep(self, seconds: float, /) -> None:
        """Block the thread."""


_clock: Clock = _time


def now() -> datetime:
    """Return the current instant, in UTC."""
    return datetime.fromtimestamp(_clock.time(), UTC)


def time() -> float:
    """Return the wall clock's time, in seconds since the epoch."""
    return _clock.time()


def monotonic() -> float:
    """Return the seconds of a clock that nobody sets; only differences mean anything."""
    return _clock.monotonic()


def sleep(seconds: float) -> None:
    """Block the thread for ``seconds``."""
    _clock.sleep(seconds)


@contextmanager
def use(clock: Clock) -> Iterator[None]:
    """Read another clock in this process, inside the ``with`` block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
