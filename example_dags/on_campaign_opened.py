"""Run a DAG when a campaign's window opens, without a sensor. Requires Airflow 3.0 or later."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, task

from airflow_provider_engagevoice.assets import campaign_window_asset

opened = campaign_window_asset(dial_group="Outbound Renewals", campaign="*", event="opened")

with DAG(
    "on_campaign_opened",
    schedule=[opened],
    start_date=pendulum.datetime(2026, 1, 1),
    tags=["engagevoice"],
) as dag:

    @task
    def opened_campaigns(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """Return the campaigns that opened; campaigns that open at the same time share a run."""
        events = [event for events in triggering_asset_events.values() for event in events]
        return [campaign for event in events for campaign in event.extra["payload"]["campaigns"]]

    @task
    def begin_the_day(campaign: dict[str, Any]) -> str:
        """Process one campaign."""
        return f"{campaign['campaign_name']} dials until {campaign['end']}"

    begin_the_day.expand(campaign=opened_campaigns())
