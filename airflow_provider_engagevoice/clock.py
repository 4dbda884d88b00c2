"""The package's clock: all of its code reads the time and sleeps on threads through this module.

Tests replace it with :func:`use`, so that an hour of waiting takes no time. Coroutines sleep on their event
loop, whose clock tests replace too.
"""

from __future__ import annotations

import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

# Any module or object with the functions time, monotonic and sleep of :mod:`time`.
_clock: Any = _time


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


@contextmanager
def use(clock: Any) -> Iterator[None]:
    """Use another clock in this process, inside the ``with`` block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
