"""A lead list is updated, and a campaign is created for it, in a run triggered by an asset."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Asset, task

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator

LEADS = Asset("leads")
ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"

with DAG("update_leads", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):

    @task(outlets=[LEADS])
    def update() -> None:
        """Pretend that a list was updated."""

    update()

with DAG("campaign_for_leads", schedule=[LEADS], start_date=pendulum.datetime(2026, 1, 1)):
    EngageVoiceCreateCampaignOperator(
        task_id="create",
        dial_group="Outbound Renewals",
        campaign_name="For the leads of {{ " + ANCHOR + " | ds }}",
        campaign_start="{{ " + ANCHOR + " }}",
        campaign_end="{{ " + ANCHOR + " + macros.timedelta(days=30) }}",
        caller_id="4155550123",
        is_active=1,
    )
