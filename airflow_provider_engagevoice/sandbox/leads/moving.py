"""The lead action that moves or copies leads to another campaign."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.fields import STORED_FIELDS
from airflow_provider_engagevoice.sandbox.leads.parameters import ActionParameters
from airflow_provider_engagevoice.sandbox.leads.store import LeadStore

_COPY_SETTINGS: Final = ("false", "true", "TRANSITION")
_DUPLICATE_SETTINGS: Final = ("MOVE", "IGNORE")
_COPIED_COLUMNS: Final = (
    "leadState",
    "stateDts",
    "loadedDts",
    "nextDial",
    "leadPasses",
    "lastPassDisposition",
    "lastPassDts",
    "agentDisposition",
    "pendingAgentId",
    *STORED_FIELDS,
)


class LeadMover:
    """Moves or copies leads, according to the parameters of one action.

    ``CREATE_COPY_SETTING`` TRANSITION copies the leads and sets the originals to TRANSITIONED, as in the
    vendor's document on lead states. Duplicates are leads of the target campaign with the same ``leadPhone``.

    :param parameters: ``CAMPAIGN_ID``, ``LIST_ID``, ``LIST_NAME``, ``CREATE_COPY_SETTING``,
        ``DUPLICATE_ACTION_SETTING``
    :param now: milliseconds since the epoch
    """

    def __init__(self, database: Database, account_id: str, parameters: ActionParameters, now: int) -> None:
        self._database = database
        self._store = LeadStore(database)
        self._now = now
        self._campaign_id = parameters.number("CAMPAIGN_ID")
        self._list_id = parameters.number("LIST_ID")
        self._list_name = parameters.text("LIST_NAME") if parameters.has("LIST_NAME") else "Moved leads"
        self._copy_setting = parameters.choice("CREATE_COPY_SETTING", _COPY_SETTINGS)
        self._duplicates = parameters.choice("DUPLICATE_ACTION_SETTING", _DUPLICATE_SETTINGS)
        if not database.rows(
            "SELECT 1 FROM campaigns WHERE account_id = ? AND id = ?", (account_id, self._campaign_id)
        ):
            raise bad_request([Problem("CAMPAIGN_ID", "is not a campaign of the account", self._campaign_id)])
        if self._list_id and not database.rows(
            "SELECT 1 FROM lead_lists WHERE campaignId = ? AND listId = ?", (self._campaign_id, self._list_id)
        ):
            raise bad_request([Problem("LIST_ID", "is not a list of the target campaign", self._list_id)])

    def move(self) -> int:
        """Move or copy the leads in the table ``selected``; return their count."""
        if self._duplicates == "IGNORE":
            self._database.change(
                "DELETE FROM selected WHERE leadId IN (SELECT leadId FROM leads WHERE leadId IN selected"
                " AND leadPhone IN (SELECT leadPhone FROM leads WHERE campaignId = ?))",
                (self._campaign_id,),
            )
        list_id = self._list_id or self._new_list()
        if self._copy_setting == "false":
            count = self._change("campaignId = ?, listId = ?", self._campaign_id, list_id)
        else:
            count = self._copy(list_id)
        if not self._list_id:
            counts = dict.fromkeys(("leadsSupplied", "leadsAccepted", "leadsInserted"), count)
            self._store.write_list_result(list_id, {**counts, "listState": "ACTIVE", "dncReturnedCount": 0})
        return count

    def _copy(self, list_id: int) -> int:
        columns = ", ".join(_COPIED_COLUMNS)
        count = self._database.change(
            f"INSERT INTO leads (campaignId, listId, copiedFrom, {columns})"
            f" SELECT ?, ?, coalesce(copiedFrom, leadId), {columns} FROM leads"
            " WHERE leadId IN selected ORDER BY leadId",
            (self._campaign_id, list_id),
        )
        self._store.write_phones_of_list(list_id)
        if self._copy_setting == "TRANSITION":
            self._change("leadState = 'TRANSITIONED', stateDts = ?", self._now)
        return count

    def _change(self, assignments: str, *values: Any) -> int:
        return self._database.change(f"UPDATE leads SET {assignments} WHERE leadId IN selected", values)

    def _new_list(self) -> int:
        return self._store.add_list(
            {
                "campaignId": self._campaign_id,
                "listDesc": self._list_name,
                "listState": "ACTIVE",
                "dialPriority": "NORMAL",
                "duplicateHandling": "RETAIN_ALL",
                "timeZoneOption": "NOT_APPLICABLE",
                "uploadDate": self._now,
            }
        )
