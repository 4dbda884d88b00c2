"""Is this campaign's window open, and when does the answer next change? Pure time arithmetic.

A window is the half-open interval [start, end) of instants, cut down to the day's hours where these are
asked for. Whether the vendor's ends are inclusive is not documented; half open is the reading under which
windows that touch do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS, DayHours, read_day


class Goal(StrEnum):
    """What a wait is for."""

    OPEN = "open"
    CLOSED = "closed"


class Phase(StrEnum):
    """Where an instant lies in a window."""

    NOT_STARTED = "not started"
    OPEN = "open"
    CLOSED_DAY = "closed day"
    OUT_OF_HOURS = "out of hours"
    OVER = "over"


_STATES: dict[object, str] = {
    CampaignState.INACTIVE: "inactive",
    CampaignState.CALLBACKS_ONLY: "callbacks only",
}


@dataclass(frozen=True, slots=True)
class Window:
    """The times at which a campaign may dial.

    :param start: first instant
    :param end: first instant after it
    :param hours: local hours by weekday (Monday is 0), None for a closed day; empty to look at dates alone
    :param zone: zone of ``hours``
    """

    start: datetime
    end: datetime
    hours: Mapping[int, DayHours | None]
    zone: ZoneInfo

    def phase(self, now: datetime) -> tuple[Phase, datetime | None]:
        """Return where ``now`` lies, and the next instant at which that changes (None for never)."""
        if now >= self.end:
            return Phase.OVER, None
        if now < self.start:
            return Phase.NOT_STARTED, min(self.start, self.end)
        if not self.hours:
            return Phase.OPEN, self.end
        today = now.astimezone(self.zone).date()
        opening = self._hours_on(today)
        if opening is not None and opening[0] <= now < opening[1]:
            return Phase.OPEN, min(opening[1], self.end)
        phase = Phase.CLOSED_DAY if opening is None else Phase.OUT_OF_HOURS
        return phase, self._next_change(today, now)

    def _hours_on(self, day: date) -> tuple[datetime, datetime] | None:
        hours = self.hours.get(day.weekday())
        if hours is None:
            return None
        return self._instant(day, hours.opens), self._instant(day, hours.closes)

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _next_change(self, today: date, now: datetime) -> datetime:
        """Return the next opening, or the next midnight if that comes first: the reason may change there."""
        opening = self._hours_on(today)
        midnight = self._instant(today + timedelta(days=1), time())
        upcoming = opening[0] if opening is not None and opening[0] > now else midnight
        return min(upcoming, self.end)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "is it so now?".

    :param reached: the goal is reached
    :param never: it can never be reached unless somebody edits the campaign
    :param reason: why, in words
    :param changes_at: next instant at which time alone can change the answer, None for never
    """

    reached: bool
    never: bool
    reason: str
    changes_at: datetime | None


def window_of(campaign: Campaign, zone: ZoneInfo | None) -> Window:
    """Return a campaign's window.

    :param zone: zone of the day's hours, which the vendor does not document; None looks at dates alone
    :raises InvalidInputError: when the server holds no readable dates, or day hours of an undocumented form
    """
    label = f"campaign {campaign.campaignId}"
    if campaign.start is None or campaign.end is None:
        dates = (campaign.startDate, campaign.endDate)
        raise InvalidInputError(f"{label} dates", dates, "the server holds no readable start and end")
    hours: dict[int, DayHours | None] = {}
    if zone is not None:
        for weekday, name in enumerate(SCHEDULE_FIELDS):
            raw = getattr(campaign, name)
            try:
                hours[weekday] = read_day(raw if isinstance(raw, str) else "")
            except ValueError as error:
                raise InvalidInputError(f"{label} {name}", raw, str(error)) from None
    return Window(campaign.start, campaign.end, hours, zone or ZoneInfo("UTC"))


def judge(campaign: Campaign, goal: Goal, now: datetime, zone: ZoneInfo | None = None) -> Verdict:
    """Tell whether ``goal`` is reached at ``now``.

    Open: the campaign is active and ``now`` lies in its window. Closed: the window's end has passed or, when
    the day's hours count, today's have.

    :param zone: zone of the day's hours; None looks at dates alone
    """
    phase, changes_at = window_of(campaign, zone).phase(now)
    if goal is Goal.CLOSED:
        reached = phase in (Phase.OVER, Phase.CLOSED_DAY, Phase.OUT_OF_HOURS)
        return Verdict(reached, False, phase, changes_at)
    over = phase is Phase.OVER
    reason: str = phase
    if not over and campaign.isActive != CampaignState.ACTIVE:
        reason = _STATES.get(campaign.isActive, f"isActive is {campaign.isActive!r}")
        if phase is not Phase.OPEN:
            reason += f", {phase}"
    return Verdict(reason == Phase.OPEN, over, reason, changes_at)
