"""The simulated vendor's campaigns of leads, in one dialect."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from airflow_provider_engagevoice.models.lead import MAPPING_COLUMNS
from tests.simulation.answers import Answer, error_answer, json_answer
from tests.simulation.dialects import CAPS
from tests.simulation.leads.dialects import LeadDialect
from tests.simulation.leads.stored import Campaign, Stored

_LONGEST_NAME = 50


class LeadVendor:
    """Loads leads and finds them.

    :param refused: externIds that it rejects
    """

    def __init__(self, dialect: LeadDialect, random: Random, refused: frozenset[str]) -> None:
        self.dialect = dialect
        self._random = random
        self._refused = refused
        self.campaign = Campaign(dialect)
        self.leads = self.campaign.leads
        self._files: list[list[list[str]]] = []
        self._lists: list[dict[str, Any]] = []
        #: Each lead that was sent, with its phones and its campaign.
        self.received: set[tuple[str, tuple[str, int]]] = set()

    def seconds_to_load(self) -> float:
        """Return how long a load takes while its connection holds."""
        return 40.0 if self.dialect.carried_out == "after 40 s" else 0.0

    def seconds_when_broken(self) -> float:
        """Return how long after its connection broke a load is carried out."""
        carried_out = self.dialect.carried_out
        if carried_out == "after the connection broke":
            return self._random.uniform(0.0, 59.0)
        if carried_out == "later than reconcile_after":
            return self._random.uniform(70.0, 170.0)
        return self.seconds_to_load()

    def store(self, extern_id: str, phone: str, list_name: str, at: float, campaign_id: int) -> None:
        """Add a lead from elsewhere."""
        self.leads.append(Stored(len(self.leads), extern_id, phone, list_name, at, None, "", campaign_id))

    def load(self, campaign_id: int, body: Mapping[str, Any], request: int, now: float) -> Answer:
        """Load leads at once; text that is not Unicode fails the whole request."""
        if any(_is_broken(one.get("firstName", "")) for one in body["uploadLeads"]):
            return error_answer(400, "malformed text", now)
        result = self._load(campaign_id, body, body["uploadLeads"], request, now)
        return json_answer(self._answered(result), now)

    def preview(self, content: bytes, now: float) -> Answer:
        """Keep a file, and show how it is read."""
        _, text, _ = content.decode().replace("\r\n\r\n", "\0", 1).replace("\r\n--", "\0").split("\0", 2)
        rows = list(csv.reader(io.StringIO(text)))
        self._files.append(rows)
        shown = {
            "transactionId": str(len(self._files) - 1),
            "mappingColumns": list(MAPPING_COLUMNS.values()),
            "pagePreviews": [{"pageNumber": 1, "rowData": rows[:10]}],
            "personaPhoneConfig": [],
        }
        return json_answer(shown, now)

    def begin_file(self, campaign_id: int, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Make the list of a file that is loaded later."""
        name = self._kept(body["description"])
        made = {"listDesc": name, "listState": "LOADING", "at": now, "campaignId": campaign_id}
        self._lists.append(made)
        return made

    def finish_file(self, made: dict[str, Any], body: Mapping[str, Any], request: int, now: float) -> None:
        """Load a file."""
        base = 1 if self.dialect.file_columns == "from 1" else 0
        columns = body["pageColumnMappings"]
        leads = [
            {"externId": row[columns["EXTERN_ID"] - base], "leadPhone": row[columns["LEAD_PHONE"] - base]}
            for row in self._files[int(body["transactionId"])][1:]
        ]
        result = self._load(made["campaignId"], body, leads, request, now)
        made["listState"] = "ACTIVE"
        if self.dialect.list_counts == "stated":
            made |= {name: count for name, count in result.items() if isinstance(count, int)}

    def list_rows(self, campaign_id: int, now: float) -> Answer:
        """Return the lists of files of a campaign."""
        return json_answer([one for one in self._lists if one["campaignId"] == campaign_id], now)

    def _kept(self, name: str) -> str:
        how = self.dialect.list_names
        return (
            name[:_LONGEST_NAME] if how == "cut at 50" else name.upper() if how == "in upper case" else name
        )

    def _load(
        self,
        campaign_id: int,
        body: Mapping[str, Any],
        sent: Sequence[Mapping[str, str]],
        request: int,
        now: float,
    ) -> dict[str, Any]:
        handling, name = body["duplicateHandling"], self._kept(body["description"])
        phones = self._phones(campaign_id, handling)
        rejected: list[dict[str, Any]] = []
        inserted = deleted = 0
        for lead in sent:
            extern_id, phone = lead["externId"], lead["leadPhone"]
            self.received.add((extern_id, (phone, campaign_id)))
            if extern_id in self._refused:
                rejected.append({"message": "not in service", "rowData": [extern_id, phone]})
            elif handling != "RETAIN_ALL" and phone in phones:
                deleted += 1
            else:
                phones.add(phone)
                inserted += 1
                place = name, now, request, handling, campaign_id
                self.leads.append(Stored(len(self.leads), extern_id, phone, *place))
        return {
            "leadsSupplied": len(sent),
            "leadsAccepted": len(sent) - len(rejected),
            "leadsInserted": inserted,
            "deletedCount": deleted,
            "processingStatus": "DEFAULT_NOT_A_FAILURE",
            "rejectedRows": rejected,
        }

    def _phones(self, campaign_id: int, handling: str) -> set[str]:
        if handling != "REMOVE_ALL_EXISTING":
            return set()
        at_all = self.dialect.remove_all_existing == "all leads"
        leads = (one for one in self.leads if one.campaign_id == campaign_id)
        return {one.phone for one in leads if at_all or one.handling == handling}

    def _answered(self, result: dict[str, Any]) -> dict[str, Any]:
        inserted = result["leadsInserted"]
        answer = self.dialect.lead_answer
        if "without a status" in answer:
            del result["processingStatus"]
        if answer == "fewer accepted than sent":
            result["rejectedRows"] = []
        elif answer == "fewer counted than loaded" and inserted:
            few = self._random.randrange(inserted)
            result |= {"leadsInserted": few, "leadsAccepted": result["leadsAccepted"] - inserted + few}
        elif answer == "0 supplied without a status":
            result = {"leadsSupplied": 0, "leadsAccepted": 0, "leadsInserted": 0}
        elif answer == "a failure, though leads are loaded":
            result["processingStatus"] = "GENERAL_FAILURE"
        return result

    def search(self, body: Mapping[str, Any], query: Mapping[str, Any], now: float) -> Answer:
        """Return a page of the leads that are found by now, or their number."""
        rows = self.campaign.rows(body, now)
        return json_answer(len(rows) if "count" in query else self._page(rows, query), now)

    def act(self, body: Mapping[str, Any], query: Mapping[str, Any], now: float) -> Answer:
        """Carry out an action."""
        action = str(query["leadAction"])
        changed = self.campaign.act(action, body["campaignLeadSearchCriteria"], now)
        name = "leadDeleteCount" if action == "DELETE_LEADS" else "leadUpdateCount"
        return json_answer({"success": True, name: changed}, now)

    def _page(self, rows: Sequence[Any], query: Mapping[str, Any]) -> Sequence[Any]:
        first = int(self.dialect.first_page)
        size = min(int(query["maxRows"]), CAPS[self.dialect.cap])
        page = max(0, int(query.get("page", first)) - first)
        return rows[page * size : (page + 1) * size]

    def unavailable(self, now: float) -> Answer:
        """Return the answer of a gateway."""
        return error_answer(502, "bad gateway", now)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= one <= "\udfff" for one in text)
