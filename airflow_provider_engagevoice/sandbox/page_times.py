"""The next opening or closing of a campaign's window, and the formatting of times on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.dialing import CLOSED, Rules, has_dates, hours_on, why_not_dialing
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

_LOOKAHEAD_DAYS: Final = 9
"""Enough to cover every weekday completely."""


@dataclass(frozen=True, slots=True)
class WindowChange:
    """The next change of a campaign's window.

    :param verb: ``opens``, ``closes`` until another day, or ``ends`` permanently
    """

    at: datetime
    verb: str


def next_change(
    campaign: Mapping[str, Any], group: Mapping[str, Any], rules: Rules, now: datetime
) -> WindowChange | None:
    """Return the next change of the window; None if there is none within the lookahead."""
    if not has_dates(campaign):
        return None
    dials = why_not_dialing(campaign, group, rules, now) is None
    if not dials and (not group["isActive"] or campaign["isActive"] != 1):
        return None
    end = rules.end(campaign)
    for instant in sorted(_candidates(campaign, rules, now)):
        # Dates close to datetime.max cannot be converted to every time zone.
        with suppress(OverflowError):
            if instant > now and dials != (why_not_dialing(campaign, group, rules, instant) is None):
                return WindowChange(instant, ("ends" if instant == end else "closes") if dials else "opens")
    return None


def _candidates(campaign: Mapping[str, Any], rules: Rules, now: datetime) -> Iterator[datetime]:
    start = parse_date(campaign["startDate"])
    zone = rules.zone
    yield start
    yield rules.end(campaign)
    with suppress(OverflowError):
        first = max(now, start).astimezone(zone).date()
        for day in (first + timedelta(days=number) for number in range(_LOOKAHEAD_DAYS)):
            hours = hours_on(campaign, day)
            for clock in (hours[:4], hours[4:]):
                since_midnight = timedelta(hours=int(clock[:2]), minutes=int(clock[2:]))
                yield (datetime.combine(day, time(), zone) + since_midnight).astimezone(UTC)


def time_until(instant: datetime, now: datetime) -> str:
    """Return the time left, such as ``in 3 h 12 min``."""
    seconds = max(0, round((instant - now).total_seconds()))
    if seconds < 90:
        return f"in {seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"in {minutes} min"
    if minutes < 48 * 60:
        return f"in {minutes // 60} h {minutes % 60} min".removesuffix(" 0 min")
    return f"in {minutes // (24 * 60)} days"


def local_time(instant: datetime, account: SandboxAccount) -> str:
    """Return an instant in the account's time zone, or in UTC if it cannot be converted."""
    with suppress(OverflowError):
        instant = instant.astimezone(ZoneInfo(account.time_zone))
    return f"{_formatted(instant)} {instant:%Z}"


def local_and_utc(instant: datetime, account: SandboxAccount) -> str:
    """Return the HTML of an instant in the account's time zone and in UTC."""
    return (
        f'<time datetime="{instant.isoformat()}">{escape(local_time(instant, account))}'
        f" <span class=quiet>{_formatted(instant)} UTC</span></time>"
    )


def hours_of_today(campaign: Mapping[str, Any], rules: Rules, now: datetime) -> str:
    """Return a campaign's dialing hours of the current day in the time zone of the hours."""
    hours = hours_on(campaign, now.astimezone(rules.zone))
    if hours == CLOSED:
        return "closed today"
    return f"today {hours[:2]}:{hours[2:4]} to {hours[4:6]}:{hours[6:]}{' UTC' * (rules.zone is UTC)}"


def _formatted(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}" if instant.second else f"{instant:%Y-%m-%d %H:%M}"
