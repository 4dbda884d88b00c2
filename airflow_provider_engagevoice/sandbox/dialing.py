"""Whether a campaign can dial at a given time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_geographical_number

from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

CLOSED: Final = "00000000"
CAMPAIGN_STATES: Final = {0: "inactive", 1: "active", 2: "agent callbacks only"}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the vendor's documents leave open about when a campaign dials.

    :param zone: time zone of the daily hours
    :param by_lead: whether the daily hours are in the time zone of each lead's number instead
    :param end_date: the dialect's ``end_date``: what the end date includes
    """

    account: SandboxAccount
    zone: tzinfo
    by_lead: bool
    end_date: str

    @classmethod
    def of(cls, account: SandboxAccount, dialect: Dialect) -> Rules:
        """Return the rules of a dialect for an account."""
        zone = UTC if dialect.day_hours_zone == "UTC" else ZoneInfo(account.time_zone)
        return cls(account, zone, dialect.day_hours_zone == "lead", dialect.end_date)

    def end(self, campaign: Mapping[str, Any]) -> datetime:
        """Return the first instant at which a campaign is over."""
        end = parse_date(campaign["endDate"])
        if self.end_date == "inclusive":
            return end + timedelta(milliseconds=1)
        if self.end_date == "whole day":
            day = end.astimezone(self.zone).date() + timedelta(days=1)
            return datetime.combine(day, time(), self.zone).astimezone(UTC)
        return end

    def is_open(self, campaign: Mapping[str, Any], phone: str, now: datetime) -> bool:
        """Return whether the daily hours let a number be called now."""
        local = now.astimezone(zone_of_number(phone) or self.zone)
        return why_closed(hours_on(campaign, local), local) is None


def has_dates(campaign: Mapping[str, Any]) -> bool:
    """Return whether a campaign has both dates; a sparse PUT can drop them."""
    return campaign["startDate"] is not None and campaign["endDate"] is not None


def why_not_dialing(
    campaign: Mapping[str, Any], group: Mapping[str, Any], rules: Rules, now: datetime
) -> str | None:
    """Return the reason a campaign cannot dial at ``now``, or None if it can.

    By lead, the hours are those of a lead in the account's time zone.
    """
    reason = why_not_in_window(campaign, group, rules, now)
    if reason is not None:
        return reason
    local = now.astimezone(rules.zone)
    return why_closed(hours_on(campaign, local), local)


def why_not_in_window(
    campaign: Mapping[str, Any], group: Mapping[str, Any], rules: Rules, now: datetime
) -> str | None:
    """Do as :func:`why_not_dialing`, without the daily hours."""
    if not group["isActive"]:
        return "dial group inactive"
    if campaign["isActive"] != 1:
        return CAMPAIGN_STATES[campaign["isActive"]]
    if not has_dates(campaign):
        return "no dates"
    if now < parse_date(campaign["startDate"]):
        return "not started"
    return "ended" if now >= rules.end(campaign) else None


def why_closed(hours: str, local: datetime) -> str | None:
    """Return why daily hours allow no call at a local time, or None if they do."""
    if hours == CLOSED:
        return "closed today"
    return None if hours[:4] <= f"{local:%H%M}" < hours[4:] else "outside dialing hours"


def hours_on(campaign: Mapping[str, Any], day: date) -> str:
    """Return a campaign's dialing hours on a day, as ``HHMMHHMM``."""
    return str(campaign[f"{_DAYS[day.weekday()]}Sched"])


@lru_cache(maxsize=4096)
def zone_of_number(phone: str) -> ZoneInfo | None:
    """Return the time zone of a telephone number, None if it has none or several."""
    try:
        zones = time_zones_for_geographical_number(phonenumbers.parse(phone, "US"))
    except phonenumbers.NumberParseException:
        return None
    return ZoneInfo(zones[0]) if len(zones) == 1 and "/" in zones[0] and zones[0] != "Etc/Unknown" else None
