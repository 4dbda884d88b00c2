"""client/retry.py: which errors are retried, how often and after how long."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.endpoints.leads import search_leads_page
from airflow_provider_engagevoice.client.request import Idempotency
from airflow_provider_engagevoice.client.retry import RetryLimits, may_retry
from tests.support.clocks import FakeClock
from tests.unit.client.conftest import FOREVER, PATH, READ, WINDOW, World, error, refused

SIGN_IN = "/api/auth/login/rc/accesstoken"
NEVER = (
    errors.BadRequestError,
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.ResourceNotFoundError,
    errors.ConflictError,
    errors.EndpointMissingError,
)
SEARCH = search_leads_page({})


@pytest.mark.parametrize("idempotency", list(Idempotency))
def test_a_request_that_was_not_executed_is_retried(idempotency: Idempotency) -> None:
    assert may_retry(refused(), idempotency)
    assert may_retry(error(errors.UnreachableError), idempotency)


@pytest.mark.parametrize("idempotency", list(Idempotency))
@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("path", [PATH, SIGN_IN])
def test_an_error_that_is_not_retryable(
    kind: type[errors.ApiError], idempotency: Idempotency, path: str
) -> None:
    assert not may_retry(error(kind, path), idempotency)


@pytest.mark.parametrize("kind", [errors.ServerError, errors.NoAnswerError, errors.PageAnswerError])
def test_a_request_that_may_have_been_executed_is_retried_if_idempotent(kind: type[errors.ApiError]) -> None:
    assert may_retry(error(kind), Idempotency.SAFE)
    assert may_retry(error(kind), Idempotency.IDEMPOTENT)
    assert not may_retry(error(kind), Idempotency.UNSAFE)
    assert may_retry(error(kind, SIGN_IN), Idempotency.UNSAFE)


@pytest.mark.parametrize("idempotency", list(Idempotency))
@pytest.mark.parametrize("kind", [errors.OutcomeUnknownError, errors.OutdatedError])
def test_an_unknown_outcome_and_old_data_are_never_retried(
    kind: type[errors.ApiError], idempotency: Idempotency
) -> None:
    assert not may_retry(error(kind), idempotency)


@pytest.mark.parametrize(
    "other", [ValueError("x"), KeyboardInterrupt(), errors.InvalidInputError("a", 1, "b")]
)
def test_other_errors_are_not_retried(other: BaseException) -> None:
    assert not may_retry(other, Idempotency.SAFE)


def test_a_broken_body_is_retried_but_a_wrong_status_is_not() -> None:
    assert may_retry(error(errors.UnexpectedAnswerError, status=200), Idempotency.SAFE)
    assert not may_retry(error(errors.UnexpectedAnswerError, status=200), Idempotency.UNSAFE)
    assert not may_retry(error(errors.UnexpectedAnswerError, status=302), Idempotency.SAFE)


@pytest.mark.parametrize("status", [200, 403, 404, 405])
def test_a_page_is_retried_whatever_its_status(status: int) -> None:
    page = error(errors.PageAnswerError, status=status)
    assert page.retryable
    assert may_retry(page, Idempotency.SAFE)
    assert may_retry(page, Idempotency.IDEMPOTENT)
    assert not may_retry(page, Idempotency.UNSAFE)


def test_it_succeeds_after_failures(world: World) -> None:
    assert world.run(error(errors.ServerError), error(errors.NoAnswerError), None) == "response"
    assert world.happened == ["permit", "request", "pause"] * 2 + ["permit", "request"]


def test_attempts_are_limited_and_the_last_error_is_raised(world: World) -> None:
    with pytest.raises(errors.ServerError):
        world.run(error(errors.ServerError), limits=RetryLimits(tries=4))
    assert world.tries == 4
    assert len(world.clock.sleeps) == 3


def test_backoff_grows_to_the_longest(world: World) -> None:
    limits = RetryLimits(tries=8, seconds=1e6, first_wait=1.0, longest_wait=8.0)
    with pytest.raises(errors.ServerError):
        world.run(error(errors.ServerError), limits=limits)
    ceilings = [1, 2, 4, 8, 8, 8, 8]
    waits = world.clock.sleeps
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))


@pytest.mark.parametrize("status", [200, 403, 404, 405])
@pytest.mark.parametrize(("may_be_absent", "tries"), [(False, 20), (True, 3)])
def test_a_page_that_may_mean_that_nothing_is_there_is_tried_three_times(
    world: World, status: int, may_be_absent: bool, tries: int
) -> None:
    with pytest.raises(errors.PageAnswerError):
        world.run(
            error(errors.PageAnswerError, status=status),
            request=replace(READ, may_be_absent=may_be_absent),
            limits=RetryLimits(seconds=1e6),
        )
    assert world.tries == tries


@pytest.mark.parametrize("a_try", [0.0, 3.0, 30.0])
def test_the_total_time_is_limited(world: World, a_try: float) -> None:
    world.seconds_of_a_try = a_try
    with pytest.raises(errors.ServerError):
        world.run(error(errors.ServerError), limits=RetryLimits(tries=10**6, seconds=60.0))
    assert world.clock.now - FakeClock.now - a_try < 60.0 + a_try
    assert sum(world.clock.sleeps) < 60


@pytest.mark.parametrize("asked", [None, 0.0, 1.0, 45.0, 60.0, 75.0])
@pytest.mark.parametrize("idempotency", list(Idempotency))
def test_a_429_pauses_at_least_for_the_window(
    world: World, asked: float | None, idempotency: Idempotency
) -> None:
    assert world.run(refused(asked), None, idempotency=idempotency) == "response"
    seconds = max(asked or 0.0, WINDOW)
    assert world.happened == [
        "permit",
        "request",
        f"rate limit pauses {seconds:.0f} s",
        "pause",
        "permit",
        "request",
    ]
    (wait,) = world.clock.sleeps
    assert seconds < wait < seconds + 1


def test_the_window_is_the_longest_of_the_rate_limit(world: World) -> None:
    assert world.run(refused(1.0), None, request=SEARCH) == "response"
    assert "rate limit pauses 30 s" in world.happened


def test_a_429_counts_neither_as_a_try_nor_towards_the_time(world: World) -> None:
    failures = [error(errors.ServerError), *[refused(1.0)] * 10, error(errors.NoAnswerError), None]
    assert world.run(*failures, limits=RetryLimits(tries=3, seconds=5.0)) == "response"
    assert world.tries == len(failures)


@pytest.mark.parametrize(("asked", "tries"), [(None, 15), (1.0, 15), (300.0, 3), (901.0, 1), (FOREVER, 1)])
def test_waits_for_the_rate_limit_are_given_up_by_their_time(
    world: World, asked: float | None, tries: int
) -> None:
    with pytest.raises(errors.RateLimitedError) as caught:
        world.run(refused(asked))
    assert world.tries == tries
    assert sum(world.clock.sleeps) <= 900.0
    # Other requests wait, too, although this one is given up.
    assert world.happened[-1] == f"rate limit pauses {max(asked or 0.0, WINDOW):.0f} s"
    assert caught.value.retry_after == max(asked or 0.0, WINDOW)


@pytest.mark.parametrize("asked", [None, 1.0, 59.0])
def test_a_429_whose_window_ends_after_the_deadline_is_raised(world: World, asked: float | None) -> None:
    world.deadline = world.clock.now + 59.0
    with pytest.raises(errors.RateLimitedError, match="60 s for the rate limit would outlast the task's"):
        world.run(refused(asked), None)
    assert world.clock.sleeps == []


def test_a_backoff_past_the_deadline_is_not_started(world: World) -> None:
    world.deadline = world.clock.now + 2.0
    with pytest.raises(errors.ServerError):
        world.run(error(errors.ServerError), limits=RetryLimits(first_wait=8.0))
    assert world.clock.sleeps == []


@pytest.mark.parametrize("seconds", [181.0, FOREVER])
def test_a_wait_past_the_time_limit_is_not_started(world: World, seconds: float) -> None:
    with pytest.raises(errors.ServerError):
        world.run(error(errors.ServerError, status=503, retry_after=seconds))
    assert world.clock.sleeps == []


@pytest.mark.parametrize("seconds", [0.0, 1.0, 45.0])
def test_the_retry_after_of_a_503_is_obeyed(world: World, seconds: float) -> None:
    assert world.run(error(errors.ServerError, status=503, retry_after=seconds), None) == "response"
    (wait,) = world.clock.sleeps
    assert seconds < wait < seconds + 1


def test_a_429_of_a_sign_in_does_not_pause_the_rate_limit_of_the_request(world: World) -> None:
    assert world.run(refused(60.0, SIGN_IN), None) == "response"
    assert world.happened == ["permit", "request", "pause", "permit", "request"]


@pytest.mark.parametrize("kind", [errors.ServerError, errors.NoAnswerError, errors.OutcomeUnknownError])
def test_a_create_is_sent_once(world: World, kind: type[errors.ApiError]) -> None:
    with pytest.raises(kind):
        world.run(error(kind), idempotency=Idempotency.UNSAFE)
    assert world.tries == 1


@pytest.mark.parametrize("failure", [refused(1.0), error(errors.UnreachableError)])
def test_one_try_is_not_retried(world: World, failure: errors.ApiError) -> None:
    with pytest.raises(type(failure)):
        world.run(failure, None, limits=RetryLimits(tries=1))
    assert world.clock.sleeps == []


def test_each_retry_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "airflow_provider_engagevoice")
    world.run(error(errors.ServerError), refused(), None)
    first, second = (record.getMessage() for record in caplog.records)
    assert "retrying in 0." in first
    assert "(attempt 2)" in first
    assert "retrying in 60." in second
    assert "(attempt 3)" in second
