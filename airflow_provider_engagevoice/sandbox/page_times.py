"""When a campaign begins or ceases to dial next, and how the page tells instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.dialing import why_not_dialing
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD: Final = 9
"""Days after which every day of the week has come, whatever part of the first one is over."""


@dataclass(frozen=True, slots=True)
class Change:
    """The next instant at which a campaign's window does something.

    :param verb: ``opens``, ``closes`` until another day, or ``ends`` for good
    """

    at: datetime
    verb: str


def next_change(
    campaign: Mapping[str, Any], group: Mapping[str, Any], account: SandboxAccount, now: datetime
) -> Change | None:
    """Return what the window does next; None if it does nothing in the days that are looked at."""
    dials = why_not_dialing(campaign, group, account, now) is None
    if not dials and (not group["isActive"] or campaign["isActive"] != 1):
        return None
    end = parse_date(campaign["endDate"])
    for instant in sorted(_candidates(campaign, account, now)):
        # Years near the last one that Python knows can be read, but not be told in every time zone.
        with suppress(OverflowError):
            if instant > now and dials != (why_not_dialing(campaign, group, account, instant) is None):
                return Change(instant, ("ends" if instant == end else "closes") if dials else "opens")
    return None


def _candidates(campaign: Mapping[str, Any], account: SandboxAccount, now: datetime) -> Iterator[datetime]:
    start = parse_date(campaign["startDate"])
    zone = ZoneInfo(account.time_zone)
    yield start
    yield parse_date(campaign["endDate"])
    with suppress(OverflowError):
        first = max(now, start).astimezone(zone).date()
        for day in (first + timedelta(days=number) for number in range(_LOOK_AHEAD)):
            hours = campaign[f"{_DAYS[day.weekday()]}Sched"]
            for mark in (hours[:4], hours[4:]):
                since_midnight = timedelta(hours=int(mark[:2]), minutes=int(mark[2:]))
                yield (datetime.combine(day, time(), zone) + since_midnight).astimezone(UTC)


def until(instant: datetime, now: datetime) -> str:
    """Return how long it is until then, such as ``in 3 h 12 min``."""
    seconds = max(0, round((instant - now).total_seconds()))
    if seconds < 90:
        return f"in {seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"in {minutes} min"
    if minutes < 48 * 60:
        return f"in {minutes // 60} h {minutes % 60} min".removesuffix(" 0 min")
    return f"in {minutes // (24 * 60)} days"


def local(instant: datetime, account: SandboxAccount) -> str:
    """Return an instant as the clocks of the account show it, and UTC where they cannot."""
    with suppress(OverflowError):
        instant = instant.astimezone(ZoneInfo(account.time_zone))
    return f"{_told(instant)} {instant:%Z}"


def both(instant: datetime, account: SandboxAccount) -> str:
    """Return an instant in HTML by the clocks of the account, and below that in UTC."""
    return (
        f'<time datetime="{instant.isoformat()}">{escape(local(instant, account))}'
        f" <span class=quiet>{_told(instant)} UTC</span></time>"
    )


def hours_of_today(campaign: Mapping[str, Any], account: SandboxAccount, now: datetime) -> str:
    """Return the hours of a campaign on the day it is where the account is."""
    hours = campaign[f"{_DAYS[now.astimezone(ZoneInfo(account.time_zone)).weekday()]}Sched"]
    if hours == "00000000":
        return "closed today"
    return f"today {hours[:2]}:{hours[2:4]} to {hours[4:6]}:{hours[6:]}"


def _told(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}" if instant.second else f"{instant:%Y-%m-%d %H:%M}"
