"""Tasks that load leads."""

from __future__ import annotations

import json
from typing import Any

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID


def make_dag(dag_id: str, **options: object) -> DAG:
    return DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1), **options)


def load(**changes: Any) -> EngageVoiceLoadLeadsOperator:
    arguments: dict[str, Any] = {
        "task_id": "load",
        "campaign": "Holiday Renewals 2025",
        "dial_group": "Outbound Renewals",
        "list_name": "Autumn",
        "chunk_size": 50,
    }
    return EngageVoiceLoadLeadsOperator(**(arguments | changes))


def reject_one(sandbox: SandboxServer) -> None:
    """Have the server reject the third row of the first chunk, which the validation accepts."""
    answer = {
        "processingStatus": "DEFAULT_NOT_A_FAILURE",
        "leadsSupplied": 50,
        "leadsAccepted": 49,
        "leadsInserted": 49,
        "rejectedRows": [{"message": "leadPhone: not in service", "rowData": ["C-0000003", "4152100003"]}],
    }
    body = json.dumps(answer)
    sandbox.add_fault(
        "status", path="leadLoader/direct", status=200, body=body, content_type="application/json"
    )


def stored(sandbox: SandboxServer) -> list[dict[str, Any]]:
    rows = sandbox.backend.database.rows(
        "SELECT * FROM leads WHERE campaignId = ? ORDER BY externId", (CAMPAIGN,)
    )
    return [dict(row) for row in rows]
