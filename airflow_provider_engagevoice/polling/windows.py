"""Is this campaign's window open, and when does the answer next change? Pure time arithmetic.

A window is the half-open interval [start, end) of instants, restricted to the daily hours if requested.
Whether the vendor's ends are inclusive is not documented; with half-open windows, adjacent ones do not
overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from sys import intern
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS, DayHours, read_day


class Goal(StrEnum):
    """What a wait for a campaign's window waits for."""

    OPEN = "open"
    CLOSED = "closed"

    @property
    def outcome(self) -> str:
        """What has happened to the window when the goal is reached."""
        return "opened" if self is Goal.OPEN else "closed"


class Phase(StrEnum):
    """The phase of a window at an instant."""

    NOT_STARTED = "not started"
    OPEN = "open"
    CLOSED_DAY = "closed day"
    OUT_OF_HOURS = "out of hours"
    OVER = "over"


#: A week and a day: every weekday occurs, today's twice.
_DAYS_AHEAD = 8
_UTC = ZoneInfo("UTC")
#: Longest form in which an unreadable value is shown.
_SHOWN = 100
_STATES: dict[object, str] = {
    CampaignState.INACTIVE: "inactive",
    CampaignState.CALLBACKS_ONLY: "callbacks only",
}


@dataclass(frozen=True, slots=True)
class Window:
    """The times at which a campaign may dial.

    :param start: first instant
    :param end: first instant after it
    :param hours: local hours by weekday (Monday is 0), None for a closed day; empty to use the dates alone
    :param zone: zone of ``hours``
    """

    start: datetime
    end: datetime
    hours: Mapping[int, DayHours | None]
    zone: ZoneInfo

    def phase(self, now: datetime) -> tuple[Phase, datetime | None]:
        """Return the phase at ``now``, and the next instant at which it changes; None if there is none."""
        if now >= self.end:
            return Phase.OVER, None
        if now < self.start:
            return Phase.NOT_STARTED, min(self.start, self.end)
        if not self.hours:
            return Phase.OPEN, self.end
        phase = self._local_phase(now)
        for instant in self._candidates(now):
            if instant >= self.end:
                break
            if self._local_phase(instant) is not phase:
                return phase, instant
        return phase, self.end

    def opens_at(self, now: datetime) -> datetime | None:
        """Return the next instant at which the window opens; None if no later day of it has hours."""
        at: datetime | None = now
        # Each day has at most four changes: of the clocks, at midnight, at the opening and at the end.
        for _ in range(4 * _DAYS_AHEAD):
            if at is None or at >= self.end:
                return None
            phase, changes_at = self.phase(at)
            if phase is Phase.OPEN and at > now:
                return at
            at = changes_at
        return None

    def _local_phase(self, instant: datetime) -> Phase:
        """Return the phase by local time, also on days when clocks change."""
        local = instant.astimezone(self.zone)
        hours = self.hours.get(local.weekday())
        if hours is None:
            return Phase.CLOSED_DAY
        return Phase.OPEN if hours.opens <= local.time() < hours.closes else Phase.OUT_OF_HOURS

    def _candidates(self, now: datetime) -> Iterator[datetime]:
        """Yield the instants after ``now``, up to a week and a day, at which the phase may change."""
        today = now.astimezone(self.zone).date()
        for day in (today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD)):
            hours = self.hours.get(day.weekday())
            times = [time()] if hours is None else [time(), hours.opens, hours.closes]
            instants = set(self._change_of_clocks(day))
            for at in times:
                for fold in (0, 1):
                    local = datetime.combine(day, at.replace(fold=fold), self.zone)
                    instants.add(local.astimezone(UTC))
            yield from sorted(instant for instant in instants if instant > now)

    def _change_of_clocks(self, day: date) -> list[datetime]:
        """Return the instant at which clocks change on a local day, if they do."""
        early, late = (
            datetime.combine(one, time(), self.zone).astimezone(UTC) for one in (day, day + timedelta(days=1))
        )
        offset = early.astimezone(self.zone).utcoffset()
        if late.astimezone(self.zone).utcoffset() == offset:
            return []
        while late - early > timedelta(seconds=1):
            middle = (early + (late - early) / 2).replace(microsecond=0)
            if middle.astimezone(self.zone).utcoffset() == offset:
                early = middle
            else:
                late = middle
        return [late]


