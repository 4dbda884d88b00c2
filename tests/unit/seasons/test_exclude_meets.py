"""Days without calls where they meet protection, rollbacks, and applies that fail or are killed."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.models.schedule import CLOSED, SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.check import find_drift
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.close_days import plan_days
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_rollback
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, actions
from tests.unit.seasons.test_close_days import run_days
from tests.unit.seasons.test_exclude import USUAL, asked, sleep_until, thursday

OTHER = "09:00-21:00"


def hours(world: SeasonWorld, name: str = "C0 r0") -> set[str]:
    """Return the different hours of the days of a campaign."""
    fields = world.row(name).now.fields or {}
    return {fields[one] for one in SCHEDULE_FIELDS}


def roll_back(world: SeasonWorld) -> Plan:
    plan = Plan.from_json(world.run(plan_rollback(world.record, RECORDS)).to_json(), "p")
    world.apply(plan, run="back")
    return plan


def run_past_the_date(world: SeasonWorld, *, days: float = 20) -> None:
    """Check that a run closes the day, and one after the date opens it again."""
    sleep_until(world, days)
    run_days(world)
    assert thursday(world) == CLOSED
    sleep_until(world, 26)
    run_days(world)
    assert hours(world) == {USUAL}


@pytest.mark.parametrize("exclude", [{}, {"exclude": []}])
def test_a_protected_campaign_is_closed_although_the_file_has_other_hours(
    world: SeasonWorld, exclude: dict[str, Any]
) -> None:
    world.roll_out(asked(protect=True, **exclude))
    world.roll_out(asked(protect=True, hours=OTHER))
    assert hours(world) == {USUAL}
    run_past_the_date(world)


def test_a_protected_campaign_gets_its_own_hours_back(world: SeasonWorld) -> None:
    world.roll_out(asked(protect=True))
    sleep_until(world, 20)
    run_days(world)
    world.roll_out(asked(protect=True, hours=OTHER))
    run_past_the_date(world, days=21)


def test_a_protected_campaign_is_opened_if_the_date_is_taken_out(world: SeasonWorld) -> None:
    world.roll_out(asked(protect=True))
    sleep_until(world, 20)
    run_days(world)
    world.roll_out(asked(protect=True, exclude=[]))
    run_days(world)
    assert hours(world) == {USUAL}


@pytest.mark.parametrize("settings", [{}, {"maxRingTime": 30}])
def test_a_rollback_excludes_dates_again(world: SeasonWorld, settings: dict[str, int]) -> None:
    world.roll_out(asked())
    world.roll_out(asked(exclude=[], settings=settings))
    roll_back(world)
    run_past_the_date(world)


def test_a_rollback_closes_again(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 20)
    run_days(world)
    world.roll_out(asked(exclude=[]))
    assert hours(world) == {USUAL}
    roll_back(world)
    assert thursday(world) == CLOSED
    run_past_the_date(world, days=21)


def test_a_rollback_opens_no_day_that_a_person_has_closed(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 20)
    run_days(world)
    world.roll_out(asked(exclude=[]))
    world.edit("C0 r0", thuSched=CLOSED)
    sleep_until(world, 26)
    assert roll_back(world).campaigns[0].kept.keys() == {"thuSched"}
    assert thursday(world) == CLOSED


def test_a_rollback_of_other_hours_gives_the_closed_day_its_hours_back(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 20)
    run_days(world)
    world.roll_out(asked(hours=OTHER))
    roll_back(world)
    run_past_the_date(world, days=21)


def test_a_rollback_closes_no_day_for_a_date_that_is_over(world: SeasonWorld) -> None:
    world.roll_out(asked())
    world.roll_out(asked(settings={"maxRingTime": 45}))
    run_past_the_date(world)
    assert actions(roll_back(world)) == {"C0 r0": "update"}
    assert hours(world) == {USUAL}


def kill(world: SeasonWorld, plan: Plan, step: int, before: bool) -> None:
    """Apply a plan, and kill that at a request."""
    try:
        world.apply(plan, run="killed", kill_at=step, before_kill=before)
    except KilledError:
        world.clock.sleep(3600)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("step", range(6))
def test_what_a_killed_run_has_closed_is_opened(world: SeasonWorld, step: int, before: bool) -> None:
    world.roll_out(asked(2))
    sleep_until(world, 20)
    kill(world, world.run(plan_days(world.record, RECORDS)), step, before)
    run_past_the_date(world, days=20.5)
    assert hours(world, "C1 r0") == {USUAL}


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("step", range(6))
def test_hours_of_a_killed_apply_are_known(world: SeasonWorld, step: int, before: bool) -> None:
    world.roll_out(asked(2))
    kill(world, world.plan(asked(2, hours=OTHER)), step, before)
    left = hours(world), hours(world, "C1 r0")
    sleep_until(world, 20)
    run_days(world)
    assert (thursday(world), thursday(world, "C1 r0")) == (CLOSED, CLOSED)
    sleep_until(world, 26)
    run_days(world)
    assert (hours(world), hours(world, "C1 r0")) == left


def test_new_dates_hold_for_campaigns_that_the_apply_has_left(world: SeasonWorld) -> None:
    world.roll_out(asked(exclude=[]))
    plan = world.plan(asked(settings={"maxRingTime": 30}))
    world.edit("C0 r0", maxRingTime=20)
    with pytest.raises(NotAppliedError):
        world.apply(plan, run="second")
    run_past_the_date(world)


@pytest.mark.parametrize("ring", [30, 20])
def test_a_plan_that_would_leave_a_day_open_is_refused(world: SeasonWorld, ring: int) -> None:
    """It has waited for an answer."""
    world.roll_out(asked(settings={"maxRingTime": 30}))
    sleep_until(world, 17)
    plan = world.plan(asked(settings={"maxRingTime": ring}))
    sleep_until(world, 22)
    with pytest.raises(StalePlanError, match=r"leave .*Sched of 'C0 r0' at '08002000', but by now it has to"):
        world.apply(plan, run="late")
    world.roll_out(asked(settings={"maxRingTime": ring}))
    assert thursday(world) == CLOSED


@pytest.mark.parametrize("planned_at", [17, 21.9])
def test_a_pause_is_not_refused_for_a_day_that_is_open(world: SeasonWorld, planned_at: float) -> None:
    world.roll_out(asked(is_active=1))
    world.edit("C0 r0", thuSched="10001600")
    sleep_until(world, planned_at)
    plan = world.run(plan_pause(world.record, RECORDS))
    sleep_until(world, 22)
    world.apply(plan, run="pause")
    assert (world.row("C0 r0").now.fields or {})["isActive"] == 0


def test_a_campaign_that_someone_has_end_later_is_closed(world: SeasonWorld) -> None:
    world.roll_out(asked(end=20))
    world.edit("C0 r0", endDate=int((world.clock.now + 60 * 86_400) * 1000))
    run_past_the_date(world)


def test_a_campaign_that_is_over_costs_no_write(world: SeasonWorld) -> None:
    world.roll_out(asked(end=16))
    sleep_until(world, 20)
    assert run_days(world).campaigns == []
    sleep_until(world, 23)
    assert world.run(find_drift(world.record)) == []


def test_new_dates_hold_for_campaigns_that_nobody_asks_for(world: SeasonWorld) -> None:
    world.roll_out(asked(2, exclude=[]))
    world.roll_out(asked(1))
    run_past_the_date(world)
    assert hours(world, "C1 r0") == {USUAL}
    versions = [one.fields or {} for one in world.row("C1 r0").versions]
    assert CLOSED in [one["thuSched"] for one in versions]
