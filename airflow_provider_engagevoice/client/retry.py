"""One request with its permits and its retries: which errors are retried, how often and after how long."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest, PermitSteps, permit_steps
from airflow_provider_engagevoice.client.request import FRESH_SECONDS, Idempotency, Pause, Request
from airflow_provider_engagevoice.client.settings import is_sign_in
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    EngageVoiceError,
    NoAnswerError,
    OutdatedError,
    PageAnswerError,
    RateLimitedError,
    ServerError,
    TokenStoreError,
    TooLargeError,
    UnexpectedAnswerError,
    UnreachableError,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds for which a permit is held while another one is waited for.
_LONGEST_HELD = 1.0

#: Attempts at reading what may not exist, while the server answers something unexpected.
_ABSENT_TRIES = 3
#: Slow answers to a read after which a write is made from the next one all the same.
_MAX_SLOW = 2


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Limits of the retries of one request.

    :param tries: maximum number of attempts; those that a rate limit refused do not count. With 1, nothing is
        retried
    :param seconds: maximum duration of all attempts and backoffs, without waits for the rate limit; a backoff
        that would end later is not started
    :param rate_limit_seconds: maximum seconds of waits for the rate limit
    :param first_wait: seconds of the first backoff; each further one is twice as long
    :param longest_wait: maximum seconds of a backoff
    """

    tries: int = 20
    seconds: float = 180.0
    rate_limit_seconds: float = 900.0
    first_wait: float = 0.5
    longest_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class PermitPause:
    """A step: grant no permit like this one for ``seconds``, because the server has refused a request."""

    permit: PermitRequest
    seconds: float


class AccountStep(Enum):
    """A step: find the account that the next request needs."""

    FIND = "find"


#: Steps that a client performs: permits, pauses, and requests, for which it is sent the response.
RequestSteps: TypeAlias = Generator[PermitRequest | PermitPause | Pause | AccountStep | Request[Any], Any, T]


def may_retry(error: BaseException, idempotency: Idempotency) -> bool:
    """Return whether the same request may be sent again without checking the server first.

    A request was not executed if a rate limit refused it, if no connection could be made, or if signing in or
    acquiring its permit failed. After any other failure, the outcome of a create is unknown.
    """
    if isinstance(error, RateLimitedError | UnreachableError | TokenStoreError):
        return error.retryable
    if isinstance(error, ApiError) and is_sign_in(error.path):
        idempotency = Idempotency.SAFE
    if idempotency is Idempotency.UNSAFE:
        return False
    if isinstance(error, TooLargeError):
        return False
    if isinstance(error, UnexpectedAnswerError):
        return error.status == 200 or isinstance(error, PageAnswerError)
    return isinstance(error, ServerError | NoAnswerError)


def request_steps(
    request: Request[T], limits: RetryLimits, permit: PermitRequest, read: Callable[[Any], T]
) -> RequestSteps[T]:
    """Acquire permits, send the request, and send it again after errors that may be retried.

    A read that a write is made from is sent again, too, if its answer was slow: it may be old by then.

    :param read: converts the response that the client has received, or raises its error
    :raises OutdatedError: if a request with ``after_read`` is too late
    """
    call = Call(limits, request, permit.deadline)
    attempt, permits, slow = 1, request.permits, 0
    while True:
        try:
            call.waited += yield from _acquire(permits, permit)
            if request.is_outdated():
                raise OutdatedError(
                    "what it is based on is too old by now; not sent",
                    method=request.method,
                    path=request.path,
                )
            if request.before_send is not None:
                request.before_send()
            sent_at = clock.monotonic()
            try:
                result = read((yield request))
                is_old = request.followers > 0 and clock.monotonic() > sent_at + FRESH_SECONDS
                if not is_old or slow == _MAX_SLOW:
                    return result
                slow, permits = slow + 1, 1 + request.followers
                continue
            except RateLimitedError as error:
                if not is_sign_in(error.path):
                    call.complete(error, permit)
                    yield PermitPause(permit, error.retry_after or 0.0)
                raise
        except EngageVoiceError as error:
            pause = call.pause_after(error)
            if pause is None:
                raise
            attempt, permits = attempt + 1, 1 + request.followers
            log.warning("%s; retrying in %.1f s (attempt %d)", error, pause, attempt)
        yield Pause(pause)


def _acquire(permits: int, permit: PermitRequest) -> PermitSteps:
    """Acquire permits for requests that are sent together, and return the seconds it took.

    The server counts a request when it arrives, so permits that were held during a wait are acquired again;
    once, as tasks that wait for each other's permits would do so without end.
    """
    waited, held, may_start_again = 0.0, 0, True
    while held < permits:
        seconds = yield from permit_steps(permit)
        waited += seconds
        held += 1
        if held > 1 and seconds >= _LONGEST_HELD and may_start_again:
            held, may_start_again = 1, False
    return waited


class Call:
    """The attempts of one request.

    :param deadline: instant of ``clock.monotonic``; a wait that would end later is not started
    """

    def __init__(self, limits: RetryLimits, request: Request[Any], deadline: float) -> None:
        self._limits = limits
        self._request = request
        self._deadline = deadline
        self._started = clock.monotonic()
        self._tries = 1
        #: Seconds spent waiting for the rate limit.
        self.waited = 0.0

    def complete(self, error: RateLimitedError, permit: PermitRequest) -> None:
        """Set how long a 429 lasts; note in its message a wait past the deadline.

        Servers have been seen to send ``Retry-After: 1`` and to refuse requests for the whole window of the
        rate limit, so it lasts at least that long.
        """
        window = max(rate.seconds for rate in permit.rate_limit.rates)
        error.retry_after = max(error.retry_after or 0.0, window)
        if self._passes_deadline(error.retry_after):
            error.add(
                f"waiting {error.retry_after:.0f} s for the rate limit would outlast the task's timeout"
            )

    def pause_after(self, error: EngageVoiceError) -> float | None:
        """Return the seconds until the next attempt; None to give up."""
        if self._request.after_read or not may_retry(error, self._request.idempotency):
            return None
        if self._limits.tries == 1:
            return None
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return self._rate_limit_pause(error.retry_after)
        pause = self._backoff(error)
        may_be_absent = self._request.may_be_absent and isinstance(error, UnexpectedAnswerError)
        if may_be_absent and self._tries >= _ABSENT_TRIES:
            return None
        spent = clock.monotonic() - self._started - self.waited
        if self._tries >= self._limits.tries or spent + pause >= self._limits.seconds:
            return None
        self._tries += 1
        return None if self._passes_deadline(pause) else pause

    def _rate_limit_pause(self, seconds: float) -> float | None:
        # Slightly more, so that clock differences and rounding do not make the next attempt too early.
        seconds += random.uniform(0.05, 0.25)
        if self.waited + seconds > self._limits.rate_limit_seconds or self._passes_deadline(seconds):
            return None
        self.waited += seconds
        return seconds

    def _backoff(self, error: EngageVoiceError) -> float:
        if isinstance(error, ApiError) and error.retry_after is not None:
            return error.retry_after + random.uniform(0.05, 0.25)
        ceiling = min(self._limits.longest_wait, self._limits.first_wait * 2.0 ** (self._tries - 1))
        return random.uniform(ceiling / 2, ceiling)

    def _passes_deadline(self, seconds: float) -> bool:
        return clock.monotonic() + seconds > self._deadline
