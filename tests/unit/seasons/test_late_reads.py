"""Neither late lists and reads, nor rows that are not whole, nor an old plan mislead an apply."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import SupersededError
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.rollback import plan_rollback
from tests.support.season_runs import RECORDS, SeasonWorld, actions, season


@pytest.mark.parametrize(("campaign", "writes"), [({}, 1), ({"from": "Old"}, 2)])
@pytest.mark.parametrize("count", [1, 4])
def test_a_campaign_is_not_written_again_from_a_row_that_does_not_show_it_yet(
    open_world, campaign: dict[str, Any], writes: int, count: int
) -> None:
    world: SeasonWorld = open_world(list_shows="after 1 s")
    world.add("Old")
    with world.counted() as requests:
        world.roll_out(season(count, **campaign))
    assert (requests["POST"], requests["PUT"]) == (count, count * writes)


def test_a_row_that_is_not_whole_is_not_taken_for_the_campaign(open_world) -> None:
    world: SeasonWorld = open_world(list_rows="without dates")
    changed = season(2)
    world.roll_out(changed)
    changed["campaigns"][0]["settings"] = {"maxRingTime": 45}
    assert world.roll_out(changed).outcomes == {"updated": 1, "unchanged": 1}


def test_a_read_that_shows_an_older_campaign_is_repeated(open_world) -> None:
    world: SeasonWorld = open_world(get_shows="after some requests")
    world.roll_out(season(4))
    assert world.roll_out(season(4, end=70)).outcomes == {"updated": 4}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_read_that_shows_an_older_campaign_as_wanted_is_repeated(open_world, count: int) -> None:
    world: SeasonWorld = open_world(get_shows="after some requests")
    world.roll_out(season(count))
    ends = {row.now.fields["endDate"] for row in world.vendor.rows.values()}
    for end in (70, 60, 70, 60):
        assert world.roll_out(season(count, end=end)).outcomes == {"updated": count}
    assert {row.now.fields["endDate"] for row in world.vendor.rows.values()} == ends


@pytest.mark.parametrize("rows", ["whole", "without dates"])
def test_a_plan_right_after_an_apply_is_not_made_from_lists_that_do_not_show_it_yet(open_world, rows) -> None:
    world: SeasonWorld = open_world(list_shows="after 30 s", list_rows=rows)
    world.roll_out(season(2))
    assert actions(world.plan(season(2))) == {"C0 r0": "unchanged", "C1 r0": "unchanged"}
    world.clock.sleep(60)
    world.apply(world.run(plan_rollback(world.record, RECORDS)), run="back")
    assert actions(world.plan(season(2))) == {"C0 r0": "create", "C1 r0": "create"}
    world.clock.sleep(60)
    with world.counted() as requests:
        began = world.clock.now
        world.plan(season(2))
    assert (requests["LIST"], world.clock.now - began < 5) == (4, True)


def test_a_plan_that_was_made_before_another_one_was_applied_is_refused(world) -> None:
    old, new = world.plan(season()), world.plan(season(2, end=70))
    world.apply(new, run="new")
    message = r"season 'spring' was applied after the plan was made: by new, record 0001-.*; make a new plan"
    with pytest.raises(StalePlanError, match=message):
        world.apply(old, run="old")
    assert world.record.run == "new"


def test_an_attempt_after_the_success_finds_it_though_a_later_plan_was_applied(world) -> None:
    plan = world.plan(season())
    world.apply(plan)
    world.apply(world.plan(season(end=70)), run="later")
    with world.counted() as requests:
        again = world.apply(plan, attempt=2)
    assert (again.changed, again.outcomes, dict(requests)) == (False, {"created": 1}, {})
    assert world.record.run == "later"


def overtake(world: SeasonWorld) -> None:
    """Let the next attempt begin."""
    record = world.record
    record.attempt = 2
    world.records.point_to(record, record)


def test_an_apply_that_is_overtaken_while_it_waits_for_a_permit_creates_nothing(world) -> None:
    plan = world.plan(season())
    with pytest.raises(SupersededError):
        # The requests before read the dial group and its list, which is empty.
        world.apply(plan, on_permit=lambda number: number == 2 and overtake(world))
    assert world.names() == []


def test_an_apply_that_is_overtaken_during_a_read_writes_nothing(world) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    with world.counted() as requests, pytest.raises(SupersededError):
        world.apply(plan, on_request=lambda number: number == 0 and overtake(world))
    assert dict(requests) == {"GET": 1}
