"""Lead search, with results in the form of the vendor's ``CampaignLeadSearchResultsView``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.leads.criteria import Conditions
from airflow_provider_engagevoice.sandbox.store import JsonObject, Page
from airflow_provider_engagevoice.sandbox.validation import format_date

UPLOADED_BY: Final = "Sandbox Admin"
# fmt: off
_SEARCH_COLUMNS: Final = (
    "leadId", "externId", "leadPhone", "leadState", "leadPasses", "campaignId", "listId", "listDesc",
    "firstName", "midName", "lastName", "title", "suffix", "email", "address1", "address2", "city",
    "state", "zip", "leadTimezone", "auxData1", "auxData2", "auxData3", "auxData4", "auxData5",
    "auxPhone", "auxGreeting", "auxExternalUrl", "callerId", "gateKeeper", "liveAnswerMessage",
    "machAnswerMessage", "sortCol", "maxPasses", "dupeKeyOverride", "lastPassDisposition",
)
_NULL_FIELDS: Final = ("campaignLead", "lastPassAgentName", "speedToLeadAgentConn", "speedToLeadFirstPass")
# fmt: on
"""Fields of the view that are always null."""


class LeadSearch:
    """Searches leads, in the order of ``leadId``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, conditions: Conditions) -> int:
        """Return the number of matching leads."""
        rows = self._database.rows(f"SELECT count(*) FROM leads WHERE {conditions.sql}", conditions.values)
        return int(rows[0][0])

    def page(self, conditions: Conditions, page: Page) -> list[JsonObject]:
        """Return a page of the matching leads."""
        # Scanning in id order is fastest, unless the criteria match few leads.
        scan = "" if conditions.selective else "NOT INDEXED"
        rows = self._database.rows(
            "SELECT leads.*, listDesc, uploadDate, body FROM leads"
            " JOIN lead_lists USING (listId) JOIN campaigns ON campaigns.id = leads.campaignId"
            f" WHERE leadId IN (SELECT leadId FROM leads {scan} WHERE {conditions.sql}"
            " ORDER BY leadId LIMIT ? OFFSET ?) ORDER BY leadId",
            (*conditions.values, *page.values()),
        )
        campaigns: dict[int, JsonObject] = {}
        views = []
        for row in rows:
            campaign = campaigns.get(row["campaignId"])
            if campaign is None:
                campaign = campaigns[row["campaignId"]] = json.loads(row["body"])
            views.append(_view(row, campaign))
        return views


def _view(row: Any, campaign: Mapping[str, Any]) -> JsonObject:
    last_pass = shown_date(row["lastPassDts"])
    agent = row["pendingAgentId"]
    return {
        **{name: row[name] for name in _SEARCH_COLUMNS},
        **dict.fromkeys(_NULL_FIELDS),
        "suppressed": row["suppressed"] == 1,
        "loadedDts": shown_date(row["loadedDts"]),
        "stateDts": shown_date(row["stateDts"]),
        "nextDialTime": next_dial_time(row),
        "lastPassDts": last_pass,
        "lastPassDate": last_pass,
        "lastPassDispo": row["lastPassDisposition"],
        # The vendor's spelling.
        "agentDispostion": row["agentDisposition"],
        "pendingAgentName": agent and f"Agent {agent}",
        "extraData": row["extendedLeadData"],
        "uploadDate": shown_date(row["uploadDate"]),
        "uploadedBy": UPLOADED_BY,
        "campaignName": campaign["campaignName"],
        "dialGroupId": campaign["groupId"],
    }


def next_dial_time(row: Any) -> str | None:
    """Return the earliest time to dial a lead, if set."""
    return shown_date(row["nextDial"]) if row["nextDial"] > 0 else None


@lru_cache(maxsize=10_000)
def shown_date(milliseconds: int | None) -> str | None:
    """Return milliseconds since the epoch in the vendor's date format."""
    if milliseconds is None:
        return None
    return format_date(datetime.fromtimestamp(milliseconds / 1000, UTC))
