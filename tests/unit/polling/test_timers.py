"""Waking by the wall clock, though the event loop sleeps by another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.polling import timers
from airflow_provider_engagevoice.polling.timers import Timer
from tests.support.virtual_time import VirtualTime, run
from tests.unit.polling.conftest import World, ended, wait_for


@pytest.fixture(autouse=True)
def virtual(virtual: VirtualTime) -> Iterator[VirtualTime]:
    with clock.use(virtual):
        yield virtual


def test_it_rings_at_the_instant() -> None:
    async def main() -> float:
        instant = clock.now() + timedelta(seconds=0.3)
        await Timer().wait(instant)
        return (clock.now() - instant).total_seconds()

    assert -0.01 < run(main()) < 0.2


def test_somebody_rings_before_and_while_it_is_waited_for() -> None:
    async def main() -> None:
        one = Timer()
        one.ring()
        await one.wait(None)
        waiting = asyncio.create_task(one.wait(None))
        await asyncio.sleep(0)
        assert not waiting.done()
        one.ring()
        await waiting

    run(asyncio.wait_for(main(), 10))


def test_nothing_is_left_once_nobody_waits() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(None))
        await asyncio.sleep(0)
        watch = timers._WATCHES[asyncio.get_running_loop()]
        assert watch._handle is not None
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert watch._handle is None

    run(main())


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_is_noticed(virtual: VirtualTime, hours) -> None:
    """Set, or the machine was suspended: to a loop both look alike."""

    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(clock.now() + timedelta(hours=1)))
        await asyncio.sleep(0.1)
        virtual.wall += hours * 3600
        await asyncio.wait_for(waiting, 3)

    run(main())


def test_a_window_that_opened_while_the_machine_was_suspended(
    virtual: VirtualTime, world: World, polls
) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        async with polls() as shared:
            wait = wait_for(campaign, poke=86_400, timeout=86_400)
            task = asyncio.create_task(ended(shared, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            virtual.wall += 3601
            woken = clock.now()
            look, _, _ = await task
            assert look is not None
            assert look.verdict.reached
            assert (clock.now() - woken).total_seconds() < 2

    run(main())
    # What was read before it slept is too old to act upon.
    assert len(world.looks()) == 2


def test_a_clock_that_is_set_back_opens_nothing_early(virtual: VirtualTime, world: World, polls) -> None:
    campaign = world.add(2, 7200)

    async def main() -> None:
        async with polls() as shared:
            wait = wait_for(campaign, poke=300, timeout=86_400)
            task = asyncio.create_task(ended(shared, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            virtual.wall -= 3
            await asyncio.sleep(3)
            assert not task.done()
            look, when, _ = await task
            assert look is not None
            assert when >= datetime.fromisoformat(world.row(campaign)["startDate"])

    run(main())
