"""Reads of the API that everybody on an event loop shares."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request, adrive
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.exceptions import AuthenticationError

T = TypeVar("T")
Key = tuple[str, str, tuple[tuple[str, str | int], ...], str]

#: Reads that may wait leave this share of the request budget to others.
_LEFT_TO_OTHERS = 1 / 3
_NOT_YET = datetime.max.replace(tzinfo=UTC)


class SharedRequests:
    """Procedures that only read; of requests that are the same one is on its way at a time.

    Reads are spread: where nobody is in a hurry they begin one after the other, so that a triggerer that
    starts with many waits draws on the account's budgets evenly and leaves some of them to others.

    :param connect: opens a client, by the connection as it is now
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncEngageVoiceClient]]) -> None:
        self._connect = connect
        self._client: AsyncEngageVoiceClient | None = None
        self._refused: list[AsyncEngageVoiceClient] = []
        self._connecting = asyncio.Lock()
        self._flights: dict[Key, _Flight] = {}
        self._next_starts: dict[str, float] = {}

    async def settings(self) -> ClientSettings:
        """Return the settings of the connection.

        :raises InvalidConnectionError: when its fields do not make a client
        """
        return (await self._connected()).settings

    async def run(self, procedure: Procedure[T], since: datetime, *, hurry: bool = False) -> T:
        """Run a procedure and return its result.

        :param since: what is read was asked for at this instant or later
        :param hurry: begin at once
        :raises EngageVoiceError: as the client does
        """
        return (await self.run_dated(procedure, since, hurry=hurry))[0]

    async def run_dated(
        self, procedure: Procedure[T], since: datetime, *, hurry: bool = False
    ) -> tuple[T, datetime]:
        """As :meth:`run`; return the result and when it was asked for."""
        began = _NOT_YET

        async def send(request: Request[Any]) -> Any:
            nonlocal began
            answer, asked_at = await self._answer(request, since, hurry)
            began = min(began, asked_at)
            return answer

        result = await adrive(procedure, send)
        return result, min(began, clock.now())

    async def close(self) -> None:
        """Stop reading and close the client."""
        flights = [flight.task for flight in self._flights.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        for client in [*self._refused, self._client]:
            if client is not None:
                await client.close()

    async def _answer(self, request: Request[T], since: datetime, hurry: bool) -> tuple[T, datetime]:
        assert request.idempotency is Idempotency.SAFE, "only reads can be shared"
        body = "" if request.body is None else json.dumps(request.body, sort_keys=True)
        key = (request.method, request.path, tuple(request.query.items()), body)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = _Flight()
                # In a context of its own: what it logs belongs to no one wait.
                flight.task = asyncio.get_running_loop().create_task(
                    self._fly(key, flight, request), context=contextvars.Context()
                )
            if hurry:
                flight.hurry.set()
            # Whoever waits may be cancelled, and others wait for the same.
            answer = await asyncio.shield(flight.task)
            if flight.began >= since:
                return answer, flight.began

    async def _fly(self, key: Key, flight: _Flight, request: Request[Any]) -> Any:
        try:
            client = await self._connected()
            await self._spread(client.settings, request.rate_limit, flight.hurry)
            flight.began = clock.now()
            try:
                return await client.run(request)
            except AuthenticationError:
                # Somebody may have changed the connection's secrets since it was read.
                if not await self._reconnected(client):
                    raise
            return await (await self._connected()).run(request)
        finally:
            del self._flights[key]

    async def _spread(self, settings: ClientSettings, limit: RateLimit, hurry: asyncio.Event) -> None:
        rates = settings.budgets.rates(limit)
        seconds = max((rate.seconds / rate.permits for rate in rates), default=0.0) / (1 - _LEFT_TO_OTHERS)
        now = clock.monotonic()
        start = max(now, self._next_starts.get(limit.name, now))
        self._next_starts[limit.name] = start + seconds
        if start > now and not hurry.is_set():
            try:
                async with asyncio.timeout(start - now):
                    await hurry.wait()
            except TimeoutError:
                return

    async def _connected(self) -> AsyncEngageVoiceClient:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _reconnected(self, refused: AsyncEngageVoiceClient) -> bool:
        """Read the connection anew; tell whether it says something else than when it was refused."""
        async with self._connecting:
            if self._client is not refused:
                return True
            client = await self._connect()
            if client.settings == refused.settings:
                await client.close()
                return False
            # Others may still be using the one that was refused.
            self._refused.append(refused)
            self._client = client
            return True


@dataclass(slots=True, eq=False)
class _Flight:
    """A request on its way.

    :ivar began: when it was asked for, UTC
    """

    task: asyncio.Task[Any] = field(init=False)
    began: datetime = _NOT_YET
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
