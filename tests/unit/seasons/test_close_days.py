"""Excluded dates of a season are kept free by its record, and what people have set stays."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns.exclude import OpenDaysError
from airflow_provider_engagevoice.models.schedule import CLOSED
from airflow_provider_engagevoice.seasons.check import find_drift, find_lasting_drift
from airflow_provider_engagevoice.seasons.close_days import check_days, plan_days
from airflow_provider_engagevoice.seasons.plan import Plan
from tests.simulation.vendor import GROUP
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, actions, season
from tests.unit.seasons.test_exclude import EXCLUDED, USUAL, asked, sleep_until, thursday


def run_days(world: SeasonWorld, **options: Any) -> Plan:
    """Do what the daily task does."""
    plan: Plan = world.run(plan_days(world.record, RECORDS))
    plan = Plan.from_json(plan.to_json(), "p")
    if plan.campaigns:
        world.apply(plan, run=f"days {world.clock.now}", **options)
    world.run(check_days(world.record))
    return plan


def test_each_run_gives_campaigns_the_hours_of_now(world: SeasonWorld) -> None:
    world.roll_out(asked(2))
    for days, hours, is_written in (
        (17.9, USUAL, False),
        # The day and the evening before, and the morning after once that weekday is over.
        (18.1, CLOSED, True),
        (19.1, CLOSED, True),
        (24.9, CLOSED, False),
        (25.1, CLOSED, True),
        (25.4, CLOSED, False),
        (25.6, USUAL, True),
        (26, USUAL, False),
    ):
        sleep_until(world, days)
        text = world.record.to_json()
        run_days(world)
        assert (thursday(world), thursday(world, "C1 r0")) == (hours, hours), days
        assert (world.record.to_json() != text) == is_written, days
        assert world.record.serial == 1
        assert world.run(find_drift(world.record)) == []
        assert actions(world.plan(asked(2)))["C0 r0"] == "unchanged"


def test_a_missed_run_leaves_the_day_closed(world: SeasonWorld) -> None:
    world.roll_out(asked())
    sleep_until(world, 20)
    run_days(world)
    sleep_until(world, 38)
    assert thursday(world) == CLOSED
    run_days(world)
    assert thursday(world) == USUAL


def test_no_other_field_is_touched_or_forgotten(world: SeasonWorld) -> None:
    world.roll_out(asked(is_active=1, settings={"maxRingTime": 30}))
    world.edit("C0 r0", maxRingTime=20, isActive=0)
    sleep_until(world, 20)
    run_days(world)
    fields = world.row("C0 r0").now.fields or {}
    assert (fields["thuSched"], fields["maxRingTime"], fields["isActive"]) == (CLOSED, 20, 0)
    (drift,) = world.run(find_drift(world.record))
    assert drift.fields == {"maxRingTime": (30, 20)}
    (recorded,) = world.record.campaigns.values()
    assert recorded.state == 1


def test_a_renamed_campaign_keeps_its_name_and_is_known(world: SeasonWorld) -> None:
    world.roll_out(asked())
    world.edit("C0 r0", campaignName="Theirs")
    sleep_until(world, 20)
    run_days(world)
    assert thursday(world, "Theirs") == CLOSED
    assert [one.name for one in world.record.campaigns.values()] == ["C0 r0"]


@pytest.mark.parametrize("before", [True, False])
def test_what_a_person_has_opened_stays_and_is_told(world: SeasonWorld, before: bool) -> None:
    world.roll_out(asked())
    if not before:
        sleep_until(world, 19)
        run_days(world)
    world.edit("C0 r0", thuSched="10001600" if before else USUAL)
    sleep_until(world, 20)
    by = r"\(person@example.com at 2026-11-.*\)"
    expected = rf"'C0 r0' .*thuSched is '.*' {by}, not '00000000', for {EXCLUDED}$"
    with pytest.raises(OpenDaysError, match=expected):
        run_days(world)
    assert thursday(world) == ("10001600" if before else USUAL)
    sleep_until(world, 23)
    (found,) = world.run(find_lasting_drift(world.record))
    assert (found.what, list(found.changed_by)) == ("open", ["thuSched"])
    sleep_until(world, 30)
    run_days(world)
    assert thursday(world) == ("10001600" if before else USUAL)


def test_what_a_person_has_closed_stays_closed(world: SeasonWorld) -> None:
    world.roll_out(asked())
    world.edit("C0 r0", thuSched=CLOSED)
    for days in (20, 23, 27):
        sleep_until(world, days)
        run_days(world)
        assert thursday(world) == CLOSED


def test_protected_campaigns_and_those_that_nobody_asks_for_are_closed(world: SeasonWorld) -> None:
    world.roll_out(asked(2, protect=True))
    world.roll_out(asked(1, protect=True))
    sleep_until(world, 20)
    run_days(world)
    assert (thursday(world), thursday(world, "C1 r0")) == (CLOSED, CLOSED)
    orphans = {one.name: one.orphan for one in world.record.campaigns.values()}
    assert orphans == {"C0 r0": False, "C1 r0": True}


def test_a_season_without_excluded_dates_costs_nothing(world: SeasonWorld) -> None:
    world.roll_out(season())
    with world.counted() as requests:
        assert run_days(world).campaigns == []
    assert requests.total() == 0


def test_requests(world: SeasonWorld) -> None:
    """Each dial group is listed once for the plan and once for the check, and each change is two requests."""
    world.roll_out(asked(3, dial_groups=(GROUP, GROUP + 1)))
    sleep_until(world, 20)
    with world.counted() as requests:
        run_days(world)
    assert requests["PUT"] == 6
    with world.counted() as requests:
        run_days(world)
    assert requests == {"LIST": 8}


@pytest.mark.parametrize("step", range(8))
def test_a_run_that_is_killed_is_completed_by_the_next_one(world: SeasonWorld, step: int) -> None:
    world.roll_out(asked(2))
    sleep_until(world, 20)
    plan: Plan = world.run(plan_days(world.record, RECORDS))
    try:
        world.apply(plan, run="killed", kill_at=step)
    except KilledError:
        world.clock.sleep(3600)
    run_days(world)
    assert (thursday(world), thursday(world, "C1 r0")) == (CLOSED, CLOSED)


def test_a_day_that_is_still_open_is_told_the_day_before(world: SeasonWorld) -> None:
    world.roll_out(asked(is_active=1))
    # The date begins at UTC+14 at 10:00 UTC of the day before.
    for days, is_told in ((22.4, False), (22.5, True), (25.4, True)):
        sleep_until(world, days)
        found = world.run(find_lasting_drift(world.record))
        assert [one.what for one in found] == ["open"] * is_told, days
    assert str(found[0]).endswith(
        "is open on a date without calls, and it may dial: thuSched '00000000' → '08002000'"
    )
    run_days(world)
    assert world.run(find_drift(world.record)) == []


@pytest.mark.parametrize("point", [{"list_shows": "after 30 s"}, {"get_shows": "after some requests"}])
def test_late_reads_are_not_taken_for_open_days(open_world: Any, point: dict[str, str]) -> None:
    world = open_world(**point)
    world.roll_out(asked())
    sleep_until(world, 20)
    run_days(world)
    assert thursday(world) == CLOSED
