"""Which leads an operator is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.lookup import find_campaign
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.lead_search import read_criteria, require_named

if TYPE_CHECKING:
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.client.request import Procedure


def wanted_leads(
    campaign: CampaignReference | None, dial_group: DialGroupReference | None, criteria: object
) -> Procedure[dict[str, Any]]:
    """Return the criteria that a campaign and further criteria make together.

    :raises InvalidInputError: for the first that cannot be right, and when they mean all leads there are
    :raises NotFoundError: when there is no such campaign
    """
    wanted = read_criteria(criteria)
    if campaign is None:
        if dial_group is not None:
            raise InvalidInputError("dial_group", dial_group, "it tells where campaign= lies; give that, too")
        require_named(wanted)
        return wanted
    if "campaignIds" in wanted:
        raise InvalidInputError(
            "criteria.campaignIds", wanted["campaignIds"], "campaign= says that; give one of them"
        )
    found = yield from find_campaign(campaign, dial_group)
    return {"campaignIds": [found.campaign_id], **wanted}
