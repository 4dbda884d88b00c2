"""One poll serves every wait for leads left to call."""

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
from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.exceptions import NotFoundError, PermissionDeniedError, ServerError
from airflow_provider_engagevoice.polling import leads_drained
from airflow_provider_engagevoice.polling.awaited import Awaited
from airflow_provider_engagevoice.polling.hub import PollerHub
from airflow_provider_engagevoice.polling.leads_drained import CountBy, DrainedPoll, DrainedWait
from airflow_provider_engagevoice.polling.shared import SharedRequests
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET
from tests.support.lead_lists import load, request_times, set_state
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World

INTERVAL = 0.5


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads_drained, "SHORTEST_INTERVAL", INTERVAL)


@pytest.fixture
def campaigns(world: World, client_settings: Any):
    """Make campaigns with the given numbers of leads; return their ids."""

    def make(*counts: int) -> list[int]:
        ids = [world.add(-60) for _ in counts]
        with EngageVoiceClient(client_settings) as client:
            for one, count in zip(ids, counts, strict=True):
                if count:
                    load(client, one, count)
        return ids

    return make


def wait_for(
    campaign_id: int, count_by: CountBy, *, timeout: float = 60, first: float = 0, **more: Any
) -> DrainedWait:
    now = clock.now()
    return DrainedWait(
        awaited=Awaited(campaign_id, GROUP),
        count_by=count_by,
        poke_interval=more.pop("poke", 0),
        deadline=now + timedelta(seconds=timeout),
        poll_at=now + timedelta(seconds=first),
        ends=now + timedelta(hours=1),
        **more,
    )


async def ended(hub: PollerHub, wait: DrainedWait) -> tuple[DrainedPoll | None, list[Any]]:
    """Return the poll that ended a wait (None at the deadline), and all updates before."""
    updates: list[Any] = []
    with hub.drained.polling_for(wait):
        while True:
            poll = await asyncio.wait_for(hub.drained.next_poll(wait), 60)
            if poll is None or (isinstance(poll, DrainedPoll) and (poll.reached or poll.unreachable)):
                return poll, updates
            updates.append(poll)


async def until(sandbox: Any, path: str, count: int) -> None:
    while len(request_times(sandbox, path)) < count:
        await asyncio.sleep(0.01)


def drain(world: World, ids: Iterable[int]) -> None:
    for one in ids:
        set_state(world.sandbox, one, "COMPLETE")


def test_all_campaigns_need_one_request_per_interval(world: World, open_hub, campaigns) -> None:
    ids = campaigns(*[1] * 20)

    async def main() -> None:
        async with open_hub() as hub:
            waits = []
            for one in ids:
                # They start one after another, and the first poll of each is due at once.
                waits.append(asyncio.create_task(ended(hub, wait_for(one, CountBy.STATISTICS))))
                await asyncio.sleep(0.05)
            await until(world.sandbox, "realTimeData", 6)
            drain(world, ids)
            found = await asyncio.gather(*waits)
        assert all(poll is not None and poll.reached for poll, _ in found)

    run(main())
    polls = request_times(world.sandbox, "realTimeData")
    assert 6 <= len(polls) <= 8
    assert all(later - earlier > INTERVAL * 0.9 for earlier, later in pairwise(polls))
    # A count of zero in the statistics is confirmed by a search, once per campaign.
    assert len(request_times(world.sandbox, "leadSearch")) == len(ids)


def test_the_shortest_interval_applies_to_all(world: World, open_hub, campaigns) -> None:
    ids = campaigns(1, 1)

    async def main() -> None:
        async with open_hub() as hub:
            often = asyncio.create_task(ended(hub, wait_for(ids[0], CountBy.STATISTICS)))
            seldom = asyncio.create_task(
                ended(hub, wait_for(ids[1], CountBy.STATISTICS, poke=3600, first=3600))
            )
            await until(world.sandbox, "realTimeData", 2)
            drain(world, ids)
            await asyncio.gather(often, seldom)

    run(main())


def test_waits_for_the_same_campaign_share_its_searches(world: World, open_hub, campaigns) -> None:
    (one,) = campaigns(2)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [asyncio.create_task(ended(hub, wait_for(one, CountBy.SEARCH))) for _ in range(10)]
            await until(world.sandbox, "leadSearch", 3)
            drain(world, [one])
            found = await asyncio.gather(*waits)
        for _, updates in found:
            assert {poll.left for poll in updates} == {2}

    run(main())
    # Three polls, the one that counts zero, and the searches that confirm it, some of them shared.
    assert len(request_times(world.sandbox, "leadSearch")) <= 7


def test_searches_of_different_campaigns_are_kept_apart(world: World, open_hub, campaigns) -> None:
    ids = campaigns(1, 2, 0)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [asyncio.create_task(ended(hub, wait_for(one, CountBy.SEARCH))) for one in ids]
            poll, updates = await waits[2]
            assert poll is not None
            assert (poll.reached, updates) == (True, [])
            await until(world.sandbox, "leadSearch", 6)
            drain(world, ids)
            found = await asyncio.gather(*waits)
        assert [{one.left for one in updates} for _, updates in found] == [{1}, {2}, set()]

    run(main())


def test_statistics_older_than_the_last_load_end_nothing(world: World, open_hub, campaigns) -> None:
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
        async with open_hub() as hub:
            wait = asyncio.create_task(ended(hub, wait_for(one, CountBy.STATISTICS)))
            await until(world.sandbox, "realTimeData", 2)
            drain(world, [one])
            poll, updates = await wait
        assert poll is not None
        assert poll.reached
        assert updates
        assert {one.left for one in updates} == {3}

    run(main())


