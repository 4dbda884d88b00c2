"""When a request is sent again, and after how long."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import Any

from tenacity import RetryCallState
from tenacity.retry import retry_if_exception
from tenacity.stop import stop_base

from airflow_provider_engagevoice.client.credentials import is_sign_in
from airflow_provider_engagevoice.client.request import Replay
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    NoAnswerError,
    RateLimitedError,
    ServerError,
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


def may_try_again(error: BaseException, replay: Replay) -> bool:
    """Tell whether the same request may be sent again without looking at the server first.

    A request that was refused by a budget, or for which there was no connection, was not carried out; nor
    was one before which signing in failed. All other failures leave a create in doubt.
    """
    if isinstance(error, RateLimitedError | UnreachableError):
        return True
    if isinstance(error, ApiError) and is_sign_in(error.path):
        replay = Replay.SAFE
    if replay is Replay.UNSAFE:
        return False
    if isinstance(error, UnexpectedAnswerError):
        return error.status == 200
    return isinstance(error, ServerError | NoAnswerError)


def retry_options(limits: RetryLimits, replay: Replay) -> dict[str, Any]:
    """Return the keyword arguments for :class:`tenacity.Retrying` and :class:`tenacity.AsyncRetrying`."""

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ApiError) and error.retry_after is not None:
            # A little over, so that clocks and rounding do not bring the next try a moment early.
            return error.retry_after + random.uniform(0.05, 0.25)
        ceiling = min(limits.longest_wait, limits.first_wait * 2.0 ** (state.attempt_number - 1))
        return random.uniform(ceiling / 2, ceiling)

    return {
        "retry": retry_if_exception(lambda error: may_try_again(error, replay)),
        "wait": wait,
        "stop": _StopBefore(limits),
        "before_sleep": _tell,
        "reraise": True,
    }


class _StopBefore(stop_base):
    """Stop when the tries are used up, or the next wait would go past the time allowed."""

    def __init__(self, limits: RetryLimits) -> None:
        self._limits = limits

    def __call__(self, state: RetryCallState) -> bool:
        spent = state.seconds_since_start or 0.0
        return (
            state.attempt_number >= self._limits.tries or spent + state.upcoming_sleep >= self._limits.seconds
        )


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s; trying again in %.1f s (try %d)", error, state.upcoming_sleep, state.attempt_number + 1)
