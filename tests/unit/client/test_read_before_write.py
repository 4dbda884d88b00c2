"""client/retry.py: a write that is sent right after the read it was made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.endpoints.campaigns import at_once, get_campaign, update_campaign
from airflow_provider_engagevoice.client.request import Request
from tests.unit.client.conftest import READ, WINDOW, World, error, refused


def write() -> Request[Any]:
    return at_once(update_campaign(2, 3, {}))


def test_a_read_before_a_write_acquires_both_permits(world: World) -> None:
    assert world.run(None, request=get_campaign(2, 3, followers=1)) == "response"
    assert world.happened == ["permit", "permit", "request"]
    world.happened.clear()
    assert world.run(None, request=write()) == "response"
    assert world.happened == ["request"]


@pytest.mark.parametrize(
    ("waits", "happened"),
    [
        # Granted; the next one is free in 40 s, and granted then; and one more.
        ([0, 40], ["permit", "pause", "permit", "permit", "request"]),
        # Once: tasks that wait for each other's permits would start again without end.
        ([0, 40, 0, 40], ["permit", "pause", "permit", "pause", "permit", "request"]),
        ([40], ["pause", "permit", "permit", "request"]),
        ([0, 0.5], ["permit", "pause", "permit", "request"]),
    ],
)
def test_permits_that_were_held_during_a_wait_are_acquired_again(
    world: World, waits: list[float], happened: list[str]
) -> None:
    world.permit_waits = waits
    assert world.run(None, request=get_campaign(2, 3, followers=1)) == "response"
    assert world.happened == happened


def test_a_follower_that_is_retried_acquires_permits_of_its_own(world: World) -> None:
    request = replace(get_campaign(2, 3, followers=1), is_follower=True)
    assert world.run(error(errors.ServerError), None, request=request) == "response"
    assert world.happened == ["request", "pause", "permit", "permit", "request"]


def test_waits_for_permits_count_towards_those_for_the_rate_limit(world: World) -> None:
    world.permit_waits = [800.0]
    with pytest.raises(errors.RateLimitedError):
        world.run(refused(1.0))
    assert world.tries == 2


@pytest.mark.parametrize(
    "failure",
    [
        refused(1.0),
        error(errors.ServerError, status=503),
        error(errors.NoAnswerError),
        error(errors.UnreachableError),
        error(errors.PageAnswerError, status=200),
    ],
)
def test_a_write_after_a_read_is_not_retried(world: World, failure: errors.ApiError) -> None:
    with pytest.raises(type(failure)):
        world.run(failure, None, request=write())
    assert world.tries == 1
    assert world.clock.sleeps == []


def test_the_429_of_a_write_after_a_read_pauses_its_rate_limit(world: World) -> None:
    with pytest.raises(errors.RateLimitedError) as caught:
        world.run(refused(1.0), None, request=write())
    assert world.happened == ["request", "rate limit pauses 60 s"]
    assert caught.value.retry_after == WINDOW


@pytest.mark.parametrize(("age", "is_sent"), [(0.0, True), (4.9, True), (5.1, False), (3600.0, False)])
def test_a_write_of_old_data_is_not_sent(world: World, age: float, is_sent: bool) -> None:
    request = write()
    world.clock.now += age
    if is_sent:
        assert world.run(None, request=request) == "response"
    else:
        with pytest.raises(errors.OutdatedError, match="too old by now; not sent") as caught:
            world.run(None, request=request)
        assert caught.value.retryable
        assert world.happened == []


@pytest.mark.parametrize(("followers", "seconds", "tries"), [(1, 4.9, 1), (1, 5.1, 3), (2, 9, 3), (0, 9, 1)])
def test_a_slow_read_before_a_write_is_repeated(
    world: World, followers: int, seconds: float, tries: int
) -> None:
    world.seconds_of_a_try = seconds
    assert world.run(None, request=get_campaign(2, 3, followers=followers)) == "response"
    # A server that is always slow is written to all the same.
    assert world.happened == [*["permit"] * (1 + followers), "request"] * tries


def test_a_check_runs_right_before_each_attempt_and_stops_it(world: World) -> None:
    def check() -> None:
        world.happened.append("check")
        if world.happened.count("check") == 3:
            raise errors.SupersededError("a newer attempt has begun")

    request = replace(READ, before_send=check)
    world.permit_waits = [5.0]
    with pytest.raises(errors.SupersededError):
        world.run(error(errors.ServerError), request=request)
    once = ["permit", "check", "request", "pause"]
    assert world.happened == ["pause", *once, *once, "permit", "check"]
