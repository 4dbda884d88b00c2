"""Days on which a season calls nobody, in its file, its plan, its record and its applies."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.models.schedule import CLOSED
from airflow_provider_engagevoice.seasons.check import find_drift
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.render import table
from airflow_provider_engagevoice.seasons.rollback import plan_pause, plan_rollback
from tests.support.season_runs import RECORDS, SeasonWorld, actions, day, planned, season
from tests.support.season_texts import SEASON, changed, problems_of

HOURS = 'defaults: {caller_id: "4155550123", hours: {mon-sun: "08:00-20:00"}}'
WITH_HOURS = changed('defaults: {caller_id: "4155550123"}', HOURS)
USUAL = "08002000"
#: A Thursday, three weeks after the world begins.
EXCLUDED = day(24)


def asked(count: int = 1, *, exclude: Any = (EXCLUDED,), hours: str = "08:00-20:00", **keys: Any) -> Any:
    one = season(count, hours={"mon-sun": hours}, **keys)
    for campaign in one["campaigns"]:
        campaign["window"][0] = day(1)
    return {**one, "exclude": list(exclude)}


def thursday(world: SeasonWorld, name: str = "C0 r0") -> str:
    return str((world.row(name).now.fields or {})["thuSched"])


def sleep_until(world: SeasonWorld, days: float) -> None:
    """Sleep until some days after the first midnight."""
    world.clock.sleep(days * 86_400 - (world.clock.now - START_OF_DAY))


START_OF_DAY = 1_793_577_600.0


@pytest.mark.parametrize(
    ("exclude", "problem", "expected"),
    [
        ("2027-03-17", "2:1: exclude='2027-03-17'", "write a list"),
        ("[2027-02-30]", "2:11: exclude[0]='2027-02-30'", "write a date such as 2027-03-17"),
        ("[{holidays: UX}]", "2:12: exclude[0].holidays='UX'", "nearest: "),
        ("[{holidays: US, subdivision: CAL}]", "2:26: exclude[0].subdivision='CAL'", "nearest: 'CA'"),
        (
            "[{holidays: US, subdivision: per_region}]",
            "2:26: exclude[0].subdivision='per_region'",
            "region 'west': the region has no state",
        ),
    ],
)
def test_mistakes_in_a_file(exclude: str, problem: str, expected: str) -> None:
    text = WITH_HOURS.replace("season: s1\n", f"season: s1\nexclude: {exclude}\n")
    (found,) = problems_of(text)
    assert found.startswith(problem)
    assert expected in found


def test_campaigns_need_hours() -> None:
    text = SEASON.replace("season: s1\n", "season: s1\nexclude: [2027-03-17]\n")
    (found,) = problems_of(text)
    assert found.startswith("7:5: campaigns[0].hours: it is missing; with exclude, state the hours")


def test_calling_windows_are_refused() -> None:
    text = WITH_HOURS.replace("season: s1\n", "season: s1\nexclude: [2027-03-17]\n").replace("mon-sun", "mon")
    windows = (
        "settings: {callingConfiguration: STRATEGIC, personaCallSchedules: [{day: MONDAY, start: '08:00', "
        "end: '20:00', callPreferences: [{phoneId: 1, priority: 1}]}]}"
    )
    found = problems_of(text.replace("window:", f"{windows}, window:"))
    assert any("calling windows" in one for one in found), found


def test_a_region_has_its_own_dates() -> None:
    region = changed(
        "dial_group: 115801", "dial_group: 115801, exclude: [[2027-03-17, 2027-03-19]]", WITH_HOURS
    )
    assert problems_of(region) == []
    assert problems_of(region.replace("2027-03-19", "2027-03-16"))[0].startswith(
        "4:71: regions.west.exclude[0]"
    )


def test_objects_and_the_schema_have_it() -> None:
    one = Season.model_validate({**asked(), "exclude": [EXCLUDED, [EXCLUDED, day(25)], {"holidays": "US"}]})
    assert Season.model_validate(one.model_dump(mode="json", by_alias=True)) == one
    properties = Season.model_json_schema()["properties"]
    assert len(properties["exclude"]["items"]["anyOf"]) == 3


def test_the_day_is_closed_up_to_six_days_ahead_and_opened_afterwards(world: SeasonWorld) -> None:
    world.roll_out(asked())
    assert thursday(world) == USUAL
    for days, hours in ((17.5, USUAL), (18.1, CLOSED), (23.9, CLOSED), (25.4, CLOSED), (25.6, USUAL)):
        sleep_until(world, days)
        world.roll_out(asked())
        assert thursday(world) == hours, days
        assert world.run(find_drift(world.record)) == []


def test_a_new_campaign_is_closed_from_the_start(world: SeasonWorld) -> None:
    sleep_until(world, 20)
    world.roll_out(asked(is_active=1))
    assert thursday(world) == CLOSED
    assert [name for name, one in world.row("C0 r0").versions[0].fields.items() if one == CLOSED] == [
        "thuSched"
    ]  # type: ignore[union-attr]


def test_a_plan_from_before_opens_no_day(world: SeasonWorld) -> None:
    world.roll_out(asked(hours="09:00-17:00"))
    sleep_until(world, 17)
    plan = world.plan(asked())
    sleep_until(world, 19)
    with pytest.raises(StalePlanError, match="Sched of 'C0 r0' to '08002000', but by now it has to be"):
        world.apply(plan, run="late")
    world.roll_out(asked())
    assert thursday(world) == CLOSED


def test_what_a_person_has_opened_is_drift(world: SeasonWorld) -> None:
    sleep_until(world, 20)
    world.roll_out(asked())
    world.edit("C0 r0", thuSched=USUAL)
    world.clock.sleep(60)
    change = planned(world.plan(asked()), "C0 r0").changes["thuSched"]
    assert (change.old, change.new, change.drift) == (USUAL, CLOSED, True)
    assert f"thuSched: '{USUAL}' → '{CLOSED}', without calls on {EXCLUDED} (" in table(world.plan(asked()))


def test_a_protected_campaign_keeps_its_dates_in_the_record(world: SeasonWorld) -> None:
    world.roll_out(asked(protect=True, exclude=[]))
    sleep_until(world, 20)
    plan = world.plan(asked(protect=True))
    assert actions(plan) == {"C0 r0": "protected"}
    world.apply(plan, run="second")
    (recorded,) = world.record.campaigns.values()
    assert recorded.exclusion is not None
    assert (recorded.exclusion.dates, recorded.exclusion.limits) == ([EXCLUDED], {})


def test_a_rollback_and_a_pause_open_no_day(world: SeasonWorld) -> None:
    world.roll_out(asked(is_active=1))
    sleep_until(world, 20)
    world.roll_out(asked(is_active=1))
    assert thursday(world) == CLOSED
    for make in (plan_pause, plan_rollback):
        plan: Plan = world.run(make(world.record, RECORDS))
        world.apply(Plan.from_json(plan.to_json(), "p"), run=f"{make.__name__}")
        assert thursday(world) == CLOSED
    (recorded,) = world.record.campaigns.values()
    assert recorded.exclusion is not None
    assert recorded.exclusion.hours["thuSched"] == USUAL


def test_a_rollback_of_other_hours_is_followed(world: SeasonWorld) -> None:
    world.roll_out(asked(hours="09:00-17:00"))
    world.roll_out(asked())
    world.apply(world.run(plan_rollback(world.record, RECORDS)), run="back")
    (recorded,) = world.record.campaigns.values()
    assert recorded.exclusion is not None
    assert recorded.exclusion.hours["thuSched"] == "09001700"


def test_dates_before_the_campaign_are_left_out(world: SeasonWorld) -> None:
    world.roll_out(asked(exclude=[day(-40), EXCLUDED, day(80)]))
    (recorded,) = world.record.campaigns.values()
    assert recorded.exclusion is not None
    assert recorded.exclusion.dates == [EXCLUDED, day(80)]
