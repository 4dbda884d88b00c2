"""The waits of one poller: by campaign, by deadline, and by when time may change what is known of them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, count

from airflow_provider_engagevoice.polling.window_poll import WindowWait

#: Shorter intervals count as one second, because of the account's rate limits.
_MIN_INTERVAL = 1.0
#: A response this old is still fresh at an instant at which a verdict changes.
_FRESH = timedelta(seconds=5)
#: A first poll is sent this long before it is due.
_AHEAD = timedelta(seconds=60)
#: Stale heap entries that are kept before the heap is rebuilt.
_MAX_STALE = 64

_Heap = list[tuple[datetime, int, WindowWait]]


class WaitTable:
    """Waits, and when each of them is due.

    :ivar due: waits whose verdict may have changed, and since when that is known
    """

    def __init__(self) -> None:
        self.due: dict[WindowWait, datetime] = {}
        #: By the id or name of the campaign, as each wait has it.
        self._waits: dict[int | str, set[WindowWait]] = {}
        self._intervals: Counter[float] = Counter()
        #: Earliest first.
        self._changes: _Heap = []
        self._deadlines: _Heap = []
        self._order = count()

    def add(self, wait: WindowWait) -> None:
        """Add a wait."""
        self._waits.setdefault(wait.campaign, set()).add(wait)
        self._intervals[wait.poke_interval] += 1
        heapq.heappush(self._deadlines, (wait.deadline, next(self._order), wait))

    def remove(self, wait: WindowWait) -> bool:
        """Remove a wait; return whether it was here and its campaign has no other."""
        if wait not in self:
            return False
        waits = self._waits[wait.campaign]
        waits.remove(wait)
        if not waits:
            del self._waits[wait.campaign]
        self.due.pop(wait, None)
        self._intervals[wait.poke_interval] -= 1
        if not self._intervals[wait.poke_interval]:
            del self._intervals[wait.poke_interval]
        for heap in (self._changes, self._deadlines):
            if len(heap) > 4 * self._intervals.total() + _MAX_STALE:
                # Deadlines of waits that ended long ago may be weeks ahead.
                heap[:] = [entry for entry in heap if entry[2] in self]
                heapq.heapify(heap)
        return not waits

    def __contains__(self, wait: WindowWait) -> bool:
        return wait in self._waits.get(wait.campaign, ())

    def __bool__(self) -> bool:
        return bool(self._waits)

    def __iter__(self) -> Iterator[WindowWait]:
        return chain.from_iterable(self._waits.values())

    def campaigns(self) -> list[int | str]:
        """Return the ids and names of the campaigns that are waited for."""
        return list(self._waits)

    def of(self, campaign: int | str) -> list[WindowWait]:
        """Return the waits for a campaign."""
        return list(self._waits.get(campaign, ()))

    def interval(self) -> float:
        """Return the shortest interval between polls, in seconds."""
        return max(min(self._intervals, default=_MIN_INTERVAL), _MIN_INTERVAL)

    def add_change(self, wait: WindowWait) -> None:
        """Note when time may change the verdict of a wait."""
        if wait.verdict is not None and wait.verdict.changes_at is not None:
            heapq.heappush(self._changes, (wait.verdict.changes_at, next(self._order), wait))

    def next_change(self) -> tuple[datetime, WindowWait] | None:
        """Return the next instant at which time may change a verdict, and its wait."""
        while self._changes and not self._is_current(*self._changes[0]):
            heapq.heappop(self._changes)
        return (self._changes[0][0], self._changes[0][2]) if self._changes else None

    def next_instants(self) -> list[datetime]:
        """Return when :meth:`take_timed_out` and :meth:`take_changing` next have something to do."""
        return [heap[0][0] for heap in (self._changes, self._deadlines) if heap]

    def take_timed_out(self, now: datetime) -> Iterator[WindowWait]:
        """Yield the waits that time out by now."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, wait = heapq.heappop(self._deadlines)
            if wait in self:
                yield wait

    def take_changing(self, now: datetime) -> Iterator[WindowWait]:
        """Yield the waits whose verdict time may change by now."""
        while self._changes and self._changes[0][0] <= now:
            change = heapq.heappop(self._changes)
            if self._is_current(*change):
                yield change[2]

    def _is_current(self, instant: datetime, _: int, wait: WindowWait) -> bool:
        return wait in self and wait.verdict is not None and wait.verdict.changes_at == instant


def interval_of(wait: WindowWait) -> timedelta:
    """Return the longest time between two polls for a wait, at least a second."""
    return timedelta(seconds=max(wait.poke_interval, _MIN_INTERVAL))


def fresh_for(wait: WindowWait) -> timedelta:
    """Return how old a response may be at an instant at which a verdict changes."""
    return min(_FRESH, interval_of(wait))


def first_poll_at(wait: WindowWait) -> datetime:
    """Return when the first poll for a wait is due."""
    return wait.joined_at if wait.poll_at is None else wait.poll_at - _AHEAD
