"""Timers follow the wall clock, though the event loop sleeps by another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.polling import shared
from airflow_provider_engagevoice.polling.shared import Timer
from tests.support.virtual_time import VirtualTime, run
from tests.unit.polling.conftest import World, ended, wait_for


@pytest.fixture(autouse=True)
def virtual(virtual: VirtualTime) -> Iterator[VirtualTime]:
    with clock.use(virtual):
        yield virtual


def test_a_timer_wakes_at_its_instant() -> None:
    async def main() -> float:
        instant = clock.now() + timedelta(seconds=0.3)
        await Timer().wait(instant)
        return (clock.now() - instant).total_seconds()

    assert -0.01 < run(main()) < 0.2


def test_a_timer_is_woken_before_and_during_a_wait() -> None:
    async def main() -> None:
        one = Timer()
        one.wake()
        await one.wait(None)
        waiting = asyncio.create_task(one.wait(None))
        await asyncio.sleep(0)
        assert not waiting.done()
        one.wake()
        await waiting

    run(asyncio.wait_for(main(), 10))


def test_nothing_is_left_after_the_last_wait() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(None))
        await asyncio.sleep(0)
        monitor = shared._MONITORS[asyncio.get_running_loop()]
        assert monitor._handle is not None
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert monitor._handle is None

    run(main())


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_is_noticed(virtual: VirtualTime, hours) -> None:
    """Set, or the machine was suspended: a loop cannot distinguish the two."""

    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(clock.now() + timedelta(hours=1)))
        await asyncio.sleep(0.1)
        virtual.wall += hours * 3600
        await asyncio.wait_for(waiting, 3)

    run(main())


def test_a_window_that_opened_while_the_machine_was_suspended(
    virtual: VirtualTime, world: World, open_hub
) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=86_400, timeout=86_400)
            task = asyncio.create_task(ended(hub, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            virtual.wall += 3601
            woken = clock.now()
            poll, _, _ = await task
            assert poll is not None
            assert poll.verdict.reached
            assert (clock.now() - woken).total_seconds() < 2

    run(main())
    # The response from before the suspension is too old to use.
    assert len(world.polls()) == 2


def test_a_clock_that_is_set_back_opens_nothing_early(virtual: VirtualTime, world: World, open_hub) -> None:
    campaign = world.add(2, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=300, timeout=86_400)
            task = asyncio.create_task(ended(hub, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            virtual.wall -= 3
            await asyncio.sleep(3)
            assert not task.done()
            poll, when, _ = await task
            assert poll is not None
            assert when >= datetime.fromisoformat(world.row(campaign)["startDate"])

    run(main())
