"""One look at a campaign on behalf of a wait; sensor and trigger take the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    find_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.windows import Goal, Verdict, judge

#: Looks in a row that may fail, each after the client's own retries, before the wait gives up.
FAILURE_BUDGET = 10
#: Seconds before the first look after a failed one; doubled each time, up to the poke interval.
_FIRST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found, and when.

    :param at: when the answer was in, UTC
    """

    found: FoundCampaign
    verdict: Verdict
    at: datetime

    def wake_at(self, poke_interval: float) -> datetime:
        """Return when to look again: when time changes the answer, or after ``poke_interval`` seconds.

        An interval under a second counts as one, for the sake of the account's request budget.
        """
        latest = self.at + timedelta(seconds=max(poke_interval, 1.0))
        changes_at = self.verdict.changes_at
        return latest if changes_at is None or changes_at <= self.at else min(latest, changes_at)

    def __str__(self) -> str:
        campaign, verdict = self.found.campaign, self.verdict
        text = f"campaign {campaign.campaignId} {campaign.campaignName!r}: {verdict.reason}"
        if verdict.reached:
            return f"{text} at {self.at.isoformat()}; its dates are {campaign.start} to {campaign.end}"
        if verdict.never:
            return f"{text}; it will not open unless somebody changes its dates"
        if verdict.changes_at is not None:
            text += f"; that can next change by itself at {verdict.changes_at.isoformat()}"
        return text


def pause_after(failures: int, poke_interval: float) -> float:
    """Return seconds to wait after so many looks in a row have failed."""
    return min(_FIRST_PAUSE * 2.0 ** (failures - 1), poke_interval)


def look(
    campaign: CampaignReference, dial_group: DialGroupReference | None, goal: Goal, zone: ZoneInfo | None
) -> Procedure[Look]:
    """Read a campaign and judge it.

    :param zone: zone of the day's hours; None looks at dates alone
    :raises NotFoundError: when there is no such campaign (any more)
    """
    found = yield from find_campaign(campaign, dial_group)
    # The answer was in at this instant, so what it says was true a moment before.
    now = datetime.now(UTC)
    return Look(found, judge(found.campaign, goal, now, zone), now)
