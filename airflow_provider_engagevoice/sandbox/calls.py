"""Calls of the dialer: it rings nobody, but works the leads of open campaigns off as if it did.

A call is placed in one step and has come to something by the next: in between its lead is PENDING. Leads
loaded as IMMEDIATE come first, then those ready longest; no other order is known here. Chosen where the
vendor's documents are silent: a lead with several numbers is called on one after another, pass by pass; a
number on the do-not-call list is never called, whatever the campaign's ``dncScrubOption``; a lead that has
had all its passes is COMPLETE.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.dialing import why_not_dialing
from airflow_provider_engagevoice.sandbox.leads.do_not_call import DoNotCall
from airflow_provider_engagevoice.sandbox.leads.statistics import Statistics, day_of
from airflow_provider_engagevoice.sandbox.leads.store import phones_of
from airflow_provider_engagevoice.sandbox.outcomes import FINAL_STATES, Outcomes
from airflow_provider_engagevoice.sandbox.settings import DialerSettings, SandboxAccount

_CONNECTED: Final = ("ANSWER", "MACHINE", "ABANDON")


@dataclass(frozen=True, slots=True)
class _Campaign:
    """A campaign that has lists of leads."""

    account: SandboxAccount
    campaign: Mapping[str, Any]
    group: Mapping[str, Any]

    @property
    def id(self) -> int:
        return int(self.campaign["campaignId"])


class Calls:
    """Places calls and ends them.

    :param accounts: whose campaigns
    """

    def __init__(self, database: Database, accounts: tuple[SandboxAccount, ...]) -> None:
        self._database = database
        self._dnc = DoNotCall(database)
        self._statistics = Statistics(database)
        self._accounts = {account.account_id: account for account in accounts}

    def step(self, calls: int, settings: DialerSettings) -> None:
        """End the calls in progress, and place new ones, as many as there are leads for, in equal shares."""
        now = datetime.now(UTC)
        with self._database.transaction():
            campaigns = list(self._campaigns())
            for one in campaigns:
                self._end_calls(one, now, settings)
            dialing = [
                one for one in campaigns if why_not_dialing(one.campaign, one.group, one.account, now) is None
            ]
            for position, one in enumerate(dialing):
                share = -(-calls // (len(dialing) - position))
                calls -= self._place_calls(one, now, share)

    def _campaigns(self) -> Iterator[_Campaign]:
        rows = self._database.rows(
            "SELECT campaigns.account_id, campaigns.body AS campaign, dial_groups.body AS dial_group"
            " FROM campaigns JOIN dial_groups ON dial_groups.id = dial_group_id"
            " WHERE campaigns.id IN (SELECT campaignId FROM lead_lists) ORDER BY campaigns.id"
        )
        for row in rows:
            account = self._accounts.get(row["account_id"])
            if account is not None:
                yield _Campaign(account, json.loads(row["campaign"]), json.loads(row["dial_group"]))

    def _place_calls(self, one: _Campaign, now: datetime, limit: int) -> int:
        instant = _milliseconds(now)
        rows = self._database.rows(
            "SELECT leadId, leadPhone, leadPhoneE164 FROM leads INDEXED BY leads_by_state"
            " WHERE campaignId = ? AND leadState = 'READY' AND nextDial <= ? AND suppressed IS NOT 1"
            " AND (SELECT listState FROM lead_lists WHERE lead_lists.listId = leads.listId)"
            " IN ('ACTIVE', 'READY') ORDER BY nextDial, leadId LIMIT ?",
            (one.id, instant, limit),
        )
        numbers = {row["leadId"]: phones_of(row["leadPhone"], row["leadPhoneE164"]) for row in rows}
        listed = self._dnc.listed(
            one.account.account_id, {phone for many in numbers.values() for phone in many}
        )
        forbidden = [lead_id for lead_id, phones in numbers.items() if not listed.isdisjoint(phones)]
        self._set_state("PENDING", instant, numbers.keys() - set(forbidden))
        self._set_state("DO-NOT-CALL", instant, forbidden)
        if forbidden:
            self._statistics.count(one.id, day_of(one.account, now), {"dnc": len(forbidden)})
        return len(numbers) - len(forbidden)

    def _set_state(self, state: str, instant: int, lead_ids: Any) -> None:
        self._database.insert_many(
            "UPDATE leads SET leadState = ?, stateDts = ? WHERE leadId = ?",
            [(state, instant, lead_id) for lead_id in lead_ids],
        )

    def _end_calls(self, one: _Campaign, now: datetime, settings: DialerSettings) -> None:
        rows = self._database.rows(
            "SELECT leadId, externId, leadPhone, leadPhoneE164, leadPasses, maxPasses FROM leads"
            " WHERE campaignId = ? AND leadState = 'PENDING' ORDER BY leadId",
            (one.id,),
        )
        if not rows:
            return
        instant = _milliseconds(now)
        ever = self._statistics.ever(one.id)
        outcomes = Outcomes(ever["calls"], ever["connects"], settings.abandon_share)
        counts: Counter[str] = Counter()
        ends, passes = [], []
        for row in rows:
            disposition, number = outcomes.next(), row["leadPasses"] + 1
            state = FINAL_STATES.get(disposition) or self._state_after(number, row["maxPasses"], one)
            phones = phones_of(row["leadPhone"], row["leadPhoneE164"])
            called = phones[row["leadPasses"] % len(phones)]
            counts.update(("calls", disposition.lower()))
            counts["connects"] += disposition in _CONNECTED
            counts["complete"] += state == "COMPLETE"
            wait = one.campaign["passDelayMin"] * settings.minute_seconds if state == "READY" else 0
            ends.append(
                (state, instant, instant + int(wait * 1000), number, disposition, instant, row["leadId"])
            )
            passes.append((row["leadId"], one.id, row["externId"], called, number, disposition, instant))
        self._database.insert_many(
            "UPDATE leads SET leadState = ?, stateDts = ?, nextDial = ?, leadPasses = ?,"
            " lastPassDisposition = ?, lastPassDts = ? WHERE leadId = ?",
            ends,
        )
        self._database.insert_many(
            "INSERT INTO passes (leadId, campaignId, externId, leadPhone, passNumber, passDisposition,"
            " passDate) VALUES (?, ?, ?, ?, ?, ?, ?)",
            passes,
        )
        self._statistics.count(one.id, day_of(one.account, now), counts)

    @staticmethod
    def _state_after(passes: int, lead_most: int | None, one: _Campaign) -> str:
        most = lead_most or one.campaign["maxPasses"]
        return "COMPLETE" if 0 < most <= passes else "READY"


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
