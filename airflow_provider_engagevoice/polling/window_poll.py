"""One look at a campaign on behalf of a wait, and what it says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    find_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import read_zone
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import Goal, read_flag
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Verdict, judge

#: Looks in a row that may fail, each after the client's own retries, before the wait gives up.
FAILURE_BUDGET = 10
#: Seconds before the first look after a failed one; doubled each time, up to the poke interval.
_FIRST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class WindowPoll:
    """What a look found, and when.

    :param at: the instant it speaks of, UTC
    """

    dial_group_id: int
    campaign: CampaignTimes
    verdict: Verdict
    at: datetime

    def wake_at(self, poke_interval: float) -> datetime:
        """Return when to look again: when time changes the answer, or after ``poke_interval`` seconds.

        An interval under a second counts as one, for the sake of the account's request budget.
        """
        latest = self.at + timedelta(seconds=max(poke_interval, 1.0))
        changes_at = self.verdict.changes_at
        return latest if changes_at is None or changes_at <= self.at else min(latest, changes_at)

    def as_json(self, outcome: str) -> dict[str, Any]:
        """Return the campaign as the operators return one, with what became of it; plain JSON."""
        campaign = self.campaign
        start, end = (None if one is None else one.isoformat() for one in (campaign.start, campaign.end))
        return {
            "campaign_id": campaign.campaign_id,
            "dial_group_id": self.dial_group_id,
            "campaign_name": campaign.campaign_name,
            "start": start,
            "end": end,
            "is_active": campaign.is_active,
            "outcome": outcome,
        }

    def __str__(self) -> str:
        campaign, verdict = self.campaign, self.verdict
        text = f"campaign {campaign.campaign_id} {campaign.campaign_name!r}: {verdict.reason}"
        if verdict.reached:
            return f"{text} at {self.at.isoformat()}; its dates are {campaign.start} to {campaign.end}"
        if verdict.never:
            return f"{text}; it will not open unless somebody changes its dates"
        if verdict.changes_at is not None:
            text += f"; that can next change by itself at {verdict.changes_at.isoformat()}"
        return text


def read_hours_zone(hours: bool | str, timezone: str | tzinfo | None, default: str) -> ZoneInfo | None:
    """Return the zone of the day's hours, None where these do not count.

    :param default: the connection's, empty for none
    :raises InvalidInputError: when they count and no zone is known
    """
    if not read_flag(hours, "use_daily_hours"):
        return None
    zone = timezone if timezone is not None else default
    if not zone:
        raise InvalidInputError(
            "use_daily_hours", hours, "also give timezone=, or set the connection's time zone"
        )
    return read_zone(zone)


def pause_after(failures: int, poke_interval: float) -> float:
    """Return seconds to wait after so many looks in a row have failed."""
    return min(_FIRST_PAUSE * 2.0 ** (failures - 1), poke_interval)


def look(
    campaign: CampaignReference, dial_group: DialGroupReference | None, goal: Goal, zone: ZoneInfo | None
) -> Procedure[WindowPoll]:
    """Read a campaign and judge it.

    :param zone: zone of the day's hours; None looks at dates alone
    :raises NotFoundError: when there is no such campaign (any more)
    """
    found = yield from find_campaign(campaign, dial_group)
    # The answer was in at this instant, so what it says was true a moment before.
    now = clock.now()
    times = CampaignTimes.of(found.campaign)
    return WindowPoll(found.dial_group_id, times, judge(times, goal, now, zone), now)


@dataclass(slots=True, eq=False)
class WindowWait:
    """One wait for a window.

    :param zone: zone of the day's hours; None looks at dates alone
    :param poke_interval: longest time between two looks, in seconds
    :param deadline: when it gives up, UTC
    :param look_at: when its first look is due at the latest, UTC; None for now
    :ivar joined_at: when somebody began to look on its behalf, UTC: what was read before is no news to it
    :ivar verdict: the last one, None before the first look
    """

    campaign_id: int
    goal: Goal
    zone: ZoneInfo | None
    poke_interval: float
    deadline: datetime
    look_at: datetime | None = None
    joined_at: datetime = field(default_factory=clock.now)
    verdict: Verdict | None = None
    _news: list[WindowPoll | str | Exception | None] = field(default_factory=list)
    _reader: asyncio.Future[None] | None = None

    def tell(self, news: WindowPoll | str | Exception | None) -> None:
        """Hand over a look, a text about one that failed, why there will be none, or None at the deadline."""
        self._news.append(news)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def news(self) -> WindowPoll | str | None:
        """Wait for what is to be told next.

        :raises Exception: the reason why nobody can look any more
        """
        while not self._news:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        news = self._news.pop(0)
        if isinstance(news, Exception):
            raise news
        return news
