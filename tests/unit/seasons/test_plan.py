"""A plan's file: read as it was written, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import RecordError
from tests.simulation.vendor import GROUP, OTHER_GROUP
from tests.support.season_runs import SeasonWorld, season


@pytest.fixture
def plan(world: SeasonWorld) -> Plan:
    """A plan with changes, states, orphans and waves."""
    world.roll_out(season(3, is_active=1, protect=True))
    world.edit("C0 r0", callerId="4155550188", isActive=0)
    asked = season(2, dial_groups=[GROUP, OTHER_GROUP], end=70, is_active=2, protect=False)
    return world.plan(asked | {"waves": [{"regions": ["r1"]}, {"regions": "rest", "after": "2h"}]})


def test_a_plan_is_read_as_it_was_written(plan) -> None:
    read = Plan.from_json(plan.to_json(), "plan.json")
    assert read == plan
    assert read.digest == plan.digest
    assert json.loads(plan.to_json())["digest"] == plan.digest
    assert plan.counts == {
        **{"create": 2, "clone": 0, "update": 2, "unchanged": 0, "protected": 0, "over": 0},
        **{"drift": 1, "state": 2, "orphan": 1},
    }


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from leaves(child, (*path, key))
    if not children:
        yield path


def test_a_plan_whose_file_was_changed_anywhere_is_refused(plan) -> None:
    data = json.loads(plan.to_json())
    # When it was made, and what the audit log knew by then.
    paths = [path for path in leaves(data) if path != ("created_at",) and path[-1] != "changed_by"]
    assert len(paths) > 100
    for path in paths:
        changed = json.loads(plan.to_json())
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = "edited"
        with pytest.raises(RecordError, match=r"^plan.json: "):
            Plan.from_json(json.dumps(changed), "plan.json")


def test_a_changed_plan_is_named_as_such(plan) -> None:
    text = plan.to_json().replace("4155550123", "4155550199")
    with pytest.raises(RecordError, match="the plan was changed after it was made, or another release"):
        Plan.from_json(text, "plan.json")


def test_two_plans_of_one_moment_of_the_world_have_one_digest(plan) -> None:
    assert replace(plan, created_at=0.0).digest == plan.digest
    assert replace(plan, account_id="7").digest != plan.digest
    assert replace(plan, source_digest="another").digest != plan.digest
    assert replace(plan, serial=7).digest != plan.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a plan of a season"),
        ("[]", "not a plan of a season"),
        ("{}", "not a plan of a season"),
        ("null", "not a plan of a season"),
        ('{"version": 1, "digest": "x"}', "not a plan of a season"),
        ('{"version": 2}', "version 2 of plans is not known"),
    ],
)
def test_what_is_no_plan_is_said(text, message) -> None:
    with pytest.raises(RecordError, match=f"^plan.json: {message}"):
        Plan.from_json(text, "plan.json")
