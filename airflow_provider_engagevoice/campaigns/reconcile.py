"""Update, keep or reject a campaign that exists under the name that a task asks for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.campaigns.checkpoint import Record
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.campaigns.unfinished import OvertakenError
from airflow_provider_engagevoice.campaigns.update import CampaignResult, field_changes
from airflow_provider_engagevoice.campaigns.write import store, warn_if_inactive
from airflow_provider_engagevoice.client.lookup import FoundCampaign
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import CampaignExistsError
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign

log = logging.getLogger(__name__)


def reconcile(
    found: FoundCampaign, spec: CampaignSpec, record: Record, is_ours: bool
) -> Procedure[CampaignResult]:
    """Do with an existing campaign what ``spec.if_exists`` says.

    :param is_ours: whether an earlier attempt of this task has created it
    :raises CampaignExistsError: with ``if_exists="fail"``, if it has not
    :raises OvertakenError: if the campaign is renamed meanwhile
    """
    campaign_id, campaign = found.campaign_id, found.campaign
    if spec.if_exists is IfExists.FAIL and not is_ours:
        raise CampaignExistsError(
            f"campaign {campaign_id} in dial group {found.dial_group_id} is named {spec.name!r}"
        )
    if is_ours:
        log.info("campaign %d %r was completed by an earlier attempt", campaign_id, spec.name)
    is_written = record.get("updates") == campaign_id
    if spec.if_exists is IfExists.UPDATE:
        wanted = dict(spec.fields)
        if spec.state is not None and spec.enforce_active:
            wanted["isActive"] = int(spec.state)

        def choose(now: Campaign) -> Mapping[str, Any]:
            if normal_name(now.campaignName) != spec.name:
                raise OvertakenError(f"it is {now.campaignName!r} now")
            return field_changes(wanted, now)

        if choose(campaign):
            record.save(updates=campaign_id)
            campaign, is_stored = yield from store(found.dial_group_id, campaign_id, choose)
            is_written = is_written or is_stored
    if spec.enforce_active:
        warn_if_inactive(campaign, spec.state)
    elif spec.state is not None and campaign.isActive != spec.state:
        log.warning(
            "campaign %d %r exists with isActive %r, which is kept (requested: %d); "
            "enforce_active=True would change it",
            campaign_id,
            spec.name,
            campaign.isActive,
            spec.state,
        )
    is_new = is_ours and not record.is_told(campaign_id)
    outcome = "created" if is_new else "updated" if is_written else "unchanged"
    return CampaignResult.of(FoundCampaign(found.dial_group_id, campaign), outcome)
