"""Recording a pass that somebody made by hand, by the parameters of the vendor's text on lead actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.leads.do_not_call import GLOBAL_TAG
from airflow_provider_engagevoice.sandbox.leads.parameters import Parameters
from airflow_provider_engagevoice.sandbox.leads.store import phones_of

_CHOSEN: Final = "leadId IN chosen"
_ORIGINALS: Final = "leadId IN (SELECT copiedFrom FROM leads WHERE leadId IN chosen) AND leadId NOT IN chosen"
_PASS: Final = (
    "leadPasses = leadPasses + 1, lastPassDisposition = 'MANUAL_PASS', lastPassDts = ?, agentDisposition = ?"
)
_AT_A_TIME: Final = 1000


class ManualPass:
    """The pass that one action records.

    Chosen where the vendor's text is silent: a lead that is neither requeued nor done with by DO_NOT_CALL is
    COMPLETE; DO_NOT_CALL has the last word, and lists all numbers of a lead, with its ``externId``, under the
    tag GLOBAL; PASS_DELAY is in the dialer's minutes, which may pass faster; with MERGE_ORIGINAL the lead
    that a copy was made of has the pass, too, and keeps its state.

    :param parameters: ``PASS_DISPOSITION``, ``REQUEUE``, ``DO_NOT_CALL``, ``PASS_DELAY``, ``MERGE_ORIGINAL``
    :param now: milliseconds since 1970
    """

    def __init__(self, backend: Backend, account_id: str, parameters: Parameters, now: int) -> None:
        self._backend = backend
        self._account_id = account_id
        self._now = now
        self._disposition = parameters.text("PASS_DISPOSITION")
        requeue = parameters.flag("REQUEUE")
        self._do_not_call = parameters.flag("DO_NOT_CALL")
        minutes = parameters.number("PASS_DELAY")
        self._merge = parameters.flag("MERGE_ORIGINAL")
        self._state = "DO-NOT-CALL" if self._do_not_call else "READY" if requeue else "COMPLETE"
        self._next_dial = now + int(minutes * backend.dialer.settings.minute_seconds * 1000)

    def record(self) -> int:
        """Record it on the leads whose ids are in the table ``chosen``; return how many."""
        if self._merge:
            self._note(_ORIGINALS)
        count = self._note(_CHOSEN)
        self._backend.database.change(
            f"UPDATE leads SET leadState = ?, stateDts = ?, nextDial = ? WHERE {_CHOSEN}",
            (self._state, self._now, self._next_dial),
        )
        if self._do_not_call:
            for row in self._each():
                phones = phones_of(row["leadPhone"], row["leadPhoneE164"])
                self._backend.dnc.add(
                    self._account_id, phones, row["country"], GLOBAL_TAG, self._disposition, row["externId"]
                )
        return count

    def _note(self, which: str) -> int:
        database = self._backend.database
        database.change(
            "INSERT INTO passes (leadId, campaignId, externId, leadPhone, passNumber, passDisposition,"
            " passDate) SELECT leadId, campaignId, externId, leadPhone, leadPasses + 1, 'MANUAL_PASS', ?"
            f" FROM leads WHERE {which}",
            (self._now,),
        )
        return database.change(f"UPDATE leads SET {_PASS} WHERE {which}", (self._now, self._disposition))

    def _each(self) -> Iterator[Any]:
        last = 0
        while rows := self._backend.database.rows(
            "SELECT leadId, externId, leadPhone, leadPhoneE164, json_extract(body, '$.countryId') AS country"
            f" FROM leads JOIN campaigns ON campaigns.id = campaignId WHERE {_CHOSEN} AND leadId > ?"
            " ORDER BY leadId LIMIT ?",
            (last, _AT_A_TIME),
        ):
            yield from rows
            last = rows[-1]["leadId"]
