"""Who has changed it: drift, plans and the errors of applies name people from the audit log."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.authors import GONE
from airflow_provider_engagevoice.seasons.check import Drift, DriftError, find_lasting_drift
from airflow_provider_engagevoice.seasons.render import markdown, table
from tests.support.season_runs import SeasonWorld, planned, season

LATE = "not in the audit log yet, which is five minutes late"
OTHER = "4155550188"


@pytest.fixture
def rolled_out(world: SeasonWorld) -> SeasonWorld:
    world.roll_out(season(2, is_active=0))
    world.clock.sleep(3600)
    return world


def edit(world: SeasonWorld, by: str, name: str = "C0 r0", **fields: Any) -> str:
    """Change a campaign; return who has done it and when, as texts say it."""
    world.vendor.edit(world.row(name), fields, clock.time(), by)
    return f"{by}@example.com at {clock.now().isoformat(' ', 'seconds')}"


def drift(world: SeasonWorld) -> list[Drift]:
    found: list[Drift] = world.run(find_lasting_drift(world.record))
    return found


def test_drift_names_who_and_when_by_one_request(rolled_out: SeasonWorld) -> None:
    by = edit(rolled_out, "ann", callerId=OTHER)
    rolled_out.clock.sleep(1)
    edit(rolled_out, "bob", maxRingTime=25)
    other = edit(rolled_out, "bob", "C1 r0", endDate=1_800_000_000_000)
    rolled_out.clock.sleep(301)
    with rolled_out.counted() as requests:
        first, second = drift(rolled_out)
    assert requests["PUT"] == 1
    assert (first.changed_by, second.changed_by) == ({"callerId": by}, {"endDate": other})
    assert str(first).endswith(f"is changed: callerId '4155550123' → '{OTHER}' ({by})")
    assert by in str(DriftError("spring", [first]))
    assert first.as_json()["changed_by"] == {"callerId": by}


def test_the_last_of_several_changes_counts(rolled_out: SeasonWorld) -> None:
    edit(rolled_out, "ann", callerId="4155550199")
    rolled_out.clock.sleep(10)
    by = edit(rolled_out, "client", callerId=OTHER)
    rolled_out.clock.sleep(301)
    assert [one.changed_by for one in drift(rolled_out)] == [{"callerId": by}], "our own user is named, too"


def test_what_the_log_does_not_have_yet_is_said(rolled_out: SeasonWorld) -> None:
    edit(rolled_out, "ann", callerId=OTHER)
    assert [one.changed_by for one in drift(rolled_out)] == [{"callerId": LATE}]
    rolled_out.clock.sleep(301)
    edit(rolled_out, "bob", callerId="4155550199")
    (found,) = drift(rolled_out)
    assert found.changed_by == {"callerId": LATE}, "the log has an earlier change"


def test_who_has_deleted_or_activated_a_campaign_is_named(rolled_out: SeasonWorld) -> None:
    by = edit(rolled_out, "ann", "C1 r0", isActive=1)
    rolled_out.vendor.remove(rolled_out.row("C0 r0"), clock.time(), "bob")
    deleted = f"bob@example.com at {clock.now().isoformat(' ', 'seconds')}"
    rolled_out.clock.sleep(301)
    gone, active = drift(rolled_out)
    assert (gone.what, gone.changed_by) == ("gone", {GONE: deleted})
    assert str(gone).endswith(f"is gone ({deleted})")
    assert str(active).endswith(f"is active, and it may dial: isActive 0 → 1 ({by})")


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "lacks the permission 'Audit log access'"), (500, "500"), (404, "404")]
)
def test_a_log_that_is_not_open_is_said_once_and_fails_nothing(
    rolled_out: SeasonWorld, caplog: pytest.LogCaptureFixture, status: int, reason: str
) -> None:
    rolled_out.audit_log = status
    for name in ("C0 r0", "C1 r0"):
        edit(rolled_out, "ann", name, callerId=OTHER)
    with caplog.at_level(logging.WARNING):
        found = drift(rolled_out)
    assert [one.changed_by for one in found] == [{}, {}]
    (said,) = [one for one in caplog.messages if "who has changed campaigns is unknown" in one]
    assert reason in said
    plan = rolled_out.plan(season(2, end=70, is_active=0))
    assert planned(plan, "C0 r0").changes["callerId"].changed_by == ""


def test_without_drift_the_log_is_not_read(rolled_out: SeasonWorld) -> None:
    with rolled_out.counted() as requests:
        assert drift(rolled_out) == []
        rolled_out.plan(season(2, end=70, is_active=0))
    assert requests["PUT"] == 0


def test_a_plan_names_who_has_changed_what_it_puts_back(rolled_out: SeasonWorld) -> None:
    by, paused = edit(rolled_out, "ann", callerId=OTHER), edit(rolled_out, "bob", "C1 r0", isActive=1)
    early = rolled_out.plan(season(2, is_active=0))
    rolled_out.clock.sleep(301)
    with rolled_out.counted() as requests:
        plan = rolled_out.plan(season(2, is_active=0))
    assert requests["PUT"] == 1
    assert early.digest == plan.digest, "a plan is the same, whether its authors are known yet or not"
    assert f"(someone has changed it since the last apply: {LATE})" in table(early)
    for text in (table(plan), markdown(plan)):
        assert f"(someone has changed it since the last apply: {by})" in text
        assert f"someone has changed it since the last apply: {paused}" in text


def test_an_apply_names_who_has_changed_a_campaign_since_the_plan(rolled_out: SeasonWorld) -> None:
    plan = rolled_out.plan(season(2, end=70, is_active=0))
    by = edit(rolled_out, "ann", callerId=OTHER)
    rolled_out.vendor.remove(rolled_out.row("C1 r0"), clock.time(), "bob")
    rolled_out.clock.sleep(301)
    with rolled_out.counted() as requests, pytest.raises(NotAppliedError) as failed:
        rolled_out.apply(plan)
    assert requests["PUT"] == 1
    assert f"callerId was '4155550123', is '{OTHER}' (callerId: {by})" in str(failed.value)
    assert "(deleted: bob@example.com at " in str(failed.value)
    assert f"(callerId: {by})" in str(rolled_out.record.changes[planned(plan, "C0 r0").key].error)
