"""The initial data, with ids that documentation and tests can rely on."""

from __future__ import annotations

from typing import Final

from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.store import Store
from airflow_provider_engagevoice.sandbox.validation import campaign_fields, dial_group_fields

MY_NEW_DIAL_GROUP_ID: Final = 115801
"""``My New Dial Group``, used by the vendor's samples; empty."""
OUTBOUND_RENEWALS_ID: Final = 115802
"""``Outbound Renewals``, predictive, with last season's campaign."""
WINBACK_ID: Final = 115803
"""``Winback``, preview; empty."""
HOLIDAY_RENEWALS_2025_ID: Final = 136784
"""``Holiday Renewals 2025``: ended, still active, with non-default settings. The next id is 136785."""

_DIAL_GROUPS: Final = (
    (MY_NEW_DIAL_GROUP_ID, "My New Dial Group", "PREDICTIVE", "For testing"),
    (OUTBOUND_RENEWALS_ID, "Outbound Renewals", "PREDICTIVE", "Customers whose contract ends soon"),
    (WINBACK_ID, "Winback", "PREVIEW", "Former customers"),
)


def seed(store: Store, settings: SandboxSettings) -> None:
    """Fill the first account; other accounts start empty."""
    account_id = settings.accounts[0].account_id
    for dial_group_id, name, mode, description in _DIAL_GROUPS:
        fields = dial_group_fields({"dialGroupName": name, "dialMode": mode, "dialGroupDesc": description})
        store.add_dial_group(account_id, fields, dial_group_id)
    last_season = campaign_fields(
        {
            "isActive": 1,
            "campaignName": "Holiday Renewals 2025",
            "campaignDesc": "Renewal offers of the 2025 holidays",
            "startDate": "2025-11-01T07:00:00.000+0000",
            "endDate": "2026-01-01T08:00:00.000+0000",
            "callerId": "4155550123",
            "transferCallerId": "4155550199",
            "maxRingTime": 25,
            "maxRingTimeTransfer": 90,
            "campaignPriority": 3,
            "dialLoadedOrder": 1,
            "machineDetect": True,
            "dncScrubOption": "INTERNAL_AND_NATIONAL",
            "monSched": "09001800",
            "tueSched": "09001800",
            "wedSched": "09001800",
            "thuSched": "09002000",
            "friSched": "09001700",
            "satSched": "10001400",
            "maxPasses": 5,
            "maxDailyPasses": 2,
            "targetAbandonRate": 2.5,
            "recordCall": 1,
        }
    )
    store.seed_campaign(account_id, OUTBOUND_RENEWALS_ID, last_season, HOLIDAY_RENEWALS_2025_ID)
