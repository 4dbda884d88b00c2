"""The leads of the simulated campaign, and how searches and actions find them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.models.lead_search import FINAL_STATES
from tests.simulation.leads.dialects import LeadDialect

#: Seconds after which a search shows what has happened.
LAGS = {"at once": 0.0, "after 2 s": 2.0, "after a minute": 59.0}
_STATES = {"CANCEL_LEADS": "CANCELLED", "PAUSE_LEADS": "PAUSED"}
_PREFIXES = {"as sent": "", "E.164": "+1", "with the country code": "1"}


@dataclass(slots=True)
class Stored:
    """A lead of the campaign.

    :param phone: as it was sent
    :param request: of the load; None for a lead from elsewhere
    :param handling: with which it was loaded
    :param campaign_id: of the campaign that has it
    :ivar changed_at: when an action has changed it
    """

    lead_id: int
    extern_id: str
    phone: str
    list_name: str
    at: float
    request: int | None
    handling: str
    campaign_id: int
    state: str = "READY"
    suppressed: bool = False
    exists: bool = True
    changed_at: float = 0.0

    @property
    def is_dialable(self) -> bool:
        return self.exists and not self.suppressed and self.state not in FINAL_STATES

    def change(self, action: str, now: float) -> bool:
        """Carry out an action; return whether it has changed the lead."""
        before = self.state, self.suppressed, self.exists
        self.exists = self.exists and action != "DELETE_LEADS"
        self.suppressed = self.suppressed or action == "SUPPRESS_LEADS"
        self.state = _STATES.get(action, self.state)
        if before == (self.state, self.suppressed, self.exists):
            return False
        self.changed_at = now
        return True


class Campaign:
    """All leads of the campaigns."""

    def __init__(self, dialect: LeadDialect) -> None:
        self.dialect = dialect
        self.leads: list[Stored] = []

    def rows(self, criteria: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
        """Return the leads that a search finds by now, as it shows them."""
        lag = LAGS[self.dialect.lead_found]
        rows = []
        for one in self._matching(criteria):
            is_old = one.changed_at + lag > now
            if one.at + lag > now or not (one.exists or is_old):
                continue
            rows.append(
                {
                    "leadId": one.lead_id,
                    "externId": one.extern_id,
                    "listDesc": one.list_name,
                    "leadPhone": self._held(one.phone),
                    "leadState": "READY" if is_old else one.state,
                    "suppressed": one.suppressed and not is_old,
                }
            )
        return rows

    def act(self, action: str, criteria: Mapping[str, Any], now: float) -> int:
        """Carry out an action; return how many leads it has changed."""
        return sum(one.change(action, now) for one in self._matching(criteria) if one.exists)

    def _matching(self, criteria: Mapping[str, Any]) -> Iterator[Stored]:
        tests: list[Callable[[Stored], bool]] = []
        if (wanted := criteria.get("campaignIds")) is not None:
            campaigns = frozenset(wanted)
            tests.append(lambda one: one.campaign_id in campaigns)
        if (wanted := criteria.get("externIds")) is not None:
            ids = frozenset(wanted)
            tests.append(lambda one: one.extern_id in ids)
        if (wanted := criteria.get("leadIds")) is not None:
            numbers = frozenset(wanted)
            tests.append(lambda one: one.lead_id in numbers)
        if (wanted := criteria.get("leadPhoneNumbers")) is not None:
            phones = frozenset(wanted)
            tests.append(lambda one: self._has_one(one, phones))
        return (one for one in self.leads if all(test(one) for test in tests))

    def _has_one(self, one: Stored, phones: frozenset[str]) -> bool:
        if self.dialect.phone_search == "exact text":
            return self._held(one.phone) in phones
        return not {number[-10:] for number in phones}.isdisjoint(one.phone.split("|"))

    def _held(self, phone: str) -> str:
        prefix = _PREFIXES[self.dialect.phones_held]
        return "|".join(f"{prefix}{number}" for number in phone.split("|"))
