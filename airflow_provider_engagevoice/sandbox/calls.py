"""Simulated calls to the leads of open campaigns.

A call is placed in one step and ends in the next; its lead is PENDING in between. Leads loaded as IMMEDIATE
are called first, then those that have been ready longest. Not documented by the vendor, assumed: the numbers
of a lead are called in turn, one per pass; a number on the do-not-call list is never called, regardless of
the campaign's ``dncScrubOption``; a lead is COMPLETE after its last pass.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.dialing import Rules, why_not_dialing, why_not_in_window
from airflow_provider_engagevoice.sandbox.leads.do_not_call import DoNotCall
from airflow_provider_engagevoice.sandbox.leads.statistics import Statistics, day_of
from airflow_provider_engagevoice.sandbox.leads.store import phones_of
from airflow_provider_engagevoice.sandbox.outcomes import FINAL_STATES, Outcomes
from airflow_provider_engagevoice.sandbox.settings import DialerSettings, SandboxAccount

_CONNECTED: Final = ("ANSWER", "MACHINE", "ABANDON")


@dataclass(frozen=True, slots=True)
class _DialableCampaign:
    """A campaign that has lead lists."""

    account: SandboxAccount
    body: Mapping[str, Any]
    group: Mapping[str, Any]

    @property
    def id(self) -> int:
        return int(self.body["campaignId"])


class Calls:
    """Places and ends calls.

    :param accounts: accounts whose campaigns are dialed
    :param dialect: returns the current dialect
    """

    def __init__(
        self, database: Database, accounts: tuple[SandboxAccount, ...], dialect: Callable[[], Dialect]
    ) -> None:
        self._database = database
        self._dnc = DoNotCall(database)
        self._statistics = Statistics(database)
        self._dialect = dialect
        self._accounts = {account.account_id: account for account in accounts}

    def step(self, calls: int, settings: DialerSettings) -> None:
        """End the calls in progress and place up to ``calls`` new ones, in equal shares per campaign."""
        now = datetime.now(UTC)
        with self._database.transaction():
            campaigns = list(self._campaigns())
            for campaign in campaigns:
                self._end_calls(campaign, now, settings)
            dialect = self._dialect()
            dialing = [one for one in campaigns if _can_dial(one, Rules.of(one.account, dialect), now)]
            for position, campaign in enumerate(dialing):
                share = -(-calls // (len(dialing) - position))
                calls -= self._place_calls(campaign, Rules.of(campaign.account, dialect), now, share)

    def _campaigns(self) -> Iterator[_DialableCampaign]:
        rows = self._database.rows(
            "SELECT campaigns.account_id, campaigns.body AS campaign, dial_groups.body AS dial_group"
            " FROM campaigns JOIN dial_groups ON dial_groups.id = dial_group_id"
            " WHERE campaigns.id IN (SELECT campaignId FROM lead_lists) ORDER BY campaigns.id"
        )
        for row in rows:
            account = self._accounts.get(row["account_id"])
            if account is not None:
                yield _DialableCampaign(account, json.loads(row["campaign"]), json.loads(row["dial_group"]))

    def _place_calls(self, campaign: _DialableCampaign, rules: Rules, now: datetime, limit: int) -> int:
        instant = _milliseconds(now)
        rows = self._database.rows(
            "SELECT leadId, leadPhone, leadPhoneE164 FROM leads INDEXED BY leads_by_state"
            " WHERE campaignId = ? AND leadState = 'READY' AND nextDial <= ? AND suppressed IS NOT 1"
            " AND (SELECT listState FROM lead_lists WHERE lead_lists.listId = leads.listId)"
            " IN ('ACTIVE', 'READY') ORDER BY nextDial, leadId LIMIT ?",
            (campaign.id, instant, -1 if rules.by_lead else limit),
        )
        numbers = {row["leadId"]: phones_of(row["leadPhone"], row["leadPhoneE164"]) for row in rows}
        if rules.by_lead:
            open_now = (one for one in numbers.items() if rules.is_open(campaign.body, one[1][0], now))
            numbers = dict(islice(open_now, limit))
        all_numbers = {phone for phones in numbers.values() for phone in phones}
        listed = self._dnc.listed(campaign.account.account_id, all_numbers)
        on_dnc = [lead_id for lead_id, phones in numbers.items() if not listed.isdisjoint(phones)]
        self._set_state("PENDING", instant, numbers.keys() - set(on_dnc))
        self._set_state("DO-NOT-CALL", instant, on_dnc)
        if on_dnc:
            self._statistics.count(campaign.id, day_of(campaign.account, now), {"dnc": len(on_dnc)})
        return len(numbers) - len(on_dnc)

    def _set_state(self, state: str, instant: int, lead_ids: Any) -> None:
        self._database.insert_many(
            "UPDATE leads SET leadState = ?, stateDts = ? WHERE leadId = ?",
            [(state, instant, lead_id) for lead_id in lead_ids],
        )

    def _end_calls(self, campaign: _DialableCampaign, now: datetime, settings: DialerSettings) -> None:
        rows = self._database.rows(
            "SELECT leadId, externId, leadPhone, leadPhoneE164, leadPasses, maxPasses FROM leads"
            " WHERE campaignId = ? AND leadState = 'PENDING' ORDER BY leadId",
            (campaign.id,),
        )
        if not rows:
            return
        instant = _milliseconds(now)
        totals = self._statistics.totals(campaign.id)
        outcomes = Outcomes(totals["calls"], totals["connects"], settings.abandon_share)
        counts: Counter[str] = Counter()
        updates, passes = [], []
        for row in rows:
            disposition, number = outcomes.next(), row["leadPasses"] + 1
            state = FINAL_STATES.get(disposition) or self._state_after(number, row["maxPasses"], campaign)
            phones = phones_of(row["leadPhone"], row["leadPhoneE164"])
            called = phones[row["leadPasses"] % len(phones)]
            counts.update(("calls", disposition.lower()))
            counts["connects"] += disposition in _CONNECTED
            counts["complete"] += state == "COMPLETE"
            wait = campaign.body["passDelayMin"] * settings.minute_seconds if state == "READY" else 0
            updates.append(
                (state, instant, instant + int(wait * 1000), number, disposition, instant, row["leadId"])
            )
            passes.append((row["leadId"], campaign.id, row["externId"], called, number, disposition, instant))
        self._database.insert_many(
            "UPDATE leads SET leadState = ?, stateDts = ?, nextDial = ?, leadPasses = ?,"
            " lastPassDisposition = ?, lastPassDts = ? WHERE leadId = ?",
            updates,
        )
        self._database.insert_many(
            "INSERT INTO passes (leadId, campaignId, externId, leadPhone, passNumber, passDisposition,"
            " passDate) VALUES (?, ?, ?, ?, ?, ?, ?)",
            passes,
        )
        self._statistics.count(campaign.id, day_of(campaign.account, now), counts)

    @staticmethod
    def _state_after(passes: int, lead_max: int | None, campaign: _DialableCampaign) -> str:
        maximum = lead_max or campaign.body["maxPasses"]
        return "COMPLETE" if 0 < maximum <= passes else "READY"


def _can_dial(campaign: _DialableCampaign, rules: Rules, now: datetime) -> bool:
    why_not = why_not_in_window if rules.by_lead else why_not_dialing
    return why_not(campaign.body, campaign.group, rules, now) is None


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
