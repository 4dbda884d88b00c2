"""The lifecycle of a campaign: create, activate, extend, pause, delete."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"

with DAG(
    "campaign_lifecycle",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:
    create = EngageVoiceCreateCampaignOperator(
        task_id="create",
        dial_group="Outbound Renewals",
        campaign_name="Lifecycle {{ run_id }}",
        campaign_start="{{ " + ANCHOR + " }}",
        campaign_end="{{ " + ANCHOR + " + macros.timedelta(days=7) }}",
        caller_id="4155550123",
    )
    activate = EngageVoiceUpdateCampaignOperator(task_id="activate", campaign=create.output, is_active=1)
    opened = EngageVoiceCampaignWindowSensor(task_id="opened", campaign=create.output)
    extend = EngageVoiceUpdateCampaignOperator(
        task_id="extend",
        campaign=create.output,
        campaign_end="{{ " + ANCHOR + " + macros.timedelta(days=14) }}",
        schedule={"sat": "10:00-16:00"},
    )
    pause = EngageVoiceUpdateCampaignOperator(task_id="pause", campaign=create.output, is_active=0)
    delete = EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=create.output)

    create >> activate >> opened >> extend >> pause >> delete