def test_the_deadline_is_kept(world: World, open_hub, campaigns) -> None:
    (one,) = campaigns(1)

    async def main() -> None:
        async with open_hub() as hub:
            began = clock.now()
            poll, _ = await ended(hub, wait_for(one, CountBy.SEARCH, timeout=1.2, poke=60))
            assert poll is None
            assert timedelta(seconds=1.2) <= clock.now() - began < timedelta(seconds=3)

    run(main())


def test_extended_dates_are_noticed_when_they_would_have_ended(world: World, open_hub, campaigns) -> None:
    (one,) = campaigns(1)

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(one, CountBy.SEARCH)
            wait.ends = clock.now()
            waiting = asyncio.create_task(ended(hub, wait))
            await until(world.sandbox, "leadSearch", 4)
            assert wait.ends > clock.now()
            drain(world, [one])
            poll, updates = await waiting
        assert poll is not None
        assert poll.reached
        assert updates

    run(main())


@pytest.mark.parametrize("count_by", CountBy)
@pytest.mark.few(1)
def test_a_deleted_campaign_ends_only_its_own_wait(
    world: World, open_hub, campaigns, count_by: CountBy
) -> None:
    deleted, other = campaigns(1, 1)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [asyncio.create_task(ended(hub, wait_for(one, count_by))) for one in (deleted, other)]
            await until(world.sandbox, "realTimeData" if count_by is CountBy.STATISTICS else "leadSearch", 2)
            world.delete(deleted)
            with pytest.raises(NotFoundError, match="may have been deleted"):
                await waits[0]
            drain(world, [other])
            poll, _ = await waits[1]
            assert poll is not None
            assert poll.reached

    run(main())


@pytest.mark.parametrize("count_by", CountBy)
def test_failures_are_published_and_retried(world: World, open_hub, campaigns, count_by: CountBy) -> None:
    (one,) = campaigns(1)
    world.sandbox.add_fault("status", path="realTimeData|leadSearch", status=503, times=2)

    async def main() -> None:
        async with open_hub() as hub:
            wait = asyncio.create_task(ended(hub, wait_for(one, count_by)))
            await until(world.sandbox, "realTimeData" if count_by is CountBy.STATISTICS else "leadSearch", 3)
            drain(world, [one])
            poll, updates = await wait
        assert poll is not None
        assert poll.reached
        assert [text.partition(":")[0] for text in updates if isinstance(text, str)] == [
            "poll 1 in a row failed",
            "poll 2 in a row failed",
        ]

    run(main())


def test_failures_that_are_not_retryable_end_every_wait(world: World, open_hub, campaigns) -> None:
    ids = campaigns(1, 1)
    world.sandbox.add_fault("status", path="realTimeData", status=403, times=100)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [ended(hub, wait_for(one, CountBy.STATISTICS)) for one in ids]
            found = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(one) for one in found] == [PermissionDeniedError] * 2

    run(main())


def test_failures_in_a_row_are_limited(world: World, open_hub, campaigns, monkeypatch) -> None:
    monkeypatch.setattr(leads_drained, "SHORTEST_INTERVAL", 0.02)
    (one,) = campaigns(1)
    world.sandbox.add_fault("status", path="realTimeData", status=503, times=100)

    async def main() -> None:
        async with open_hub() as hub:
            with pytest.raises(ServerError):
                await ended(hub, wait_for(one, CountBy.STATISTICS))

    run(main())
    assert len(request_times(world.sandbox, "realTimeData")) == FAILURE_BUDGET + 1


def test_a_cancelled_wait_does_not_affect_others(world: World, open_hub, campaigns) -> None:
    ids = campaigns(1, 1)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [asyncio.create_task(ended(hub, wait_for(one, CountBy.STATISTICS))) for one in ids]
            await until(world.sandbox, "realTimeData", 1)
            waits[0].cancel()
            await asyncio.gather(waits[0], return_exceptions=True)
            drain(world, ids)
            poll, _ = await waits[1]
            assert poll is not None
            assert poll.reached
            before = len(request_times(world.sandbox, "realTimeData"))
            await asyncio.sleep(3 * INTERVAL)
            assert len(request_times(world.sandbox, "realTimeData")) == before

    run(main())


def test_searches_are_paced_by_their_own_rate_limit(world: World, client_settings, campaigns) -> None:
    ids = campaigns(1, 1, 1)
    settings = dataclasses.replace(
        client_settings, budgets=RateLimitShares.read("lead_count=1, provisioning=1")
    )

    async def connect() -> AsyncEngageVoiceClient:
        return AsyncEngageVoiceClient(settings)

    async def main() -> None:
        requests = SharedRequests(connect)
        # The first one also looks up the account.
        await requests.run(list_campaigns(GROUP), clock.now())
        counts = [iter(count_leads({"campaignIds": [one]})) for one in ids]
        procedures = [*counts, list_dial_groups()]
        responses = [requests.run_dated(one, clock.now()) for one in procedures]
        *counted, listed = [at for _, at in await asyncio.gather(*responses)]
        # Two thirds of 180 in 30 s; the dial groups wait for the campaigns before them, not for counts.
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(counted))]
        assert all(0.2 < gap < 0.6 for gap in gaps)
        assert (listed - min(counted)).total_seconds() > 0.6
        await requests.close()

    run(main())
