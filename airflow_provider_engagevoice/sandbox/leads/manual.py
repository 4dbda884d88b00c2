"""The lead action that records a manual pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.leads.do_not_call import GLOBAL_TAG
from airflow_provider_engagevoice.sandbox.leads.parameters import ActionParameters
from airflow_provider_engagevoice.sandbox.leads.store import phones_of

_SELECTED: Final = "leadId IN selected"
_ORIGINALS: Final = (
    "leadId IN (SELECT copiedFrom FROM leads WHERE leadId IN selected) AND leadId NOT IN selected"
)
_SET_PASS: Final = (
    "leadPasses = leadPasses + 1, lastPassDisposition = 'MANUAL_PASS', lastPassDts = ?, agentDisposition = ?"
)
_BATCH: Final = 1000


class ManualPass:
    """The manual pass recorded by one action.

    Not documented by the vendor, assumed: a lead is COMPLETE unless REQUEUE or DO_NOT_CALL is set;
    DO_NOT_CALL takes precedence and adds all numbers of the lead, with its ``externId``, to the tag GLOBAL;
    PASS_DELAY is in the dialer's minutes; MERGE_ORIGINAL also records the pass on the original of a copied
    lead, without changing its state.

    :param parameters: ``PASS_DISPOSITION``, ``REQUEUE``, ``DO_NOT_CALL``, ``PASS_DELAY``, ``MERGE_ORIGINAL``
    :param now: milliseconds since the epoch
    """

    def __init__(self, backend: Backend, account_id: str, parameters: ActionParameters, now: int) -> None:
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
        """Record the pass on the leads in the table ``selected``; return their count."""
        if self._merge:
            self._add_pass(_ORIGINALS)
        count = self._add_pass(_SELECTED)
        self._backend.database.change(
            f"UPDATE leads SET leadState = ?, stateDts = ?, nextDial = ? WHERE {_SELECTED}",
            (self._state, self._now, self._next_dial),
        )
        if self._do_not_call:
            for row in self._selected_leads():
                phones = phones_of(row["leadPhone"], row["leadPhoneE164"])
                self._backend.dnc.add(
                    self._account_id, phones, row["country"], GLOBAL_TAG, self._disposition, row["externId"]
                )
        return count

    def _add_pass(self, where: str) -> int:
        database = self._backend.database
        database.change(
            "INSERT INTO passes (leadId, campaignId, externId, leadPhone, passNumber, passDisposition,"
            " passDate) SELECT leadId, campaignId, externId, leadPhone, leadPasses + 1, 'MANUAL_PASS', ?"
            f" FROM leads WHERE {where}",
            (self._now,),
        )
        return database.change(f"UPDATE leads SET {_SET_PASS} WHERE {where}", (self._now, self._disposition))

    def _selected_leads(self) -> Iterator[Any]:
        last = 0
        while rows := self._backend.database.rows(
            "SELECT leadId, externId, leadPhone, leadPhoneE164, json_extract(body, '$.countryId') AS country"
            f" FROM leads JOIN campaigns ON campaigns.id = campaignId WHERE {_SELECTED} AND leadId > ?"
            " ORDER BY leadId LIMIT ?",
            (last, _BATCH),
        ):
            yield from rows
            last = rows[-1]["leadId"]
