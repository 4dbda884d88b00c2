"""Request budgets: sliding windows on a clock that nobody sets."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.settings import Budget


class Meter:
    """Counts requests, separately for each key (an account), and refuses those over one of its budgets.

    :param budgets: all of them hold at once
    :param group: what ``X-Rate-Limit-Group`` calls them
    :param enforced: False counts and refuses nothing
    """

    def __init__(
        self,
        budgets: Budget | tuple[Budget, ...],
        group: str,
        *,
        enforced: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budgets = (budgets,) if isinstance(budgets, Budget) else budgets
        self.group = group
        self.total = 0
        self.refused = 0
        self._enforced = enforced
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[str, list[deque[float]]] = {}

    def spend(self, key: str) -> None:
        """Count one request, or raise :class:`RateLimitedError`. A refused request does not count."""
        with self._lock:
            now = self._clock()
            windows = self._current(key, now)
            waits = [
                (taken[0] + budget.seconds - now, budget)
                for budget, taken in zip(self.budgets, windows, strict=True)
                if len(taken) >= budget.limit
            ]
            if self._enforced and waits:
                self.refused += 1
                wait, budget = max(waits, key=lambda each: each[0])
                raise RateLimitedError(budget, self.group, wait)
            for taken in windows:
                taken.append(now)
            self.total += 1

    def spent(self) -> dict[str, int]:
        """Return how many requests each key has in its longest window now."""
        with self._lock:
            now = self._clock()
            return {key: max(map(len, self._current(key, now))) for key in list(self._taken)}

    def counters(self) -> dict[str, Any]:
        """Return what has been counted."""
        return {"total": self.total, "refused": self.refused, "in_window": self.spent()}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._taken.clear()
            self.total = self.refused = 0

    def _current(self, key: str, now: float) -> list[deque[float]]:
        windows = self._taken.setdefault(key, [deque() for _ in self.budgets])
        for budget, taken in zip(self.budgets, windows, strict=True):
            while taken and taken[0] <= now - budget.seconds:
                taken.popleft()
        return windows
