"""Many waits that start on the triggerer, and a DAG that runs on every opening."""

from __future__ import annotations

import json
import os
from typing import Any

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, AssetAlias

from airflow_provider_engagevoice.assets import campaign_window_asset
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

#: ``{"dags": …, "each": …, "first_campaign": …, "first_group": …, "groups": …, "poke_interval": …}``
plan: dict[str, Any] = json.loads(os.environ["MANY_WAITS"])
BEGAN = pendulum.datetime(2026, 1, 1)

for number in range(plan["dags"]):
    with DAG(f"waits_{number}", schedule=None, start_date=BEGAN):
        for task in range(plan["each"]):
            wait = number * plan["each"] + task
            EngageVoiceCampaignWindowSensor(
                task_id=f"wait_{wait}",
                campaign=plan["first_campaign"] + wait,
                dial_group=plan["first_group"] + wait % plan["groups"],
                poke_interval=plan["poke_interval"],
                start_from_trigger=True,
                # One in each DAG ends on a worker, which makes an asset event.
                outlets=[AssetAlias("waited_for")] if task == 0 else [],
            )

with DAG(
    "on_every_opening",
    schedule=[campaign_window_asset(event="opened")],
    start_date=BEGAN,
):
    EmptyOperator(task_id="noticed")
