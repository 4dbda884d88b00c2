"""Jobs of the processes of these tests: use a client, acquire permits, hold a lock."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cryptography.fernet import Fernet

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a job.

    :param outcome: number of rows, or the name of the error
    :param message: the error's message
    :param seconds: duration
    :param logged: log lines of the package
    """

    outcome: Any
    message: str = ""
    seconds: float = 0.0
    logged: list[str] = field(default_factory=list)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.getMessage()}")


def shared_state_at(token_store: str, key: bytes | None = None) -> SharedState:
    """Open a shared state that is not cached in this process."""
    return SharedState(token_store, None if key is None else Fernet(key))


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, in virtual time if that is in use."""
    result: T = getattr(clock._clock, "run", asyncio.run)(main)
    return result


def use(
    settings: ClientSettings,
    token_store: str,
    how: str = "sync",
    key: bytes | None = None,
    limits: RetryLimits | None = None,
    method: str = "list_accounts",
    limit: RateLimit | None = None,
    times: int = 1,
) -> Report:
    """Send a request ``times`` times on a client; report the number of rows of the last response.

    :param how: ``sync`` or ``async``
    :param limit: its rate limit; default: the documented one
    """
    logged: list[str] = []
    logger = logging.getLogger("airflow_provider_engagevoice")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler := _Lines(logged))
    began = clock.monotonic()
    try:
        shared_state = shared_state_at(token_store, key)
        request = getattr(endpoints, method)()
        if limit is not None:
            request = dataclasses.replace(request, rate_limit=limit)
        send = _send_async if how == "async" else _send
        outcome, message = send(settings, shared_state, limits, request, times), ""
    except EngageVoiceError as error:
        outcome, message = type(error).__name__, str(error)
    finally:
        logger.removeHandler(handler)
    return Report(outcome, message, clock.monotonic() - began, logged)


def _send(
    settings: ClientSettings,
    shared_state: SharedState,
    limits: RetryLimits | None,
    request: Request[Any],
    times: int,
) -> int:
    with EngageVoiceClient(settings, shared_state=shared_state, limits=limits) as client:
        for _ in range(times):
            rows = client.run(request)
    return len(rows)


def _send_async(
    settings: ClientSettings,
    shared_state: SharedState,
    limits: RetryLimits | None,
    request: Request[Any],
    times: int,
) -> int:
    async def main() -> int:
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state, limits=limits) as client:
            for _ in range(times):
                rows = await client.run(request)
        return len(rows)

    return run(main())


def acquire_for(
    token_store: str, key: str, rates: tuple[Rate, ...], seconds: float
) -> list[tuple[float, float]]:
    """Acquire permits for ``seconds``; return when each was requested and when it was granted.

    The clock is :func:`time.monotonic`, which all processes of a machine share.
    """
    store = open_store(token_store)
    granted = []
    ends = time.monotonic() + seconds
    while (requested := time.monotonic()) < ends:
        wait = store.acquire(key, rates)
        if wait == 0:
            granted.append((requested, time.monotonic()))
        else:
            # In small steps, so that all processes compete for each permit.
            time.sleep(min(wait, 0.002))
    return granted


def lock_for(token_store: str, key: str, timeout: float, seconds: float) -> tuple[float, float]:
    """Hold a lock for ``seconds``; return when it was acquired and when it was released."""
    with open_store(token_store).lock(key, timeout):
        began = time.monotonic()
        time.sleep(seconds)
        return began, time.monotonic()


def make_stale(settings: ClientSettings, shared_state: SharedState, left: float = 20.0) -> None:
    """Make the stored token expire in ``left`` seconds, so that it must be renewed."""
    token = shared_state.tokens.load(settings.token_key)
    assert token is not None
    stale = dataclasses.replace(token, expires_at=time.monotonic() + left)
    shared_state.tokens.save(settings.token_key, stale)
