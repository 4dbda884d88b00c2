"""Many campaigns at once with the provider: one mapped task for each.

A run's ``conf`` gives their number and dial groups: ``{"size": 500, "groups": {"Winback": 115803}}``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator

with DAG(
    "fleet_create",
    schedule=None,
    params={"size": 500, "groups": {"Winback": 115803}},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    max_active_tasks=256,
):

    @task
    def wanted(params: dict[str, Any]) -> list[dict[str, str]]:
        """Return dial group and name of each campaign."""
        groups = sorted(params["groups"])
        return [
            {"dial_group": groups[number % len(groups)], "campaign_name": f"Fleet {number:04d}"}
            for number in range(params["size"])
        ]

    EngageVoiceCreateCampaignOperator.partial(
        task_id="create",
        campaign_start="{{ dag_run.run_after }}",
        campaign_end="{{ dag_run.run_after + macros.timedelta(days=30) }}",
        caller_id="4155550123",
        is_active=1,
        schedule={"mon-fri": "08:00-21:00"},
        settings={"maxRingTime": 30},
    ).expand_kwargs(wanted())
