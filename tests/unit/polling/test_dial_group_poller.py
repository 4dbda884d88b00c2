"""One poll serves every wait in a dial group."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.exceptions import (
    NotFoundError,
    ServerError,
)
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET
from airflow_provider_engagevoice.polling.windows import Goal
from airflow_provider_engagevoice.sandbox import seed
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World, ended, wait_for

OTHER_GROUP = seed.WINBACK_ID


def in_(seconds: float) -> str:
    return format_vendor_date(clock.now() + timedelta(seconds=seconds))


def test_forty_waits_need_one_poll(world: World, open_hub) -> None:
    ids = [world.add(-60) for _ in range(40)]

    async def main() -> None:
        async with open_hub() as hub:
            found = await asyncio.gather(*(ended(hub, wait_for(one)) for one in ids))
        assert all(poll is not None and poll.verdict.reached for poll, _, _ in found)

    run(main())
    # A wait uses responses to later requests only: the first wait's poll is in flight when the others start.
    assert 1 <= len(world.polls()) <= 2


def test_each_dial_group_is_polled_separately(world: World, open_hub) -> None:
    ids = {world.add(-60): GROUP, world.add(-60, group=OTHER_GROUP): OTHER_GROUP}

    async def main() -> None:
        async with open_hub() as hub:
            await asyncio.gather(*(ended(hub, wait_for(one), group) for one, group in ids.items()))

    run(main())
    assert [len(world.polls(group)) for group in ids.values()] == [1, 1]


def test_windows_that_open_together_are_published_at_once(world: World, open_hub) -> None:
    ids = [world.add(7) for _ in range(60)]
    opened = datetime.fromisoformat(world.row(ids[0])["startDate"])
    for one in ids:
        world.change(one, startDate=format_vendor_date(opened))

    async def main() -> None:
        async with open_hub() as hub:
            found = await asyncio.gather(*(ended(hub, wait_for(one)) for one in ids))
        late = [(when - opened).total_seconds() for _, when, _ in found]
        assert min(late) >= 0
        assert max(late) < 0.25

    run(main())
    polls = world.polls()
    assert 2 <= len(polls) <= 3
    # The campaigns were read shortly before, so that no wait needs a response at the opening.
    assert 0.4 < opened.timestamp() - polls[-1] < 2.6


def test_a_pause_shortly_before_the_opening_is_noticed(world: World, open_hub) -> None:
    campaign = world.add(10)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=300, timeout=11)
            task = asyncio.create_task(ended(hub, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            await asyncio.sleep((opened - clock.now()).total_seconds() - 3)
            world.change(campaign, isActive=0)
            assert (await task)[0] is None

    run(main())


@pytest.mark.parametrize("start", [36, 38, 50])
@pytest.mark.parametrize("poke", [10, 60, 300])
def test_windows_that_open_soon_after_the_waits_begin_need_no_request_each(
    world: World, open_hub, poke: float, start: float
) -> None:
    """A list that was read early may be behind, and is read again for all of them."""
    ids = [world.add(start) for _ in range(60)]
    opened = datetime.fromisoformat(world.row(ids[-1])["startDate"])

    async def main() -> None:
        async with open_hub() as hub:
            found = await asyncio.gather(*(ended(hub, wait_for(one, poke=poke)) for one in ids))
        assert max((when - opened).total_seconds() for _, when, _ in found) < 1

    run(main())
    requests = [one for one in world.sandbox.requests() if "/campaigns" in one.path]
    assert len(requests) < 20


def test_windows_that_open_one_after_the_other_need_few_polls(world: World, open_hub) -> None:
    """A response serves every opening within the next five seconds."""
    first = clock.now() + timedelta(seconds=6)
    ids = [world.add(6) for _ in range(24)]
    opened = {}
    for number, one in enumerate(ids):
        opened[one] = first + timedelta(milliseconds=250 * number)
        world.change(one, startDate=format_vendor_date(opened[one]))

    async def main() -> None:
        async with open_hub() as hub:
            found = await asyncio.gather(*(ended(hub, wait_for(one)) for one in ids))
        late = [(when - opened[one]).total_seconds() for one, (_, when, _) in zip(ids, found, strict=True)]
        assert min(late) >= -0.001
        assert max(late) < 0.6

    run(main())
    assert 3 <= len(world.polls()) <= 6


def test_an_edit_is_noticed_within_the_shortest_interval(world: World, open_hub) -> None:
    one, other = world.add(3600, 7200), world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            often, seldom = wait_for(one, poke=1), wait_for(other, poke=300)
            tasks = [asyncio.create_task(ended(hub, wait)) for wait in (often, seldom)]
            while often.verdict is None or seldom.verdict is None:
                await asyncio.sleep(0.01)
            for campaign in (one, other):
                world.change(campaign, startDate=in_(-60))
            edited = clock.now()
            for _, when, _ in await asyncio.gather(*tasks):
                assert (when - edited).total_seconds() < 2

    run(main())


def test_there_are_no_polls_in_between(world: World, open_hub) -> None:
    """An interval of five minutes needs one poll, however many waits there are."""
    ids = [world.add(3600, 7200) for _ in range(20)]

    async def main() -> None:
        async with open_hub() as hub:
            tasks = [asyncio.create_task(ended(hub, wait_for(one, timeout=3))) for one in ids]
            assert {poll for poll, _, _ in await asyncio.gather(*tasks)} == {None}

    run(main())
    assert 1 <= len(world.polls()) <= 2


def test_a_late_response_does_not_delay_a_wait(world: World, open_hub) -> None:
    """If the next response is slow, one from within the interval is used at the opening."""
    campaign = world.add(7)
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", after=1, times=9, seconds=8)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with open_hub() as hub:
            poll, when, _ = await ended(hub, wait_for(campaign, poke=60))
            assert poll is not None
            assert 0.4 < (when - opened).total_seconds() < 1

    run(main())


def test_a_response_older_than_the_interval_is_not_used(world: World, open_hub) -> None:
    campaign = world.add(5)
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", after=1, times=1, seconds=6)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with open_hub() as hub:
            poll, when, _ = await ended(hub, wait_for(campaign, poke=2))
            assert poll is not None
            # The second poll was sent two seconds after the first and took six.
            assert (when - opened).total_seconds() > 2.5

    run(main())


@pytest.mark.parametrize("goal", Goal)
@pytest.mark.few(1)
def test_a_deleted_campaign_ends_only_its_own_waits(world: World, open_hub, goal) -> None:
    gone, stays = world.add(3600, 7200), world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            leaving, staying = wait_for(gone, poke=1, goal=goal), wait_for(stays, poke=1, goal=goal)
            tasks = [asyncio.create_task(ended(hub, wait)) for wait in (leaving, staying)]
            while leaving.verdict is None:
                await asyncio.sleep(0.01)
            world.delete(gone)
            with pytest.raises(NotFoundError, match="may have been deleted"):
                await tasks[0]
            assert not tasks[1].done()
            tasks[1].cancel()

    run(main())


def test_a_dial_group_that_does_not_exist(open_hub) -> None:
    async def main() -> None:
        async with open_hub() as hub:
            with pytest.raises(NotFoundError, match="there is no dial group with id 424242"):
                await ended(hub, wait_for(1), 424242)

    run(main())


def test_a_campaign_missing_from_a_list_is_read(world: World, open_hub) -> None:
    campaign = world.add(-60)
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=200, body="[]")

    async def main() -> None:
        async with open_hub() as hub:
            poll, _, _ = await ended(hub, wait_for(campaign))
            assert poll is not None
            assert poll.verdict.reached

    run(main())


def test_a_failed_poll_is_published_and_retried(world: World, open_hub) -> None:
    campaign = world.add(-60)
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=503, times=2)

    async def main() -> None:
        async with open_hub() as hub:
            poll, _, updates = await ended(hub, wait_for(campaign, poke=1))
            assert poll is not None
            assert [text.partition(" in a row")[0] for text in updates] == ["poll 1", "poll 2"]

    run(main())


def test_polls_that_keep_failing_end_every_wait(world: World, open_hub) -> None:
    ids = [world.add(-60) for _ in range(3)]
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=503, times=99)

    async def main() -> None:
        async with open_hub() as hub:
            waits = [wait_for(one, poke=0.1) for one in ids]
            found = await asyncio.gather(*(ended(hub, one) for one in waits), return_exceptions=True)
            assert {type(one) for one in found} == {ServerError}

    run(main())
    assert len(world.polls()) == FAILURE_BUDGET + 1


def test_a_cancelled_wait_does_not_affect_others(world: World, open_hub) -> None:
    ids = [world.add(-60) for _ in range(6)]
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=1)

    async def main() -> None:
        async with open_hub() as hub:
            tasks = [asyncio.create_task(ended(hub, wait_for(one))) for one in ids]
            while not world.sandbox.faults()[0].struck:
                await asyncio.sleep(0.01)
            tasks[0].cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert all(poll.verdict.reached for poll, _, _ in found[1:])

    run(main())


def test_polling_stops_with_the_last_wait(world: World, open_hub) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            assert (await ended(hub, wait_for(campaign, poke=1, timeout=0.5)))[0] is None
            polls = len(world.polls())
            await asyncio.sleep(2)
            assert len(world.polls()) == polls
            assert len(asyncio.all_tasks()) == 1

    run(main())


def test_a_wait_ignores_responses_to_earlier_requests(world: World, open_hub) -> None:
    """The task before the wait may have edited the campaign while a poll was in flight."""
    campaign = world.add(-7200, -3600)
    world.sandbox.add_fault("slow_drip", path=rf"/{GROUP}/campaigns$", seconds=1.5)

    async def main() -> None:
        async with open_hub() as hub:
            first = asyncio.create_task(ended(hub, wait_for(campaign)))
            while not world.sandbox.faults()[0].struck:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            world.change(campaign, endDate=in_(3600))
            poll, _, _ = await ended(hub, wait_for(campaign))
            assert poll is not None
            assert poll.verdict.reached
            # Its own response said that the dates are over, which ends a wait only after another read.
            poll, _, _ = await first
            assert poll is not None
            assert poll.verdict.reached

    run(main())


def test_finished_waits_leave_nothing_behind(world: World, open_hub) -> None:
    campaign, stays = world.add(-60), world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            staying = asyncio.create_task(ended(hub, wait_for(stays)))
            for _ in range(5):
                waits = [wait_for(campaign, timeout=60 * 86_400) for _ in range(60)]
                await asyncio.gather(*(ended(hub, one) for one in waits))
            (group,) = hub._dial_groups.values()
            assert len(group._waits._deadlines) + len(group._waits._changes) < 100
            staying.cancel()

    run(main())


def test_an_unexpected_error_fails_current_waits_and_not_later_ones(
    world: World, open_hub, monkeypatch
) -> None:
    campaign = world.add(-60)

    async def main() -> None:
        async with open_hub() as hub:
            with monkeypatch.context() as patch:
                patch.setattr(
                    "airflow_provider_engagevoice.polling.dial_group_poller.judge", lambda *_: 1 / 0
                )
                waits = [wait_for(campaign) for _ in range(3)]
                found = await asyncio.gather(*(ended(hub, one) for one in waits), return_exceptions=True)
                assert {type(one) for one in found} == {ZeroDivisionError}
            poll, _, _ = await ended(hub, wait_for(campaign))
            assert poll is not None

    run(main())
