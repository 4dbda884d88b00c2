"""Reads that are shared, spread, and go on when the connection's secrets change."""

from __future__ import annotations

import asyncio
import dataclasses
from itertools import pairwise

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.rate_limits import BudgetPlan
from airflow_provider_engagevoice.exceptions import AuthenticationError
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.sandbox import seed
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World

GROUPS = (seed.MY_NEW_DIAL_GROUP_ID, GROUP, seed.WINBACK_ID)


def reads_of(settings) -> SharedRequests:
    async def connect() -> AsyncEngageVoiceClient:
        return AsyncEngageVoiceClient(settings)

    return SharedRequests(connect)


def test_the_same_read_is_sent_once(world: World, client_settings) -> None:
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=0.5)

    async def main() -> None:
        reads = reads_of(client_settings)
        now = clock.now()
        found = await asyncio.gather(*(reads.run(list_campaigns(GROUP), now) for _ in range(30)))
        await reads.close()
        assert len({tuple(campaign.campaignId for campaign in one) for one in found}) == 1

    run(main())
    assert len(world.looks()) == 1


def test_who_comes_later_gets_what_was_read_later(world: World, client_settings) -> None:
    """A read that is under way may have been answered before what the newcomer has just written."""
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=0.5)

    async def main() -> None:
        reads = reads_of(client_settings)
        first = asyncio.create_task(reads.run(list_campaigns(GROUP), clock.now()))
        while not world.sandbox.faults()[0].struck:
            await asyncio.sleep(0.01)
        newcomers = [reads.run(list_campaigns(GROUP), clock.now()) for _ in range(5)]
        await asyncio.gather(first, *newcomers)
        await reads.close()

    run(main())
    assert len(world.looks()) == 2


def test_reads_are_spread_unless_somebody_is_in_a_hurry(world: World, client_settings) -> None:
    plan = BudgetPlan.read("provisioning=1")
    spread = dataclasses.replace(client_settings, budgets=plan)

    async def main() -> None:
        reads = reads_of(spread)
        # The first finds out the account.
        _, first = await reads.run_dated(list_campaigns(GROUPS[0]), clock.now())
        both = [reads.run_dated(list_campaigns(one), clock.now()) for one in GROUPS[1:]]
        starts = sorted([first, *(asked_at for _, asked_at in await asyncio.gather(*both))])
        # Two thirds of 120 in 60 s.
        assert all((later - earlier).total_seconds() > 0.7 for earlier, later in pairwise(starts))
        began = clock.monotonic()
        await asyncio.gather(*(reads.run(list_campaigns(one), clock.now(), hurry=True) for one in GROUPS))
        assert clock.monotonic() - began < 0.5
        await reads.close()

    run(main())


@pytest.mark.parametrize("changed", [True, False])
def test_secrets_that_were_changed_are_read_anew(world: World, client_settings, changed) -> None:
    credentials = client_settings.credentials
    wrong = dataclasses.replace(
        client_settings, credentials=dataclasses.replace(credentials, client_secret="revoked")
    )
    connections = [wrong, client_settings if changed else wrong]

    async def main() -> None:
        async def connect() -> AsyncEngageVoiceClient:
            return AsyncEngageVoiceClient(connections.pop(0))

        reads = SharedRequests(connect)
        try:
            reading = [reads.run(list_campaigns(one), clock.now()) for one in GROUPS]
            if changed:
                await asyncio.gather(*reading)
            else:
                for one in await asyncio.gather(*reading, return_exceptions=True):
                    assert isinstance(one, AuthenticationError)
        finally:
            await reads.close()

    if not changed:
        connections += [wrong] * len(GROUPS)
    run(main())
