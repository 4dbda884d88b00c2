"""Waiting for one's turn under a request budget that others draw on, too."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limits import Budget
from airflow_provider_engagevoice.exceptions import RateLimitedError
from airflow_provider_engagevoice.stores.base import Rate, Store

log = logging.getLogger(__name__)

#: Shorter waits are not worth a line.
_TOLD_SECONDS = 1.0
#: Those who wait for the same permit come back spread over so many seconds.
_SPREAD_SECONDS = 0.02
#: One answer of a server shuts nobody out for longer, whatever it says.
_LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """What a request waits for.

    :param key: digest of the account, or of whoever signs in, and of the budget
    :param rates: limits to hold; none lets everybody pass
    :param longest: a wait of more than so many seconds is not begun
    :param deadline: no wait is begun that ends after this instant of ``clock.monotonic``
    :param method: of the request, for messages
    :param path: of the request, for messages
    """

    key: str
    budget: Budget
    rates: tuple[Rate, ...]
    longest: float
    deadline: float
    method: str
    path: str


class RateLimiter:
    """The budgets kept at a place.

    :meth:`wait` and :meth:`wait_async` take a permit and return the seconds that took.
    """

    def __init__(self, place: Store) -> None:
        self._place = place

    def wait(self, turn: PermitRequest) -> float:
        """Wait on a thread.

        :raises RateLimitedError: when the wait would be too long
        :raises TokenStoreError: when the place does not work
        """
        if not turn.rates:
            return 0.0
        queue = _Queue(turn)
        while (seconds := self._place.take(turn.key, turn.rates)) > 0:
            clock.sleep(queue.pause(seconds))
        return queue.leave()

    async def wait_async(self, turn: PermitRequest) -> float:
        """As :meth:`wait`, on an event loop."""
        if not turn.rates:
            return 0.0
        queue = _Queue(turn)
        while True:
            seconds = self._place.take_now(turn.key, turn.rates)
            if seconds is None:
                seconds = await asyncio.to_thread(self._place.take, turn.key, turn.rates)
            if seconds <= 0:
                break
            await asyncio.sleep(queue.pause(seconds))
        return queue.leave()

    def pause(self, turn: PermitRequest, seconds: float) -> None:
        """Let nobody take a turn of this budget for so many seconds, because the server said so."""
        if turn.rates:
            self._place.pause(turn.key, min(seconds, _LONGEST_PAUSE))

    async def pause_async(self, turn: PermitRequest, seconds: float) -> None:
        """As :meth:`pause`, on an event loop."""
        if turn.rates:
            await asyncio.to_thread(self._place.pause, turn.key, min(seconds, _LONGEST_PAUSE))


class _Queue:
    """The wait of one request, told once when it begins and once when it is over."""

    def __init__(self, turn: PermitRequest) -> None:
        self._turn = turn
        self._began = clock.monotonic()
        self._told = False

    def pause(self, seconds: float) -> float:
        turn, now = self._turn, clock.monotonic()
        if seconds > turn.longest or now + seconds > turn.deadline:
            late = "the task's time-out comes first" if seconds <= turn.longest else "that is too long"
            raise RateLimitedError(
                f"a turn under the budget {turn.budget} is {seconds:.0f} s away, and {late}; not sent",
                method=turn.method,
                path=turn.path,
                retry_after=seconds,
            )
        if not self._told and seconds >= _TOLD_SECONDS:
            self._told = True
            log.info(
                "waiting for a turn under the budget %s, at least %.0f s: %s %s",
                turn.budget,
                seconds,
                turn.method,
                turn.path,
            )
        return seconds + random.uniform(0, _SPREAD_SECONDS)

    def leave(self) -> float:
        seconds = clock.monotonic() - self._began
        if self._told:
            log.info("waited %.0f s for a turn under the budget %s", seconds, self._turn.budget.name)
        return seconds
