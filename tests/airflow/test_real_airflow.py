"""Nothing in line: a real scheduler, triggerer, workers and API server."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow import __version__ as airflow_version
from packaging import version

from tests.support.connections import jwt_connection

pytestmark = pytest.mark.skipif(not airflow_version.startswith("3."), reason="an Airflow 3 is started")


def test_the_demo_does_all_it_says(capsys) -> None:
    from tests import demo

    assert demo.main() == 0
    told = capsys.readouterr().out
    assert "all checks passed" in told
    assert "create_opened: deferred" in told
    assert "cloned from 'Holiday Renewals 2025'" in told


def test_a_run_that_an_asset_has_triggered_creates_its_campaign(sandbox) -> None:
    from tests.support.real_airflow import real_airflow

    dags = [Path(__file__).parent / "dags" / "asset_triggered.py"]
    with real_airflow(jwt_connection(sandbox.url), dags, schedules=True) as airflow:
        airflow.unpause("campaign_for_leads")
        airflow.trigger("update_leads", {})

        def run_that_has_ended() -> dict[str, object] | None:
            runs = (airflow.get("dags/campaign_for_leads/dagRuns") or {}).get("dag_runs", [])
            return next((run for run in runs if run["state"] in ("success", "failed")), None)

        run = airflow.wait_until("run triggered by the asset", run_that_has_ended, 90)
        created = airflow.xcom("campaign_for_leads", run["dag_run_id"], "create")
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success")
    assert run["logical_date"] is None
    assert created["is_active"] == 1
    assert created["campaign_name"].startswith("For the leads of 20")


@pytest.mark.skipif(version.parse(airflow_version) < version.parse("3.3"), reason="Airflow 3.3 remembers")
def test_attempts_that_die_and_errors_that_stay(sandbox) -> None:
    """A task killed after its last write knows its campaign again; what cannot be mended is not retried."""
    from tests.support.real_airflow import real_airflow

    dags = [Path(__file__).parent / "dags" / "attempts.py"]
    with real_airflow(jwt_connection(sandbox.url), dags) as airflow:
        run_id = airflow.trigger("attempts", {})

        def ended() -> bool | None:
            run = airflow.get(f"dags/attempts/dagRuns/{run_id}") or {}
            return True if run.get("state") in ("success", "failed") else None

        airflow.wait_until("end of the run", ended, 110)
        killed = airflow.task("attempts", run_id, "killed_after_its_last_write")
        refused = airflow.task("attempts", run_id, "asks_for_what_is_not_there")
        result = airflow.xcom("attempts", run_id, "killed_after_its_last_write")
    assert (killed["state"], killed["try_number"], result["outcome"]) == ("success", 2, "created")
    assert (refused["state"], refused["try_number"]) == ("failed", 1)
    names = [row["campaignName"] for row in sandbox.store.all_campaigns()]
    assert names.count("Cut off") == 1
    assert not [name for name in names if "[unfinished" in name]
