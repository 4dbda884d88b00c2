"""What must hold after a run, read from the sandbox's store and from its history of writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice.models.vendor_dates import parse_vendor_date
from airflow_provider_engagevoice.sandbox.history import HistoryEntry
from airflow_provider_engagevoice.sandbox.server import SandboxServer

Json = dict[str, Any]

#: What the tables call each thing that must not be.
DOUBLES, MISSING = "campaigns made twice", "campaigns missing"
OUTSIDE = "active outside the dates asked for"
TWO_AT_ONCE = "two active at once"
LEFTOVERS, UNLIKE = "leftovers", "not as asked for"
TOUCHED, WRONG_ID = "other campaigns changed", "another id told"
FINDINGS = (DOUBLES, MISSING, OUTSIDE, TWO_AT_ONCE, LEFTOVERS, UNLIKE, TOUCHED, WRONG_ID)


@dataclass(frozen=True, slots=True)
class Asked:
    """The campaign asked for.

    :param fields: as the vendor stores them, name, state and dates included
    """

    name: str
    fields: Json

    @property
    def dates(self) -> tuple[datetime, datetime]:
        """Start and end, as instants."""
        return parse_vendor_date(self.fields["startDate"]), parse_vendor_date(self.fields["endDate"])


def judge(
    sandbox: SandboxServer, asked: Asked, before: Mapping[int, Json], told: list[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return what is wrong, each as (finding, words).

    :param before: the campaigns there were before anything was asked for, by id
    :param told: what the attempts returned
    """
    stored = {campaign["campaignId"]: campaign for campaign in sandbox.store.all_campaigns()}
    made = {key: campaign for key, campaign in stored.items() if key not in before}
    named = [key for key, campaign in made.items() if campaign["campaignName"] == asked.name]
    found: list[tuple[str, str]] = []
    if not named:
        found.append((MISSING, f"there are {[one['campaignName'] for one in made.values()]}"))
    if len(named) > 1:
        found.append((DOUBLES, str(named)))
    for key, campaign in made.items():
        if key not in named:
            found.append((LEFTOVERS, f"{key} {campaign['campaignName']!r}, isActive {campaign['isActive']}"))
    for key in named:
        unlike = {
            name: made[key].get(name) for name, value in asked.fields.items() if made[key].get(name) != value
        }
        if unlike:
            found.append((UNLIKE, f"{key} has {unlike}"))
    found += [
        (WRONG_ID, f"{one['campaign_id']}, not {named}") for one in told if one["campaign_id"] not in named
    ]
    found += [(TOUCHED, str(key)) for key, campaign in before.items() if stored.get(key) != campaign]
    return found + _ever_wrong(sandbox.history(), asked, before)


def harmless(sandbox: SandboxServer, asked: Asked) -> int:
    """Count the writes that left a clone active with dates over for a day: nothing can dial then."""
    return sum(1 for one in sandbox.history() if _is_astray(one, asked) and not _may_dial(one))


def _ever_wrong(
    history: list[HistoryEntry], asked: Asked, before: Mapping[int, Json]
) -> list[tuple[str, str]]:
    """Return what was wrong at any moment of the whole history."""
    found: list[tuple[str, str]] = []
    active: set[int] = set()
    for entry in history:
        if entry.campaign_id in before:
            continue
        if _is_astray(entry, asked) and _may_dial(entry):
            dates = f"{entry.start_date} to {entry.end_date}"
            found.append((OUTSIDE, f"{entry.campaign_id} {entry.name!r} after its {entry.op}: {dates}"))
        if entry.deleted or entry.is_active == 0 or not _may_dial(entry):
            active.discard(entry.campaign_id)
        else:
            active.add(entry.campaign_id)
        if len(active) > 1:
            found.append((TWO_AT_ONCE, str(sorted(active))))
    return found


def _is_astray(entry: HistoryEntry, asked: Asked) -> bool:
    dates = (parse_vendor_date(entry.start_date), parse_vendor_date(entry.end_date))
    return not entry.deleted and entry.is_active != 0 and dates != asked.dates


def _may_dial(entry: HistoryEntry) -> bool:
    """Whether its dates were not over yet, by a day, when it was written."""
    written = datetime.fromtimestamp(entry.time, UTC)
    return parse_vendor_date(entry.end_date) + timedelta(days=1) > written
