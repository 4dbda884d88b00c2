"""Drift: what is not as the last apply has left it."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.seasons.check import DriftError, find_drift, find_lasting_drift
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import KilledError, SeasonWorld, season


@pytest.fixture
def rolled_out(world: SeasonWorld) -> SeasonWorld:
    world.roll_out(season(2, dial_groups=[GROUP, OTHER_GROUP], is_active=0))
    return world


def drift(world: SeasonWorld) -> list[tuple[str, str, bool]]:
    return [(one.name, one.what, one.may_dial) for one in world.run(find_drift(world.record))]


def test_a_season_as_applied_takes_one_list_for_each_dial_group(rolled_out) -> None:
    with rolled_out.counted() as requests:
        assert drift(rolled_out) == []
    assert requests == {"LIST": 4}


def test_only_dial_groups_with_drift_are_listed_again_for_35_seconds(rolled_out) -> None:
    rolled_out.edit("C1 r1", callerId="4155550188")
    began = clock.time()
    with rolled_out.counted() as requests:
        assert len(rolled_out.run(find_lasting_drift(rolled_out.record))) == 1
    assert requests == {"LIST": 4 + 3 * 2, "PUT": 1}, "and the audit log is read once"
    assert 35 <= clock.time() - began < 40


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"callerId": "4155550188"}, ("changed", False)),
        ({"callerId": "4155550188", "isActive": 1}, ("changed", True)),
        ({"isActive": 1}, ("active", True)),
        ({"isActive": 2}, ("active", True)),
        ({"maxRingTime": 25}, None),
    ],
)
def test_changes_of_what_the_season_states_are_drift(rolled_out, fields, found) -> None:
    rolled_out.edit("C1 r1", **fields)
    assert drift(rolled_out) == ([("C1 r1", *found)] if found else [])


def test_a_name_is_what_the_season_states(rolled_out) -> None:
    rolled_out.edit("C1 r1", campaignName="Mine")
    (one,) = rolled_out.run(find_drift(rolled_out.record))
    assert (one.what, one.fields) == ("changed", {"campaignName": ("C1 r1", "Mine")})


def test_an_active_campaign_is_drift_only_if_the_season_asks_for_an_inactive_one(world) -> None:
    for state in (1, None):
        world.roll_out(season(is_active=state) | {"season": "spring"})
        world.edit("C0 r0", isActive=1)
        assert drift(world) == []
        world.edit("C0 r0", isActive=0)
        assert drift(world) == []


def test_a_campaign_that_is_gone_is_looked_for_by_its_id(rolled_out) -> None:
    gone = rolled_out.row("C0 r0")
    rolled_out.vendor.remove(gone, clock.time(), "person")
    with rolled_out.counted() as requests:
        assert drift(rolled_out) == [("C0 r0", "gone", False)]
    assert requests["GET"] == 1


def test_what_an_apply_has_left_unfinished_is_drift(world) -> None:
    world.roll_out(season())
    plan = world.plan(season(2))
    number = 0
    while len(world.names()) < 2:
        with pytest.raises(KilledError):
            world.apply(plan, attempt=number + 1, kill_at=number, before_kill=True)
        number += 1
    (found,) = drift(world)
    assert found[0].startswith("C1 r0 [unfinished ")
    assert found[1:] == ("unfinished", False)


def test_orphans_are_not_checked(rolled_out) -> None:
    rolled_out.roll_out(season(1, dial_groups=[GROUP]))
    rolled_out.edit("C1 r0", callerId="4155550188", isActive=1)
    rolled_out.vendor.remove(rolled_out.row("C0 r1"), clock.time(), "person")
    with rolled_out.counted() as requests:
        assert drift(rolled_out) == []
    assert requests == {"LIST": 2}


def test_lists_that_are_late_are_read_again(open_world) -> None:
    world = open_world(list_shows="after 30 s")
    world.roll_out(season())
    world.edit("C0 r0", callerId="4155550188")
    world.clock.sleep(31)
    world.edit("C0 r0", callerId="4155550123")
    assert drift(world) == [("C0 r0", "changed", False)]
    assert world.run(find_lasting_drift(world.record)) == []


def test_lasting_drift_is_found_in_35_seconds_and_none_at_once(rolled_out) -> None:
    began = clock.time()
    assert rolled_out.run(find_lasting_drift(rolled_out.record)) == []
    assert clock.time() - began < 5
    rolled_out.edit("C0 r0", callerId="4155550188")
    assert len(rolled_out.run(find_lasting_drift(rolled_out.record))) == 1
    assert 35 <= clock.time() - began < 60


def test_drift_that_is_hardly_seen_has_its_characters(rolled_out) -> None:
    rolled_out.edit("C0 r0", campaignName="\u04210 r0")
    [found] = rolled_out.run(find_drift(rolled_out.record))
    assert "'C0 r0' → '\u04210 r0' (with U+0421 CYRILLIC CAPITAL LETTER ES in place of U+0043" in str(found)


def test_the_error_names_ten_campaigns(world) -> None:
    world.roll_out(season(12))
    for name in world.names():
        world.edit(name, callerId="4155550188", isActive=1)
    found = world.run(find_drift(world.record))
    first, second, *_, last = str(DriftError("spring", found)).splitlines()
    assert first == "season 'spring': 12 campaigns are not as applied:"
    assert second == (
        f"campaign {found[0].campaign_id} 'C0 r0' in dial group {GROUP} is changed, and it may dial: "
        "callerId '4155550123' → '4155550188'"
    )
    assert last == "and 2 more"
    assert found[0].as_json()["fields"] == {"callerId": ["4155550123", "4155550188"]}
