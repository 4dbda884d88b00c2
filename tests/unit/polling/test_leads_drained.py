"""One look serves every wait for leads that are left."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns, list_dial_groups
from airflow_provider_engagevoice.client.endpoints.leads import count_leads
from airflow_provider_engagevoice.client.rate_limits import BudgetPlan
from airflow_provider_engagevoice.exceptions import NotFoundError, PermissionDeniedError, ServerError
from airflow_provider_engagevoice.polling import leads_drained
from airflow_provider_engagevoice.polling.hub import PollerHub
from airflow_provider_engagevoice.polling.leads_drained import By, DrainedPoll, DrainedWait
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET
from tests.support.lead_lists import asked, load, set_state
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World

INTERVAL = 0.5


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads_drained, "SHORTEST_INTERVAL", INTERVAL)


@pytest.fixture
def campaigns(world: World, client_settings: Any):
    """Make campaigns with so many leads each; return their ids."""

    def make(*counts: int) -> list[int]:
        ids = [world.add(-60) for _ in counts]
        with EngageVoiceClient(client_settings) as client:
            for one, count in zip(ids, counts, strict=True):
                if count:
                    load(client, one, count)
        return ids

    return make


def wait_for(campaign_id: int, by: By, *, timeout: float = 60, first: float = 0, **more: Any) -> DrainedWait:
    now = clock.now()
    return DrainedWait(
        dial_group_id=GROUP,
        campaign_id=campaign_id,
        by=by,
        poke_interval=more.pop("poke", 0),
        deadline=now + timedelta(seconds=timeout),
        look_at=now + timedelta(seconds=first),
        ends=now + timedelta(hours=1),
        **more,
    )


async def ended(polls: PollerHub, wait: DrainedWait) -> tuple[DrainedPoll | None, list[Any]]:
    """Wait to the end; return the look that ended it (None at the deadline), and all news before."""
    told: list[Any] = []
    with polls.drains.looking_for(wait):
        while True:
            look = await asyncio.wait_for(polls.drains.next_look(wait), 60)
            if look is None or (isinstance(look, DrainedPoll) and (look.reached or look.never)):
                return look, told
            told.append(look)


async def until(sandbox: Any, path: str, count: int) -> None:
    while len(asked(sandbox, path)) < count:
        await asyncio.sleep(0.01)


def drain(world: World, ids: Iterable[int]) -> None:
    for one in ids:
        set_state(world.sandbox, one, "COMPLETE")


def test_all_campaigns_take_one_request_an_interval(world: World, polls, campaigns) -> None:
    ids = campaigns(*[1] * 20)

    async def main() -> None:
        async with polls() as shared:
            waits = []
            for one in ids:
                # They come one after another, and each wants its first look at once.
                waits.append(asyncio.create_task(ended(shared, wait_for(one, By.STATISTICS))))
                await asyncio.sleep(0.05)
            await until(world.sandbox, "realTimeData", 6)
            drain(world, ids)
            found = await asyncio.gather(*waits)
        assert all(look is not None and look.reached for look, _ in found)

    run(main())
    looks = asked(world.sandbox, "realTimeData")
    assert 6 <= len(looks) <= 8
    assert all(later - earlier > INTERVAL * 0.9 for earlier, later in pairwise(looks))
    # Statistics that say that nothing is left are confirmed by a search, once for each campaign.
    assert len(asked(world.sandbox, "leadSearch")) == len(ids)


def test_the_shortest_interval_serves_all(world: World, polls, campaigns) -> None:
    ids = campaigns(1, 1)

    async def main() -> None:
        async with polls() as shared:
            often = asyncio.create_task(ended(shared, wait_for(ids[0], By.STATISTICS)))
            seldom = asyncio.create_task(
                ended(shared, wait_for(ids[1], By.STATISTICS, poke=3600, first=3600))
            )
            await until(world.sandbox, "realTimeData", 2)
            drain(world, ids)
            await asyncio.gather(often, seldom)

    run(main())


def test_waits_for_the_same_campaign_share_its_searches(world: World, polls, campaigns) -> None:
    (one,) = campaigns(2)

    async def main() -> None:
        async with polls() as shared:
            waits = [asyncio.create_task(ended(shared, wait_for(one, By.SEARCH))) for _ in range(10)]
            await until(world.sandbox, "leadSearch", 3)
            drain(world, [one])
            found = await asyncio.gather(*waits)
        for _, told in found:
            assert {look.left for look in told} == {2}

    run(main())
    # Three looks, the one that finds nothing, and what confirms that for those who ask together.
    assert len(asked(world.sandbox, "leadSearch")) <= 7


def test_searches_of_different_campaigns_are_told_apart(world: World, polls, campaigns) -> None:
    ids = campaigns(1, 2, 0)

    async def main() -> None:
        async with polls() as shared:
            waits = [asyncio.create_task(ended(shared, wait_for(one, By.SEARCH))) for one in ids]
            look, told = await waits[2]
            assert look is not None
            assert (look.reached, told) == (True, [])
            await until(world.sandbox, "leadSearch", 6)
            drain(world, ids)
            found = await asyncio.gather(*waits)
        assert [{one.left for one in told} for _, told in found] == [{1}, {2}, set()]

    run(main())


def test_statistics_older_than_the_last_load_end_nothing(world: World, polls, campaigns) -> None:
    (one,) = campaigns(3)
    row = {"campaignId": one, "ready": 0, "pending": 0, "connects": 0, "answer": 0, "abandon": 0}
    world.sandbox.add_fault(
        "status",
        path="realTimeData",
        status=200,
        content_type="application/json",
        body=json.dumps([row]),
        times=2,
    )

    async def main() -> None:
        async with polls() as shared:
            wait = asyncio.create_task(ended(shared, wait_for(one, By.STATISTICS)))
            await until(world.sandbox, "realTimeData", 2)
            drain(world, [one])
            look, told = await wait
        assert look is not None
        assert look.reached
        assert told
        assert {one.left for one in told} == {3}

    run(main())


def test_the_deadline_is_kept(world: World, polls, campaigns) -> None:
    (one,) = campaigns(1)

    async def main() -> None:
        async with polls() as shared:
            began = clock.now()
            look, _ = await ended(shared, wait_for(one, By.SEARCH, timeout=1.2, poke=60))
            assert look is None
            assert timedelta(seconds=1.2) <= clock.now() - began < timedelta(seconds=3)

    run(main())


def test_dates_that_were_extended_are_seen_when_they_would_have_ended(world: World, polls, campaigns) -> None:
    (one,) = campaigns(1)

    async def main() -> None:
        async with polls() as shared:
            wait = wait_for(one, By.SEARCH)
            wait.ends = clock.now()
            waiting = asyncio.create_task(ended(shared, wait))
            await until(world.sandbox, "leadSearch", 4)
            assert wait.ends > clock.now()
            drain(world, [one])
            look, told = await waiting
        assert look is not None
        assert look.reached
        assert told

    run(main())


@pytest.mark.parametrize("by", By)
def test_a_campaign_that_is_gone_ends_its_wait_alone(world: World, polls, campaigns, by: By) -> None:
    gone, there = campaigns(1, 1)

    async def main() -> None:
        async with polls() as shared:
            waits = [asyncio.create_task(ended(shared, wait_for(one, by))) for one in (gone, there)]
            await until(world.sandbox, "realTimeData" if by is By.STATISTICS else "leadSearch", 2)
            world.delete(gone)
            with pytest.raises(NotFoundError, match="may have been deleted"):
                await waits[0]
            drain(world, [there])
            look, _ = await waits[1]
            assert look is not None
            assert look.reached

    run(main())


@pytest.mark.parametrize("by", By)
def test_failures_are_told_and_tried_again(world: World, polls, campaigns, by: By) -> None:
    (one,) = campaigns(1)
    world.sandbox.add_fault("status", path="realTimeData|leadSearch", status=503, times=2)

    async def main() -> None:
        async with polls() as shared:
            wait = asyncio.create_task(ended(shared, wait_for(one, by)))
            await until(world.sandbox, "realTimeData" if by is By.STATISTICS else "leadSearch", 3)
            drain(world, [one])
            look, told = await wait
        assert look is not None
        assert look.reached
        assert [text.partition(":")[0] for text in told if isinstance(text, str)] == [
            "look 1 in a row failed",
            "look 2 in a row failed",
        ]

    run(main())


def test_who_fails_for_good_says_why(world: World, polls, campaigns) -> None:
    ids = campaigns(1, 1)
    world.sandbox.add_fault("status", path="realTimeData", status=403, times=100)

    async def main() -> None:
        async with polls() as shared:
            waits = [ended(shared, wait_for(one, By.STATISTICS)) for one in ids]
            found = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(one) for one in found] == [PermissionDeniedError] * 2

    run(main())


def test_failures_in_a_row_are_limited(world: World, polls, campaigns, monkeypatch) -> None:
    monkeypatch.setattr(leads_drained, "SHORTEST_INTERVAL", 0.02)
    (one,) = campaigns(1)
    world.sandbox.add_fault("status", path="realTimeData", status=503, times=100)

    async def main() -> None:
        async with polls() as shared:
            with pytest.raises(ServerError):
                await ended(shared, wait_for(one, By.STATISTICS))

    run(main())
    assert len(asked(world.sandbox, "realTimeData")) == FAILURE_BUDGET + 1


def test_who_gives_up_takes_nobody_along(world: World, polls, campaigns) -> None:
    ids = campaigns(1, 1)

    async def main() -> None:
        async with polls() as shared:
            waits = [asyncio.create_task(ended(shared, wait_for(one, By.STATISTICS))) for one in ids]
            await until(world.sandbox, "realTimeData", 1)
            waits[0].cancel()
            await asyncio.gather(waits[0], return_exceptions=True)
            drain(world, ids)
            look, _ = await waits[1]
            assert look is not None
            assert look.reached
            before = len(asked(world.sandbox, "realTimeData"))
            await asyncio.sleep(3 * INTERVAL)
            assert len(asked(world.sandbox, "realTimeData")) == before

    run(main())


def test_searches_are_spread_over_their_own_budget(world: World, client_settings, campaigns) -> None:
    ids = campaigns(1, 1, 1)
    settings = dataclasses.replace(client_settings, budgets=BudgetPlan.read("lead_count=1, provisioning=1"))

    async def connect() -> AsyncEngageVoiceClient:
        return AsyncEngageVoiceClient(settings)

    async def main() -> None:
        reads = SharedRequests(connect)
        # The first finds out the account.
        await reads.run(list_campaigns(GROUP), clock.now())
        counts = [iter(count_leads({"campaignIds": [one]})) for one in ids]
        procedures = [*counts, list_dial_groups()]
        asked_at = [reads.run_dated(one, clock.now()) for one in procedures]
        *counted, listed = [at for _, at in await asyncio.gather(*asked_at)]
        # Two thirds of 180 in 30 s; dial groups have to wait for the campaigns before them, not for counts.
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(counted))]
        assert all(0.2 < gap < 0.6 for gap in gaps)
        assert (listed - min(counted)).total_seconds() > 0.6
        await reads.close()

    run(main())
