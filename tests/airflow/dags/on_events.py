"""DAGs that run when campaigns are created, edited and opened."""

from __future__ import annotations

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider_engagevoice.assets import campaign_window_asset

for event in ("created", "edited", "opened"):
    asset = campaign_window_asset(event=event, dial_group="Outbound Renewals")
    with DAG(f"on_{event}", schedule=[asset], start_date=pendulum.datetime(2026, 1, 1)):
        EmptyOperator(task_id="noticed")
