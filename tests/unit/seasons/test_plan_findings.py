"""Findings in plans: what they look at, and errors that stop an apply."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice.preflight.findings import (
    ERROR,
    NOT_CHECKED,
    WARNING,
    Finding,
    FindingsError,
)
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.render import markdown, table
from tests.support.season_runs import SeasonWorld, actions, day, season
from tests.unit.seasons.test_close_days import run_days

LATE = {"hours": {"mon-fri": "08:00-21:30"}}


def finding(plan: Plan, rule: str) -> Finding:
    (one,) = [one for one in plan.findings if one.rule == rule and one.severity != NOT_CHECKED]
    return one


def in_state(asked: dict[str, Any], state: str, **keys: Any) -> dict[str, Any]:
    return asked | {"regions": {"r0": asked["regions"]["r0"] | {"state": state, **keys}}}


def test_what_the_file_states_is_checked(world: SeasonWorld) -> None:
    plan = world.plan(in_state(season(2, **LATE), "FL"))
    late = finding(plan, "us-hours")
    assert late.severity == ERROR
    assert late.campaigns == ["Outbound Renewals / C0 r0", "Outbound Renewals / C1 r0"]
    assert finding(plan, "us-fl-hours").severity == WARNING


def test_what_the_file_does_not_state_is_that_of_the_campaign_or_the_source(world: SeasonWorld) -> None:
    world.add("C0 r0", dncScrubOption="DO_NOT_SCRUB")
    world.add("Old", targetAbandonRate=5.0)
    asked = season(1, **{"from": "Old"})
    asked["campaigns"] += [{"name": "D", "from": "Old", "window": [day(30), day(60)]}]
    plan = world.plan(asked)
    assert finding(plan, "us-do-not-call").campaigns == ["Outbound Renewals / C0 r0"]
    assert finding(plan, "us-abandon").campaigns == ["Outbound Renewals / D"]
    corrected = world.plan(season(1, settings={"dncScrubOption": "INTERNAL_AND_NATIONAL"}))
    assert "us-do-not-call" not in {one.rule for one in corrected.findings}


def test_what_a_new_campaign_gets_from_the_vendor_is_not_checked(world: SeasonWorld) -> None:
    findings = {one.rule: one for one in world.plan(season()).findings}
    assert {one.severity for one in findings.values()} == {NOT_CHECKED}
    assert findings["us-hours"].found == "monSched is not known"
    assert findings["no-state"].campaigns == ["Outbound Renewals / C0 r0"]


def test_holidays_of_the_country_are_excluded_or_not(world: SeasonWorld) -> None:
    asked = in_state(season(hours={"mon-fri": "09:00-17:00"}), "PA")
    assert finding(world.plan(asked), "us-pa-holidays").severity == WARNING
    for excluded in ("2026-12-25", {"holidays": "CA"}):
        assert finding(world.plan(asked | {"exclude": [excluded]}), "us-pa-holidays")
    for excluded in ({"holidays": "US"}, {"holidays": "USA", "subdivision": "per_region"}):
        found = {one.rule for one in world.plan(asked | {"exclude": [excluded]}).findings}
        assert "us-pa-holidays" not in found


def test_a_day_that_is_closed_for_a_date_is_checked_with_its_usual_hours(world: SeasonWorld) -> None:
    # Each day of the next six is excluded.
    asked = season(**LATE) | {"exclude": [[day(-1), day(7)]]}
    asked["campaigns"][0]["window"][0] = day(-9)
    plan = world.plan(asked)
    assert finding(plan, "us-hours").found.endswith("Found: mon-fri 08:00-21:30, allowed: 08:00-21:00")


def test_a_protected_campaign_is_checked_as_it_is(world: SeasonWorld) -> None:
    world.roll_out(season(protect=True))
    world.edit("C0 r0", monSched="06002100")
    asked = season(end=50, hours={"mon-fri": "09:00-17:00"}, protect=True)
    plan = world.plan(asked)
    assert finding(plan, "us-hours").found.endswith("Found: mon 06:00-21:00, allowed: 08:00-21:00")
    assert finding(plan, "window-longer").severity == WARNING


def test_a_protected_campaign_keeps_holidays_free_and_is_checked_with_its_usual_hours(
    world: SeasonWorld,
) -> None:
    asked = in_state(season(hours={"mon-sun": "09:00-17:00"}, protect=True), "PA")
    asked["campaigns"][0]["window"][0] = day(-9)
    world.roll_out(asked)
    world.edit("C0 r0", monSched="06002100")
    asked["campaigns"][0] |= {"settings": {"maxRingTime": 45}}
    assert finding(world.plan(asked), "us-pa-holidays")
    # Each day of the next six is excluded.
    asked |= {"exclude": [{"holidays": "US"}, [day(0), day(7)]]}
    world.apply(world.plan(asked), run="excluding", accept=["us-hours"])
    assert run_days(world).campaigns
    plan = world.plan(asked)
    assert actions(plan) == {"C0 r0": "protected"}
    assert "us-pa-holidays" not in {one.rule for one in plan.findings}
    assert finding(plan, "us-hours").found.endswith("Found: mon 06:00-21:00, allowed: 08:00-21:00")


def test_an_error_stops_the_apply_before_anything_is_changed(world: SeasonWorld) -> None:
    plan = world.plan(season(**LATE))
    files = dict(world.files.texts)
    with world.counted() as requests, pytest.raises(FindingsError, match="us-hours") as error:
        world.apply(plan)
    assert "accept_findings=['us-hours']" in str(error.value)
    assert (requests, world.names(), world.files.texts) == ({}, [], files)


def test_an_accepted_error_is_in_the_record(world: SeasonWorld) -> None:
    plan = world.plan(season(**LATE))
    world.apply(plan, accept=["us-hours", "us-fl-hours"])
    assert world.record.accepted_findings == ["us-hours"]
    assert world.names() == ["C0 r0"]
    world.roll_out(season(hours={"mon-fri": "08:00-21:00"}))
    assert world.record.accepted_findings == []


def test_a_plan_shows_its_findings_before_its_changes(world: SeasonWorld) -> None:
    world.add("C0 r0", dncScrubOption="DO_NOT_SCRUB")
    plan = world.plan(in_state(season(**LATE), "CA"))
    text = markdown(plan)
    assert (
        text.index("## Findings")
        < text.index("| error | us-hours |")
        < text.index("| warning | us-do-not-call |")
    )
    assert text.index("- no-rules: there are no rules for CA of USA") < text.index("## Update")
    lines = table(plan).splitlines()
    assert lines[1].startswith("error: us-hours: No telephone solicitation before 8:00")
    assert lines[3] == "not checked: us-abandon, us-daily-attempts, no-rules"


def test_findings_are_part_of_the_digest(world: SeasonWorld) -> None:
    plan = world.plan(season(**LATE))
    assert replace(plan, findings=plan.findings[1:]).digest != plan.digest


def test_plans_and_records_from_before_are_read(world: SeasonWorld) -> None:
    plan = replace(world.plan(season()), findings=[])
    data = json.loads(plan.to_json())
    del data["findings"], data["campaigns"][0]["of_source"]
    assert Plan.from_json(json.dumps(data), "plan.json") == plan
    world.roll_out(season())
    record = json.loads(world.record.to_json())
    del record["accepted_findings"]
    assert Record.from_json(json.dumps(record), "record.json").accepted_findings == []
