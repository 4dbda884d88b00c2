"""What pollers of an event loop share: read requests, timers that follow the wall clock, and turns."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.request import Idempotency, Pause, Procedure, Request, arun_steps
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.exceptions import AuthenticationError

T = TypeVar("T")
Key = tuple[str, str, tuple[tuple[str, str | int], ...], str]

#: Share of each rate limit that requests which can wait do not use.
_RESERVED = 1 / 3
_NOT_YET = datetime.max.replace(tzinfo=UTC)


class SharedRequests:
    """Run procedures that only read; of identical requests only one is in flight at a time.

    Requests that are not urgent start one after the other, so that a triggerer that starts with many waits
    uses the account's rate limits evenly and reserves some of them for other clients.

    :param connect: opens a client with the current connection
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncEngageVoiceClient]]) -> None:
        self._connect = connect
        self._client: AsyncEngageVoiceClient | None = None
        self._replaced: list[AsyncEngageVoiceClient] = []
        self._connecting = asyncio.Lock()
        self._flights: dict[Key, _Flight] = {}
        self._next_starts: dict[str, float] = {}

    async def settings(self) -> ClientSettings:
        """Return the settings of the connection.

        :raises InvalidConnectionError: if its fields are invalid
        """
        return (await self._connected()).settings

    async def run(self, procedure: Procedure[T], since: datetime, *, urgent: bool = False) -> T:
        """Run a procedure and return its result.

        :param since: share only requests sent at this instant or later
        :param urgent: send at once
        :raises EngageVoiceError: as the client does
        """
        return (await self.run_dated(procedure, since, urgent=urgent))[0]

    async def run_dated(
        self, procedure: Procedure[T], since: datetime, *, urgent: bool = False
    ) -> tuple[T, datetime]:
        """Run a procedure as :meth:`run` does; return the result and when its first request was sent."""
        first_sent_at = _NOT_YET

        async def perform(step: Request[Any] | Pause) -> Any:
            nonlocal first_sent_at
            if isinstance(step, Pause):
                return await asyncio.sleep(step.seconds)
            response, sent_at = await self._response(step, since, urgent)
            first_sent_at = min(first_sent_at, sent_at)
            return response

        result = await arun_steps(iter(procedure), perform)
        return result, min(first_sent_at, clock.now())

    async def close(self) -> None:
        """Cancel requests in flight and close the client."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in [*self._replaced, self._client]:
            if client is not None:
                await client.close()

    async def _response(self, request: Request[T], since: datetime, urgent: bool) -> tuple[T, datetime]:
        assert request.idempotency is Idempotency.SAFE, "only reads can be shared"
        body = "" if request.body is None else json.dumps(request.body, sort_keys=True)
        key = (request.method, request.path, tuple(request.query.items()), body)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = _Flight()
                # In a separate context: its log records do not belong to a single wait.
                flight.task = asyncio.get_running_loop().create_task(
                    self._send(key, flight, request), context=contextvars.Context()
                )
            if urgent:
                flight.urgent.set()
            # This wait may be cancelled while others need the same response.
            response = await asyncio.shield(flight.task)
            if flight.sent_at >= since:
                return response, flight.sent_at

    async def _send(self, key: Key, flight: _Flight, request: Request[Any]) -> Any:
        try:
            client = await self._connected()
            await self._pace(client.settings, request.rate_limit, flight.urgent)
            flight.sent_at = clock.now()
            try:
                return await client.run(request)
            except AuthenticationError:
                # The connection's secrets may have been changed since it was read.
                if not await self._reconnected(client):
                    raise
            return await (await self._connected()).run(request)
        finally:
            del self._flights[key]

    async def _pace(self, settings: ClientSettings, limit: RateLimit, urgent: asyncio.Event) -> None:
        rates = settings.budgets.rates(limit)
        seconds = max((rate.seconds / rate.permits for rate in rates), default=0.0) / (1 - _RESERVED)
        now = clock.monotonic()
        start = max(now, self._next_starts.get(limit.name, now))
        self._next_starts[limit.name] = start + seconds
        if start > now and not urgent.is_set():
            try:
                async with asyncio.timeout(start - now):
                    await urgent.wait()
            except TimeoutError:
                return

    async def _connected(self) -> AsyncEngageVoiceClient:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _reconnected(self, rejected: AsyncEngageVoiceClient) -> bool:
        """Read the connection again; return whether it differs from the one that was rejected."""
        async with self._connecting:
            if self._client is not rejected:
                return True
            client = await self._connect()
            if client.settings == rejected.settings:
                await client.close()
                return False
            # Other requests may still be using the old client.
            self._replaced.append(rejected)
            self._client = client
            return True


@dataclass(slots=True, eq=False)
class _Flight:
    """A request in flight.

    :ivar sent_at: when it was sent, UTC
    """

    task: asyncio.Task[Any] = field(init=False)
    sent_at: datetime = _NOT_YET
    urgent: asyncio.Event = field(default_factory=asyncio.Event)


#: A clock that was set, or a machine that was suspended, is noticed within this many seconds.
_CHECK_SECONDS = 1.0
#: Smaller differences between the clocks are drift.
_STEP_SECONDS = 0.02


class Timer:
    """Wait for an instant, or for a call of :meth:`wake`.

    An event loop sleeps by a clock that stops while the machine is suspended and ignores changes of the wall
    clock. So all timers of a loop share one monitor that wakes them when the two clocks diverge.
    """

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the current wait, or else the next one."""
        self._woken.set()

    async def wait(self, until: datetime | None) -> None:
        """Return at ``until``, or earlier on :meth:`wake` or when the clock was set; None: only on these."""
        loop = asyncio.get_running_loop()
        handle = None
        if until is not None:
            seconds = (until - clock.now()).total_seconds()
            handle = loop.call_later(max(0.0, seconds), self._woken.set)
        monitor = _MONITORS.get(loop)
        if monitor is None:
            monitor = _MONITORS[loop] = _ClockMonitor(loop)
        monitor.add(self)
        try:
            await self._woken.wait()
        finally:
            monitor.discard(self)
            if handle is not None:
                handle.cancel()
        self._woken.clear()


