"""Creating campaigns from a DAG."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator

def test_create(sandbox, run_dag) -> None:
    with DAG("create", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCreateCampaignOperator(
            task_id="create",
            dial_group="Outbound Renewals",
            campaign_name="Holiday {{ ds }}",
            campaign_start="{{ data_interval_end }}",
            campaign_end="{{ data_interval_end.add(days=30) }}",
            caller_id="4155550123",
            is_active=1,
        )
    run = run_dag(dag)
    print(run)
    assert run.states == {"create": "success"}
    assert run.xcoms["create"]["outcome"] == "created"
