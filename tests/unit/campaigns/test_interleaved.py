"""campaigns/ensure.py: concurrent attempts, in every order of their requests."""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Iterator
from random import Random

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult, working_name
from airflow_provider_engagevoice.client.request import Request
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
Outcome = tuple[FakeServer, dict[int, Json], list[Attempt[CampaignResult]]]


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


def every_order(start: Start) -> Iterator[Outcome]:
    """Run two attempts in every order of their requests.

    Omitted are orders that differ only in the order of reads, and those that start with the second attempt:
    the attempts are identical.
    """
    choices: list[int] = [0]
    while True:
        server, attempts = start()
        others = _sources(server)
        for attempt in attempts:
            while attempt.pending is not None and _is_static(attempt.pending, others):
                attempt.step()
        widths: list[int] = []
        last: tuple[int, bool] = (0, False)
        while options := [
            number
            for number, attempt in enumerate(attempts)
            if attempt.pending is not None
            and not (number < last[0] and last[1] and attempt.pending.method == "GET")
        ]:
            if len(widths) == len(choices):
                choices.append(0)
            number = options[choices[len(widths)]]
            widths.append(len(options))
            pending = attempts[number].pending
            last = (number, pending is not None and pending.method == "GET")
            attempts[number].step()
        if all(attempt.done for attempt in attempts):
            yield server, others, attempts
        choices = choices[: len(widths)]
        while choices and choices[-1] == widths[len(choices) - 1] - 1:
            choices.pop()
        if len(choices) < 2:
            return
        choices[-1] += 1


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
def test_two_attempts_in_every_order(case: str) -> None:
    orders = 0
    for server, others, attempts in every_order(CASES[case]):
        orders += 1
        assert_exactly_one(server, others)
        (campaign,) = server.named(NAME)
        if "fall" not in case:
            ids = {attempt.result.campaign_id for attempt in attempts if attempt.error is None}
            assert ids == {campaign["campaignId"]}
        assert any(attempt.error is None for attempt in attempts)
    assert orders > 50


@pytest.mark.parametrize("case", CASES)
@pytest.mark.few(2)
def test_some_interrupted_and_one_that_is_not(case: str) -> None:
    draw = Random(case)
    for _ in range(400):
        server, attempts = CASES[case]()
        others = _sources(server)
        left = [draw.randint(1, 12) for _ in attempts]
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
    for _ in range(300):
        server = FakeServer()
        server.lose_create(number, "after")
        watch(server)
        attempts = [Attempt(server, create()) for _ in range(3)]
        while live := [attempt for attempt in attempts if not attempt.done]:
            draw.choice(live).step()
        assert_exactly_one(server, {})
        assert all(isinstance(attempt.error, EngageVoiceError | None) for attempt in attempts)


def test_every_order_is_covered() -> None:
    """Two attempts at a creation are interleaved at every request."""
    found = {
        tuple(request.method for request in server.requests)
        for server, _, _ in itertools.islice(every_order(creating("rising")), 5000)
    }
    assert any(methods.count("POST") == 2 for methods in found), "both create"
    assert any(methods.count("POST") == 1 for methods in found), "the second finds the campaign of the first"


def _sources(server: FakeServer) -> dict[int, Json]:
    return {
        key: copy.deepcopy(value)
        for key, value in server.campaigns.items()
        if value["campaignName"] == SOURCE_NAME
    }


def _is_static(request: Request[object], others: dict[int, Json]) -> bool:
    """Return whether the response is always the same: dial groups and the source do not change."""
    place = request.path.partition("/dialGroups")[2].split("/")
    return request.method == "GET" and (len(place) == 2 or (len(place) == 4 and int(place[3]) in others))


def _another(server: FakeServer, others: dict[int, Json]) -> Attempt[CampaignResult]:
    source = next(iter(others), None)
    return Attempt(server, create() if source is None else clone(source)())
