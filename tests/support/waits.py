"""What tests of both sensors in real DAG runs share: the modes, and a campaign to wait for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES)


def active_campaign(client: EngageVoiceClient, name: str, start: float, end: float) -> int:
    """Create an active campaign whose dates are seconds from now; return its id."""
    group, now = seed.OUTBOUND_RENEWALS_ID, datetime.now(UTC)
    body = {
        "campaignName": name,
        "callerId": "4155550123",
        "startDate": format_vendor_date(now + timedelta(seconds=start)),
        "endDate": format_vendor_date(now + timedelta(seconds=end)),
    }
    campaign = client.create_campaign(group, body)
    client.update_campaign(group, campaign.campaignId, campaign.with_changes({"isActive": 1}))
    return campaign.campaignId
