"""Whether a campaign dials now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

CAMPAIGN_STATES: Final = {0: "inactive", 1: "active", 2: "agent callbacks only"}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def why_not_dialing(
    campaign: Mapping[str, Any], group: Mapping[str, Any], account: SandboxAccount, now: datetime
) -> str | None:
    """Return why a campaign would not dial now, or None if it would.

    The window is taken as [start, end) and the day's hours as the account's time: the vendor documents
    neither.
    """
    if not group["isActive"]:
        return "dial group inactive"
    if campaign["isActive"] != 1:
        return CAMPAIGN_STATES[campaign["isActive"]]
    if now < parse_date(campaign["startDate"]):
        return "not started"
    if now >= parse_date(campaign["endDate"]):
        return "over"
    local = now.astimezone(ZoneInfo(account.time_zone))
    hours = campaign[f"{_DAYS[local.weekday()]}Sched"]
    if hours == "00000000":
        return "closed day"
    return None if hours[:4] <= f"{local:%H%M}" < hours[4:] else "out of hours"
