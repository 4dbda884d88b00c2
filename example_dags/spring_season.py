"""Roll out a season of campaigns from one file: plan, apply, verify.

The season is in ``spring.season.yaml`` beside this file. The plan is written to object storage, as JSON for
the apply and as Markdown for people.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)

with DAG(
    "spring_season",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    params={
        "first_day": Param("2027-03-01", type="string", format="date"),
        "last_day": Param("2027-03-31", type="string", format="date"),
        "storage": Param("file:///tmp/engagevoice", type="string"),
    },
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:
    plan = EngageVoicePlanSeasonOperator(
        task_id="plan",
        season="spring.season.yaml",
        record_path="{{ params.storage }}/seasons",
        output_path="{{ params.storage }}/plans/{{ run_id }}.json",
    )
    apply = EngageVoiceApplySeasonOperator(
        task_id="apply", plan=plan.output, retries=3, retry_delay=timedelta(seconds=10)
    )
    EngageVoiceVerifySeasonOperator(task_id="verify", record=apply.output)
