"""Whether a campaign can dial at a given time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

CLOSED: Final = "00000000"
CAMPAIGN_STATES: Final = {0: "inactive", 1: "active", 2: "agent callbacks only"}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def why_not_dialing(
    campaign: Mapping[str, Any], group: Mapping[str, Any], account: SandboxAccount, now: datetime
) -> str | None:
    """Return the reason a campaign cannot dial at ``now``, or None if it can.

    Not documented, assumed: the window is [start, end), and the daily hours are in the account's time zone.
    """
    if not group["isActive"]:
        return "dial group inactive"
    if campaign["isActive"] != 1:
        return CAMPAIGN_STATES[campaign["isActive"]]
    if now < parse_date(campaign["startDate"]):
        return "not started"
    if now >= parse_date(campaign["endDate"]):
        return "ended"
    local = now.astimezone(ZoneInfo(account.time_zone))
    hours = hours_on(campaign, local)
    if hours == CLOSED:
        return "closed today"
    return None if hours[:4] <= f"{local:%H%M}" < hours[4:] else "outside dialing hours"


def hours_on(campaign: Mapping[str, Any], day: date) -> str:
    """Return a campaign's dialing hours on a day, as ``HHMMHHMM``."""
    return str(campaign[f"{_DAYS[day.weekday()]}Sched"])
