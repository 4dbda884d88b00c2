"""The part of the probe that loads a fictitious lead, paused, into the campaign that the probe has made."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.probe.answers import ACCOUNT, Prober
from airflow_provider_engagevoice.probe.findings import Findings

#: A number for fiction, and the forms in which a lead may have it.
_NATIONAL, _E164 = "4155550100", "+14155550100"
_FORMS = {
    "leadPhone": {"leadPhone": _NATIONAL},
    "leadPhoneE164": {"leadPhoneE164": _E164},
    "both": {"leadPhone": _NATIONAL, "leadPhoneE164": _E164},
}
_SEARCHED = (_NATIONAL, _E164, "14155550100", "(415) 555-0100")
_LAGS = (0.0, 1.3, 2.5, 5.5, 15.0, 31.0, 65.0)
_LIST_NAME_LENGTH = 80


class LeadWriting:
    """Loads leads into a campaign that cannot dial, and cancels them.

    :param campaign_id: the campaign, in the dial group ``dial_group_id``
    :param mark: text that nothing else in the account has
    """

    def __init__(
        self, prober: Prober, findings: Findings, dial_group_id: int, campaign_id: int, mark: str
    ) -> None:
        self._prober = prober
        self._facts = findings.facts
        self._left = findings.left
        self._dial_group_id = dial_group_id
        self._campaign_id = campaign_id
        self._mark = mark

    def run(self) -> None:
        """Load, search, and cancel."""
        try:
            self._facts["lead_forms_loaded"] = [form for form in _FORMS if self._load(form)]
            self._search()
            self._list_name()
        finally:
            self._cancel()

    def _load(self, form: str) -> bool:
        body = {
            "description": f"{self._mark} {'list ' * 20}"[:_LIST_NAME_LENGTH],
            "dialPriority": "NORMAL",
            "duplicateHandling": "RETAIN_ALL",
            "listState": "PAUSED",
            "timeZoneOption": "NOT_APPLICABLE",
            "uploadLeads": [{"externId": f"{self._mark}-{form}", **_FORMS[form]}],
        }
        path = f"{ACCOUNT}/campaigns/{self._campaign_id}/leadLoader/direct"
        answer = self._prober.send("POST", path, body)
        counts = answer.data if isinstance(answer.data, dict) else {}
        self._facts[f"lead_load_{form}"] = [
            f"status {answer.status}",
            *(f"{name} {counts[name]}" for name in ("leadsSupplied", "leadsAccepted") if name in counts),
            *(str(counts[name]) for name in ("processingStatus",) if name in counts),
        ]
        return bool(counts.get("leadsAccepted"))

    def _search(self) -> None:
        began = clock.monotonic()
        for seconds in _LAGS:
            clock.sleep(max(0.0, began + seconds - clock.monotonic()))
            if self._found({"externIds": [f"{self._mark}-{form}" for form in _FORMS]}):
                self._facts["lead_found_by_search"] = "at once" if not seconds else f"after {seconds:g} s"
                break
        else:
            self._facts["lead_found_by_search"] = f"not in {_LAGS[-1]:g} s"
            return
        self._facts["phone_forms_that_find_it"] = [
            phone for phone in _SEARCHED if self._found({"leadPhoneNumbers": [phone]})
        ]

    def _found(self, criteria: dict[str, Any]) -> bool:
        path = f"{ACCOUNT}/campaignLeads/leadSearch"
        body = {"campaignIds": [self._campaign_id], **criteria}
        return bool(self._prober.send("POST", path, body, query={"maxRows": 10}).rows)

    def _list_name(self) -> None:
        path = f"{ACCOUNT}/dialGroups/{self._dial_group_id}/campaigns/{self._campaign_id}/lists"
        names = [
            str(value)
            for row in self._prober.send("GET", path).rows
            for value in row.values()
            if str(value).startswith(self._mark)
        ]
        kept = max(map(len, names), default=0)
        if kept:
            self._facts["list_name_kept"] = (
                "whole" if kept == _LIST_NAME_LENGTH else f"{kept} of {_LIST_NAME_LENGTH} characters"
            )

    def _cancel(self) -> None:
        body = {
            "campaignLeadSearchCriteria": {
                "campaignIds": [self._campaign_id],
                "externIds": [f"{self._mark}-{form}" for form in _FORMS],
            },
            "leadActionParams": {},
        }
        path = f"{ACCOUNT}/campaignLeads/actions"
        answer = self._prober.send("PUT", path, body, query={"leadAction": "CANCEL_LEADS"})
        if not answer.is_success:
            self._left.append(f"paused leads {self._mark} in campaign {self._campaign_id}, not cancelled")