class CampaignTimes(NamedTuple):
    """A campaign's name and all that determines whether it may dial.

    :param is_active: 0, 1 or 2; the server's value if it is something else
    :param start: first instant of its dates, UTC; None if the server's value is not readable
    :param end: end of its dates, UTC; None if the server's value is not readable
    """

    campaign_id: int
    campaign_name: str
    is_active: object
    start: datetime | None
    end: datetime | None
    dates: tuple[Any, Any]
    days: tuple[Any, ...]

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return the times of a campaign."""
        days = (getattr(campaign, name) for name in SCHEDULE_FIELDS)
        return cls(
            campaign.campaignId,
            campaign.campaignName,
            state_of(campaign.isActive),
            campaign.start,
            campaign.end,
            (campaign.startDate, campaign.endDate),
            # Ten thousand campaigns share a handful of daily hours.
            tuple(intern(day) if type(day) is str else day for day in days),
        )

    def unreadable(self, zone: ZoneInfo | None) -> str:
        """Return what a row of a list, or a server in an odd moment, leaves out; empty if nothing.

        :param zone: zone of the daily hours; None: dates alone
        """
        if self.start is None or self.end is None:
            return f"its dates are not readable ({_shown(self.dates)})"
        if zone is not None:
            for name, day in zip(SCHEDULE_FIELDS, self.days, strict=True):
                if not isinstance(day, str) or not day.strip():
                    return f"its {name} is not readable ({_shown(day)})"
        return ""


def state_of(value: object) -> object:
    """Return ``isActive`` of a campaign as 0, 1 or 2, also if the server sends text or a boolean.

    Any other number or text is returned unchanged, anything else as text.
    """
    if isinstance(value, str):
        text = value.strip().lower()
        value = {"true": 1, "false": 0}.get(text, int(text) if text in ("0", "1", "2") else value)
    if isinstance(value, int):
        return int(value)
    return value if value is None or isinstance(value, str) else _shown(value)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a goal is reached.

    :param reached: it is reached
    :param unreachable: it can no longer be reached unless the campaign is edited
    :param reason: why, in words
    :param changes_at: next instant at which time alone can change this verdict; None if there is none
    :param needs_activation: it is not reached until a person or a task activates the campaign
    :param readable: whether the campaign could be judged; if not, the wait goes on
    """

    reached: bool
    unreachable: bool
    reason: str
    changes_at: datetime | None
    readable: bool = True
    needs_activation: bool = False


def window_of(times: CampaignTimes, zone: ZoneInfo | None) -> Window:
    """Return a campaign's window.

    :param zone: zone of the daily hours, which the vendor does not document; None: dates alone
    :raises InvalidInputError: if dates are not readable, or daily hours have an undocumented form
    """
    label = f"campaign {times.campaign_id}"
    if times.start is None or times.end is None:
        raise InvalidInputError(f"{label} dates", times.dates, "the server has no readable start and end")
    hours: dict[int, DayHours | None] = {}
    if zone is not None:
        for weekday, (name, raw) in enumerate(zip(SCHEDULE_FIELDS, times.days, strict=True)):
            try:
                hours[weekday] = read_day(raw if isinstance(raw, str) else "")
            except ValueError as error:
                raise InvalidInputError(f"{label} {name}", raw, str(error)) from None
    return Window(times.start, times.end, hours, zone or _UTC)


def judge(times: CampaignTimes, goal: Goal, now: datetime, zone: ZoneInfo | None = None) -> Verdict:
    """Return whether ``goal`` is reached at ``now``.

    Open: the campaign is active and ``now`` is in its window. Closed: the window is over or, with daily
    hours, ``now`` is outside them. A campaign without readable dates, or hours if they are used, has reached
    neither.

    :param zone: zone of the daily hours; None: dates alone
    :raises InvalidInputError: if daily hours have an undocumented form
    """
    if unreadable := times.unreadable(zone):
        return Verdict(False, False, unreadable, None, readable=False)
    phase, changes_at = window_of(times, zone).phase(now)
    if goal is Goal.CLOSED:
        reached = phase in (Phase.OVER, Phase.CLOSED_DAY, Phase.OUT_OF_HOURS)
        return Verdict(reached, False, phase, changes_at)
    over = phase is Phase.OVER
    reason: str = phase
    inactive = not over and times.is_active != CampaignState.ACTIVE
    if inactive:
        reason = _STATES.get(times.is_active, f"isActive is {times.is_active!r}")
        if phase is not Phase.OPEN:
            reason += f", {phase}"
    return Verdict(reason == Phase.OPEN, over, reason, changes_at, needs_activation=inactive)
