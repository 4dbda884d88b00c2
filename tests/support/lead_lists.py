"""Leads in a sandbox, and their states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.sandbox.server import SandboxServer

#: Parameters of MANUAL_LEADS: a pass that completes a lead.
MANUAL: dict[str, Any] = {
    "PASS_DISPOSITION": "Interested",
    "REQUEUE": False,
    "DO_NOT_CALL": False,
    "PASS_DELAY": 0,
    "MERGE_ORIGINAL": False,
}


def leads(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    """Yield leads with phones derived from their numbers."""
    for number in range(first, first + count):
        yield {"externId": f"L{number}", "leadPhone": f"415{2000000 + number}", "firstName": f"Ada {number}"}


def list_of(count: int, first: int = 0) -> dict[str, Any]:
    """Return the request that loads leads as one list."""
    return {
        "description": "Autumn",
        "dialPriority": "NORMAL",
        "duplicateHandling": "RETAIN_ALL",
        "listState": "ACTIVE",
        "timeZoneOption": "NOT_APPLICABLE",
        "uploadLeads": list(leads(count, first)),
    }


def load(client: EngageVoiceClient, campaign_id: int, count: int, first: int = 0) -> None:
    """Load leads into a campaign, as one list."""
    answer = client.load_leads(campaign_id, json.dumps(list_of(count, first)).encode())
    assert answer.leadsInserted == count


def set_state(sandbox: SandboxServer, campaign_id: int, state: str, only: str = "READY") -> None:
    """Change the state of a campaign's leads, as the dialer does."""
    sandbox.backend.database.change(
        "UPDATE leads SET leadState = ? WHERE campaignId = ? AND leadState = ?", (state, campaign_id, only)
    )


def states(sandbox: SandboxServer, campaign_id: int) -> dict[str, int]:
    """Return the number of a campaign's leads by state."""
    rows = sandbox.backend.database.rows(
        "SELECT leadState, count(*) FROM leads WHERE campaignId = ? GROUP BY 1", (campaign_id,)
    )
    return {row[0]: row[1] for row in rows}


def request_times(sandbox: SandboxServer, part: str) -> list[float]:
    """Return the times of requests whose path contains a text."""
    return [one.time for one in sandbox.requests() if part in one.path]
