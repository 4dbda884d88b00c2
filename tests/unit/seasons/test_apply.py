"""An apply does exactly its plan, once, whatever happens in between, and the record says what was done."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import SupersededError
from airflow_provider_engagevoice.seasons.apply import Apply, NotAppliedError
from airflow_provider_engagevoice.seasons.check import find_drift
from airflow_provider_engagevoice.seasons.claim import OtherApplyError, StalePlanError
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.rollback import plan_pause
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import RECORDS, KilledError, SeasonWorld, day, season

BOTH = [GROUP, OTHER_GROUP]
NAMES = ["C0 r0", "C0 r1", "D", "Old"]


def prepare(world: SeasonWorld) -> Plan:
    """Return a plan that creates, clones and updates a campaign, in two dial groups and waves."""
    world.add("Old")
    world.roll_out(season())
    return replan(world)


def replan(world: SeasonWorld) -> Plan:
    asked = season(dial_groups=BOTH, end=70, is_active=1)
    clone = {"name": "D", "from": "Old", "window": [day(30), day(60)], "regions": ["r0"]}
    waves = [{"regions": ["r1"]}, {"regions": "rest"}]
    return world.plan(asked | {"campaigns": [*asked["campaigns"], clone], "waves": waves})


def assert_applied(world: SeasonWorld) -> None:
    """Assert that the server has what the plan says, and the record says what the server has."""
    record = world.record
    assert world.names() == NAMES
    assert len(world.vendor.rows) == len(NAMES)
    assert (record.status, record.checkpoints) == ("applied", {})
    outcomes = {key.partition("/")[2]: change.outcome for key, change in record.changes.items()}
    assert outcomes == {"C0 r0": "updated", "C0 r1": "created", "D": "cloned"}
    assert {one.name: one.campaign_id for one in record.asked} == {
        name: world.row(name).campaign_id for name in NAMES if name != "Old"
    }
    assert world.run(find_drift(record)) == []
    states = {name: (world.row(name).now.fields or {})["isActive"] for name in NAMES}
    # The state of a campaign that no apply has set is people's.
    assert states == {"C0 r0": 0, "C0 r1": 1, "D": 0, "Old": 0}


def test_a_plan_is_applied(world) -> None:
    result = world.apply(prepare(world))
    assert result.outcomes == {"updated": 1, "created": 1, "cloned": 1}
    assert result.changed
    assert result.record == world.record.file
    assert_applied(world)
    record = world.record
    assert (record.serial, record.applied_by, record.wave, record.run) == (2, "Ann", 2, "run")
    (updated,) = [one for one in record.changes.values() if one.action == "update"]
    assert updated.before == {
        "campaignName": "C0 r0",
        "isActive": 0,
        "callerId": "4155550123",
        "startDate": f"{day(30)}T00:00:00+00:00",
        "endDate": f"{day(60)}T23:59:59+00:00",
    }


@pytest.mark.parametrize("executed", [False, True])
def test_a_kill_at_any_request_is_made_good_by_the_next_attempt(open_world, executed) -> None:
    number = 0
    while True:
        world = open_world()
        plan = prepare(world)
        try:
            world.apply(plan, kill_at=number, before_kill=executed)
        except KilledError:
            world.apply(plan, attempt=2)
        else:
            break
        assert_applied(world)
        number += 1
    assert number > 20


def test_a_new_plan_completes_what_a_killed_apply_has_begun(open_world) -> None:
    for number in range(24):
        world = open_world()
        plan = prepare(world)
        with pytest.raises(KilledError):
            world.apply(plan, kill_at=number, before_kill=True)
        world.clock.sleep(901)
        world.apply(replan(world), run="another")
        assert world.names() == NAMES
        assert len(world.vendor.rows) == len(NAMES)
        assert (world.record.serial, world.record.status) == (3, "applied")
        assert len(world.record.asked) == 3
        assert world.run(find_drift(world.record)) == []


def test_every_attempt_may_be_killed(open_world) -> None:
    world = open_world()
    plan = prepare(world)
    for attempt in range(1, 50):
        try:
            world.apply(plan, attempt=attempt, kill_at=attempt, before_kill=True)
            break
        except KilledError:
            pass
    assert_applied(world)


def test_an_applied_plan_is_not_applied_again(world) -> None:
    plan = prepare(world)
    world.apply(plan)
    files = dict(world.files.texts)
    with world.counted() as requests:
        result = world.apply(plan, run="another")
    assert (result.changed, result.outcomes) == (False, {"updated": 1, "created": 1, "cloned": 1})
    assert (requests, world.files.texts) == ({}, files)


def figures(world: SeasonWorld, asked: dict[str, Any]) -> tuple[float, int]:
    """Return the requests for each campaign of an apply, without its lists, and those lists."""
    plan = world.plan(asked)
    with world.counted() as requests:
        world.apply(plan, run=f"run {clock.time()}")
    lists = requests.pop("LIST")
    return sum(requests.values()) / len(plan.campaigns), lists


def test_requests_for_each_campaign(world) -> None:
    per_campaign, lists = figures(world, season(25, is_active=1))
    assert (per_campaign <= 2.2, lists <= 8) == (True, True), (per_campaign, lists)
    per_campaign, lists = figures(world, season(25, end=70))
    assert (per_campaign <= 2.2, lists <= 4) == (True, True), (per_campaign, lists)
    per_campaign, lists = figures(world, season(25, end=70))
    assert (per_campaign, lists <= 4) == (0, True), (per_campaign, lists)


def test_requests_for_each_clone(world) -> None:
    world.add("Old")
    per_campaign, lists = figures(world, season(25, **{"from": "Old"}))
    assert (per_campaign <= 3.3, lists <= 8) == (True, True), (per_campaign, lists)


@pytest.mark.slow
def test_500_new_campaigns_take_less_than_10_minutes(open_world) -> None:
    world = open_world(20)
    plan = world.plan(season(25, dial_groups=range(GROUP, GROUP + 20)))
    world.clock.sleep(60)
    began = clock.time()
    with world.counted() as requests:
        assert world.apply(plan).outcomes == {"created": 500}
    assert clock.time() - began < 600
    assert requests.total() < 1200
    # Not for each request.
    assert world.files.writes < 100


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("C0 r0", {"callerId": "4155550188"}, "callerId was '4155550123', is '4155550188'"),
        ("C0 r0", {"campaignName": "Mine"}, "campaignName was 'C0 r0', is 'Mine'"),
        ("C0 r0", {"endDate": 1_800_000_000_000}, "endDate was 2"),
        ("C1 r0", {"callerId": "4155550188"}, "callerId was '4155550123', is '4155550188'"),
    ],
)
def test_what_was_changed_since_the_plan_is_left_and_the_others_go_on(world, name, fields, said) -> None:
    world.roll_out(season(3))
    asked = season(3, end=70)
    asked["campaigns"][1]["window"][1] = day(60)
    plan = world.plan(asked)
    world.edit(name, **fields)
    before = world.row(fields.get("campaignName", name)).now
    with pytest.raises(NotAppliedError, match="1 of 3 campaigns were not applied; make a new plan") as caught:
        world.apply(plan)
    assert f"{name!r} in dial group 'Outbound Renewals': changed since the plan: {said}" in str(caught.value)
    assert not caught.value.retryable
    assert world.row(fields.get("campaignName", name)).now is before
    record = world.record
    assert record.status == "failed"
    found = sorted(change.outcome for change in record.changes.values())
    assert found == ["changed", "updated" if name == "C1 r0" else "unchanged", "updated"]


def test_fields_that_the_season_does_not_state_may_change(world) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    world.edit("C0 r0", maxRingTime=25, isActive=1)
    assert world.apply(plan).outcomes == {"updated": 1}
    fields = world.row("C0 r0").now.fields
    assert fields is not None
    assert (fields["maxRingTime"], fields["isActive"]) == (25, 1)


@pytest.mark.parametrize("action", ["update", "unchanged"])
def test_a_campaign_that_is_gone_since_the_plan_is_named(world, action) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70 if action == "update" else 60))
    world.vendor.remove(world.row("C0 r0"), clock.time(), "person")
    with pytest.raises(NotAppliedError, match=r"changed since the plan: .*campaign 1001"):
        world.apply(plan)
    assert world.names() == []


def test_a_campaign_that_someone_has_made_since_the_plan_is_named(world) -> None:
    plan = world.plan(season())
    made = world.vendor.add("C0 r0", clock.time(), "person", startDate=0, endDate=1)
    with pytest.raises(NotAppliedError, match=r"changed since the plan: .*C0 r0"):
        world.apply(plan)
    assert (world.names(), len(made.versions)) == (["C0 r0"], 1)


def test_a_state_is_set_only_where_the_plan_says_so(world) -> None:
    world.roll_out(season(2, is_active=1))
    world.edit("C1 r0", isActive=0)
    result = world.roll_out(season(2, is_active=2))
    assert result.outcomes == {"updated": 1, "unchanged": 1}
    states = [(world.row(name).now.fields or {})["isActive"] for name in ("C0 r0", "C1 r0")]
    assert states == [2, 0]
    assert [one.state for one in world.record.asked] == [2, 1]


def waves(*more: dict[str, Any]) -> dict[str, Any]:
    return season(dial_groups=BOTH) | {"waves": [{"regions": ["r1"]}, {"regions": "rest", **more[0]}]}


@pytest.mark.parametrize(
    "when", [{"after": "2h"}, {"at": "2026-11-02T12:00:00Z"}, {"after": "1m", "at": day(1)}]
)
def test_the_next_wave_waits_without_a_process(world, when) -> None:
    if "at" in when:
        when["at"] = when["at"] if "T" in when["at"] else f"{when['at']}T00:00:00Z"
    plan = world.plan(waves(when))
    result = world.apply(plan)
    assert result.until is not None
    assert result.changed
    assert world.names() == ["C0 r1"]
    # A wave that has begun to wait is not begun earlier by a run that comes early.
    assert world.apply(plan).until == result.until
    assert world.names() == ["C0 r1"]
    world.clock.sleep((result.until - clock.now()).total_seconds())
    done = world.apply(plan)
    assert (done.until, done.outcomes) == (None, {"created": 2})
    assert world.names() == ["C0 r0", "C0 r1"]


def test_a_wait_between_waves_gives_way_to_another_apply(world) -> None:
    first = world.plan(waves({"after": "2d"}))
    result = world.apply(first)
    world.run(Apply(world.run(plan_pause(world.record, RECORDS)), world.records, run="pause").run())
    world.clock.sleep((result.until - clock.now()).total_seconds())
    with pytest.raises(StalePlanError):
        world.apply(first)
    assert world.names() == ["C0 r1"]


def test_the_time_between_waves_begins_when_the_first_has_ended(world) -> None:
    result = world.apply(world.plan(waves({"after": "2h"})))
    assert (result.until - clock.now()).total_seconds() == pytest.approx(7200, abs=1)


def test_a_wave_that_writes_nothing_is_not_waited_for(world) -> None:
    world.roll_out(season(dial_groups=BOTH))
    result = world.apply(world.plan(waves({"after": "2h"})))
    assert (result.until, result.outcomes) == (None, {"unchanged": 2})


def test_a_wave_that_is_not_applied_holds_the_next(world) -> None:
    world.add("C0 r1", OTHER_GROUP)
    plan = world.plan(waves({}))
    world.edit("C0 r1", callerId="4155550188")
    with pytest.raises(NotAppliedError):
        world.apply(plan)
    assert world.names() == ["C0 r1"]
    world.edit("C0 r1", callerId="4155550123")
    assert world.apply(plan, attempt=2).outcomes == {"updated": 1, "created": 1}


def test_a_second_apply_fails_while_the_first_is_alive(world) -> None:
    plan = prepare(world)
    refused: list[int] = []

    def try_another(number: int) -> None:
        if number:
            with pytest.raises(OtherApplyError, match=r"another apply of season 'spring' is running: run, "):
                world.apply(plan, run="another")
            refused.append(number)

    world.apply(plan, on_request=try_another)
    assert len(refused) > 20
    assert_applied(world)


def test_an_apply_that_was_killed_is_taken_over_by_another_after_15_minutes(open_world) -> None:
    for number in range(0, 24, 3):
        world = open_world()
        plan = prepare(world)
        with pytest.raises(KilledError):
            world.apply(plan, kill_at=number, before_kill=True)
        with pytest.raises(OtherApplyError):
            world.apply(plan, run="another")
        world.clock.sleep(901)
        world.apply(plan, run="another")
        assert_applied(world)


def test_an_apply_that_was_thought_dead_stops(open_world) -> None:
    stopped = 0
    for number in range(1, 24):
        world = open_world()
        plan = prepare(world)

        def take_over(at: int, world: SeasonWorld = world, plan: Plan = plan, number: int = number) -> None:
            if at == number and world.record.run == "run":
                world.clock.sleep(901)
                world.apply(plan, run="another")

        with suppress(SupersededError):
            world.apply(plan, on_permit=take_over)
        stopped += world.record.run == "another"
        # Of requests that follow at once there is none in between.
        assert [name for name in world.names() if "[unfinished" not in name] == NAMES
        assert world.record.status == "applied"
    assert stopped > 12


def test_a_later_attempt_ends_an_earlier_one(world) -> None:
    plan = prepare(world)
    with pytest.raises(KilledError):
        world.apply(plan, attempt=3, kill_at=9)
    with pytest.raises(SupersededError, match="attempt 3 of this task has started"):
        world.apply(plan, attempt=2)


def test_a_long_apply_shows_that_it_is_alive(open_world) -> None:
    world = open_world(4)
    plan = world.plan(season(25, dial_groups=range(GROUP, GROUP + 4)))
    gaps: list[float] = []

    def measure(number: int) -> None:
        if number > 4:
            gaps.append(clock.time() - world.record.written_at)

    world.apply(plan, on_request=measure)
    assert max(gaps) < 70


def test_logs_and_errors_show_dates_in_the_zone_of_the_region(world, caplog) -> None:
    caplog.set_level(logging.INFO)
    asked = season(2)
    asked["regions"]["r0"]["timezone"] = "Asia/Tokyo"
    world.roll_out(asked)
    assert f"'C0 r0' is complete: {day(30)} 00:00:00+09:00 to {day(60)} 23:59:59+09:00" in caplog.text
    for one in asked["campaigns"]:
        one["window"] = [day(30), day(70)]
    plan = world.plan(asked)
    world.edit("C1 r0", endDate=1_800_000_000_000)
    with pytest.raises(
        NotAppliedError, match=r"endDate was .* 23:59:59\+09:00, is 2027-01-15 17:00:00\+09:00"
    ):
        world.apply(plan)
    assert f"endDate: {day(60)} 23:59:59+09:00 → {day(70)} 23:59:59+09:00" in caplog.text


def test_progress_is_told_every_few_seconds(world, caplog) -> None:
    caplog.set_level(logging.INFO)
    plan = world.plan(season(50))
    began = clock.time()
    world.apply(plan)
    lines = [one.getMessage() for one in caplog.records if "of 50 campaigns: " in one.getMessage()]
    assert lines[-1] == "50 of 50 campaigns: created 50"
    assert 2 <= len(lines) <= (clock.time() - began) / 5 + 2


def test_an_outage_ends_the_apply_and_the_next_attempt_goes_on(world) -> None:
    plan = world.plan(season(10))
    began = clock.time()
    world.vendor.dialect = world.vendor.dialect.with_values({"maintenance": "503"})
    world.vendor.maintenance = ((began + 4, began + 4000),)
    with pytest.raises(Exception) as caught:
        world.apply(plan)
    assert getattr(caught.value, "retryable", False)
    assert world.record.status == "failed"
    world.clock.sleep(max(0.0, began + 4001 - clock.time()))
    assert world.apply(plan, attempt=2).outcomes == {"created": 10}
    assert len(world.vendor.rows) == 10
