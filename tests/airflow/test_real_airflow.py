"""Nothing in line: a real scheduler, triggerer, workers and API server."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from tests.support import jwt_connection

pytestmark = pytest.mark.skipif(not airflow_version.startswith("3."), reason="an Airflow 3 is started")


def test_the_demo_does_all_it_says(capsys) -> None:
    from tests import demo

    assert demo.main() == 0
    told = capsys.readouterr().out
    assert "all of it happened" in told
    assert "create_opened: deferred" in told
    assert "cloned from 'Holiday Renewals 2025'" in told


def test_a_run_that_an_asset_has_triggered_creates_its_campaign(sandbox) -> None:
    from tests.real_airflow import real_airflow

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
