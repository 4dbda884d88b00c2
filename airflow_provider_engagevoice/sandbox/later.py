"""What the server has accepted and carries out later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.errors import HttpError


class Later:
    """Actions with their times. They are carried out, in order, by the next request after their time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers = count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Carry out an action in ``seconds``."""
        with self._lock:
            heappush(self._due, (clock.monotonic() + seconds, next(self._numbers), action))

    def run_due(self) -> None:
        """Carry out what is due."""
        with self._lock:
            while self._due and self._due[0][0] <= clock.monotonic():
                with suppress(HttpError):
                    # Nobody is there any more to be told what was wrong.
                    heappop(self._due)[-1]()

    def clear(self) -> None:
        """Forget all actions."""
        with self._lock:
            self._due.clear()
