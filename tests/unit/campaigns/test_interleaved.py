"""campaigns/ensure.py: concurrent attempts, in random orders of their requests."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from random import Random

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, working_name
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from tests.unit.campaigns.campaign_cases import (
    NAME,
    OWNER,
    SOURCE_NAME,
    SOURCES,
    assert_exactly_one,
    clone,
    create,
    watch,
)
from tests.unit.campaigns.fake_server import Attempt, FakeServer, Json

log = logging.getLogger("airflow_provider_engagevoice.campaigns")

Start = Callable[[], tuple[FakeServer, list[Attempt[CampaignResult]]]]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of runs would flood the log."""
    caplog.set_level(logging.CRITICAL, log.name)


def creating(ids: str, unfinished: int = 0) -> Start:
    def start() -> tuple[FakeServer, list[Attempt[CampaignResult]]]:
        server = FakeServer(ids=iter(range(100, 200)) if ids == "rising" else iter(range(200, 100, -1)))
        watch(server)
        for _ in range(unfinished):
            server.add(working_name(NAME, OWNER), isActive=0)
        return server, [Attempt(server, create()) for _ in range(2)]

    return start


def cloning(source: str, *, endpoint: bool) -> Start:
    def start() -> tuple[FakeServer, list[Attempt[CampaignResult]]]:
        server = FakeServer(clone=endpoint)
        source_id = server.add(SOURCE_NAME, **SOURCES[source])
        watch(server)
        return server, [Attempt(server, clone(source_id)()) for _ in range(2)]

    return start


CASES: dict[str, Start] = {
    "create, ids rise": creating("rising"),
    "create, ids fall": creating("falling"),
    "create, one unfinished": creating("rising", unfinished=1),
    "create, two unfinished, ids fall": creating("falling", unfinished=2),
    "clone by the vendor": cloning("inactive in its dates", endpoint=True),
    "clone by the vendor of an active one": cloning("active, long over", endpoint=True),
    "clone by read and create": cloning("active in its dates", endpoint=True),
    "clone without an endpoint": cloning("inactive in its dates", endpoint=False),
}


@pytest.mark.parametrize("case", [case for case in CASES if not case.endswith("active one")])
@pytest.mark.few(2)
def test_two_attempts_in_random_orders(case: str) -> None:
    draw = Random(case)
    for _ in range(40):
        server, attempts = CASES[case]()
        others = _sources(server)
        while live := [attempt for attempt in attempts if not attempt.done]:
            draw.choice(live).step()
        assert_exactly_one(server, others)
        (campaign,) = server.named(NAME)
        if "fall" not in case:
            ids = {attempt.result.campaign_id for attempt in attempts if attempt.error is None}
            assert ids == {campaign["campaignId"]}
        assert any(attempt.error is None for attempt in attempts)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.few(2)
def test_some_interrupted_and_one_that_is_not(case: str) -> None:
    draw = Random(case)
    for _ in range(40):
        server, attempts = CASES[case]()
        others = _sources(server)
        left = [draw.randint(1, 25) for _ in attempts]
        while live := [
            number for number, attempt in enumerate(attempts) if not attempt.done and left[number]
        ]:
            number = draw.choice(live)
            attempts[number].step()
            left[number] -= 1
        last = _another(server, others)
        assert isinstance(last.run().result, CampaignResult)
        assert_exactly_one(server, others)


@pytest.mark.parametrize("number", range(3))
def test_three_attempts_at_random(number: int) -> None:
    draw = Random(number)
    for _ in range(60):
        server = FakeServer()
        server.lose_create(number, "after")
        watch(server)
        attempts = [Attempt(server, create()) for _ in range(3)]
        while live := [attempt for attempt in attempts if not attempt.done]:
            draw.choice(live).step()
        assert_exactly_one(server, {})
        assert all(isinstance(attempt.error, EngageVoiceError | None) for attempt in attempts)


def _sources(server: FakeServer) -> dict[int, Json]:
    return {
        key: copy.deepcopy(value)
        for key, value in server.campaigns.items()
        if value["campaignName"] == SOURCE_NAME
    }


def _another(server: FakeServer, others: dict[int, Json]) -> Attempt[CampaignResult]:
    source = next(iter(others), None)
    return Attempt(server, create() if source is None else clone(source)())
