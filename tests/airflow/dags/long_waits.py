"""Waits that are ended by hand before their windows open."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

with DAG("long_waits", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    for task_id, from_trigger in (("from_trigger", True), ("from_worker", False)):
        EngageVoiceCampaignWindowSensor(
            task_id=task_id,
            campaign="Opens late",
            dial_group="Outbound Renewals",
            poke_interval=2,
            deferrable=True,
            start_from_trigger=from_trigger,
        )
