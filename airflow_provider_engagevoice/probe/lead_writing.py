"""The part of the probe that loads a fictitious lead, paused, into the campaign that the probe has made."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import file_form
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.probe.answers import ACCOUNT, Answer, Prober
from airflow_provider_engagevoice.probe.results import Findings

#: A number for fiction, and the forms in which a lead may have it.
_NATIONAL, _E164 = "4155550100", "+14155550100"
_FORMS = {
    "leadPhone": {"leadPhone": _NATIONAL},
    "leadPhoneE164": {"leadPhoneE164": _E164},
    "both": {"leadPhone": _NATIONAL, "leadPhoneE164": _E164},
}
_SEARCHED = (_NATIONAL, _E164, "14155550100", "(415) 555-0100")
#: Seconds after a load at which leads are looked for.
_LAGS = (0.0, 1.3, 2.5, 5.5, 15.0, 31.0, 65.0)
_LIST_NAME_LENGTH = 80
_HANDLING = "REMOVE_ALL_EXISTING"

Load = list[dict[str, str]]


class LeadWriting:
    """Loads leads into a campaign that cannot dial, and cancels them.

    :param campaign_id: the campaign, in the dial group ``dial_group_id``
    :param mark: text that nothing else in the account has
    """

    def __init__(
        self, prober: Prober, findings: Findings, dial_group_id: int, campaign_id: int, mark: str
    ) -> None:
        self._prober = prober
        self._findings = findings
        self._dial_group_id = dial_group_id
        self._campaign_id = campaign_id
        self._mark = mark
        self._sent: list[str] = []
        self._loader = f"{ACCOUNT}/campaigns/{campaign_id}/leadLoader"

    def run(self) -> None:
        """Load, search, and cancel."""
        try:
            self._run()
        finally:
            self._cancel()

    def _run(self) -> None:
        found = self._findings
        forms = [self._load([{"externId": self._id(form), **phone}]) for form, phone in _FORMS.items()]
        mixed = self._load(
            [{"externId": self._id("again"), **_FORMS["both"]}, {"externId": self._id("none")}]
        )
        answers = [*forms, mixed]
        seconds = self._seconds_until_found(["again"], _LAGS)
        found.facts["lead_forms_loaded"] = [form for form in _FORMS if self._found([form])]
        self._answer(answers, mixed, is_found=seconds is not None)
        self._list_name()
        if seconds is None:
            found.found("lead_found", None, f"not in {_LAGS[-1]:g} s")
            for point in ("phone_search", "remove_all_existing", "file_columns"):
                found.unknown(point, "no lead that was loaded is found")
            return
        if any(one.status is None for one in answers):
            found.found("lead_found", None, "loads are carried out late")
        elif seconds in (5.5, 15.0):
            found.found("lead_found", None, f"after {seconds:g} s")
        else:
            value = "at once" if not seconds else "after 2 s" if seconds < 5.5 else "after a minute"
            found.found("lead_found", value)
        self._phones()
        self._existing(max(seconds, 2.5))
        self._file(seconds)

    def _id(self, name: str) -> str:
        return f"{self._mark}-{name}"

    # Loads.

    def _options(self, handling: str) -> dict[str, Any]:
        return {
            "description": f"{self._mark} {'list ' * 20}"[:_LIST_NAME_LENGTH],
            "dialPriority": "NORMAL",
            "duplicateHandling": handling,
            "listState": "PAUSED",
            "timeZoneOption": "NOT_APPLICABLE",
        }

    def _load(self, leads: Load, handling: str = "RETAIN_ALL") -> Answer:
        self._sent += [lead["externId"] for lead in leads]
        body = {**self._options(handling), "uploadLeads": leads}
        return self._prober.send("POST", f"{self._loader}/direct", body, rate_limit="lead_loader_direct")

    def _answer(self, answers: list[Answer], mixed: Answer, *, is_found: bool) -> None:
        """Find out what loads are answered with, by one of a lead and of one without a phone."""
        data = mixed.data if isinstance(mixed.data, dict) else {}
        supplied, accepted = (data.get(name) for name in ("leadsSupplied", "leadsAccepted"))
        rejected, status = data.get("rejectedRows"), data.get("processingStatus")
        rows = rejected if isinstance(rejected, list) else []
        value = None
        if any(one.status is None for one in answers):
            value = "late, connection broken" if is_found else None
        elif (supplied, accepted, status) == (0, 0, None) and is_found:
            value = "0 supplied without a status"
        elif isinstance(accepted, int) and accepted + len(rows) == 2:
            value = "adds up"
        elif accepted == 1:
            value = "fewer accepted than sent"
        # Nothing that the server may have written of people.
        counts = [one if isinstance(one, int) else "?" for one in (accepted, supplied)]
        status = status if isinstance(status, str) and re.fullmatch("[A-Z_]{1,40}", status) else "no status"
        shown = f"status {mixed.status}, {counts[0]} of {counts[1]} accepted, {len(rows)} rejected, {status}"
        self._findings.found("lead_answer", value, "" if value else shown)

    def _existing(self, seconds: float) -> None:
        """Load the number again, twice, with the option that looks at what the campaign has."""
        for name in ("existing-1", "existing-2"):
            self._load([{"externId": self._id(name), "leadPhone": _NATIONAL}], _HANDLING)
        self._seconds_until_found(["existing-1", "existing-2"], (seconds, 2 * seconds))
        # The second one may be found a moment later than the first.
        self._wait(clock.monotonic() + min(seconds, 2.5))
        loaded = (self._found(["existing-1"]), self._found(["existing-2"]))
        values = {(False, False): "all leads", (True, False): "those loaded with it"}
        note = "it does not keep the number from being loaded again"
        self._findings.found("remove_all_existing", values.get(loaded), "" if loaded in values else note)

    def _file(self, seconds: float) -> None:
        """Load a file in which columns are right from 0 and from 1, but tell by their ids which it was."""
        zero, one = self._id("from-0"), self._id("from-1")
        content = f"{one},{zero},{_NATIONAL},{_NATIONAL}\n".encode()
        form, form_type = file_form(content, "leads.csv")
        query = {"fileType": "COMMA", "quoteCharacter": '"'}
        preview = self._prober.send(
            "POST",
            f"{self._loader}/preview",
            query=query,
            content=form,
            content_type=form_type,
            rate_limit="lead_loader_preview",
        )
        transaction = preview.data.get("transactionId") if isinstance(preview.data, dict) else None
        if transaction is None:
            self._findings.found("file_columns", None, f"a preview was answered with status {preview.status}")
            return
        self._sent += [zero, one]
        request = {
            **self._options("RETAIN_ALL"),
            "transactionId": transaction,
            "fileType": "COMMA",
            "quoteChar": '"',
            "fileContainsHeaders": False,
            "pageNumber": 1,
            "pageColumnMappings": {"EXTERN_ID": 1, "LEAD_PHONE": 3},
        }
        path = f"{self._loader}/process"
        answer = self._prober.send("POST", path, request, rate_limit="lead_loader_process")
        self._seconds_until_found(["from-0", "from-1"], (*_LAGS, seconds + 30.0))
        found = (self._found(["from-0"]), self._found(["from-1"]))
        values = {(True, False): "from 0", (False, True): "from 1"}
        note = f"status {answer.status}, the lead was not found"
        self._findings.found("file_columns", values.get(found), "" if found in values else note)

    # Searches.

    def _seconds_until_found(self, names: list[str], lags: tuple[float, ...]) -> float | None:
        """Look for any of the leads; return the seconds after which one was found."""
        began = clock.monotonic()
        for seconds in lags:
            self._wait(began + seconds)
            if self._found(names):
                return seconds
        return None

    def _wait(self, until: float) -> None:
        clock.sleep(max(0.0, until - clock.monotonic()))

    def _found(self, names: list[str], **criteria: Any) -> bool:
        path = f"{ACCOUNT}/campaignLeads/leadSearch"
        ids = [self._id(name) for name in names]
        body = {"campaignIds": [self._campaign_id], "externIds": ids, **criteria}
        query = {"maxRows": 10}
        return bool(self._prober.send("POST", path, body, query=query, rate_limit="lead_search").rows)

    def _phones(self) -> None:
        """Search the lead that was loaded with its national number alone by other forms of the number."""
        matching = [one for one in _SEARCHED if self._found(["leadPhone"], leadPhoneNumbers=[one])]
        self._findings.facts["phone_forms_that_find_it"] = matching
        value = None
        if _NATIONAL in matching:
            value = "any form" if _E164 in matching else "exact text"
        self._findings.found("phone_search", value, "" if value else "no form finds it")

    def _list_name(self) -> None:
        path = f"{ACCOUNT}/dialGroups/{self._dial_group_id}/campaigns/{self._campaign_id}/lists"
        names = [
            str(value)
            for row in self._prober.send("GET", path).rows
            for value in row.values()
            if str(value).startswith(self._mark)
        ]
        kept = max(map(len, names), default=0)
        value = {_LIST_NAME_LENGTH: "kept", 50: "cut at 50"}.get(kept)
        note = f"{kept} of {_LIST_NAME_LENGTH} characters are kept" if kept else "no list has its name"
        self._findings.found("list_names", value, "" if value else note)

    def _cancel(self) -> None:
        body = {
            "campaignLeadSearchCriteria": {"campaignIds": [self._campaign_id], "externIds": self._sent},
            "leadActionParams": {},
        }
        path = f"{ACCOUNT}/campaignLeads/actions"
        query = {"leadAction": "CANCEL_LEADS"}
        try:
            answer = self._prober.send("PUT", path, body, query=query, rate_limit="lead_actions")
        except EngageVoiceError:
            answer = Answer(None)
        if not answer.is_success:
            self._findings.left.append(
                f"paused leads {self._mark} in campaign {self._campaign_id}, not cancelled"
            )
