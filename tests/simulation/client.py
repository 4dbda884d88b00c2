"""The package's client without httpx: it makes the steps of a procedure, and the world performs them."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import _BaseClient
from airflow_provider_engagevoice.client.rate_limiter import RateLimiter
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.client.responses import error_of_transport
from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials
from airflow_provider_engagevoice.exceptions import ApiError
from airflow_provider_engagevoice.stores import Rate, Store
from tests.simulation.vendor import ACCOUNT

T = TypeVar("T")

ZONE = "America/Los_Angeles"

_ERRORS = {
    "refused": httpx.ConnectError("connection refused"),
    "timed out": httpx.ReadTimeout("timed out"),
    "broken": httpx.RemoteProtocolError("server disconnected without sending a response"),
}


def connection_error(kind: str, method: str, path: str, idempotency: Idempotency) -> ApiError:
    """Return the error of a request without an answer."""
    return error_of_transport(_ERRORS[kind], method, path, idempotency)


class Permits(Store):
    """A store of permits alone, whose clock is the simulation's."""

    label = "simulation"

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}
        self._paused_until: dict[str, float] = {}

    def read(self, key: str) -> tuple[bytes, float] | None:
        return None

    def write(self, key: str, value: bytes, seconds: float) -> None:
        raise NotImplementedError

    def lock(self, key: str, seconds: float) -> AbstractContextManager[None]:
        raise NotImplementedError

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        now = clock.monotonic()
        if (left := self._paused_until.get(key, 0.0) - now) > 0:
            return left
        taken = self._taken.setdefault(key, deque())
        (rate,) = rates
        while taken and taken[0] <= now - rate.seconds:
            taken.popleft()
        if len(taken) >= rate.permits:
            return max(0.001, taken[0] + rate.seconds - now)
        taken.append(now)
        return 0.0

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        raise NotImplementedError

    def pause(self, key: str, seconds: float) -> None:
        until = clock.monotonic() + seconds
        self._paused_until[key] = max(until, self._paused_until.get(key, 0.0))


class _SharedState:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.label = store.label
        self.rate_limiter = RateLimiter(store)


@cache
def _settings(share: str) -> ClientSettings:
    return ClientSettings.build(
        credentials=Credentials(api_token="00000000-0000-0000-0000-000000000000"),
        host="https://ringcx.ringcentral.com",
        account_id=ACCOUNT,
        timezone=ZONE,
        budgets=share,
    )


#: What was read from the last answers: a list is read again and again, and reading it takes most of the time.
_READ: dict[tuple[str, bytes], Any] = {}
_MAX_READ = 64


class SimulatedClient(_BaseClient):
    """A client whose steps the world performs."""

    def __init__(self, store: Store, share: str) -> None:
        super().__init__(_settings(share), shared_state=_SharedState(store))  # type: ignore[arg-type]
        self.store = store

    def _open(self, timeout: object, options: dict[str, Any]) -> None:
        pass

    def _http_options(self, masks: object) -> dict[str, Any]:
        return {}

    def _read(self, request: Request[T], response: httpx.Response) -> T:
        if request.method != "GET":
            return super()._read(request, response)
        key = (request.path, response.content)
        if key in _READ:
            self._clock_skew.check(response)
        else:
            read = super()._read(request, response)
            if len(_READ) >= _MAX_READ:
                _READ.clear()
            _READ[key] = read
        # Objects are frozen.
        read = _READ[key]
        return read.copy() if isinstance(read, list) else read
