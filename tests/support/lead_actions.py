"""Tasks that carry out lead actions."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import MANUAL, request_times

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
PARAMETERS: dict[str, dict[str, Any]] = {
    "MANUAL_LEADS": MANUAL,
    "EMAIL_LEADS": {"EMAIL_TO": "ops@example.com"},
    "CALLBACK_LEADS": {"ACTION_TYPE": "CANCEL"},
    "AGENT_RESERVATION": {"RESERVATION_AGENT_ID": 0},
}


def act(dag_id: str, action: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLeadActionOperator(
            task_id="it",
            action=action,
            **({"campaign": CAMPAIGN, "parameters": PARAMETERS.get(action)} | arguments),
        )
    return dag


def acted(sandbox) -> int:
    return len(request_times(sandbox, "campaignLeads/actions"))


def leads(client: EngageVoiceClient) -> dict[str, dict[str, Any]]:
    """Return the campaign's leads by ``externId``, as the API shows them."""
    return {row["externId"]: row for row in client.search_leads({"campaignIds": [CAMPAIGN]})}
