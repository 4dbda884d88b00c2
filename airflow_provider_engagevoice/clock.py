"""The package's clock: all of its code reads the time and sleeps on threads through this module.

Tests replace it with :func:`use`, so that an hour of waiting takes no time. Coroutines sleep on their event
loop, whose clock tests replace too.
"""

from __future__ import annotations

import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import Any


class SystemClock:
    """The clocks of this machine; another clock has the same functions."""

    time = staticmethod(_time.time)
    monotonic = staticmethod(_time.monotonic)
    sleep = staticmethod(_time.sleep)
    wait = staticmethod(Event.wait)


_clock: Any = SystemClock()


def now() -> datetime:
    """Return the current instant, in UTC."""
    return datetime.fromtimestamp(_clock.time(), UTC)


def time() -> float:
    """Return the wall clock time, in seconds since the epoch."""
    return float(_clock.time())


def monotonic() -> float:
    """Return the seconds of a clock that cannot be set; only differences are meaningful."""
    return float(_clock.monotonic())


def sleep(seconds: float) -> None:
    """Block the thread for ``seconds``."""
    _clock.sleep(seconds)


def wait(event: Event, seconds: float) -> bool:
    """Block the thread until ``event`` is set, for at most ``seconds``; return whether it is set."""
    return bool(_clock.wait(event, seconds))


@contextmanager
def use(clock: Any) -> Iterator[None]:
    """Use another clock in this process, inside the ``with`` block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
