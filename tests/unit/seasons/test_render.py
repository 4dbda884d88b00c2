"""Plans for people."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.models.schedule import DAYS
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.render import markdown, summary, table
from airflow_provider_engagevoice.seasons.rollback import plan_rollback
from airflow_provider_engagevoice.seasons.yaml_text import YamlFile
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.documentation import blocks
from tests.support.season_runs import RECORDS, SeasonWorld, day, season

#: Of rows that have few fields.
NOT_CHECKED = "not checked: us-hours, us-do-not-call, us-abandon, us-daily-attempts, no-state"


def test_a_plan_for_the_log(world: SeasonWorld) -> None:
    world.audit_log = 403
    world.add("Old")
    world.roll_out(season(4, is_active=1))
    world.edit("C0 r0", callerId="4155550188", isActive=0)
    asked = season(2, end=70, is_active=2)
    asked["campaigns"][1]["window"][1] = day(60)
    asked["campaigns"] += [{"name": "D", "from": "Old", "window": [day(-9), day(60)]}]
    asked["campaigns"] += [{"name": "E", "window": [day(-9), day(-8)]}]
    plan = world.plan(asked)
    ids = [world.row(name).campaign_id for name in ("C2 r0", "C3 r0", "Old")]
    start, old, new, last = (f"{day(number)} " for number in (-9, 60, 70, 60))
    group = "Outbound Renewals"
    assert table(plan).splitlines() == [
        f"season 'spring', plan {plan.digest[:12]}: 1 clone, 2 update, 1 over, 1 drift, 2 state, 2 orphan",
        NOT_CHECKED,
        f"update    {group} / C0 r0",
        "          callerId: '4155550188' → '4155550123' (someone has changed it since the last apply)",
        f"          endDate: {old}23:59:59+00:00 → {new}23:59:59+00:00",
        "          stays inactive, the season asks for agent callbacks only: "
        "someone has changed it since the last apply",
        f"update    {group} / C1 r0",
        "          state: active → agent callbacks only",
        f"clone     {group} / D",
        f"          from 'Old' ({ids[2]})",
        f"          {start}00:00:00+00:00 to {last}23:59:59+00:00, inactive",
        "          hours: monSched '08002100', tueSched to sunSched those of the source (not known)",
        f"over      {group} / E (its window is over, so it is not created)",
        f"orphan    campaign {ids[0]} C2 r0",
        f"orphan    campaign {ids[1]} C3 r0",
    ]
    assert summary(plan) == table(plan).splitlines()[0]


def test_a_new_campaign_shows_its_fields_and_a_clone_its_hours_and_what_differs(world: SeasonWorld) -> None:
    source = world.add("Old", monSched="09001700", tueSched="09001800", sunSched="00000000", maxRingTime=25)
    asked = season()
    asked["defaults"]["hours"] = {"mon-tue": "09:00-18:00", "thu-fri": "10:00-16:00"}
    asked["defaults"]["settings"] = {"maxRingTime": 25}
    window = [day(30), day(60)]
    asked["campaigns"] += [{"name": "D", "from": "Old", "window": window, "settings": {"maxPasses": 4}}]
    with world.counted() as requests:
        plan = world.plan(asked)
    assert requests == {"LIST": 4}
    lines = table(plan).splitlines()
    created = lines.index("create    Outbound Renewals / C0 r0")
    assert lines[created + 2 :] == [
        "          maxRingTime: 25",
        "          callerId: '4155550123'",
        "          hours: monSched to tueSched '09001800', wedSched '00000000', "
        "thuSched to friSched '10001600', satSched to sunSched '00000000'",
        "clone     Outbound Renewals / D",
        f"          from 'Old' ({source.campaign_id})",
        f"          {day(30)} 00:00:00+00:00 to {day(60)} 23:59:59+00:00, inactive",
        "          maxPasses: 4",
        "          hours: monSched '09001700' → '09001800', tueSched '09001800', wedSched '00000000', "
        "thuSched to friSched '10001600', satSched to sunSched '00000000'",
    ]
    assert "inactive<br>maxPasses: 4<br>hours: monSched '09001700' → '09001800', " in markdown(plan)
    assert Plan.from_json(plan.to_json(), "plan.json") == plan


def test_hours_of_a_new_campaign_that_are_for_a_date_say_so(world: SeasonWorld) -> None:
    asked = season(hours={"mon-sun": "09:00-18:00"}) | {"exclude": [day(3)]}
    asked["campaigns"][0]["window"] = [day(-9), day(60)]
    (hours,) = [line for line in table(world.plan(asked)).splitlines() if "hours: " in line]
    assert hours.count("'00000000'") == 1
    assert f"Sched '00000000' (without calls on {day(3)}), " in hours


WEEK = {f"{one}Sched": "10001600" if one == "wed" else "09001800" for one in DAYS}
STATED = {"mon-tue": "09:00-18:00", "wed": "10:00-16:00", "thu-sun": "09:00-18:00"}
SHOWN = "monSched to tueSched '09001800', wedSched '10001600', thuSched to sunSched '09001800'"


@pytest.mark.parametrize(
    ("source", "stated", "shown"),
    [
        (WEEK, {}, SHOWN),
        (WEEK, {"hours": STATED}, SHOWN),
        ({"monSched": ""}, {"hours": STATED}, SHOWN),
        ({"monSched": ""}, {}, "those of the source (not known)"),
        (
            WEEK,
            {"settings": {"friSched": "09001700"}},
            "monSched to tueSched '09001800', wedSched '10001600', thuSched '09001800', "
            "friSched '09001800' → '09001700', satSched to sunSched '09001800'",
        ),
        (
            {"monSched": "09001800", "tueSched": ""},
            {},
            "monSched '09001800', tueSched to sunSched those of the source (not known)",
        ),
        (None, {"hours": STATED}, SHOWN),
        (None, {}, "the server's default (not known)"),
        (
            None,
            {"settings": {"sunSched": "00000000"}},
            "monSched to satSched the server's default (not known), sunSched '00000000'",
        ),
    ],
)
def test_the_hours_of_each_new_campaign_are_shown(
    world: SeasonWorld, source: dict[str, str] | None, stated: dict[str, Any], shown: str
) -> None:
    """Those of ``source``, if it is a clone, and those that its file states."""
    asked = season(is_active=1, **stated)
    if source is not None:
        world.add("Old", **source)
        asked["campaigns"][0]["from"] = "Old"
    with world.counted() as requests:
        plan = world.plan(asked)
    assert set(requests) == {"LIST"}
    assert table(plan).splitlines()[-1] == f"          hours: {shown}"
    assert f"<br>hours: {shown} |" in markdown(plan)
    assert Plan.from_json(plan.to_json(), "plan.json") == plan


def test_unchanged_campaigns_are_one_line(world: SeasonWorld) -> None:
    world.roll_out(season(3))
    assert table(world.plan(season(3))).splitlines()[1:] == [NOT_CHECKED, "unchanged 3 campaigns"]


def test_a_plan_as_markdown(world: SeasonWorld) -> None:
    world.vendor.groups[GROUP] = "A | B"
    world.roll_out(season(is_active=1))
    world.edit("C0 r0", isActive=0)
    asked = season(dial_groups=[GROUP, OTHER_GROUP], end=70, is_active=2)
    waves = [{"regions": ["r1"], "at": "2027-01-01T08:00:00Z"}, {"regions": "rest", "after": "90m"}]
    text = markdown(world.plan(asked | {"waves": waves}))
    assert text.startswith("# Season spring\n\nPlan `")
    assert "for account 99999999, made at 2026-11-02 " in text
    assert "| create | 1 |\n| update | 1 |\n| state | 1 |" in text
    assert "## Update\n\n| dial group | campaign | what |\n|---|---|---|\n" in text
    assert f"| A \\| B | C0 r0 | endDate: {day(60)}" in text
    assert "## Create" in text
    assert "## State\n" in text
    assert "| stays inactive, the season asks for agent callbacks only: someone has changed it" in text
    assert text.endswith(
        "## Waves\n\n1. r1 (not before 2027-01-01T08:00:00+00:00)\n2. r0 (90 minutes after the one before)\n"
    )


def test_a_rollback_says_what_it_takes_back_and_has_present_names(world: SeasonWorld) -> None:
    world.roll_out(season())
    plan: Plan = world.run(plan_rollback(world.record, RECORDS))
    lines = markdown(plan).splitlines()
    assert lines[2].startswith("Plan `")
    assert lines[4].startswith("This plan takes back apply 1 of 2026-11-02 ")
    assert lines[4].endswith("+00:00.")
    assert "| Outbound Renewals | C0 r0 | campaignName: 'C0 r0' → 'C0 r0 [rolled back 1]' |" in lines
    assert Plan.from_json(plan.to_json(), "plan.json") == plan


def test_the_plan_of_the_page_is_one_of_its_season(world: SeasonWorld) -> None:
    page = "docs/seasons.md"
    text = blocks(page, "yaml")[0].replace("{{ params.winback_start }}", "2027-03-15")
    wanted = YamlFile(text, page).data
    world.vendor.groups |= {GROUP: "Outbound West", OTHER_GROUP: "Outbound East"}
    stated = {"dncScrubOption": "DO_NOT_SCRUB", "maxDailyPasses": -1, "targetAbandonRate": 3.0}
    stated |= {f"{one}Sched": "00000000" if one in ("sat", "sun") else "08002100" for one in DAYS}
    world.add("Renewals west 2026", **stated)
    world.add("Renewals east 2026", OTHER_GROUP, **stated)
    west = {name: one for name, one in wanted["regions"].items() if name == "west"}
    earlier = {**wanted, "regions": west, "campaigns": [{**wanted["campaigns"][0], "window": [*_WINDOW]}]}
    world.roll_out(earlier | {"season": "spring", "waves": []})
    row, now = world.row("Renewals west 2027"), clock.time()
    world.vendor.edit(row, {"callerId": "4155550188"}, now, "ann")
    world.clock.sleep(600)
    digest = re.compile(r"Plan `\w{12}`")
    (shown,) = blocks("docs/season-plans.md", "markdown")
    assert digest.sub("", shown) == digest.sub("", markdown(world.plan(wanted)))


_WINDOW = ["2027-03-01", "2027-03-24"]


def test_a_plan_of_an_earlier_release_has_no_name_of_the_source(world: SeasonWorld) -> None:
    source = world.add("Old")
    asked = season()
    asked["campaigns"][0]["from"] = "Old"
    plan = world.plan(asked)
    plan.campaigns[0] = replace(plan.campaigns[0], source_name="", of_source={})
    data = json.loads(plan.to_json())
    del data["campaigns"][0]["source_name"], data["campaigns"][0]["of_source"]
    read = Plan.from_json(json.dumps(data), "plan.json")
    assert read == plan
    assert f"| from campaign {source.campaign_id}<br>" in markdown(read)
    assert "<br>hours: those of the source (not known) |" in markdown(read)
