"""Retries of one request: which errors, how often and after how long."""

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
    """Limits of the retries of one request.

    :param tries: maximum number of attempts
    :param seconds: maximum duration of all attempts and backoffs, without waits for the rate limit; a backoff
        that would end later is not started
    :param first_wait: seconds of the first backoff; each further one is twice as long
    :param longest_wait: maximum seconds of a backoff
    """

    tries: int = 6
    seconds: float = 180.0
    first_wait: float = 0.5
    longest_wait: float = 30.0


def may_retry(error: BaseException, idempotency: Idempotency) -> bool:
    """Return whether the same request may be sent again without checking the server first.

    A request was not executed if a rate limit refused it, if no connection could be made, or if signing in or
    acquiring its permit failed. After any other failure, the outcome of a create is unknown.
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
    """One request with all its attempts.

    :param deadline: instant of ``clock.monotonic``; a wait that would end later is not started
    """

    def __init__(self, limits: RetryLimits, idempotency: Idempotency, deadline: float) -> None:
        self._limits = limits
        self._idempotency = idempotency
        self._deadline = deadline
        self._started = clock.monotonic()
        self._failure: EngageVoiceError | None = None
        self.tries = 0
        #: Seconds spent waiting for permits, which do not count towards ``limits.seconds``.
        self.waited = 0.0

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments for :class:`tenacity.Retrying` and :class:`tenacity.AsyncRetrying`."""
        return {
            "retry": retry_if_exception(lambda error: may_retry(error, self._idempotency)),
            "wait": self._wait,
            "stop": self._is_over,
            "before_sleep": _log_retry,
            "reraise": True,
        }

    def record_failure(self, error: EngageVoiceError) -> None:
        """Record the error of the first attempt, for tenacity to treat as its own first attempt."""
        self._failure = error

    def raise_failure(self) -> None:
        """Raise the recorded error, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def backoff(self, tries: int) -> float:
        """Return the seconds to wait after that many attempts if the server has not sent Retry-After."""
        ceiling = min(self._limits.longest_wait, self._limits.first_wait * 2.0 ** (tries - 1))
        return random.uniform(ceiling / 2, ceiling)

    def complete(self, error: RateLimitedError) -> None:
        """Give a 429 without Retry-After a backoff; note in its message a wait past the deadline."""
        if error.retry_after is None:
            error.retry_after = self.backoff(self.tries)
        if self.passes_deadline(error.retry_after):
            error.add(
                f"waiting {error.retry_after:.0f} s, as the server asks, would outlast the task's timeout"
            )

    def passes_deadline(self, seconds: float) -> bool:
        """Return whether a wait of ``seconds`` would end after the deadline."""
        return clock.monotonic() + seconds > self._deadline

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ApiError) and error.retry_after is not None:
            # Slightly more, so that clock differences and rounding do not make the next attempt too early.
            return error.retry_after + random.uniform(0.05, 0.25)
        return self.backoff(state.attempt_number)

    def _is_over(self, state: RetryCallState) -> bool:
        spent = clock.monotonic() - self._started - self.waited
        return (
            state.attempt_number >= self._limits.tries
            or spent + state.upcoming_sleep >= self._limits.seconds
            or self.passes_deadline(state.upcoming_sleep)
        )


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s; retrying in %.1f s (attempt %d)", error, state.upcoming_sleep, state.attempt_number + 1)
