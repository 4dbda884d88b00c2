"""What the processes of these tests do: use a client, take permits, hold a lock."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints import campaigns as endpoints
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.stores.base import Rate
from airflow_provider_engagevoice.stores.factory import open_store


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a job.

    :param outcome: what was asked for, or the name of the error
    :param message: the error's text
    :param seconds: how long it took
    :param logged: lines the package logged
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
    """Open shared_state that nobody else of this process uses."""
    return SharedState(token_store, None if key is None else Fernet(key))


def use(
    settings: ClientSettings,
    token_store: str,
    how: str = "sync",
    key: bytes | None = None,
    limits: RetryLimits | None = None,
    method: str = "list_accounts",
    budget: RateLimit | None = None,
    times: int = 1,
) -> Report:
    """Send a request so many times on a client; return how many rows the last answer had.

    :param how: ``sync`` or ``async``
    :param budget: the one it draws on, where that is not the documented one
    """
    logged: list[str] = []
    logger = logging.getLogger("airflow_provider_engagevoice")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler := _Lines(logged))
    began = time.monotonic()
    try:
        shared_state = shared_state_at(token_store, key)
        asked = getattr(endpoints, method)()
        if budget is not None:
            asked = dataclasses.replace(asked, rate_limit=budget)
        send = _send_async if how == "async" else _send
        outcome, message = send(settings, shared_state, limits, asked, times), ""
    except EngageVoiceError as error:
        outcome, message = type(error).__name__, str(error)
    finally:
        logger.removeHandler(handler)
    return Report(outcome, message, time.monotonic() - began, logged)


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

    return asyncio.run(main())


def take_for(
    token_store: str, key: str, rates: tuple[Rate, ...], seconds: float
) -> list[tuple[float, float]]:
    """Take permits for so long, as many as there are; return when each was asked for and when it was had.

    The clock is :func:`time.monotonic`, which all processes of a machine share.
    """
    store = open_store(token_store)
    had = []
    ends = time.monotonic() + seconds
    while (asked := time.monotonic()) < ends:
        wait = store.acquire(key, rates)
        if wait == 0:
            had.append((asked, time.monotonic()))
        else:
            # In small steps, so that all are there the moment a permit is.
            time.sleep(min(wait, 0.002))
    return had


def hold_for(token_store: str, key: str, patience: float, seconds: float) -> tuple[float, float]:
    """Hold a lock for so long; return when it was had and when it was given back."""
    with open_store(token_store).lock(key, patience):
        began = time.monotonic()
        time.sleep(seconds)
        return began, time.monotonic()


def make_stale(settings: ClientSettings, shared_state: SharedState, left: float = 20.0) -> None:
    """Bring the token kept to where it has so many seconds left and must be renewed."""
    token = shared_state.tokens.load(settings.token_key)
    assert token is not None
    stale = dataclasses.replace(token, expires_at=time.monotonic() + left)
    shared_state.tokens.save(settings.token_key, stale)
