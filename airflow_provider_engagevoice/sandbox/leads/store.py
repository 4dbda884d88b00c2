"""Storage of leads and lead lists."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.leads.fields import STORED_FIELDS, dialable
from airflow_provider_engagevoice.sandbox.store import ALL, JsonObject, Page

_SET_BY_SERVER: Final = ("campaignId", "listId", "leadState", "stateDts", "loadedDts", "nextDial")


class LeadStore:
    """Reads and writes leads and lead lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_list(self, fields: Mapping[str, Any]) -> int:
        """Store a new list and return its id."""
        names, marks = ", ".join(fields), ", ".join("?" * len(fields))
        return self._database.insert(
            f"INSERT INTO lead_lists ({names}) VALUES ({marks})", tuple(fields.values())
        )

    def has_list(self, list_id: int) -> bool:
        """Return whether a list exists."""
        return bool(self._database.rows("SELECT 1 FROM lead_lists WHERE listId = ?", (list_id,)))

    def write_list_result(self, list_id: int, result: Mapping[str, Any]) -> None:
        """Store the final counts and the state of a list."""
        names = ("listState", "leadsSupplied", "leadsAccepted", "leadsInserted", "dncReturnedCount")
        self._database.change(
            f"UPDATE lead_lists SET {', '.join(f'{name} = ?' for name in names)} WHERE listId = ?",
            (*(result[name] for name in names), list_id),
        )

    def add_leads(
        self, campaign_id: int, list_id: int, leads: Sequence[Mapping[str, Any]], now: int, next_dial: int
    ) -> None:
        """Store new leads in state READY.

        :param now: milliseconds since the epoch
        :param next_dial: earliest time to dial, in milliseconds since the epoch; the lowest is dialed first
        """
        server = (campaign_id, list_id, "READY", now, now, next_dial)
        # Each column costs time per row, so columns without any value are omitted.
        sent = set().union(*leads)
        names = [name for name in (*STORED_FIELDS, "pendingAgentId") if name in sent]
        columns = (*_SET_BY_SERVER, *names)
        self._database.insert_many(
            f"INSERT INTO leads ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [(*server, *map(lead.get, names)) for lead in leads],
        )
        if "leadPhoneE164" in sent or any("|" in lead["leadPhone"] for lead in leads):
            self.write_phones_of_list(list_id)

    def write_phones_of_list(self, list_id: int) -> None:
        """Index the additional numbers of the leads of a list."""
        self.write_phones(
            self._database.rows(
                "SELECT leadId, leadPhone, leadPhoneE164 FROM leads"
                " WHERE listId = ? AND (leadPhoneE164 IS NOT NULL OR instr(leadPhone, '|'))",
                (list_id,),
            )
        )

    def write_phones(self, rows: Iterable[Sequence[Any]]) -> None:
        """Index additional numbers, given lead ids with ``leadPhone`` and ``leadPhoneE164``."""
        self._database.insert_many(
            "INSERT OR IGNORE INTO lead_phones (leadId, phone) VALUES (?, ?)",
            [
                (lead_id, phone)
                for lead_id, *numbers in rows
                for phone in phones_of(*numbers)
                if phone != numbers[0]
            ],
        )

    def known_phones(
        self, campaign_id: int, phones: Collection[str], *, in_any_list: bool = False
    ) -> set[str]:
        """Return the ``leadPhone`` values in a campaign's lists loaded with REMOVE_ALL_EXISTING.

        According to the vendor, REMOVE_ALL_EXISTING keeps an existing lead only if it "was already added with
        this same property".

        :param in_any_list: whether to look at all lists
        """
        rows = self._database.rows(
            "SELECT leadPhone FROM leads JOIN lead_lists USING (listId)"
            " WHERE leads.campaignId = ? AND leadPhone IN (SELECT value FROM json_each(?))"
            " AND (? OR duplicateHandling = 'REMOVE_ALL_EXISTING')",
            (campaign_id, json.dumps(list(phones)), in_any_list),
        )
        return {row["leadPhone"] for row in rows}

    def lists(self, campaign_id: int, page: Page = ALL) -> list[JsonObject]:
        """Return the lists of a campaign, oldest first, with their current ``leadCount``."""
        rows = self._database.rows(
            "SELECT *, (SELECT count(*) FROM leads WHERE leads.listId = lead_lists.listId) AS leadCount"
            " FROM lead_lists WHERE campaignId = ? ORDER BY listId LIMIT ? OFFSET ?",
            (campaign_id, *page.values()),
        )
        return [dict(row) for row in rows]

    def passes(self, campaign_id: int | None, page: Page = ALL) -> list[JsonObject]:
        """Return the passes of one campaign, or of all, oldest first, including those of deleted leads."""
        rows = self._database.rows(
            "SELECT * FROM passes WHERE ? IS NULL OR campaignId = ? ORDER BY passId LIMIT ? OFFSET ?",
            (campaign_id, campaign_id, *page.values()),
        )
        return [dict(row) for row in rows]


def phones_of(lead_phone: str, e164: str | None = None) -> list[str]:
    """Return all numbers of a lead in their normalized form."""
    phones = [dialable(phone) for phone in lead_phone.split("|")]
    return phones if e164 is None or dialable(e164) in phones else [*phones, dialable(e164)]
