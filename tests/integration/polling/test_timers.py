"""Timers follow the wall clock, though the event loop sleeps by another."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_engagevoice.polling import timers
from airflow_provider_engagevoice.polling.timers import Timer
from tests.integration.polling.conftest import World, ended, wait_for
from tests.support.clocks import ShiftedClock


class Clock(ShiftedClock):
    """A wall clock that can be set."""

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=self.wall)

    @ahead.setter
    def ahead(self, ahead: timedelta) -> None:
        self.wall = ahead.total_seconds()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shifted = Clock()
    monkeypatch.setattr("airflow_provider_engagevoice.clock._clock", shifted)
    return shifted


def test_a_timer_wakes_at_its_instant() -> None:
    async def main() -> float:
        instant = datetime.now(UTC) + timedelta(seconds=0.3)
        await Timer().wait(instant)
        return (datetime.now(UTC) - instant).total_seconds()

    assert -0.01 < asyncio.run(main()) < 0.2


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

    asyncio.run(asyncio.wait_for(main(), 10))


def test_nothing_is_left_after_the_last_wait() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(None))
        await asyncio.sleep(0)
        monitor = timers._MONITORS[asyncio.get_running_loop()]
        assert monitor._handle is not None
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert monitor._handle is None

    asyncio.run(main())


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_is_noticed(clock: Clock, hours) -> None:
    """Set, or the machine was suspended: a loop cannot distinguish the two."""

    async def main() -> None:
        waiting = asyncio.create_task(Timer().wait(clock_now() + timedelta(hours=1)))
        await asyncio.sleep(0.1)
        clock.ahead = timedelta(hours=hours)
        await asyncio.wait_for(waiting, 3)

    def clock_now() -> datetime:
        return datetime.now(UTC)

    asyncio.run(main())


def test_a_window_that_opened_while_the_machine_was_suspended(clock: Clock, world: World, open_hub) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=86_400, timeout=86_400)
            task = asyncio.create_task(ended(hub, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            clock.ahead = timedelta(hours=1, seconds=1)
            woken = datetime.now(UTC)
            poll, _, _ = await task
            assert poll is not None
            assert poll.verdict.reached
            assert (datetime.now(UTC) - woken).total_seconds() < 2

    asyncio.run(main())
    # The response from before the suspension is too old to use.
    assert len(world.polls()) == 2


def test_a_clock_that_is_set_back_opens_nothing_early(clock: Clock, world: World, open_hub) -> None:
    campaign = world.add(2, 7200)
    clock.ahead = timedelta(0)

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=300, timeout=86_400)
            task = asyncio.create_task(ended(hub, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            clock.ahead = timedelta(seconds=-3)
            await asyncio.sleep(3)
            assert not task.done()
            poll, when, _ = await task
            assert poll is not None
            assert when + clock.ahead >= datetime.fromisoformat(world.row(campaign)["startDate"])

    asyncio.run(main())
