"""Updates of a single lead, in the form of the vendor's ``CampaignLead``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request, not_found
from airflow_provider_engagevoice.sandbox.leads import fields
from airflow_provider_engagevoice.sandbox.leads.checks import LeadChecks
from airflow_provider_engagevoice.sandbox.leads.search import next_dial_time, shown_date
from airflow_provider_engagevoice.sandbox.store import JsonObject


class LeadUpdate:
    """Updates one lead of a campaign.

    Not documented by the vendor, assumed: what the loader would reject is 400; of the fields the server sets
    only ``leadState`` can be changed; null means omitted.

    :param list_id: list that must contain the lead; None for any
    """

    def __init__(
        self, backend: Backend, campaign: Mapping[str, Any], lead_id: int, list_id: int | None, option: str
    ) -> None:
        self._backend = backend
        self._campaign = campaign
        self._lead_id = lead_id
        self._list_id = list_id
        self._checks = LeadChecks(option, campaign["countryId"])

    def apply(self, body: Mapping[str, Any], *, whole: bool) -> JsonObject:
        """Store the fields sent, and with ``whole`` clear all others; return the lead."""
        sent = {name: value for name, value in body.items() if value is not None}
        database = self._backend.database
        with database.transaction():
            row = self._row()
            lead = sent if whole else {**_stored(row), **sent}
            checked = self._checks.check([lead])
            if checked.rejected:
                attribute, _, message = checked.rejected[0]["message"].partition(": ")
                raise bad_request([Problem(attribute, message)])
            state = sent.get("leadState", row["leadState"])
            state_dts = row["stateDts"] if state == row["leadState"] else int(time.time() * 1000)
            assignments = ", ".join(f"{name} = ?" for name in fields.STORED_FIELDS)
            database.change(
                f"UPDATE leads SET {assignments}, leadState = ?, stateDts = ? WHERE leadId = ?",
                (*map(lead.get, fields.STORED_FIELDS), state, state_dts, self._lead_id),
            )
            database.change("DELETE FROM lead_phones WHERE leadId = ?", (self._lead_id,))
            numbers = (lead["leadPhone"], lead.get("leadPhoneE164"))
            self._backend.leads.write_phones([(self._lead_id, *numbers)])
            return _campaign_lead(self._row())

    def _row(self) -> Any:
        rows = self._backend.database.rows(
            "SELECT * FROM leads WHERE leadId = ? AND campaignId = ? AND listId = coalesce(?, listId)",
            (self._lead_id, self._campaign["campaignId"], self._list_id),
        )
        if not rows:
            raise not_found(f"Lead {self._lead_id}")
        return rows[0]


def _stored(row: Any) -> JsonObject:
    """Return the lead as sent to the loader."""
    lead = {name: row[name] for name in fields.STORED_FIELDS if row[name] is not None}
    for name in fields.OBJECT_FIELDS:
        if name in lead:
            lead[name] = json.loads(lead[name])
    for name in fields.FLAG_FIELDS:
        if name in lead:
            lead[name] = bool(lead[name])
    if lead["leadPhone"] == lead.get("leadPhoneE164"):
        del lead["leadPhone"]
    return lead


def _campaign_lead(row: Any) -> JsonObject:
    return {
        "leadId": row["leadId"],
        "id": row["leadId"],
        **dict.fromkeys(fields.STORED_FIELDS),
        **_stored(row),
        "leadPhone": row["leadPhone"],
        "suppressed": row["suppressed"] == 1,
        "leadState": row["leadState"],
        "stateDts": shown_date(row["stateDts"]),
        "loadedDts": shown_date(row["loadedDts"]),
        "nextDialTime": next_dial_time(row),
        "leadPasses": row["leadPasses"],
        "lastPassDisposition": row["lastPassDisposition"],
        "lastPassDts": shown_date(row["lastPassDts"]),
    }
