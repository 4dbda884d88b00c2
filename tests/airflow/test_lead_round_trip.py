"""What a search wrote to a file is loaded into another campaign."""

from __future__ import annotations

import json
from pathlib import Path

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import list_of

LEADS = [
    {
        "externId": "L1",
        "leadPhone": "4152000001",
        "lastName": "Null",
        "leadTimezone": "NSW1",
        "maxPasses": 4,
        "extendedLeadData": {"plan": "gold, or \"better\"", "a b": "ä"},
    },
    {"externId": "L2", "leadPhone": "4152000002", "zip": "02134"},
]  # fmt: skip
FIELDS = ("externId", "leadPhone", "lastName", "leadTimezone", "maxPasses", "extendedLeadData", "zip")


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_leads_of_a_search_load_back(sandbox, client_settings, run_dag, tmp_path: Path, format: str) -> None:
    path = f"file://{tmp_path}/leads.{format}"
    with EngageVoiceClient(client_settings) as client:
        source = seed.HOLIDAY_RENEWALS_2025_ID
        client.load_leads(source, json.dumps(list_of(0) | {"uploadLeads": LEADS}).encode())
        found = client.get_campaign(seed.OUTBOUND_RENEWALS_ID, source)
        body = {name: value for name, value in found.raw.items() if name != "campaignId"}
        copy = client.create_campaign(seed.OUTBOUND_RENEWALS_ID, body | {"campaignName": "Copy"})
    with DAG(f"back_{format}", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        written = EngageVoiceLeadSearchToStorageOperator(task_id="search", campaign=source, output_path=path)
        loaded = EngageVoiceLoadLeadsOperator(task_id="load", campaign=copy.campaignId, source=path)
        written >> loaded
    assert run_dag(dag).states == {"search": "success", "load": "success"}
    rows = sandbox.backend.database.rows(
        "SELECT * FROM leads WHERE campaignId = ? ORDER BY externId", (copy.campaignId,)
    )
    stored = [{name: row[name] for name in FIELDS if row[name] is not None} for row in rows]
    for lead in stored:
        if "extendedLeadData" in lead:
            lead["extendedLeadData"] = json.loads(lead["extendedLeadData"])
    assert stored == LEADS
