"""DAGs that run when something happens to a campaign, in a real Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID, jwt_connection

pytestmark = [
    pytest.mark.skipif(not airflow_version.startswith("3."), reason="Airflow 3 watches assets"),
    pytest.mark.slow,
]

GROUP = seed.OUTBOUND_RENEWALS_ID
#: How soon Airflow considers a triggerer without a heartbeat dead.
DIES_QUICKLY = {
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
}
DAGS = [Path(__file__).parents[1] / "dags" / name for name in ("on_events.py", "campaign_triggered.py")]


@pytest.fixture(scope="module")
def airflow(_server: Any) -> Iterator[Any]:
    """Start Airflow once, for all tests of this module."""
    from tests.support.real_airflow import real_airflow

    with real_airflow(
        jwt_connection(_server.url, budgets="off", watch_interval=2), DAGS, schedules=True, more=DIES_QUICKLY
    ) as airflow:
        yield airflow


def runs(airflow: Any, dag_id: str) -> list[dict[str, Any]]:
    return (airflow.get(f"dags/{dag_id}/dagRuns") or {}).get("dag_runs", [])


def add(sandbox: Any, name: str, start: float) -> int:
    (template, *_) = sandbox.store.campaigns(ACCOUNT_ID, GROUP)
    now = datetime.now(UTC)
    dates = {
        "startDate": format_vendor_date(now + timedelta(seconds=start)),
        "endDate": format_vendor_date(now + timedelta(days=7)),
    }
    row = {**template, **dates, "campaignName": name, "isActive": 1}
    return int(sandbox.store.seed_campaign(ACCOUNT_ID, GROUP, row)["campaignId"])


def edit(sandbox: Any, campaign_id: int, **fields: object) -> None:
    row = sandbox.store.campaign(ACCOUNT_ID, GROUP, campaign_id)
    sandbox.store.replace_campaign(ACCOUNT_ID, GROUP, campaign_id, {**row, **fields}, request_id="")


def test_a_dag_runs_within_two_seconds_of_the_opening_and_no_event_is_duplicated(sandbox, airflow) -> None:
    def payloads() -> list[tuple[str, int]]:
        """Return the events so far: event and campaign."""
        found = (airflow.get("assets/events?limit=100") or {}).get("asset_events", [])
        return sorted(
            (payload["event"], campaign["campaign_id"])
            for payload in (one["extra"]["payload"] for one in found)
            for campaign in payload["campaigns"]
        )

    def assert_events(*expected: tuple[str, int]) -> None:
        def all_of_it() -> bool | None:
            return True if payloads() == sorted(expected) else None

        try:
            airflow.wait_until(f"events {expected}", all_of_it, 60)
        except TimeoutError as error:
            raise AssertionError(f"events: {payloads()}") from error

    for dag_id in ("on_edited", "on_created", "on_opened"):
        airflow.unpause(dag_id)

    def polled() -> bool | None:
        """Return whether the list was read to its end: a page, and an empty one."""
        lists = [one for one in sandbox.requests() if f"/{GROUP}/campaigns" in one.path]
        return len(lists) >= 2 or None

    # Watchers poll once before they report any event.
    airflow.wait_until("first poll", polled, 60)
    first = add(sandbox, "Opens first", 10)
    assert_events(("created", first))
    assert_events(("created", first), ("opened", first))

    def ended() -> dict[str, Any] | None:
        found = runs(airflow, "on_opened")
        return next((run for run in found if run["state"] == "success"), None)

    run = airflow.wait_until("run on the opening", ended, 60)
    opened = datetime.fromisoformat(sandbox.store.campaign(ACCOUNT_ID, GROUP, first)["startDate"])
    queued = datetime.fromisoformat(run["queued_at"])
    assert run["run_type"] == "asset_triggered"
    assert 0 <= (queued - opened).total_seconds() < 2
    assert len(runs(airflow, "on_opened")) == 1
    assert airflow.get("importErrors") == {"import_errors": [], "total_entries": 0}

    airflow.kill_triggerer()
    second = add(sandbox, "Opens while no triggerer runs", 1)
    edit(sandbox, first, maxRingTime=17)
    airflow.start_triggerer()
    expected = [("created", first), ("opened", first), ("created", second), ("opened", second)]
    assert_events(*expected, ("edited", first))

    # No duplicates: the second triggerer does not repeat the events of the first one.
    edit(sandbox, second, maxRingTime=18)
    assert_events(*expected, ("edited", first), ("edited", second))


@pytest.mark.skipif(
    Version(airflow_version) < Version("3.3.1"), reason="the alias is an outlet by default from 3.3.1 on"
)
def test_a_campaign_created_in_one_dag_starts_another(sandbox, airflow) -> None:
    airflow.unpause("after_campaigns")
    airflow.trigger("make_campaigns", {})

    def ended() -> dict[str, Any] | None:
        found = runs(airflow, "after_campaigns")
        return next((run for run in found if run["state"] in ("success", "failed")), None)

    run = airflow.wait_until("run triggered by the alias", ended, 90)
    seen = airflow.xcom("after_campaigns", run["dag_run_id"], "report")
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success")
    assert {(one["campaign_name"], one["outcome"]) for one in seen} <= {
        ("North", "created"),
        ("South", "created"),
    }
    assert seen
