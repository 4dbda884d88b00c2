"""The daily task is no apply: what comes after it takes back, resumes and checks the apply before it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_engagevoice.models.schedule import CLOSED
from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.check import find_drift, find_lasting_drift
from airflow_provider_engagevoice.seasons.claim import OtherApplyError, StalePlanError
from airflow_provider_engagevoice.seasons.close_days import plan_days
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_resume
from tests.simulation.vendor import GROUP
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, planned
from tests.unit.seasons.test_close_days import run_days
from tests.unit.seasons.test_exclude import USUAL, asked, sleep_until, thursday
from tests.unit.seasons.test_exclude_meets import OTHER, hours, roll_back

RING = {"settings": {"maxRingTime": 45}}


def ring(world: SeasonWorld, name: str = "C0 r0") -> Any:
    return (world.row(name).now.fields or {})["maxRingTime"]


def waves(count: int = 1, **keys: Any) -> Any:
    """Return a season whose second wave waits for two days."""
    one = asked(count, dial_groups=(GROUP, GROUP + 1), **keys)
    return {**one, "waves": [{"regions": ["r0"]}, {"regions": "rest", "after": "2d"}]}


@pytest.mark.parametrize("runs", [[20], [20, 22], [20, 26]])
def test_a_rollback_takes_the_apply_back(world: SeasonWorld, runs: list[float]) -> None:
    world.roll_out(asked())
    before = ring(world)
    world.roll_out(asked(2, **RING))
    for days in runs:
        sleep_until(world, days)
        run_days(world)
    closed = thursday(world)
    roll_back(world)
    assert world.names() == ["C0 r0", "C1 r0 [rolled back 2]"]
    assert (ring(world), thursday(world)) == (before, closed)
    assert world.run(find_drift(world.record)) == []
    sleep_until(world, 27)
    run_days(world)
    assert hours(world) == hours(world, "C1 r0 [rolled back 2]") == {USUAL}


@pytest.mark.parametrize("days", [20, 24, 26])
def test_hours_of_the_apply_are_taken_back(world: SeasonWorld, days: float) -> None:
    world.roll_out(asked())
    world.roll_out(asked(hours=OTHER))
    for moment in (20, days):
        sleep_until(world, moment)
        run_days(world)
    assert planned(roll_back(world), "C0 r0").kept == {}
    assert thursday(world) == (CLOSED if days < 25 else USUAL)
    sleep_until(world, 27)
    run_days(world)
    assert hours(world) == {USUAL}


def test_hours_that_a_person_has_set_since_stay(world: SeasonWorld) -> None:
    world.roll_out(asked())
    world.roll_out(asked(hours=OTHER))
    sleep_until(world, 20)
    run_days(world)
    world.edit("C0 r0", thuSched="10001600")
    one = planned(roll_back(world), "C0 r0")
    assert (one.kept["thuSched"].old, one.kept["thuSched"].new) == (CLOSED, "10001600")
    assert "thuSched" not in one.changes
    assert thursday(world) == "10001600"


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("step", range(6))
def test_a_rollback_after_a_run_that_was_killed(world: SeasonWorld, step: int, before: bool) -> None:
    world.roll_out(asked(2))
    world.roll_out(asked(2, hours=OTHER, **RING))
    sleep_until(world, 20)
    plan: Plan = world.run(plan_days(world.record, RECORDS))
    with suppress(KilledError):
        world.apply(plan, run="days", kill_at=step, before_kill=before)
    world.clock.sleep(1000)
    taken = roll_back(world)
    assert [one.kept for one in taken.campaigns] == [{}, {}]
    assert (ring(world), ring(world, "C1 r0")) == (30, 30)
    for days in (20.5, 26):
        sleep_until(world, days)
        run_days(world)
    assert hours(world) == hours(world, "C1 r0") == {USUAL}


def test_an_apply_that_failed_goes_on(world: SeasonWorld) -> None:
    world.roll_out(asked(3))
    plan = world.plan(asked(3, hours=OTHER, **RING))
    with pytest.raises(KilledError):
        world.apply(plan, run="apply", kill_at=3, before_kill=True)
    sleep_until(world, 20)
    run_days(world)
    assert Record.from_json(world.record.to_json(), "r") == world.record
    with pytest.raises(StalePlanError, match=r"would set .*Sched of"):
        world.apply(plan, run="apply", attempt=2)
    plan = world.plan(asked(3, hours=OTHER, **RING))
    with pytest.raises(KilledError):
        world.apply(plan, run="again", kill_at=3, before_kill=True)
    sleep_until(world, 26)
    run_days(world)
    world.apply(plan, run="again", attempt=2)
    names = ["C0 r0", "C1 r0", "C2 r0"]
    assert [ring(world, name) for name in names] == [45] * 3
    sleep_until(world, 27)
    run_days(world)
    assert {tuple(hours(world, name)) for name in names} == {("09002100",)}
    assert world.run(find_drift(world.record)) == []


def test_an_apply_that_failed_is_taken_back_as_far_as_it_came(world: SeasonWorld) -> None:
    world.roll_out(asked(3))
    plan = world.plan(asked(4, **RING))
    world.edit("C1 r0", maxRingTime=20)
    with pytest.raises(NotAppliedError):
        world.apply(plan, run="apply")
    sleep_until(world, 20)
    run_days(world)
    assert world.record.left == ["C1 r0"]
    roll_back(world)
    assert world.names() == ["C0 r0", "C1 r0", "C2 r0", "C3 r0 [rolled back 2]"]
    assert [ring(world, name) for name in ("C0 r0", "C1 r0", "C2 r0")] == [30, 20, 30]


@pytest.mark.parametrize("protect", [None, True])
@pytest.mark.parametrize("exclude", [{}, {"exclude": []}])
def test_an_apply_that_waits_for_its_next_wave_goes_on(
    world: SeasonWorld, protect: bool | None, exclude: dict[str, Any]
) -> None:
    world.roll_out({**waves(protect=protect), "waves": []})
    for start, runs in ((19, (20,)), (24, (25.1, 25.6))):
        sleep_until(world, start)
        plan = world.plan(waves(2, settings={"maxRingTime": int(start)}, **exclude))
        assert world.apply(plan, run=f"{start}").until is not None
        for days in runs:
            sleep_until(world, days)
            run_days(world)
        sleep_until(world, start + 2.1)
        assert world.apply(plan, run=f"{start}").until is None
        assert ring(world, "C0 r1") == (30 if protect else int(start))
        assert world.run(find_drift(world.record)) == []
    sleep_until(world, 28)
    run_days(world)
    assert {tuple(hours(world, name)) for name in world.names()} == {(USUAL,)}


def test_a_pause_after_the_daily_task_is_resumed(world: SeasonWorld) -> None:
    world.roll_out(asked(is_active=1))
    for number, make in enumerate((plan_pause, plan_resume)):
        world.apply(world.run(make(world.record, RECORDS)), run=f"{number}")
        sleep_until(world, 20 + number * 6)
        run_days(world)
        assert (world.row("C0 r0").now.fields or {})["isActive"] == number
    assert hours(world) == {USUAL}


def test_a_plan_from_before_a_run_is_refused(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 20)
    plan = world.plan(asked(**RING))
    run_days(world)
    with pytest.raises(StalePlanError, match="was applied after the plan was made: by days "):
        world.apply(plan, run="late")


def test_an_apply_and_a_run_do_not_work_at_the_same_time(world: SeasonWorld) -> None:
    world.roll_out(asked(2))
    sleep_until(world, 20)
    plan = world.plan(asked(2, **RING))
    days: Plan = world.run(plan_days(world.record, RECORDS))
    with pytest.raises(KilledError):
        world.apply(plan, run="apply", kill_at=2)
    with pytest.raises(OtherApplyError, match="is running: apply, "):
        world.apply(days, run="days")
    world.clock.sleep(1000)
    days = world.run(plan_days(world.record, RECORDS))
    with pytest.raises(KilledError):
        world.apply(days, run="days", kill_at=1)
    with pytest.raises(OtherApplyError, match="is running: days, "):
        world.apply(plan, run="apply", attempt=2)
    world.apply(days, run="days", attempt=2)
    world.apply(plan, run="apply", attempt=2)
    assert (ring(world), ring(world, "C1 r0"), thursday(world)) == (45, 45, CLOSED)


def test_who_has_changed_a_campaign_before_a_run_is_named(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 19)
    world.edit("C0 r0", maxRingTime=20, callerId="4155550188")
    sleep_until(world, 20)
    run_days(world)
    (found,) = world.run(find_lasting_drift(world.record))
    assert found.changed_by["callerId"].startswith("person@example.com at 2026-11-21 ")
