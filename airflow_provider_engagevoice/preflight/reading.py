"""Read the campaigns of a dial group for a preflight."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    find_campaign,
    find_dial_group,
    look_up,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.preflight.leads import LeadCounts
from airflow_provider_engagevoice.preflight.subjects import Subject, known_fields, subject_of

#: What checks need of a campaign; the rows of some servers' lists lack fields.
_NEEDED = (
    *SCHEDULE_FIELDS,
    "callerId",
    "countryId",
    "dncScrubOption",
    "maxDailyPasses",
    "maxPasses",
    "passDelayMin",
    "targetAbandonRate",
)


def read_subjects(
    dial_group: DialGroupReference,
    campaigns: Sequence[CampaignReference] | None,
    leads: LeadCounts | None = None,
) -> Procedure[list[Subject]]:
    """Return campaigns of a dial group for the checks.

    :param campaigns: default: all
    :param leads: those that each of the campaigns is to call
    :raises NotFoundError: with the nearest names
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    group = yield from find_dial_group(dial_group)
    subjects: list[Subject] = []
    found: list[Campaign] = []
    if campaigns is None:
        for row in (yield from list_campaigns(group.dialGroupId)):
            is_whole = all(row.raw.get(name) is not None for name in _NEEDED)
            found.append(row if is_whole else (yield from look_up(group.dialGroupId, row.campaignId)) or row)
    else:
        for one in campaigns:
            found.append((yield from find_campaign(one, group.dialGroupId, "campaigns")).campaign)
    for campaign in found:
        name = f"{group.dialGroupName} / {campaign.campaignName}"
        subjects.append(subject_of(name, known_fields(campaign), leads=leads))
    return subjects
