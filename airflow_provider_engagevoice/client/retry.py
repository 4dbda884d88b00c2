"""When a request is sent again, and after how long."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import Any

from tenacity import RetryCallState
from tenacity.retry import retry_if_exception

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.credentials import is_sign_in
from airflow_provider_engagevoice.client.request import Idempotency
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    EngageVoiceError,
    NoAnswerError,
    RateLimitedError,
    ServerError,
    TokenStoreError,
    UnexpectedAnswerError,
    UnreachableError,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often and how long one request is tried.

    :param tries: how many times it is sent at most
    :param seconds: how long all tries and the waits between them may take; a wait that would go past it is
        not begun
    """

    tries: int = 6
    seconds: float = 180.0
    first_wait: float = 0.5
    longest_wait: float = 30.0


def may_try_again(error: BaseException, idempotency: Idempotency) -> bool:
    """Tell whether the same request may be sent again without looking at the server first.

    A request that was refused by a budget, or for which there was no connection, was not carried out; nor
    was one before which signing in, or counting it, failed. All other failures leave a create in doubt.
    """
    if isinstance(error, RateLimitedError | UnreachableError):
        return True
    if isinstance(error, TokenStoreError):
        return error.retryable
    if isinstance(error, ApiError) and is_sign_in(error.path):
        idempotency = Idempotency.SAFE
    if idempotency is Idempotency.UNSAFE:
        return False
    if isinstance(error, UnexpectedAnswerError):
        return error.status == 200
    return isinstance(error, ServerError | NoAnswerError)


class Call:
    """One request with all its tries.

    :param deadline: no pause is begun that ends after this instant of ``clock.monotonic``
    """

    def __init__(self, limits: RetryLimits, idempotency: Idempotency, deadline: float) -> None:
        self._limits = limits
        self._idempotency = idempotency
        self._deadline = deadline
        self._began = clock.monotonic()
        self._failure: EngageVoiceError | None = None
        self.tries = 0
        #: Seconds spent waiting for a turn. They are nobody's failure and bounded elsewhere.
        self.queued = 0.0

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments for :class:`tenacity.Retrying` and :class:`tenacity.AsyncRetrying`."""
        return {
            "retry": retry_if_exception(lambda error: may_try_again(error, self._idempotency)),
            "wait": self._wait,
            "stop": self._is_over,
            "before_sleep": _tell,
            "reraise": True,
        }

    def failed(self, error: EngageVoiceError) -> None:
        """Note how the first try failed; tenacity, asked only then, is to judge it as its own first."""
        self._failure = error

    def raise_failure(self) -> None:
        """Fail as the first try did, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def backoff(self, tries: int) -> float:
        """Return the seconds to wait after so many tries where the server has not said."""
        ceiling = min(self._limits.longest_wait, self._limits.first_wait * 2.0 ** (tries - 1))
        return random.uniform(ceiling / 2, ceiling)

    def heed(self, error: RateLimitedError) -> None:
        """See that a 429 says how long to wait, and whether anybody will be there after that."""
        if error.retry_after is None:
            error.retry_after = self.backoff(self.tries)
        if self.outlasts(error.retry_after):
            error.add(f"to wait {error.retry_after:.0f} s, as it asks, would outlast the task's time-out")

    def outlasts(self, seconds: float) -> bool:
        """Tell whether a wait would end after whoever waits has given up."""
        return clock.monotonic() + seconds > self._deadline

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ApiError) and error.retry_after is not None:
            # A little over, so that clocks and rounding do not bring the next try a moment early.
            return error.retry_after + random.uniform(0.05, 0.25)
        return self.backoff(state.attempt_number)

    def _is_over(self, state: RetryCallState) -> bool:
        spent = clock.monotonic() - self._began - self.queued
        return (
            state.attempt_number >= self._limits.tries
            or spent + state.upcoming_sleep >= self._limits.seconds
            or self.outlasts(state.upcoming_sleep)
        )


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s; trying again in %.1f s (try %d)", error, state.upcoming_sleep, state.attempt_number + 1)
