"""Loading of leads into a campaign: in one transaction, with one new list per call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.checks import LeadChecks
from airflow_provider_engagevoice.sandbox.leads.do_not_call import GLOBAL_TAG
from airflow_provider_engagevoice.sandbox.leads.fields import AGENT_FIELD, AGENTS, stored_phone
from airflow_provider_engagevoice.sandbox.leads.store import phones_of
from airflow_provider_engagevoice.sandbox.store import JsonObject

_LOADED: Final = "Your uploaded lead list has successfully completed processing"
_FAILED: Final = "Your uploaded lead list file processing has failed"
_LONGEST_CUT_NAME: Final = 50
_COUNTS: Final = ("leadsSupplied", "leadsAccepted", "leadsInserted", "leadsConverted", "deletedCount")
_NEXT_DIAL: Final = {"IMMEDIATE": -1, "NORMAL": 0}


class LeadLoader:
    """Loads the leads of one request.

    Not documented by the vendor, assumed: ``leadsAccepted`` counts valid leads. Of these, leads on the
    do-not-call list are returned, then duplicates are dropped (``deletedCount``); the rest are inserted and
    count as converted.

    :param campaign: the whole campaign
    :param request: the validated request
    :param file_name: name of the leads' file; None if they are in the request
    """

    def __init__(
        self,
        backend: Backend,
        account_id: str,
        campaign: Mapping[str, Any],
        request: Mapping[str, Any],
        file_name: str | None = None,
    ) -> None:
        self._backend = backend
        self._account_id = account_id
        self._campaign = campaign
        self._request = request
        self._file_name = file_name
        country = request.get("numberOriginCountry") or campaign["countryId"]
        self._tag_ids = _tag_ids(backend, account_id, request.get("dncTags", []))
        self._checks = LeadChecks(request["timeZoneOption"], country)
        self._known_phones: set[str] = set()
        self._now = _now()
        self._supplied = self._accepted = self._allowed_count = self._inserted = self._failed_agents = 0
        self._rejected: list[JsonObject] = []

    def add_pending_list(self) -> int:
        """Add an empty list in state LOADING, for leads that are loaded later; return its id."""
        return self._backend.leads.add_list(self._list() | {"listState": "LOADING"})

    def load(self, batches: Iterable[list[Any]], list_id: int | None = None) -> JsonObject:
        """Validate and store leads in batches; return the vendor's ``LeadListProcessingResult``.

        If no lead is accepted, nothing is stored, except for an empty list if the leads come from a file:
        the list is the only record of the file's result.

        :param list_id: the list added before; nothing is loaded if it has been deleted since
        """
        self._now = _now()
        with self._backend.database.transaction():
            if list_id is not None and not self._backend.leads.has_list(list_id):
                return self._result()
            for leads in batches:
                kept = self._filter(leads)
                if list_id is None and (self._accepted or self._file_name is not None):
                    list_id = self._backend.leads.add_list(self._list())
                form = self._backend.settings.stored_phones
                for lead in kept if form != "sent" else ():
                    lead["leadPhone"] = stored_phone(lead, form)
                if kept and list_id is not None:
                    priority = _NEXT_DIAL[self._request["dialPriority"]]
                    self._backend.leads.add_leads(
                        self._campaign["campaignId"], list_id, kept, self._now, priority
                    )
            result = self._result()
            if list_id is not None:
                self._backend.leads.write_list_result(list_id, result)
        return result

    def _filter(self, leads: list[Any]) -> list[JsonObject]:
        checked = self._checks.check(leads)
        allowed = self._not_on_dnc(checked.accepted)
        kept = self._without_duplicates(allowed)
        self._supplied += len(leads)
        self._accepted += len(checked.accepted)
        self._allowed_count += len(allowed)
        self._inserted += len(kept)
        for lead in checked.accepted:
            if agent := lead.get(AGENT_FIELD):
                self._reserve(lead, agent)
        if self._file_name is None:
            self._rejected.extend(checked.rejected)
        return kept

    def _reserve(self, lead: JsonObject, agent: str) -> None:
        if agent.isdecimal() and int(agent) in AGENTS:
            lead["pendingAgentId"] = int(agent)
        else:
            self._failed_agents += 1

    def _not_on_dnc(self, leads: list[JsonObject]) -> list[JsonObject]:
        dnc = self._backend.dnc
        if self._campaign["dncScrubOption"] == "DO_NOT_SCRUB" or dnc.is_empty(self._account_id):
            return leads
        numbers = [phones_of(lead["leadPhone"], lead.get("leadPhoneE164")) for lead in leads]
        listed = dnc.listed(self._account_id, set().union(*numbers), self._tag_ids)
        return [lead for lead, phones in zip(leads, numbers, strict=True) if listed.isdisjoint(phones)]

    def _without_duplicates(self, leads: list[JsonObject]) -> list[JsonObject]:
        handling = self._request["duplicateHandling"]
        if handling == "RETAIN_ALL":
            return leads
        if handling == "REMOVE_ALL_EXISTING":
            phones = [lead["leadPhone"] for lead in leads]
            at_all = self._backend.dialect.remove_all_existing == "all leads"
            self._known_phones = self._backend.leads.known_phones(
                self._campaign["campaignId"], phones, in_any_list=at_all
            )
        kept = []
        for lead in leads:
            if lead["leadPhone"] not in self._known_phones:
                self._known_phones.add(lead["leadPhone"])
                kept.append(lead)
        return kept

    def _list(self) -> JsonObject:
        request = self._request
        longest = _LONGEST_CUT_NAME if self._backend.dialect.list_names == "cut at 50" else None
        return {
            "campaignId": self._campaign["campaignId"],
            "listDesc": request.get("description", "")[:longest],
            "listState": request.get("listState", "ACTIVE"),
            "dialPriority": request["dialPriority"],
            "duplicateHandling": request["duplicateHandling"],
            "timeZoneOption": request["timeZoneOption"],
            "uploadDate": self._now,
            "uploadFileName": self._file_name,
        }

    def _result(self) -> JsonObject:
        passed = self._accepted > 0
        deleted = self._allowed_count - self._inserted
        returned = self._accepted - self._allowed_count
        return {
            "leadsSupplied": self._supplied,
            "leadsAccepted": self._accepted,
            "leadsInserted": self._inserted,
            "leadsConverted": self._inserted,
            "deletedCount": deleted,
            "hasDeletedLeads": deleted > 0,
            "dncReturnedCount": returned,
            "internalDncCount": returned,
            "dncUploadCount": 0,
            "failedAgentAssignment": self._failed_agents,
            "quotaCount": 0,
            "whitelistCount": 0,
            "listState": self._request.get("listState", "ACTIVE"),
            "timeZoneOption": self._request["timeZoneOption"],
            "uploadFileName": self._file_name,
            "message": _LOADED if passed else _FAILED,
            "processingResult": "OK" if passed else "Failed",
            "processingStatus": "DEFAULT_NOT_A_FAILURE" if passed else "NO_LEADS_PASSED_VALIDATION",
            "rejectedRows": self._rejected,
        }


def answered(result: JsonObject, lead_answer: str) -> JsonObject:
    """Return the result of a load as a dialect answers it."""
    if lead_answer == "fewer accepted than sent":
        return {**result, "rejectedRows": []}
    if lead_answer == "0 supplied without a status":
        return {**result, **dict.fromkeys(_COUNTS, 0), "processingStatus": None, "rejectedRows": []}
    return result


def _now() -> int:
    return int(clock.time() * 1000)


def _tag_ids(backend: Backend, account_id: str, labels: list[str]) -> list[int] | None:
    """Return the tags to scrub against: GLOBAL and the named ones; None for all if none is named.

    The meaning of ``dncTags`` is not documented; this is assumed.
    """
    if not labels:
        return None
    known = {tag["dncTagLabel"]: tag["dncTagId"] for tag in backend.dnc.tags(account_id)}
    unknown = [
        Problem("dncTags", "is not a do-not-call tag", label) for label in labels if label not in known
    ]
    if unknown:
        raise bad_request(unknown)
    return [GLOBAL_TAG, *(known[label] for label in labels)]
