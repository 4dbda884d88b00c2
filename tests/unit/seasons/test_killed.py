"""What an apply that was killed has done, to the attempts and the plans that follow."""

from __future__ import annotations

from contextlib import suppress

import pytest

from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_resume, plan_rollback
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, season
from tests.unit.seasons.test_rollback import state, take

#: After which another apply takes over from one that was killed.
DEAD = 1000.0


def killed(world: SeasonWorld, plan: Plan, kill_at: int, *, before_kill: bool = False) -> None:
    with suppress(KilledError):
        world.apply(plan, run="killed", kill_at=kill_at, before_kill=before_kill)


@pytest.mark.parametrize("kill_at", [2, 3, 4, 5])
def test_the_retry_of_a_resume_leaves_paused_what_a_person_has_paused_since(world, kill_at: int) -> None:
    world.roll_out(season(2, is_active=1))
    take(world, plan_pause)
    plan: Plan = world.run(plan_resume(world.record, RECORDS))
    killed(world, plan, kill_at)
    assert state(world) == 1
    world.edit("C0 r0", isActive=0)
    assert world.apply(plan, run="killed", attempt=2).outcomes == {"updated": 2}
    assert (state(world), state(world, "C1 r0")) == (0, 1)


def test_the_retry_of_a_season_leaves_paused_what_a_person_has_paused_since(world, caplog) -> None:
    world.roll_out(season(is_active=0))
    plan = world.plan(season(end=70, is_active=1))
    killed(world, plan, 2)
    world.edit("C0 r0", isActive=0)
    assert world.apply(plan, run="killed", attempt=2).outcomes == {"updated": 1}
    assert state(world) == 0
    assert "'C0 r0' is inactive, not isActive 1: a person has paused it" in caplog.text


def test_the_retry_of_a_resume_that_was_not_sent_resumes(world) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    plan: Plan = world.run(plan_resume(world.record, RECORDS))
    killed(world, plan, 1)
    assert state(world) == 0
    world.apply(plan, run="killed", attempt=2)
    assert state(world) == 1


def test_what_a_person_pauses_after_a_killed_resume_stays_paused_after_its_rollback(world) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    killed(world, world.run(plan_resume(world.record, RECORDS)), 2)
    world.edit("C0 r0", isActive=0)
    world.clock.sleep(DEAD)
    take(world, plan_rollback)
    take(world, plan_resume)
    assert state(world) == 0


@pytest.mark.parametrize("before_kill", [False, True])
def test_a_pause_later_on_also_pauses_what_a_killed_apply_has_created(open_world, before_kill: bool) -> None:
    asked = season(3, is_active=1)
    for kill_at in range(30):
        world: SeasonWorld = open_world()
        killed(world, world.plan(asked), kill_at, before_kill=before_kill)
        if world.records.last() is None:
            continue
        world.clock.sleep(DEAD)
        take(world, plan_resume)
        take(world, plan_pause)
        made = [row.now.fields or {} for row in world.vendor.rows.values()]
        assert [one["isActive"] for one in made] == [0] * len(made), kill_at
        # The next apply of the season completes what is unfinished, as new campaigns.
        world.roll_out(asked)
        assert world.names() == ["C0 r0", "C1 r0", "C2 r0"], kill_at


def test_two_campaigns_that_a_person_has_given_one_name_are_both_taken_back(world) -> None:
    world.roll_out(season(2, is_active=1))
    for name in ("C0 r0", "C1 r0"):
        world.edit(name, campaignName="Old")
    assert len(take(world, plan_rollback).campaigns) == 2
    assert [(row.now.fields or {})["isActive"] for row in world.vendor.rows.values()] == [0, 0]
    assert len(world.record.campaigns) == 2
