"""A season whose plans people approve, and the way back."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_engagevoice.operators.season_rollback import EngageVoiceRollbackSeasonOperator
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)

PLAN_PATH = "{{ params.storage }}/plans/{{ dag.dag_id }}-{{ run_id }}.json"
DEFAULTS = {"retries": 3, "retry_delay": timedelta(seconds=1)}

with DAG("reviewed_season", schedule=None, params={"storage": ""}, default_args=DEFAULTS):
    plan = EngageVoicePlanSeasonOperator(
        task_id="plan",
        season="{{ params.storage }}/reviewed.season.yaml",
        record_path="{{ params.storage }}/seasons",
        output_path=PLAN_PATH,
    )
    apply = EngageVoiceApplySeasonOperator(task_id="apply", plan=plan.output, approve="always")
    EngageVoiceVerifySeasonOperator(task_id="verify", record=apply.output)

with DAG("reviewed_rollback", schedule=None, params={"storage": ""}, default_args=DEFAULTS):
    rollback = EngageVoiceRollbackSeasonOperator(
        task_id="plan", record="{{ params.storage }}/seasons/reviewed", output_path=PLAN_PATH
    )
    EngageVoiceApplySeasonOperator(task_id="apply", plan=rollback.output, approve="always")
