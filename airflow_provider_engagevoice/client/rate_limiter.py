"""Client-side rate limiting, shared by all processes that use a store."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.request import Pause, arun_steps, run_steps
from airflow_provider_engagevoice.exceptions import RateLimitedError, TokenStoreError, shown_path
from airflow_provider_engagevoice.stores import Rate, Store

log = logging.getLogger(__name__)

#: Shorter waits are not logged.
_LOGGED_SECONDS = 1.0
#: Jitter added to each wait, so that processes do not all retry at once.
_JITTER_SECONDS = 0.02
#: Longer pauses are shortened, whatever Retry-After the server sends.
_LONGEST_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """A permit that a request needs.

    :param key: digest of the account, or of the credentials, and of the rate limit
    :param rates: rates to keep; if empty, no permit is needed
    :param longest: seconds; a longer wait fails at once
    :param deadline: instant of ``clock.monotonic``; a wait that would end later fails at once
    :param method: HTTP method of the request, for messages
    :param path: path of the request, for messages
    """

    key: str
    rate_limit: RateLimit
    rates: tuple[Rate, ...]
    longest: float
    deadline: float
    method: str
    path: str


#: Ask the store for a permit, and be sent the seconds until one may be free, 0 for granted; or pause.
PermitSteps: TypeAlias = Generator[PermitRequest | Pause, Any, float]


def permit_steps(permit: PermitRequest) -> PermitSteps:
    """Acquire a permit and return the seconds it took, without I/O.

    :raises RateLimitedError: if the wait would be too long
    """
    if not permit.rates:
        return 0.0
    wait = _PermitWait(permit)
    while (seconds := (yield permit)) > 0:
        yield Pause(wait.seconds_to_sleep(seconds))
    return wait.finish()


class RateLimiter:
    """Acquire permits from a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def perform(self, step: PermitRequest | Pause) -> float:
        """Perform a step of :func:`permit_steps` on a thread.

        :raises TokenStoreError: if the store does not work
        """
        if isinstance(step, Pause):
            clock.sleep(step.seconds)
            return 0.0
        return self._store.acquire(step.key, step.rates)

    async def perform_async(self, step: PermitRequest | Pause) -> float:
        """Do as :meth:`perform`, on an event loop."""
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return 0.0
        seconds = self._store.acquire_nowait(step.key, step.rates)
        if seconds is None:
            seconds = await asyncio.to_thread(self._store.acquire, step.key, step.rates)
        return seconds

    def acquire(self, permit: PermitRequest) -> float:
        """Acquire a permit on a thread and return the seconds it took.

        :raises RateLimitedError: if the wait would be too long
        :raises TokenStoreError: if the store does not work
        """
        return run_steps(permit_steps(permit), self.perform)

    async def acquire_async(self, permit: PermitRequest) -> float:
        """Do as :meth:`acquire`, on an event loop."""
        return await arun_steps(permit_steps(permit), self.perform_async)

    def give_back(self, permit: PermitRequest) -> None:
        """Give back a permit whose request was not sent."""
        if permit.rates:
            # What the request has failed with says more than a store that fails, too.
            with suppress(TokenStoreError):
                self._store.give_back(permit.key, permit.rates)

    def pause(self, permit: PermitRequest, seconds: float) -> None:
        """Grant no permit of this rate limit for ``seconds``, because the server requested a wait."""
        if permit.rates:
            self._store.pause(permit.key, min(seconds, _LONGEST_PAUSE))

    async def pause_async(self, permit: PermitRequest, seconds: float) -> None:
        """Do as :meth:`pause`, on an event loop."""
        if permit.rates:
            await asyncio.to_thread(self._store.pause, permit.key, min(seconds, _LONGEST_PAUSE))


class _PermitWait:
    """The wait of one request, logged when it starts and when it ends."""

    def __init__(self, permit: PermitRequest) -> None:
        self._permit = permit
        self._started = clock.monotonic()
        self._logged = False

    def seconds_to_sleep(self, seconds: float) -> float:
        permit, now = self._permit, clock.monotonic()
        if seconds > permit.longest or now + seconds > permit.deadline:
            reason = "the task times out before" if seconds <= permit.longest else "that is too long"
            raise RateLimitedError(
                f"rate limit {permit.rate_limit}: next request allowed in {seconds:.0f} s, and {reason}; "
                "not sent",
                method=permit.method,
                path=permit.path,
                retry_after=seconds,
            )
        if not self._logged and seconds >= _LOGGED_SECONDS:
            self._logged = True
            log.info(
                "rate limit %s: waiting at least %.0f s to send %s %s",
                permit.rate_limit,
                seconds,
                permit.method,
                shown_path(permit.path),
            )
        return seconds + random.uniform(0, _JITTER_SECONDS)

    def finish(self) -> float:
        seconds = clock.monotonic() - self._started
        if self._logged:
            log.info("rate limit %s: waited %.0f s", self._permit.rate_limit.name, seconds)
        return seconds
