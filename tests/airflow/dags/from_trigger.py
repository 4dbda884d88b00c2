"""Sensors that start on the triggerer, and others that cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, task

from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

Sensor = EngageVoiceCampaignWindowSensor
FROM_TRIGGER: Any = {"dial_group": "Outbound Renewals", "start_from_trigger": True}

with DAG(
    "from_trigger",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1),
    params={"campaign": "Opens soon", "zone": "America/Los_Angeles"},
):
    Sensor(task_id="by_template", campaign="{{ params.campaign }}", **FROM_TRIGGER)
    Sensor(task_id="by_mapping", campaign={"campaign_id": "{{ dag_run.conf['id'] }}"}, **FROM_TRIGGER)
    Sensor(task_id="times_out", campaign="Opens late", timeout=6, poke_interval=2, **FROM_TRIGGER)
    Sensor(task_id="skips", campaign="Opens late", timeout=6, soft_fail=True, **FROM_TRIGGER)
    Sensor(
        task_id="cut_short",
        campaign="Opens late",
        timeout=3600,
        execution_timeout=timedelta(seconds=8),
        **FROM_TRIGGER,
    )
    Sensor(task_id="no_such", campaign="Opens never", **FROM_TRIGGER)
    Sensor(task_id="bad_argument", campaign="Opens soon", wait_for="{{ 'ajar' }}", **FROM_TRIGGER)
    Sensor.partial(task_id="mapped", **FROM_TRIGGER).expand(campaign=["Opens soon", "{{ params.campaign }}"])

    @task
    def found() -> str:
        """Return the name of a campaign."""
        return "Opens soon"

    name = found()
    Sensor(task_id="by_result", campaign=name, **FROM_TRIGGER)
    pulled = "{{ ti.xcom_pull(task_ids='found') }}"
    name >> Sensor(task_id="by_pull", campaign=pulled, **FROM_TRIGGER)
