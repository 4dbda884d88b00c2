"""The campaigns of ``fleet_create`` as one season: a plan and an apply."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
)

STORAGE = f"file://{os.environ['AIRFLOW_HOME']}/storage"

with DAG(
    "fleet_season",
    schedule=None,
    params={"size": 500, "groups": {"Winback": 115803}},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
):

    @task
    def season(params: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Return a season with a region for each dial group."""
        groups = sorted(params["groups"])
        start = dag_run.run_after
        return {
            "season": "fleet",
            "defaults": {
                "caller_id": "4155550123",
                "hours": {"mon-fri": "08:00-21:00"},
                "is_active": 1,
                "settings": {"maxRingTime": 30},
            },
            "regions": {
                group: {"timezone": "America/Los_Angeles", "dial_group": params["groups"][group]}
                for group in groups
            },
            "campaigns": [
                {
                    "name": f"Fleet {number:04d}",
                    "regions": [groups[number % len(groups)]],
                    "window": [start.isoformat(), (start + timedelta(days=30)).isoformat()],
                }
                for number in range(params["size"])
            ],
        }

    plan = EngageVoicePlanSeasonOperator(
        task_id="plan",
        season=season(),
        record_path=f"{STORAGE}/records",
        output_path=f"{STORAGE}/plan.json",
    )
    EngageVoiceApplySeasonOperator(task_id="apply", plan=plan.output)
