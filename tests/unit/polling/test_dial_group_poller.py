"""One look serves every wait in a dial group."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import (
    InvalidInputError,
    NotFoundError,
    ServerError,
)
from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET
from airflow_provider_engagevoice.polling.windows import Goal
from airflow_provider_engagevoice.sandbox import seed
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World, ended, wait_for

OTHER_GROUP = seed.WINBACK_ID


def in_(seconds: float) -> str:
    return format_vendor_date(clock.now() + timedelta(seconds=seconds))


def test_forty_waits_take_one_look(world: World, polls) -> None:
    ids = [world.add(-60) for _ in range(40)]

    async def main() -> None:
        async with polls() as shared:
            found = await asyncio.gather(*(ended(shared, wait_for(one)) for one in ids))
        assert all(look is not None and look.verdict.reached for look, _, _ in found)

    run(main())
    # A wait looks at what was read after it began: the first one's look is under way when the others begin.
    assert 1 <= len(world.looks()) <= 2


def test_each_dial_group_is_looked_at_by_itself(world: World, polls) -> None:
    ids = {world.add(-60): GROUP, world.add(-60, group=OTHER_GROUP): OTHER_GROUP}

    async def main() -> None:
        async with polls() as shared:
            await asyncio.gather(*(ended(shared, wait_for(one), group) for one, group in ids.items()))

    run(main())
    assert [len(world.looks(group)) for group in ids.values()] == [1, 1]


def test_windows_that_open_together_are_told_at_once(world: World, polls) -> None:
    ids = [world.add(7) for _ in range(60)]
    opened = datetime.fromisoformat(world.row(ids[0])["startDate"])
    for one in ids:
        world.change(one, startDate=format_vendor_date(opened))

    async def main() -> None:
        async with polls() as shared:
            found = await asyncio.gather(*(ended(shared, wait_for(one)) for one in ids))
        late = [(when - opened).total_seconds() for _, when, _ in found]
        assert min(late) >= 0
        assert max(late) < 0.25

    run(main())
    looks = world.looks()
    assert 2 <= len(looks) <= 3
    # What is told was read shortly before, so that nobody waits for an answer at the opening.
    assert 0.4 < opened.timestamp() - looks[-1] < 2.6


def test_a_pause_shortly_before_the_opening_is_seen(world: World, polls) -> None:
    campaign = world.add(10)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with polls() as shared:
            wait = wait_for(campaign, poke=300, timeout=11)
            task = asyncio.create_task(ended(shared, wait))
            while wait.verdict is None:
                await asyncio.sleep(0.01)
            await asyncio.sleep((opened - clock.now()).total_seconds() - 3)
            world.change(campaign, isActive=0)
            assert (await task)[0] is None

    run(main())


def test_windows_that_open_one_after_the_other_take_few_looks(world: World, polls) -> None:
    """What was read serves every opening within the next five seconds."""
    first = clock.now() + timedelta(seconds=6)
    ids = [world.add(6) for _ in range(24)]
    opened = {}
    for number, one in enumerate(ids):
        opened[one] = first + timedelta(milliseconds=250 * number)
        world.change(one, startDate=format_vendor_date(opened[one]))

    async def main() -> None:
        async with polls() as shared:
            found = await asyncio.gather(*(ended(shared, wait_for(one)) for one in ids))
        late = [(when - opened[one]).total_seconds() for one, (_, when, _) in zip(ids, found, strict=True)]
        assert min(late) >= -0.001
        assert max(late) < 0.6

    run(main())
    assert 3 <= len(world.looks()) <= 6


def test_an_edit_is_noticed_within_the_shortest_interval(world: World, polls) -> None:
    one, other = world.add(3600, 7200), world.add(3600, 7200)

    async def main() -> None:
        async with polls() as shared:
            often, seldom = wait_for(one, poke=1), wait_for(other, poke=300)
            tasks = [asyncio.create_task(ended(shared, wait)) for wait in (often, seldom)]
            while often.verdict is None or seldom.verdict is None:
                await asyncio.sleep(0.01)
            for campaign in (one, other):
                world.change(campaign, startDate=in_(-60))
            edited = clock.now()
            for _, when, _ in await asyncio.gather(*tasks):
                assert (when - edited).total_seconds() < 2

    run(main())


def test_nobody_looks_between(world: World, polls) -> None:
    """No polling: an interval of five minutes takes one look, however many waits there are."""
    ids = [world.add(3600, 7200) for _ in range(20)]

    async def main() -> None:
        async with polls() as shared:
            tasks = [asyncio.create_task(ended(shared, wait_for(one, timeout=3))) for one in ids]
            assert {look for look, _, _ in await asyncio.gather(*tasks)} == {None}

    run(main())
    assert 1 <= len(world.looks()) <= 2


def test_a_late_look_does_not_make_it_late(world: World, polls) -> None:
    """What was read within the interval serves at the instant, when the next look is slow in coming."""
    campaign = world.add(7)
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", after=1, times=9, seconds=8)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with polls() as shared:
            look, when, _ = await ended(shared, wait_for(campaign, poke=60))
            assert look is not None
            assert 0.4 < (when - opened).total_seconds() < 1

    run(main())


def test_what_was_read_before_the_interval_serves_no_more(world: World, polls) -> None:
    campaign = world.add(5)
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", after=1, times=1, seconds=6)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        async with polls() as shared:
            look, when, _ = await ended(shared, wait_for(campaign, poke=2))
            assert look is not None
            # The second look began two seconds after the first and took six.
            assert (when - opened).total_seconds() > 2.5

    run(main())


@pytest.mark.parametrize("goal", Goal)
def test_a_campaign_that_is_gone_ends_its_waits_alone(world: World, polls, goal) -> None:
    gone, stays = world.add(3600, 7200), world.add(3600, 7200)

    async def main() -> None:
        async with polls() as shared:
            leaving, staying = wait_for(gone, poke=1, goal=goal), wait_for(stays, poke=1, goal=goal)
            tasks = [asyncio.create_task(ended(shared, wait)) for wait in (leaving, staying)]
            while leaving.verdict is None:
                await asyncio.sleep(0.01)
            world.delete(gone)
            with pytest.raises(NotFoundError, match="may have been deleted"):
                await tasks[0]
            assert not tasks[1].done()
            tasks[1].cancel()

    run(main())


def test_a_dial_group_that_does_not_exist(polls) -> None:
    async def main() -> None:
        async with polls() as shared:
            with pytest.raises(NotFoundError, match="there is no campaign 1 in dial group 424242"):
                await ended(shared, wait_for(1), 424242)

    run(main())


def test_a_list_that_misses_a_campaign_is_not_believed(world: World, polls) -> None:
    campaign = world.add(-60)
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=200, body="[]")

    async def main() -> None:
        async with polls() as shared:
            look, _, _ = await ended(shared, wait_for(campaign))
            assert look is not None
            assert look.verdict.reached

    run(main())


def test_dates_that_cannot_be_read_fail_that_wait(world: World, polls) -> None:
    bad, good = world.add(-60), world.add(-60)
    world.change(bad, startDate="soon")

    async def main() -> None:
        async with polls() as shared:
            tasks = [asyncio.create_task(ended(shared, wait_for(one))) for one in (bad, good)]
            with pytest.raises(InvalidInputError, match="no readable start and end"):
                await tasks[0]
            assert (await tasks[1])[0] is not None

    run(main())


def test_a_failed_look_is_told_and_taken_again(world: World, polls) -> None:
    campaign = world.add(-60)
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=503, times=2)

    async def main() -> None:
        async with polls() as shared:
            look, _, told = await ended(shared, wait_for(campaign, poke=1))
            assert look is not None
            assert [text.partition(" in a row")[0] for text in told] == ["look 1", "look 2"]

    run(main())


def test_looks_that_keep_failing_end_every_wait(world: World, polls) -> None:
    ids = [world.add(-60) for _ in range(3)]
    world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=503, times=99)

    async def main() -> None:
        async with polls() as shared:
            waits = [wait_for(one, poke=0.1) for one in ids]
            found = await asyncio.gather(*(ended(shared, one) for one in waits), return_exceptions=True)
            assert {type(one) for one in found} == {ServerError}

    run(main())
    assert len(world.looks()) == FAILURE_BUDGET + 1


def test_one_that_is_cancelled_disturbs_nobody(world: World, polls) -> None:
    ids = [world.add(-60) for _ in range(6)]
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", seconds=1)

    async def main() -> None:
        async with polls() as shared:
            tasks = [asyncio.create_task(ended(shared, wait_for(one))) for one in ids]
            while not world.sandbox.faults()[0].struck:
                await asyncio.sleep(0.01)
            tasks[0].cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert all(look.verdict.reached for look, _, _ in found[1:])

    run(main())


def test_the_last_to_leave_stops_the_looks(world: World, polls) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        async with polls() as shared:
            assert (await ended(shared, wait_for(campaign, poke=1, timeout=0.5)))[0] is None
            looks = len(world.looks())
            await asyncio.sleep(2)
            assert len(world.looks()) == looks
            assert len(asyncio.all_tasks()) == 1

    run(main())


def test_who_comes_later_is_not_told_what_was_read_before(world: World, polls) -> None:
    """The task before the wait may have edited the campaign while a look was on its way."""
    campaign = world.add(-7200, -3600)
    world.sandbox.add_fault("slow_drip", path=rf"/{GROUP}/campaigns$", seconds=1.5)

    async def main() -> None:
        async with polls() as shared:
            first = asyncio.create_task(ended(shared, wait_for(campaign)))
            while not world.sandbox.faults()[0].struck:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            world.change(campaign, endDate=in_(3600))
            look, _, _ = await ended(shared, wait_for(campaign))
            assert look is not None
            assert look.verdict.reached
            look, _, _ = await first
            assert look is not None
            assert look.verdict.never

    run(main())


def test_waits_that_are_over_leave_nothing_behind(world: World, polls) -> None:
    campaign, stays = world.add(-60), world.add(3600, 7200)

    async def main() -> None:
        async with polls() as shared:
            staying = asyncio.create_task(ended(shared, wait_for(stays)))
            for _ in range(5):
                waits = [wait_for(campaign, timeout=60 * 86_400) for _ in range(60)]
                await asyncio.gather(*(ended(shared, one) for one in waits))
            (group,) = shared._groups.values()
            assert len(group._deadlines) + len(group._changes) < 100
            staying.cancel()

    run(main())


def test_what_nobody_expected_fails_the_waits_and_not_those_that_come_later(
    world: World, polls, monkeypatch
) -> None:
    campaign = world.add(-60)

    async def main() -> None:
        async with polls() as shared:
            with monkeypatch.context() as patch:
                patch.setattr(
                    "airflow_provider_engagevoice.polling.dial_group_poller.judge", lambda *_: 1 / 0
                )
                waits = [wait_for(campaign) for _ in range(3)]
                found = await asyncio.gather(*(ended(shared, one) for one in waits), return_exceptions=True)
                assert {type(one) for one in found} == {ZeroDivisionError}
            look, _, _ = await ended(shared, wait_for(campaign))
            assert look is not None

    run(main())
