"""One poll of a campaign's window, and a wait that is updated by polls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import read_zone
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import read_flag
from airflow_provider_engagevoice.polling.awaited import Missing, find_awaited, read_awaited
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Goal, Verdict, judge, window_of

#: Failed polls in a row, each after the client's own retries, before the wait fails.
FAILURE_BUDGET = 10
#: Seconds before the poll after a failed one; doubled each time, up to the poke interval.
_FIRST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class WindowPoll:
    """The result of a poll.

    :param at: the instant for which the verdict holds, UTC
    :param hours_zone: zone of the daily hours; None: dates alone
    """

    dial_group_id: int
    campaign: CampaignTimes
    verdict: Verdict
    at: datetime
    goal: Goal = Goal.OPEN
    hours_zone: ZoneInfo | None = None

    def next_poll_at(self, poke_interval: float) -> datetime:
        """Return when time changes the verdict, but at most ``poke_interval`` seconds ahead.

        An interval under one second counts as one, because of the account's rate limits.
        """
        latest = self.at + timedelta(seconds=max(poke_interval, 1.0))
        changes_at = self.verdict.changes_at
        return latest if changes_at is None or changes_at <= self.at else min(latest, changes_at)

    def as_json(self, outcome: str) -> dict[str, Any]:
        """Return the campaign as the operators return one, with the outcome of the wait; plain JSON."""
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
        return self.text()

    def text(self, zone_name: str = "") -> str:
        """Return the result for a log.

        :param zone_name: IANA time zone of the dates in it; empty for UTC
        """
        campaign, verdict = self.campaign, self.verdict
        zone = read_zone(zone_name or "UTC")

        def local(instant: datetime | None) -> str:
            return str(instant if instant is None else instant.astimezone(zone).isoformat(" ", "seconds"))

        text = f"campaign {campaign.campaign_id} {campaign.campaign_name!r}: {verdict.reason}"
        if verdict.reached:
            dates = f"{local(campaign.start)} to {local(campaign.end)}"
            text += f" at {local(self.at)}; its dates are {dates}"
            return text if self.hours_zone else f"{text}; daily hours not considered"
        if verdict.unreachable:
            return f"{text}; it will not open unless its dates are changed"
        if not verdict.readable:
            return f"{text}; it counts as neither open nor closed until that changes"
        if verdict.needs_activation:
            return f"{text}; it will not open until it is activated (is_active=1)"
        if self.goal is Goal.OPEN:
            opens_at = window_of(campaign, self.hours_zone).opens_at(self.at)
            if opens_at is None:
                return f"{text}; no later day of its dates has hours"
            text += f"; opens at {opens_at.astimezone(self.hours_zone or zone):%A} {local(opens_at)}"
        elif verdict.changes_at is not None:
            text += f"; closes at {verdict.changes_at.astimezone(self.hours_zone or zone):%A} "
            text += local(verdict.changes_at)
        return text if self.hours_zone else f"{text}; daily hours not considered"


def read_hours_zone(
    use_daily_hours: bool | str, timezone: str | tzinfo | None, default: str
) -> ZoneInfo | None:
    """Return the zone of the daily hours, None if they are not used.

    :param default: the connection's time zone, empty for none
    :raises InvalidInputError: if they are used and no zone is known
    """
    if not read_flag(use_daily_hours, "use_daily_hours"):
        return None
    zone = timezone if timezone is not None else default
    if not zone:
        raise InvalidInputError(
            "use_daily_hours", use_daily_hours, "also give timezone=, or set the connection's time zone"
        )
    return read_zone(zone)


def pause_after(failures: int, poke_interval: float) -> float:
    """Return the seconds to wait after this many failed polls in a row."""
    return min(_FIRST_PAUSE * 2.0 ** (failures - 1), poke_interval)


def poll_window(
    campaign: CampaignReference, dial_group: DialGroupReference | None, goal: Goal, zone: ZoneInfo | None
) -> Procedure[WindowPoll]:
    """Read a campaign and judge it.

    :param zone: zone of the daily hours; None: dates alone
    :raises NotFoundError: if the campaign is not there, by this one poll
    :raises AmbiguousNameError: if several have its name, by this one poll
    """
    found = yield from find_awaited(read_awaited(campaign, dial_group))
    # After the response, so its content was current a moment before.
    now = clock.now()
    times = CampaignTimes.of(found.campaign)
    return WindowPoll(found.dial_group_id, times, judge(times, goal, now, zone), now, goal, zone)


@dataclass(slots=True, eq=False)
class WindowWait:
    """One wait for a window.

    :param campaign: id or exact name of the campaign
    :param zone: zone of the daily hours; None: dates alone
    :param poke_interval: longest time between two polls, in seconds
    :param deadline: when it times out, UTC
    :param poll_at: when its first poll is due at the latest, UTC; None for now
    :ivar joined_at: when polling on its behalf began, UTC: earlier responses are not used
    :ivar verdict: the last verdict, None before the first poll
    :ivar missing: what the last polls have found if not one campaign
    :ivar failures: failed reads of the campaign in a row, beside those of lists
    """

    campaign: int | str
    goal: Goal
    zone: ZoneInfo | None
    poke_interval: float
    deadline: datetime
    poll_at: datetime | None = None
    joined_at: datetime = field(default_factory=clock.now)
    verdict: Verdict | None = None
    missing: Missing = field(default_factory=Missing)
    failures: int = 0
    _updates: list[WindowPoll | str | Exception | None] = field(default_factory=list)
    _reader: asyncio.Future[None] | None = None

    def publish(self, update: WindowPoll | str | Exception | None) -> None:
        """Add a poll, the description of a failed poll, the error that ended polling, or None: deadline."""
        self._updates.append(update)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def next_update(self) -> WindowPoll | str | None:
        """Wait for the next update and return it.

        :raises Exception: the error that ended polling
        """
        while not self._updates:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        update = self._updates.pop(0)
        if isinstance(update, Exception):
            raise update
        return update
