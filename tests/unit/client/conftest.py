"""A world in which requests are retried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from airflow_provider_engagevoice import clock as package_clock
from airflow_provider_engagevoice import exceptions as errors
from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Idempotency, Pause, Request, run_steps
from airflow_provider_engagevoice.client.retry import PermitPause, RetryLimits, request_steps
from airflow_provider_engagevoice.stores import Rate
from tests.support.clocks import FakeClock

PATH = "/voice/api/v1/admin/accounts/1/dialGroups/2/campaigns"
#: Seconds of the rate limit of campaigns.
WINDOW = 60.0
FOREVER = float("inf")
READ = get_campaign(2, 3)


def error(kind: type[errors.ApiError], path: str = PATH, **details: Any) -> errors.ApiError:
    return kind("x", method="POST", path=path, **details)


def refused(retry_after: float | None = None, path: str = PATH) -> errors.ApiError:
    return error(errors.RateLimitedError, path, status=429, retry_after=retry_after)


@dataclass
class World:
    """Performs the steps of requests on a clock that advances only during pauses and requests.

    :ivar seconds_of_a_try: duration of each attempt
    :ivar permit_waits: what the store answers to each request for a permit; then always 0, granted
    :ivar happened: permits that were granted, requests, pauses of the rate limit, and pauses
    """

    seconds_of_a_try: float = 0.0
    deadline: float = FOREVER
    clock: FakeClock = field(default_factory=FakeClock)
    permit_waits: list[float] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    @property
    def tries(self) -> int:
        return self.happened.count("request")

    def run(
        self,
        *failures: errors.ApiError | None,
        request: Request[Any] = READ,
        limits: RetryLimits | None = None,
        idempotency: Idempotency | None = None,
    ) -> str:
        """Fail with each error in order, then always with the last one; None is success."""
        if idempotency is not None:
            request = replace(request, idempotency=idempotency)
        permit = PermitRequest(
            "key", request.rate_limit, (Rate(120, 60.0),), 900.0, self.deadline, request.method, request.path
        )

        def perform(step: Any) -> Any:
            match step:
                case Pause():
                    self.happened.append("pause")
                    self.clock.sleep(step.seconds)
                case PermitPause():
                    self.happened.append(f"rate limit pauses {step.seconds:.0f} s")
                case PermitRequest():
                    wait = self.permit_waits.pop(0) if self.permit_waits else 0.0
                    self.happened += [] if wait else ["permit"]
                    return wait
                case _:
                    self.happened.append("request")
                    self.clock.now += self.seconds_of_a_try
                    return failures[min(self.tries, len(failures)) - 1]

        def read(answer: errors.ApiError | None) -> str:
            if answer is not None:
                raise answer
            return "response"

        return run_steps(request_steps(request, limits or RetryLimits(), permit, read), perform)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with package_clock.use(world.clock):
        yield world
