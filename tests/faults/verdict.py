"""What must be true after a run, read from the sandbox's store and its history of writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.sandbox.history import HistoryEntry
from airflow_provider_engagevoice.sandbox.server import SandboxServer

Json = dict[str, Any]

#: Names of the findings in tables.
DOUBLES, MISSING = "campaigns duplicated", "campaigns missing"
OUTSIDE = "active outside the requested dates"
TWO_AT_ONCE = "two active at once"
LEFTOVERS, UNLIKE = "leftovers", "not as requested"
TOUCHED, WRONG_ID = "other campaigns changed", "wrong id returned"
FINDINGS = (DOUBLES, MISSING, OUTSIDE, TWO_AT_ONCE, LEFTOVERS, UNLIKE, TOUCHED, WRONG_ID)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requested campaign.

    :param fields: as the vendor stores them, including name, state and dates
    """

    name: str
    fields: Json

    @property
    def dates(self) -> tuple[datetime, datetime]:
        """Start and end, as instants."""
        return parse_vendor_date(self.fields["startDate"]), parse_vendor_date(self.fields["endDate"])


def judge(
    sandbox: SandboxServer, wanted: Wanted, before: Mapping[int, Json], results: list[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return what is wrong, each as (finding, text).

    :param before: the campaigns before the run, by id
    :param results: what the attempts returned
    """
    stored = {campaign["campaignId"]: campaign for campaign in sandbox.store.all_campaigns()}
    made = {key: campaign for key, campaign in stored.items() if key not in before}
    named = [key for key, campaign in made.items() if campaign["campaignName"] == wanted.name]
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
            name: made[key].get(name) for name, value in wanted.fields.items() if made[key].get(name) != value
        }
        if unlike:
            found.append((UNLIKE, f"{key} has {unlike}"))
    found += [
        (WRONG_ID, f"{one['campaign_id']}, not {named}") for one in results if one["campaign_id"] not in named
    ]
    found += [(TOUCHED, str(key)) for key, campaign in before.items() if stored.get(key) != campaign]
    return found + _ever_wrong(sandbox.history(), wanted, before)


def harmless(sandbox: SandboxServer, wanted: Wanted) -> int:
    """Count the writes that left a clone active with dates over for a day: it cannot dial then."""
    return sum(1 for one in sandbox.history() if _is_astray(one, wanted) and not _may_dial(one))


def _ever_wrong(
    history: list[HistoryEntry], wanted: Wanted, before: Mapping[int, Json]
) -> list[tuple[str, str]]:
    """Return what was wrong at any time in the history."""
    found: list[tuple[str, str]] = []
    active: set[int] = set()
    for entry in history:
        if entry.campaign_id in before:
            continue
        if _is_astray(entry, wanted) and _may_dial(entry):
            dates = f"{entry.start_date} to {entry.end_date}"
            found.append((OUTSIDE, f"{entry.campaign_id} {entry.name!r} after its {entry.op}: {dates}"))
        if entry.deleted or entry.is_active == 0 or not _may_dial(entry):
            active.discard(entry.campaign_id)
        else:
            active.add(entry.campaign_id)
        if len(active) > 1:
            found.append((TWO_AT_ONCE, str(sorted(active))))
    return found


def _is_astray(entry: HistoryEntry, wanted: Wanted) -> bool:
    dates = (parse_vendor_date(entry.start_date), parse_vendor_date(entry.end_date))
    return not entry.deleted and entry.is_active != 0 and dates != wanted.dates


def _may_dial(entry: HistoryEntry) -> bool:
    """Return whether its dates were not over yet, by a day, when it was written."""
    written = datetime.fromtimestamp(entry.time, UTC)
    return parse_vendor_date(entry.end_date) + timedelta(days=1) > written
