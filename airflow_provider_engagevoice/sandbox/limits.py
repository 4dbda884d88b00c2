"""Rate limits: sliding windows on a monotonic clock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.settings import Budget


class Meter:
    """Counts requests per key (an account) and rejects those over one of its rate limits.

    :param budgets: rate limits, all enforced together
    :param group: value of ``X-Rate-Limit-Group``
    :param enforced: False counts without rejecting
    :param too_many: returns the dialect's ``too_many``
    """

    def __init__(
        self,
        budgets: Budget | tuple[Budget, ...],
        group: str,
        *,
        enforced: bool,
        now: Callable[[], float] = clock.monotonic,
        too_many: Callable[[], str] = lambda: "seconds",
    ) -> None:
        self.budgets = (budgets,) if isinstance(budgets, Budget) else budgets
        self.group = group
        self.total = 0
        self.refused = 0
        self._enforced = enforced
        self._now = now
        self._too_many = too_many
        self._refused_until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._windows: dict[str, list[deque[float]]] = {}

    def acquire(self, key: str) -> None:
        """Count one request.

        :raises RateLimitedError: if a limit is reached; the request is then not counted
        """
        with self._lock:
            now = self._now()
            windows = self._current(key, now)
            waits = [
                (window[0] + budget.seconds - now, budget)
                for budget, window in zip(self.budgets, windows, strict=True)
                if len(window) >= budget.limit
            ]
            if self._enforced and (waits or now < self._refused_until.get(key, 0.0)):
                self.refused += 1
                raise self._refusal(key, windows, waits, now)
            for window in windows:
                window.append(now)
            self.total += 1

    def used(self) -> dict[str, int]:
        """Return the number of requests per key in its longest window."""
        with self._lock:
            now = self._now()
            return {key: max(map(len, self._current(key, now))) for key in list(self._windows)}

    def counters(self) -> dict[str, Any]:
        """Return the counts."""
        return {"total": self.total, "refused": self.refused, "in_window": self.used()}

    def clear(self) -> None:
        """Reset all counts."""
        with self._lock:
            self._windows.clear()
            self._refused_until.clear()
            self.total = self.refused = 0

    def _refusal(
        self, key: str, windows: list[deque[float]], waits: list[tuple[float, Budget]], now: float
    ) -> RateLimitedError:
        too_many = self._too_many()
        if waits:
            wait, budget = max(waits, key=lambda wait: wait[0])
            if too_many == "1, for the whole window":
                # The requests before the penalty are forgotten when it ends.
                wait = budget.seconds
                self._refused_until[key] = now + wait
                for window in windows:
                    window.clear()
        else:
            wait, budget = self._refused_until[key] - now, self.budgets[-1]
        return RateLimitedError(budget, self.group, wait, too_many)

    def _current(self, key: str, now: float) -> list[deque[float]]:
        windows = self._windows.setdefault(key, [deque() for _ in self.budgets])
        for budget, window in zip(self.budgets, windows, strict=True):
            while window and window[0] <= now - budget.seconds:
                window.popleft()
        return windows
