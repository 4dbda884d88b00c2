"""The result of a procedure on a campaign."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_engagevoice.client.lookup import FoundCampaign


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign and what was done to it.

    :param start: ISO 8601, UTC
    :param end: ISO 8601, UTC
    :param outcome: created, updated, unchanged, deleted or absent
    :param source_id: id of the campaign it was cloned from, in the same dial group
    """

    campaign_id: int | None
    dial_group_id: int | None
    campaign_name: str | None
    start: str | None
    end: str | None
    is_active: int | None
    outcome: str
    source_id: int | None = None

    @property
    def changed(self) -> bool:
        """Whether the campaign was changed."""
        return self.outcome not in ("unchanged", "absent")

    @classmethod
    def of(cls, found: FoundCampaign, outcome: str) -> CampaignResult:
        """Return the result for a campaign as the server has it."""
        campaign = found.campaign
        return cls(
            campaign_id=campaign.campaignId,
            dial_group_id=found.dial_group_id,
            campaign_name=campaign.campaignName,
            start=campaign.start.isoformat() if campaign.start else None,
            end=campaign.end.isoformat() if campaign.end else None,
            is_active=int(campaign.isActive) if isinstance(campaign.isActive, int) else None,
            outcome=outcome,
        )

    def as_xcom(self) -> dict[str, Any]:
        """Return it as plain JSON; the mapping is a campaign reference for other operators."""
        return {name: value for name, value in asdict(self).items() if name != "source_id"}
