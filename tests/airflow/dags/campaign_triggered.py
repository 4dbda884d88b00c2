"""Campaigns are created, and another DAG runs on them, triggered by the alias of all campaigns."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, task

from airflow_provider_engagevoice.assets import CAMPAIGNS
from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator

with DAG("make_campaigns", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    EngageVoiceCreateCampaignOperator.partial(
        task_id="create",
        dial_group="Outbound Renewals",
        campaign_start="2099-11-01",
        campaign_end="2099-12-24",
        caller_id="4155550123",
    ).expand(campaign_name=["North", "South"])

with DAG("after_campaigns", schedule=[CAMPAIGNS], start_date=pendulum.datetime(2026, 1, 1)):

    @task
    def report(**context):
        """Return the extra of the events."""
        triggering = context["triggering_asset_events"]
        return [event.extra for events in triggering.values() for event in events]

    report()
