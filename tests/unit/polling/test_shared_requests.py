"""Requests are shared, paced, and continue when the connection's secrets change."""

from __future__ import annotations

import asyncio
import dataclasses
from itertools import pairwise

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.exceptions import AuthenticationError
from airflow_provider_engagevoice.polling.shared import SharedRequests
from airflow_provider_engagevoice.sandbox import seed
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World

GROUPS = (seed.MY_NEW_DIAL_GROUP_ID, GROUP, seed.WINBACK_ID)


def requests_of(settings) -> SharedRequests:
    async def connect() -> AsyncEngageVoiceClient:
        return AsyncEngageVoiceClient(settings)

    return SharedRequests(connect)


def test_identical_requests_are_sent_once(world: World, client_settings) -> None:
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=0.5)

    async def main() -> None:
        requests = requests_of(client_settings)
        now = clock.now()
        found = await asyncio.gather(*(requests.run(list_campaigns(GROUP), now) for _ in range(30)))
        await requests.close()
        assert len({tuple(campaign.campaignId for campaign in one) for one in found}) == 1

    run(main())
    assert len(world.polls()) == 1


def test_a_later_caller_gets_a_later_response(world: World, client_settings) -> None:
    """A request in flight may have been answered before what the later caller has just written."""
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=0.5)

    async def main() -> None:
        requests = requests_of(client_settings)
        first = asyncio.create_task(requests.run(list_campaigns(GROUP), clock.now()))
        while not world.sandbox.faults()[0].struck:
            await asyncio.sleep(0.01)
        later = [requests.run(list_campaigns(GROUP), clock.now()) for _ in range(5)]
        await asyncio.gather(first, *later)
        await requests.close()

    run(main())
    assert len(world.polls()) == 2


def test_requests_are_paced_unless_urgent(world: World, client_settings) -> None:
    plan = RateLimitShares.read("provisioning=1")
    spread = dataclasses.replace(client_settings, budgets=plan)

    async def main() -> None:
        requests = requests_of(spread)
        # The first one also looks up the account.
        _, first = await requests.run_dated(list_campaigns(GROUPS[0]), clock.now())
        both = [requests.run_dated(list_campaigns(one), clock.now()) for one in GROUPS[1:]]
        starts = sorted([first, *(sent_at for _, sent_at in await asyncio.gather(*both))])
        # Two thirds of 120 in 60 s.
        assert all((later - earlier).total_seconds() > 0.7 for earlier, later in pairwise(starts))
        began = clock.monotonic()
        await asyncio.gather(*(requests.run(list_campaigns(one), clock.now(), urgent=True) for one in GROUPS))
        assert clock.monotonic() - began < 0.5
        await requests.close()

    run(main())


@pytest.mark.parametrize("changed", [True, False])
def test_changed_secrets_are_read_again(world: World, client_settings, changed) -> None:
    credentials = client_settings.credentials
    wrong = dataclasses.replace(
        client_settings, credentials=dataclasses.replace(credentials, client_secret="revoked")
    )
    connections = [wrong, client_settings if changed else wrong]

    async def main() -> None:
        async def connect() -> AsyncEngageVoiceClient:
            return AsyncEngageVoiceClient(connections.pop(0))

        requests = SharedRequests(connect)
        try:
            reading = [requests.run(list_campaigns(one), clock.now()) for one in GROUPS]
            if changed:
                await asyncio.gather(*reading)
            else:
                for one in await asyncio.gather(*reading, return_exceptions=True):
                    assert isinstance(one, AuthenticationError)
        finally:
            await requests.close()

    if not changed:
        connections += [wrong] * len(GROUPS)
    run(main())
