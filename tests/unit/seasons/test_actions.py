"""What is done with one campaign, and when it is left as it is."""

from __future__ import annotations

from datetime import datetime

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from tests.support.season_runs import KilledError, season


def test_a_name_that_someone_has_taken_since_the_plan_is_not_given_twice(world) -> None:
    world.roll_out(season())
    world.edit("C0 r0", campaignName="Mine")
    plan = world.plan(season())
    other = world.vendor.add("C0 r0", clock.time(), "person", startDate=0, endDate=1)
    with pytest.raises(
        NotAppliedError, match=f"changed since the plan: campaign {other.campaign_id} is named 'C0 r0' now"
    ):
        world.apply(plan)
    assert world.names() == ["C0 r0", "Mine"]


def test_a_renamed_campaign_gets_its_name_back_and_keeps_its_record(world) -> None:
    world.roll_out(season())
    campaign_id = world.row("C0 r0").campaign_id
    world.edit("C0 r0", campaignName="Mine")
    assert world.roll_out(season()).outcomes == {"updated": 1}
    assert world.row("C0 r0").campaign_id == campaign_id
    (one,) = world.record.campaigns.values()
    assert (one.name, one.campaign_id) == ("C0 r0", campaign_id)


def test_what_is_as_wanted_already_is_not_written(world) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    # Someone has made the same change.
    world.edit("C0 r0", endDate=wanted_end(plan))
    with world.counted() as requests:
        assert world.apply(plan).outcomes == {"unchanged": 1}
    assert requests["PUT"] == 0


def wanted_end(plan) -> int:
    """Return the end that a plan asks for, in milliseconds since the epoch."""
    return int(datetime.fromisoformat(plan.campaigns[0].fields["endDate"]).timestamp() * 1000)


def test_an_update_that_a_killed_attempt_has_written_counts_as_updated(world) -> None:
    world.roll_out(season())
    plan = world.plan(season(end=70))
    number = 0
    while (world.row("C0 r0").now.fields or {})["endDate"] != wanted_end(plan):
        with pytest.raises(KilledError):
            world.apply(plan, attempt=number + 1, kill_at=number, before_kill=True)
        number += 1
    assert world.apply(plan, attempt=number + 1).outcomes == {"updated": 1}


def test_fields_and_state_are_written_together(world) -> None:
    world.roll_out(season(is_active=1))
    with world.counted() as requests:
        world.roll_out(season(end=70, is_active=0))
    assert requests["PUT"] == 1
    assert (world.row("C0 r0").now.fields or {})["isActive"] == 0


def test_what_is_over_or_protected_is_not_touched(world) -> None:
    world.roll_out(season(protect=True))
    asked = season(end=70)
    asked["campaigns"].append({"name": "E", "window": ["2026-01-01", "2026-01-02"]})
    plan = world.plan(asked)
    with world.counted() as requests:
        assert world.apply(plan).outcomes == {"protected": 1, "over": 1}
    assert requests.total() == 0
    assert [one.name for one in world.record.asked] == ["C0 r0"]


def test_a_campaign_that_is_as_planned_is_read_from_one_list(world) -> None:
    world.roll_out(season(5))
    plan = world.plan(season(5))
    with world.counted() as requests:
        assert world.apply(plan).outcomes == {"unchanged": 5}
    assert requests == {"LIST": 2}