class _ClockMonitor:
    """Compare the wall clock with the loop's clock once a second, while any timer waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop_time = loop.time
        self._call_later = loop.call_later
        self._timers: WeakSet[Timer] = WeakSet()
        self._offset = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def add(self, timer: Timer) -> None:
        self._timers.add(timer)
        if self._handle is None:
            self._offset = self._measure()
            self._handle = self._call_later(_CHECK_SECONDS, self._check)

    def discard(self, timer: Timer) -> None:
        self._timers.discard(timer)
        if not self._timers and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _measure(self) -> float:
        return clock.time() - self._loop_time()

    def _check(self) -> None:
        offset = self._measure()
        if abs(offset - self._offset) > _STEP_SECONDS:
            self._offset = offset
            for timer in list(self._timers):
                timer.wake()
        self._handle = self._call_later(_CHECK_SECONDS, self._check)


_MONITORS: WeakKeyDictionary[asyncio.AbstractEventLoop, _ClockMonitor] = WeakKeyDictionary()


#: Updates published before the event loop runs anything else. Each then writes a log line and hands its event
#: to Airflow, in about half a millisecond.
_BATCH = 25


class FairYield:
    """Let the event loop run other tasks between batches of updates."""

    def __init__(self) -> None:
        self._count = 0
        self._one_by_one = asyncio.Lock()

    async def before_update(self) -> None:
        """Return at once, or, once per batch, after the event loop has run everything else that is ready."""
        async with self._one_by_one:
            self._count += 1
            if self._count % _BATCH == 0:
                await asyncio.sleep(0)
