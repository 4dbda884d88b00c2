"""Sensors that start on the triggerer, in a real Airflow; waits that are ended by hand."""

from __future__ import annotations

import time
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
    pytest.mark.skipif(
        Version(airflow_version) < Version("3.3"), reason="Airflow 3.3 renders on the triggerer"
    ),
    pytest.mark.slow,
]

ENDED = ("success", "failed", "skipped", "upstream_failed")


def _end_waits_by_hand(airflow: Any, sandbox: Any) -> None:
    """Mark tasks failed, clear them, delete the run: waits end or restart, and no campaign is written."""
    earlier = len(sandbox.requests())
    run_id = airflow.trigger("long_waits", {})

    def are(**wanted: str) -> None:
        def reached() -> bool | None:
            return True if airflow.states("long_waits", run_id) == wanted else None

        airflow.wait_until(f"states {wanted}", reached, 60)

    are(from_trigger="deferred", from_worker="deferred")
    for task_id in ("from_trigger", "from_worker"):
        airflow.mark_failed("long_waits", run_id, task_id)
    # Airflow may fail a run that is cleared while its scheduler looks at the tasks that have failed.
    assert airflow.end_of("long_waits", run_id, 60) == {"from_trigger": "failed", "from_worker": "failed"}
    airflow.clear("long_waits", run_id)
    are(from_trigger="deferred", from_worker="deferred")
    airflow.delete_run("long_waits", run_id)

    def polls() -> int:
        return sum("/campaigns" in one.path for one in sandbox.requests())

    def no_polls() -> bool | None:
        """Return True after three intervals without a poll."""
        before, since = polls(), time.monotonic()
        while time.monotonic() < since + 6:
            if polls() != before:
                return None
            time.sleep(0.1)
        return True

    airflow.wait_until("the end of all polls", no_polls, 60)
    assert {one.method for one in sandbox.requests()[earlier:] if one.path.startswith("/voice/")} == {"GET"}


def test_sensors_start_without_a_worker(sandbox) -> None:
    from tests.support.real_airflow import real_airflow

    (template, *_) = sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)

    def add(name: str, start: float) -> int:
        now = datetime.now(UTC)
        dates = {
            "startDate": format_vendor_date(now + timedelta(seconds=start)),
            "endDate": format_vendor_date(now + timedelta(days=7)),
        }
        row = {**template, **dates, "campaignName": name, "isActive": 1}
        return sandbox.store.seed_campaign(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, row)["campaignId"]

    dags = [Path(__file__).parents[1] / "dags" / name for name in ("from_trigger.py", "long_waits.py")]
    with real_airflow(jwt_connection(sandbox.url, budgets="off"), dags) as airflow:
        campaign_id = add("Opens soon", 25)
        add("Opens late", 86_400)
        run_id = airflow.trigger("from_trigger", {"id": campaign_id})

        def tasks() -> list[dict[str, Any]]:
            found = airflow.get(f"dags/from_trigger/dagRuns/{run_id}/taskInstances") or {}
            return found.get("task_instances", [])

        def all_ended() -> list[dict[str, Any]] | None:
            found = tasks()
            return found if found and all(one["state"] in ENDED for one in found) else None

        ended = airflow.wait_until("end of all tasks", all_ended, 150)
        kept = airflow.get("importErrors")
        _end_waits_by_hand(airflow, sandbox)
    assert kept == {"import_errors": [], "total_entries": 0}
    states = {(one["task_id"], one["map_index"]): one["state"] for one in ended}
    assert states == {
        ("by_template", -1): "success",
        ("by_mapping", -1): "success",
        ("times_out", -1): "failed",
        ("skips", -1): "skipped",
        ("cut_short", -1): "failed",
        ("no_such", -1): "failed",
        ("bad_argument", -1): "failed",
        ("mapped", 0): "success",
        ("mapped", 1): "success",
        ("found", -1): "success",
        ("by_result", -1): "success",
        ("by_pull", -1): "success",
    }
    # Only a task that runs on a worker has a process id.
    without_worker = {one["task_id"] for one in ended if one["pid"] is None}
    assert without_worker == {"by_template", "by_mapping"}
