"""campaigns/ensure.py: interrupted anywhere, the next attempt ends with one correct campaign."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random

import pytest

from airflow_provider_engagevoice.campaigns import CampaignResult
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import EndpointMissingError, ResourceNotFoundError
from tests.unit.campaigns.campaign_cases import (
    NAME,
    SOURCE_NAME,
    SOURCES,
    assert_exactly_one,
    clone,
    create,
    watch,
)
from tests.unit.campaigns.fake_server import Attempt, FakeServer

Make = Callable[[], Procedure[CampaignResult]]
Setting = tuple[FakeServer, Make]


def creating(loss: str | None = None) -> Setting:
    server = FakeServer()
    server.add("Another user's", isActive=1, endDate="2095-05-26T07:00:00.000+0000")
    if loss:
        server.lose_create(1, loss)
    watch(server)
    return server, create


def cloning(source: str, endpoint: object, loss: str | None = None) -> Setting:
    server = FakeServer(clone=endpoint)  # type: ignore[arg-type]
    source_id = server.add(SOURCE_NAME, **SOURCES[source])
    if loss:
        server.lose_create(1, loss)
    watch(server)
    return server, clone(source_id)


CASES = {
    f"create, response {loss}": lambda loss=loss: creating(loss) for loss in (None, "before", "after")
} | {
    f"clone of {source}, endpoint {endpoint}, response {loss}": (
        lambda source=source, endpoint=endpoint, loss=loss: cloning(source, endpoint, loss)
    )
    for source in SOURCES
    for endpoint in (True, ResourceNotFoundError, EndpointMissingError)
    for loss in (None, "before", "after")
    if endpoint is True or loss is None
}


@pytest.mark.parametrize("case", CASES)
def test_an_attempt_that_is_not_interrupted(case: str) -> None:
    server, make = CASES[case]()
    others = copy.deepcopy(server.campaigns)
    result = Attempt(server, make()).run().result
    assert_exactly_one(server, others)
    assert (result.outcome, result.campaign_name, result.is_active) == ("created", NAME, 1)
    assert result.campaign_id in server.campaigns


@pytest.mark.parametrize("case", CASES)
@pytest.mark.few(2)
def test_interrupted_once_or_twice_after_any_request(case: str) -> None:
    server, make = CASES[case]()
    whole = Attempt(server, make()).run().count
    assert whole > 4
    draw = Random(case)
    for first in range(min(whole, 40) + 1):
        for second in draw.sample(range(whole + 1), 4):
            server, make = CASES[case]()
            others = copy.deepcopy(server.campaigns)
            Attempt(server, make()).run(first)
            Attempt(server, make()).run(second)
            result = Attempt(server, make()).run().result
            assert_exactly_one(server, others)
            assert result.is_active == 1


@pytest.mark.parametrize("case", CASES)
def test_the_write_that_completes_a_campaign_is_the_last(case: str) -> None:
    server, make = CASES[case]()
    attempt = Attempt(server, make())
    while not server.named(NAME):
        attempt.step()
    done = copy.deepcopy(server.campaigns)
    attempt.run()
    assert server.campaigns == done


@pytest.mark.parametrize("case", CASES)
def test_a_pause_after_the_last_write_is_kept(case: str) -> None:
    server, make = CASES[case]()
    attempt = Attempt(server, make())
    while not server.named(NAME):
        attempt.step()
    (campaign,) = server.named(NAME)
    campaign["isActive"] = 0
    result = Attempt(server, make()).run().result
    assert (result.outcome, result.is_active) == ("unchanged", 0)
    assert [one["isActive"] for one in server.named(NAME)] == [0]
