"""Request budgets: sliding windows on a clock that nobody sets."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.settings import Budget


class Meter:
    """Counts the requests of one budget, separately for each key (an account), and refuses those over it.

    :param group: what ``X-Rate-Limit-Group`` calls the budget
    :param enforced: False counts and refuses nothing
    """

    def __init__(
        self, budget: Budget, group: str, *, enforced: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.budget = budget
        self.group = group
        self.total = 0
        self.refused = 0
        self._enforced = enforced
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: defaultdict[str, deque[float]] = defaultdict(deque)

    def spend(self, key: str) -> None:
        """Count one request, or raise :class:`RateLimitedError`. A refused request does not count."""
        with self._lock:
            now = self._clock()
            taken = self._current(key, now)
            if self._enforced and len(taken) >= self.budget.limit:
                self.refused += 1
                raise RateLimitedError(self.budget, self.group, taken[0] + self.budget.seconds - now)
            taken.append(now)
            self.total += 1

    def spent(self) -> dict[str, int]:
        """Return how many requests each key has in its window now."""
        with self._lock:
            now = self._clock()
            return {key: len(self._current(key, now)) for key in list(self._taken)}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._taken.clear()
            self.total = self.refused = 0

    def _current(self, key: str, now: float) -> deque[float]:
        taken = self._taken[key]
        while taken and taken[0] <= now - self.budget.seconds:
            taken.popleft()
        return taken
