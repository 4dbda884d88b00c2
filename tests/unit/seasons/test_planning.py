"""What a plan finds on the server, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.seasons.yaml_text import SeasonFileError
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import SeasonWorld, actions, day, planned, season


@pytest.fixture
def rolled_out(world: SeasonWorld) -> SeasonWorld:
    """A world with a season of two campaigns."""
    world.roll_out(season(2))
    return world


def test_500_unchanged_campaigns_over_20_dial_groups_take_42_requests(open_world) -> None:
    world = open_world(20)
    groups = range(GROUP, GROUP + 20)
    # 2027-01-01 and the last second of 2027-01-31.
    dates = {"startDate": 1_798_761_600_000, "endDate": 1_801_439_999_000}
    for place, group in enumerate(groups):
        for number in range(25):
            world.add(f"C{number} r{place}", group, **dates)
    asked = season(25, dial_groups=groups) | {"campaigns": campaigns(25, "2027-01-01", "2027-01-31")}
    with world.counted() as requests:
        plan = world.plan(asked)
    assert plan.counts["unchanged"] == 500
    assert requests == {"LIST": 42}


def campaigns(count: int, start: str, end: str) -> list[dict[str, Any]]:
    return [{"name": f"C{number} {{region}}", "window": [start, end]} for number in range(count)]


def test_new_campaigns_are_created_or_cloned(world) -> None:
    source = world.add("Old r0").campaign_id
    asked = season()
    asked["campaigns"] += [{"name": "D", "from": "Old {region}", "window": [day(30), day(60)]}]
    plan = world.plan(asked)
    assert actions(plan) == {"C0 r0": "create", "D": "clone"}
    assert (planned(plan, "D").source, planned(plan, "D").before) == (source, None)
    assert plan.has_changes
    assert world.requests["POST"] + world.requests["PUT"] == 0


def test_what_is_as_asked_is_unchanged(rolled_out) -> None:
    plan = rolled_out.plan(season(2))
    assert actions(plan) == {"C0 r0": "unchanged", "C1 r0": "unchanged"}
    assert not plan.has_changes


def test_a_changed_field_is_shown_old_and_new_and_others_stay(rolled_out) -> None:
    rolled_out.edit("C0 r0", maxRingTime=25)
    plan = rolled_out.plan(season(2, end=70, settings={"campaignPriority": 1}))
    one = planned(plan, "C0 r0")
    assert (one.action, one.changes.keys()) == ("update", {"endDate"})
    assert (one.changes["endDate"].old, one.changes["endDate"].new) == (
        f"{day(60)}T23:59:59+00:00",
        f"{day(70)}T23:59:59+00:00",
    )
    assert not one.changes["endDate"].drift


def test_what_someone_has_changed_since_the_last_apply_is_drift(rolled_out) -> None:
    rolled_out.edit("C0 r0", callerId="4155550188")
    plan = rolled_out.plan(season(2))
    assert actions(plan) == {"C0 r0": "update", "C1 r0": "unchanged"}
    change = planned(plan, "C0 r0").changes["callerId"]
    assert (change.old, change.new, change.drift) == ("4155550188", "4155550123", True)
    assert plan.counts["drift"] == 1


def test_a_campaign_that_was_renamed_is_still_the_same(rolled_out) -> None:
    known = rolled_out.row("C0 r0")
    rolled_out.edit("C0 r0", campaignName="Mine")
    plan = rolled_out.plan(season(2))
    one = planned(plan, "C0 r0")
    assert (one.action, one.campaign_id) == ("update", known.campaign_id)
    assert one.changes["campaignName"].drift


def test_a_name_that_another_campaign_has_taken_is_a_mistake(rolled_out) -> None:
    rolled_out.edit("C0 r0", campaignName="Mine")
    rolled_out.add("C0 r0")
    with pytest.raises(SeasonFileError, match=r"campaigns\[0\].name: campaigns .* could all be 'C0 r0'"):
        rolled_out.plan(season(2))


def test_a_campaign_that_is_gone_is_created_again(rolled_out) -> None:
    gone = rolled_out.row("C0 r0")
    rolled_out.vendor.remove(gone, 0.0, "person")
    plan = rolled_out.plan(season(2))
    assert actions(plan) == {"C0 r0": "create", "C1 r0": "unchanged"}
    assert planned(plan, "C0 r0").note == f"campaign {gone.campaign_id} of the last apply is gone"


def test_what_the_season_no_longer_has_is_an_orphan_until_it_is_gone(rolled_out) -> None:
    orphan = rolled_out.row("C1 r0")
    for _ in range(2):
        plan = rolled_out.plan(season(1))
        assert [one.campaign_id for one in plan.orphans] == [orphan.campaign_id]
        assert plan.counts["orphan"] == 1
        rolled_out.apply(plan, run="again")
    assert orphan.exists
    rolled_out.vendor.remove(orphan, 0.0, "person")
    assert rolled_out.plan(season(1)).orphans == []


def test_an_orphan_that_is_asked_for_again_is_none(rolled_out) -> None:
    rolled_out.roll_out(season(1))
    assert actions(rolled_out.plan(season(2))) == {"C0 r0": "unchanged", "C1 r0": "unchanged"}


@pytest.mark.parametrize("exists", [True, False])
def test_a_window_that_is_over_makes_no_campaign_but_is_written(world, exists) -> None:
    if exists:
        world.add("C0 r0")
    asked = season() | {"campaigns": campaigns(1, day(-20), day(-10))}
    assert actions(world.plan(asked)) == {"C0 r0": "update" if exists else "over"}


@pytest.mark.parametrize(
    ("first", "then", "now", "applied", "why"),
    [
        # What the first apply asked for, what the file asks for then, what the server has.
        (1, 1, 0, False, "someone has changed it since the last apply"),
        (0, 1, 0, True, ""),
        (1, 0, 1, True, ""),
        (1, 0, 2, False, "someone has changed it since the last apply"),
        (None, 1, 0, False, "no apply has set it; activate or pause it yourself"),
        (1, 0, 0, None, ""),
        (1, None, 0, None, ""),
    ],
)
def test_states_are_apart_and_people_s(world, first, then, now, applied, why) -> None:
    world.roll_out(season(is_active=first))
    world.edit("C0 r0", isActive=now)
    plan = world.plan(season(is_active=then))
    one = planned(plan, "C0 r0")
    assert one.changes == {}
    assert one.action == ("update" if applied else "unchanged")
    if applied is None:
        assert one.state_change is None
    else:
        assert one.state_change is not None
        assert (one.state_change.applied, one.state_change.why) == (applied, why)
        assert plan.counts["state"] == 1


def test_protection_stands_until_it_is_lifted(world) -> None:
    world.roll_out(season(protect=True))
    for _ in range(2):
        one = planned(world.plan(season(end=70)), "C0 r0")
        assert (one.action, one.protect) == ("protected", True)
        assert "protect: false" in one.note
        world.roll_out(season(end=70))
    assert world.plan(season()).counts["unchanged"] == 1
    assert world.roll_out(season(end=70, protect=False)).outcomes == {"updated": 1}
    assert actions(world.plan(season(end=80))) == {"C0 r0": "update"}


def test_rows_that_lack_a_field_are_read_one_by_one(open_world) -> None:
    world = open_world(list_rows="without dates")
    world.add("C0 r0")
    world.add("Another")
    with world.counted() as requests:
        plan = world.plan(season(2))
    assert actions(plan) == {"C0 r0": "update", "C1 r0": "create"}
    assert requests == {"LIST": 4, "GET": 1}


@pytest.mark.parametrize("group", [GROUP, str(GROUP), "Outbound Renewals", " Outbound Renewals "])
def test_a_dial_group_is_given_by_id_or_name(world, group) -> None:
    assert planned(world.plan(season(dial_groups=[group])), "C0 r0").dial_group_id == GROUP


def test_names_of_digits_are_ids_first(world) -> None:
    world.vendor.groups |= {77: "88", 88: "77", 99: "2027"}
    assert planned(world.plan(season(dial_groups=["77"])), "C0 r0").dial_group_id == 77
    assert planned(world.plan(season(dial_groups=[2027])), "C0 r0").dial_group_id == 99
    source = world.add("20261201")
    for reference in ("20261201", 20261201, source.campaign_id, str(source.campaign_id)):
        assert planned(world.plan(season(**{"from": reference})), "C0 r0").source == source.campaign_id


def test_what_only_the_server_knows_is_reported_at_once(world) -> None:
    world.vendor.groups[77] = "Winbacks"
    world.add("Old")
    world.add("Twin")
    world.add("Twin")
    asked = season(dial_groups=[GROUP, "Outbound", "Winbacks"])
    window = [day(30), day(60)]
    asked["campaigns"] += [
        {"name": "D {region}", "from": "Odl", "window": window},
        {"name": "E {region}", "from": "Twin", "window": window},
    ]
    with pytest.raises(SeasonFileError) as caught:
        world.plan(asked)
    assert [line.partition(";")[0].partition(" (")[0] for line in str(caught.value).splitlines()] == [
        "regions.r1.dial_group: there is no dial group 'Outbound'",
        f"regions.r2.dial_group: dial groups {OTHER_GROUP}, 77 are all named 'Winbacks'",
        "campaigns[1].from: there is no campaign 'Odl' in dial group 'Outbound Renewals'",
        "campaigns[2].from: campaigns 1002, 1003 in dial group 'Outbound Renewals' are all named 'Twin'",
    ]


def test_one_dial_group_by_id_and_by_name_has_each_name_once(world) -> None:
    asked = season(dial_groups=[GROUP, "Outbound Renewals"])
    asked["campaigns"][0]["name"] = "C"
    with pytest.raises(SeasonFileError, match=r"campaigns\[0\].name: 'C' comes twice in dial group 'Outb"):
        world.plan(asked)


def test_the_season_s_waves_are_in_the_plan(world) -> None:
    asked = season(dial_groups=[GROUP, OTHER_GROUP])
    assert [wave.regions for wave in world.plan(asked).waves] == [["r0", "r1"]]
    waves = [
        {"regions": ["r1"], "at": "2027-01-01T08:00:00-08:00"},
        {"regions": "rest", "after": "1d 2h 30m"},
    ]
    plan = world.plan(asked | {"waves": waves})
    assert [(wave.regions, wave.after, wave.at) for wave in plan.waves] == [
        (["r1"], None, "2027-01-01T16:00:00+00:00"),
        (["r0"], 95_400.0, None),
    ]
    assert (planned(plan, "C0 r0").wave, planned(plan, "C0 r1").wave) == (1, 0)
