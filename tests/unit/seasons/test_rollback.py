"""What a season's record keeps when an apply is taken back, or a season is paused and resumed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.check import find_drift
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.render import table
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_resume, plan_rollback
from airflow_provider_engagevoice.utils.season_files import changed_campaigns
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, actions, planned, season

ASKED = ["C0 r0", "C1 r0", "C2 r0"]


def known(record: Record) -> dict[str, bool]:
    """Return which campaigns a record has, and whether they are orphans."""
    return {one.name: one.orphan for one in record.campaigns.values()}


def test_a_season_that_is_paused_and_resumed_is_still_known_completely(world: SeasonWorld) -> None:
    world.roll_out(season(4, is_active=1))
    world.roll_out(season(3, is_active=1))
    world.edit("C1 r0", isActive=0)
    before = known(world.record)
    assert before == {"C0 r0": False, "C1 r0": False, "C2 r0": False, "C3 r0": True}
    states: list[list[int]] = []
    for number, make in enumerate((plan_pause, plan_resume)):
        plan: Plan = world.run(make(world.record, RECORDS))
        world.apply(Plan.from_json(plan.to_json(), "p"), run=f"{number}")
        assert known(world.record) == before
        states.append([(world.row(name).now.fields or {})["isActive"] for name in [*ASKED, "C3 r0"]])
        assert actions(world.plan(season(3, is_active=1))) == dict.fromkeys(ASKED, "unchanged")
    assert states == [[0, 0, 0, 0], [1, 0, 1, 1]]


def test_an_apply_that_is_taken_back_leaves_the_others_known(world: SeasonWorld) -> None:
    world.roll_out(season(2))
    asked = season(3, end=70)
    asked["campaigns"][0] = season()["campaigns"][0]
    world.roll_out(asked)
    plan: Plan = world.run(plan_rollback(world.record, RECORDS))
    world.apply(Plan.from_json(plan.to_json(), "p"), run="back")
    assert known(world.record) == {"C0 r0": False, "C1 r0": False, "C2 r0 [rolled back 2]": False}
    assert world.run(find_drift(world.record)) == []
    assert world.plan(season(2)).counts["unchanged"] == 2


def test_events_have_the_state_that_was_set(world: SeasonWorld) -> None:
    def changed(plan: Plan) -> list[tuple[str, int | None]]:
        plan = Plan.from_json(plan.to_json(), "p")
        world.apply(plan, run=plan.digest)
        return [(one.outcome, one.is_active) for one in changed_campaigns(plan, world.record)]

    assert changed(world.plan(season(is_active=1))) == [("created", 1)]
    assert changed(world.plan(season(end=70, is_active=1))) == [("updated", 1)]
    assert changed(world.run(plan_pause(world.record, RECORDS))) == [("updated", 0)]
    assert changed(world.run(plan_resume(world.record, RECORDS))) == [("updated", 1)]
    assert changed(world.run(plan_rollback(world.record, RECORDS))) == [("updated", 0)]


def take(world: SeasonWorld, make: Callable[..., Any], **options: Any) -> Plan:
    """Plan a rollback, a pause or a resume, and apply it."""
    plan: Plan = world.run(make(world.record, RECORDS))
    world.apply(Plan.from_json(plan.to_json(), "p"), run=f"{make.__name__} {world.clock.now}", **options)
    return plan


def state(world: SeasonWorld, name: str = "C0 r0") -> int:
    return int((world.row(name).now.fields or {})["isActive"])


def test_a_rollback_of_a_pause_forgets_the_pause_and_one_of_a_resume_remembers_it(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    take(world, plan_rollback)
    assert state(world) == 1
    world.edit("C0 r0", isActive=0)
    take(world, plan_resume)
    assert state(world) == 0, "a person has paused it"
    world.edit("C0 r0", isActive=1)
    for make, expected in ((plan_pause, 0), (plan_resume, 1), (plan_rollback, 0), (plan_resume, 1)):
        take(world, make)
        assert state(world) == expected, make
    assert world.record.asked[0].state == 1
    world.edit("C0 r0", isActive=0)
    take(world, plan_rollback)
    take(world, plan_resume)
    assert state(world) == 0, "a person has paused it before the resume was taken back"


def test_what_a_person_pauses_between_plan_and_pause_is_not_resumed(world: SeasonWorld) -> None:
    world.roll_out(season(2, is_active=1))
    plan: Plan = world.run(plan_pause(world.record, RECORDS))
    world.edit("C1 r0", isActive=0)
    assert world.apply(plan, run="pause").outcomes == {"updated": 1, "unchanged": 1}
    take(world, plan_resume)
    assert (state(world), state(world, "C1 r0")) == (1, 0)


def test_a_pause_right_after_another_one_that_is_not_shown_yet_is_resumed(open_world) -> None:
    world: SeasonWorld = open_world(list_shows="after 30 s")
    world.roll_out(season(is_active=1))
    world.clock.sleep(60)
    take(world, plan_pause)
    take(world, plan_pause)
    take(world, plan_resume)
    assert state(world) == 1


def test_a_rollback_is_not_misled_by_late_reads(open_world) -> None:
    world: SeasonWorld = open_world(get_shows="after some requests", list_rows="without dates")
    world.roll_out(season())
    before = dict(world.row("C0 r0").now.fields or {})
    world.roll_out(season(end=70))
    take(world, plan_rollback)
    assert world.row("C0 r0").now.fields == before


@pytest.mark.parametrize("before_kill", [False, True])
def test_an_apply_that_was_killed_is_taken_back_as_far_as_it_came(world, before_kill: bool) -> None:
    world.roll_out(season())
    before = dict(world.row("C0 r0").now.fields)
    asked = season(2, end=70, is_active=1)
    for kill_at in range(20):
        plan = world.plan(asked)
        with suppress(KilledError):
            world.apply(plan, run=f"{kill_at}", kill_at=kill_at, before_kill=before_kill)
        world.clock.sleep(1000)
        take(world, plan_rollback)
        assert world.row("C0 r0").now.fields == before, kill_at
        made = [row.now.fields for row in world.vendor.rows.values() if row.exists]
        assert [one["isActive"] for one in made] == [0] * len(made), kill_at
        assert "C1 r0" not in world.names(), kill_at


def test_a_pause_that_was_killed_is_resumed(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    plan: Plan = world.run(plan_pause(world.record, RECORDS))
    with pytest.raises(KilledError):
        world.apply(plan, run="killed", kill_at=1, before_kill=True)
    assert state(world) == 0
    world.clock.sleep(1000)
    take(world, plan_pause)
    take(world, plan_resume)
    assert state(world) == 1


def test_what_someone_has_changed_elsewhere_is_no_conflict_and_still_drift(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    world.roll_out(season(end=70, is_active=1))
    world.edit("C0 r0", callerId="4155550188")
    plan = take(world, plan_rollback)
    one = planned(plan, "C0 r0")
    assert (list(one.changes), one.kept) == (["endDate"], {})
    for make in (plan_pause, plan_resume):
        take(world, make)
        (found,) = world.run(find_drift(world.record))
        assert found.fields == {"callerId": ("4155550123", "4155550188")}


def test_what_someone_has_changed_to_what_was_planned_is_not_taken_back(world: SeasonWorld) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    end = plan.campaigns[0].fields["endDate"]
    world.edit("C0 r0", endDate=round(datetime.fromisoformat(end).timestamp() * 1000))
    assert world.apply(plan).outcomes == {"unchanged": 1}
    assert take(world, plan_rollback).campaigns == []


def test_a_rollback_of_half_an_apply_is_stale_once_the_apply_has_gone_on(world: SeasonWorld) -> None:
    plan = world.plan(season(2))
    with pytest.raises(KilledError):
        world.apply(plan, kill_at=6)
    rollback: Plan = world.run(plan_rollback(world.record, RECORDS))
    world.apply(plan, attempt=2)
    with pytest.raises(StalePlanError, match="was applied after the plan was made"):
        world.apply(rollback, run="rollback")


def test_a_state_that_a_season_newly_asks_for_ends_its_pause(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    world.roll_out(season(is_active=0))
    take(world, plan_resume)
    assert state(world) == 0


def test_the_name_of_what_is_taken_back_is_not_too_long(world: SeasonWorld) -> None:
    asked = season()
    asked["campaigns"][0]["name"] = "R" * 200
    world.roll_out(asked)
    take(world, plan_rollback)
    (name,) = world.names()
    assert name == "R" * 184 + " [rolled back 1]"


def test_a_rollback_of_an_update_of_a_paused_season_keeps_the_pause(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    world.roll_out(season(end=70, is_active=1))
    take(world, plan_rollback)
    take(world, plan_resume)
    assert state(world) == 1


def test_what_someone_has_changed_before_the_write_is_not_taken_back(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    plan: Plan = world.run(plan_rollback(world.record, RECORDS))
    world.edit("C0 r0", isActive=0)
    world.apply(plan, run="back")
    take(world, plan_rollback)
    assert "C0 r0" in world.names()
    assert state(world) == 0, "a person has paused it"


def test_a_field_that_a_killed_apply_has_written_first_is_taken_back(world: SeasonWorld) -> None:
    world.roll_out(season())
    before = (world.row("C0 r0").now.fields or {})["maxRingTime"]
    for kill_at in range(3):
        plan = world.plan(season(settings={"maxRingTime": 45}))
        with suppress(KilledError):
            world.apply(plan, run=f"{kill_at}", kill_at=kill_at, before_kill=True)
        world.clock.sleep(1000)
        take(world, plan_rollback)
        assert (world.row("C0 r0").now.fields or {})["maxRingTime"] == before, kill_at


@pytest.mark.parametrize("status", [200, 403])
def test_who_has_changed_what_is_not_taken_back_is_named(world: SeasonWorld, status: int) -> None:
    world.roll_out(season(is_active=1))
    world.roll_out(season(end=70, is_active=0, settings={"maxRingTime": 45}))
    world.clock.sleep(60)
    world.edit("C0 r0", maxRingTime=20, isActive=2)
    world.audit_log = status
    digests = set()
    for seconds, expected in ((0, "not in the audit log yet"), (400, "person@example.com at 2026-11-02 08:")):
        world.clock.sleep(seconds)
        plan: Plan = world.run(plan_rollback(world.record, RECORDS))
        digests.add(plan.digest)
        line = next(line for line in table(plan).splitlines() if "C0 r0" in line)
        by = rf" \({expected}[^)]*\)" if status == 200 else ""
        kept = f"maxRingTime 45 → 20{by}; isActive 0 → 2{by}"
        assert re.search(rf"changed by someone since: {kept}\)$", line), line
        assert Plan.from_json(plan.to_json(), "p") == plan
    assert len(digests) == 1


def test_a_name_that_another_campaign_has_is_not_given_back(world: SeasonWorld) -> None:
    world.roll_out(season(2, is_active=1))
    take(world, plan_rollback)
    other = world.add("C0 r0")
    plan = take(world, plan_rollback)
    assert planned(plan, "C0 r0 [rolled back 1]").note == f"campaign {other.campaign_id} is named 'C0 r0' now"
    assert world.names() == ["C0 r0", "C0 r0 [rolled back 1]", "C1 r0"]
    assert [state(world, name) for name in world.names()] == [0, 0, 1]
    assert world.run(find_drift(world.record)) == []


def test_other_fields_are_taken_back_although_a_name_is_taken(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=0))
    world.edit("C0 r0", campaignName="Theirs")
    before = (world.row("Theirs").now.fields or {})["endDate"]
    world.roll_out(season(end=70, is_active=1))
    world.add("Theirs")
    take(world, plan_rollback)
    fields = world.row("C0 r0").now.fields or {}
    assert (fields["endDate"], fields["isActive"]) == (before, 0)


@pytest.mark.parametrize("name", ["C0 r0", "R" * 190 + "{region}"])
def test_a_mark_that_another_campaign_has_gets_an_id(world: SeasonWorld, name: str) -> None:
    asked = season()
    asked["campaigns"] = [{**asked["campaigns"][0], "name": one} for one in (name, f"{name} again")]
    world.add("C0 r0 [rolled back 1]")
    world.roll_out(asked)
    take(world, plan_rollback)
    marks = sorted(name.partition(" [")[2] for name in world.names())
    assert (marks[0][:15], len(set(world.names()))) == ("rolled back 1, ", 3)


def test_an_end_that_has_passed_by_now_is_given_back(world: SeasonWorld) -> None:
    world.roll_out(season(end=40))
    before = dict(world.row("C0 r0").now.fields or {})
    world.roll_out(season(end=70))
    world.clock.sleep(50 * 86_400)
    take(world, plan_rollback)
    assert world.row("C0 r0").now.fields == before
    world.edit("C0 r0", endDate=round((world.clock.now + 86_400) * 1000))
    with pytest.raises(NotAppliedError, match="the window is already over"):
        world.roll_out(season(end=40))


def test_what_replaces_a_paused_campaign_that_is_gone_was_not_paused(world: SeasonWorld) -> None:
    world.roll_out(season(is_active=1))
    take(world, plan_pause)
    world.vendor.remove(world.row("C0 r0"), world.clock.now, "person")
    world.roll_out(season(is_active=0))
    take(world, plan_resume)
    assert state(world) == 0


def test_a_name_of_other_characters_that_look_alike_is_given_back_beside_another_campaign(world) -> None:
    asked = season()
    asked["campaigns"][0]["name"] = "Été"
    world.add("E\u0301te\u0301")
    world.roll_out(asked)
    take(world, plan_rollback)
    world.add("Été")
    take(world, plan_rollback)
    assert world.names() == ["Été"] * 2
