"""A season whose plan a person approves; the run's conf says which, and how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)

SEASON: dict[str, Any] = {
    "season": "{{ params.season }}",
    "defaults": {"caller_id": "4155550123"},
    "regions": {
        "west": {"timezone": "America/Los_Angeles", "dial_group": "Outbound Renewals"},
        "east": {"timezone": "America/New_York", "dial_group": "Winback"},
    },
    "campaigns": [{"name": "{season} {region}", "window": ["2027-03-01", "{{ params.last_day }}"]}],
}

for dag_id, within in (("approved_season", None), ("approved_at_once", timedelta(seconds=1))):
    with DAG(
        dag_id,
        schedule=None,
        params={"season": "spring", "last_day": "2027-03-31", "storage": "", "on_reject": "fail"},
        default_args={"retries": 3, "retry_delay": timedelta(seconds=5)},
    ):
        plan = EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=SEASON,
            record_path="{{ params.storage }}/seasons",
            output_path="{{ params.storage }}/plans/{{ run_id }}.json",
        )
        apply = EngageVoiceApplySeasonOperator(
            task_id="apply",
            plan=plan.output,
            approve="always",
            approvers=["ann", "bo"],
            approve_within=within,
            on_reject="{{ params.on_reject }}",
        )
        EngageVoiceVerifySeasonOperator(task_id="verify", record=apply.output)
