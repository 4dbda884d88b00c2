"""A seasonal rollout: create a campaign, clone last season's, wait until the dates of both begin.

Each weekly run creates two campaigns, which start at the end of its data interval. A manual run has no data
interval on Airflow 3, so its campaigns start when it is triggered, unless the dates are given as parameters.
The sensors wait for the dates alone: with ``use_daily_hours=True`` they also wait for the day's hours.
"""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
)
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

# The end of the run's data interval, or the time the run was triggered if there is none.
ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"
START = "{{ params.campaign_start or " + ANCHOR + " }}"
END = "{{ params.campaign_end or (" + ANCHOR + " + macros.timedelta(days=30)) }}"

with DAG(
    "seasonal_rollout",
    schedule="@weekly",
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    catchup=False,
    params={
        "campaign_start": Param(None, type=["null", "string"], description="start, ISO 8601"),
        "campaign_end": Param(None, type=["null", "string"], description="end, ISO 8601"),
    },
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:
    campaign: dict[str, Any] = {
        "dial_group": "Outbound Renewals",
        "campaign_start": START,
        "campaign_end": END,
        "timezone": "America/Los_Angeles",
        "is_active": 1,
    }
    create = EngageVoiceCreateCampaignOperator(
        task_id="create",
        campaign_name="Holiday Renewals {{ " + ANCHOR + " | ds }}",
        caller_id="4155550123",
        schedule={"mon-fri": "08:00-21:00", "sat": "09:00-17:00"},
        settings={"maxRingTime": 30, "dialLoadedOrder": 0},
        **campaign,
    )
    clone = EngageVoiceCloneCampaignOperator(
        task_id="clone",
        source_campaign="Holiday Renewals 2025",
        campaign_name="Holiday Renewals 2025, again {{ " + ANCHOR + " | ds }}",
        **campaign,
    )
    create_opened = EngageVoiceCampaignWindowSensor(
        task_id="create_opened", campaign=create.output, deferrable=True
    )
    clone_opened = EngageVoiceCampaignWindowSensor(
        task_id="clone_opened", campaign=clone.output, deferrable=True
    )

    @task
    def show(campaigns: list[Any]) -> None:
        """Print the campaigns that are active and within their dates."""
        for one in campaigns:
            print(f"campaign {one['campaign_id']} {one['campaign_name']!r} is open until {one['end']}")

    [create_opened, clone_opened] >> show([create.output, clone.output])
