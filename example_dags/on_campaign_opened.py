"""Run a DAG when a campaign's window opens, without any sensor. Needs Airflow 3.0 or newer."""

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
        """Return which campaigns have opened: several that open together may share a run."""
        events = [event for events in triggering_asset_events.values() for event in events]
        return [event.extra["payload"] for event in events]

    @task
    def begin_the_day(campaign: dict[str, Any]) -> str:
        """Do what is to be done for each of them."""
        return f"{campaign['campaign_name']} dials until {campaign['end']}"

    begin_the_day.expand(campaign=opened_campaigns())
