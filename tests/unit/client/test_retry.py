"""client/retry.py: which errors are retried, how often and after how long."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity import Retrying

from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.request import Idempotency
from airflow_provider_engagevoice.client.retry import Call, RetryLimits, may_retry
from tests.support.clocks import FakeClock

PATH = "/voice/api/v1/admin/accounts/1/dialGroups/2/campaigns"
SIGN_IN = "/api/auth/login/rc/accesstoken"
NEVER = (
    errors.BadRequestError,
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.ResourceNotFoundError,
    errors.ConflictError,
    errors.EndpointMissingError,
)


def error(kind: type[errors.ApiError], path: str = PATH, **details: Any) -> errors.ApiError:
    return kind("x", method="POST", path=path, **details)


@pytest.mark.parametrize("idempotency", list(Idempotency))
def test_a_request_that_was_not_executed_is_retried(idempotency: Idempotency) -> None:
    assert may_retry(error(errors.RateLimitedError, status=429), idempotency)
    assert may_retry(error(errors.UnreachableError), idempotency)


@pytest.mark.parametrize("idempotency", list(Idempotency))
@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("path", [PATH, SIGN_IN])
def test_an_error_that_is_not_retryable(
    kind: type[errors.ApiError], idempotency: Idempotency, path: str
) -> None:
    assert not may_retry(error(kind, path), idempotency)


@pytest.mark.parametrize("kind", [errors.ServerError, errors.NoAnswerError])
def test_a_request_that_may_have_been_executed_is_retried_if_idempotent(kind: type[errors.ApiError]) -> None:
    assert may_retry(error(kind), Idempotency.SAFE)
    assert may_retry(error(kind), Idempotency.IDEMPOTENT)
    assert not may_retry(error(kind), Idempotency.UNSAFE)
    assert may_retry(error(kind, SIGN_IN), Idempotency.UNSAFE)


@pytest.mark.parametrize("idempotency", list(Idempotency))
def test_an_unknown_outcome_is_never_retried(idempotency: Idempotency) -> None:
    assert not may_retry(error(errors.OutcomeUnknownError), idempotency)


@pytest.mark.parametrize(
    "other", [ValueError("x"), KeyboardInterrupt(), errors.InvalidInputError("a", 1, "b")]
)
def test_other_errors_are_not_retried(other: BaseException) -> None:
    assert not may_retry(other, Idempotency.SAFE)


def test_a_broken_body_is_retried_but_a_wrong_status_is_not() -> None:
    assert may_retry(error(errors.UnexpectedAnswerError, status=200), Idempotency.SAFE)
    assert not may_retry(error(errors.UnexpectedAnswerError, status=200), Idempotency.UNSAFE)
    assert not may_retry(error(errors.UnexpectedAnswerError, status=302), Idempotency.SAFE)


class Clock(FakeClock):
    """A clock that advances only during sleeps and requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, a_try: float = 0.0) -> None:
        super().__init__()
        self.tries = 0
        self._a_try = a_try
        monkeypatch.setattr("airflow_provider_engagevoice.clock._clock", self)

    def fail_with(
        self,
        *failures: errors.ApiError | None,
        limits: RetryLimits,
        idempotency: Idempotency = Idempotency.SAFE,
    ) -> str:
        """Fail with each error in order, then always with the last one; None is success."""

        def send() -> str:
            self.tries += 1
            self.now += self._a_try
            failure = failures[min(self.tries, len(failures)) - 1]
            if failure is not None:
                raise failure
            return "response"

        retrying = Retrying(**Call(limits, idempotency, float("inf")).options(), sleep=self.sleep)
        response: str = retrying(send)
        return response


def test_it_succeeds_after_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    assert (
        clock.fail_with(error(errors.ServerError), error(errors.NoAnswerError), None, limits=RetryLimits())
        == "response"
    )
    assert clock.tries == 3


def test_attempts_are_limited_and_the_last_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(errors.ServerError):
        clock.fail_with(error(errors.ServerError), limits=RetryLimits(tries=4))
    assert clock.tries == 4
    assert len(clock.sleeps) == 3


def test_backoff_grows_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    limits = RetryLimits(tries=8, seconds=1e6, first_wait=1.0, longest_wait=8.0)
    with pytest.raises(errors.ServerError):
        clock.fail_with(error(errors.ServerError), limits=limits)
    ceilings = [1, 2, 4, 8, 8, 8, 8]
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(clock.sleeps, ceilings, strict=True))


@pytest.mark.parametrize("a_try", [0.0, 3.0, 30.0])
def test_the_total_time_is_limited(monkeypatch: pytest.MonkeyPatch, a_try: float) -> None:
    clock = Clock(monkeypatch, a_try=a_try)
    limits = RetryLimits(tries=10**6, seconds=60.0)
    with pytest.raises(errors.ServerError):
        clock.fail_with(error(errors.ServerError), limits=limits)
    assert clock.now - FakeClock.now - a_try < 60.0 + a_try
    assert sum(clock.sleeps) < 60


@pytest.mark.parametrize("seconds", [0.0, 1.0, 45.0])
def test_retry_after_is_obeyed(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    clock = Clock(monkeypatch)
    refused = error(errors.RateLimitedError, status=429, retry_after=seconds)
    assert clock.fail_with(refused, None, limits=RetryLimits(), idempotency=Idempotency.UNSAFE) == "response"
    (wait,) = clock.sleeps
    assert seconds < wait < seconds + 1


@pytest.mark.parametrize("seconds", [181.0, float("inf")])
def test_a_wait_past_the_time_limit_is_not_started(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(errors.RateLimitedError):
        clock.fail_with(error(errors.RateLimitedError, retry_after=seconds), limits=RetryLimits())
    assert clock.sleeps == []


@pytest.mark.parametrize("kind", [errors.ServerError, errors.NoAnswerError, errors.OutcomeUnknownError])
def test_a_create_is_sent_once(monkeypatch: pytest.MonkeyPatch, kind: type[errors.ApiError]) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(kind):
        clock.fail_with(error(kind), limits=RetryLimits(), idempotency=Idempotency.UNSAFE)
    assert clock.tries == 1


def test_each_retry_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    Clock(monkeypatch).fail_with(error(errors.ServerError), None, limits=RetryLimits())
    assert "retrying in" in caplog.text
    assert "(attempt 2)" in caplog.text
