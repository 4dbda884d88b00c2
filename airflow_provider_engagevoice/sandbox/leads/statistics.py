"""Counts of leads by state and of calls by day."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount

#: Counts of one campaign by name; a missing name counts 0.
Counts = Counter[str]


def day_of(account: SandboxAccount, now: datetime) -> str:
    """Return the current date in the account's time zone; the daily counters restart at its midnight."""
    return f"{now.astimezone(ZoneInfo(account.time_zone)):%Y-%m-%d}"


class Statistics:
    """Counts by campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lead_states(self, account_id: str) -> Mapping[int, Counts]:
        """Return the number of leads by campaign and state."""
        return _by_campaign(
            self._database.rows(
                "SELECT campaignId, leadState, count(*) FROM leads"
                " WHERE campaignId IN (SELECT id FROM campaigns WHERE account_id = ?) GROUP BY 1, 2",
                (account_id,),
            )
        )

    def day(self, account_id: str, day: str) -> Mapping[int, Counts]:
        """Return the counters of a day by campaign."""
        return _by_campaign(
            self._database.rows(
                "SELECT campaignId, counter, count FROM day_counts"
                " WHERE campaignId IN (SELECT id FROM campaigns WHERE account_id = ?) AND day = ?",
                (account_id, day),
            )
        )

    def totals(self, campaign_id: int) -> Counts:
        """Return the counters of a campaign over all days."""
        rows = self._database.rows(
            "SELECT campaignId, counter, sum(count) FROM day_counts WHERE campaignId = ? GROUP BY 2",
            (campaign_id,),
        )
        return _by_campaign(rows).get(campaign_id, Counter())

    def count(self, campaign_id: int, day: str, counts: Mapping[str, int]) -> None:
        """Add to the counters of a day."""
        self._database.insert_many(
            "INSERT INTO day_counts (campaignId, day, counter, count) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (campaignId, day, counter) DO UPDATE SET count = count + excluded.count",
            [(campaign_id, day, counter, count) for counter, count in counts.items()],
        )


def _by_campaign(rows: Iterable[sqlite3.Row]) -> dict[int, Counts]:
    found: dict[int, Counts] = {}
    for campaign_id, name, count in rows:
        found.setdefault(campaign_id, Counter())[name] = count
    return found
