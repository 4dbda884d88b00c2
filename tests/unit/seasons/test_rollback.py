"""What a season's record keeps when an apply is taken back, or a season is paused and resumed."""

from __future__ import annotations

from airflow_provider_engagevoice.seasons.check import find_drift
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_resume, plan_rollback
from airflow_provider_engagevoice.utils.seasons import changed_campaigns
from tests.support.season_runs import RECORDS, SeasonWorld, actions, season

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
