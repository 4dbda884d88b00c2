"""Changing and removing campaigns that exist."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_engagevoice.campaigns.result import CampaignResult
from airflow_provider_engagevoice.campaigns.store import delete, differences, store
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    find_campaign,
    find_dial_group,
    read_reference,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import InvalidInputError, NotFoundError
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.spec import check_dates

log = logging.getLogger(__name__)


def change_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    *,
    fields: Mapping[str, Any],
    name: str | None,
    state: CampaignState | None,
) -> Procedure[CampaignResult]:
    """Read a campaign, change what is asked for, write it back whole.

    :param name: a new name, None to leave it
    :param state: a new state, None to leave it
    :raises InvalidInputError: when nothing is asked for, or the dates do not make a window that is not over
    """
    wanted: dict[str, Any] = dict(fields)
    if name is not None:
        wanted["campaignName"] = name
    if state is not None:
        wanted["isActive"] = int(state)
    if not wanted:
        raise InvalidInputError("campaign", reference, "say what to change")
    try:
        found = yield from find_campaign(reference, dial_group)
    except NotFoundError:
        # An earlier attempt may have renamed it before its answer was lost.
        if name is None or not isinstance(reference, str) or reference.strip().isdigit():
            raise
        found = yield from find_campaign(name, dial_group)
    if "startDate" in wanted or "endDate" in wanted:
        dates = {key: found.campaign.raw.get(key) for key in ("startDate", "endDate")} | wanted
        check_dates(dates, None if "endDate" in wanted else datetime.min.replace(tzinfo=UTC))
    changes = differences(wanted, found.campaign)
    after = yield from store(found, wanted)
    return CampaignResult.of(after, "updated" if changes else "unchanged")


def remove_campaign(
    reference: CampaignReference, dial_group: DialGroupReference | None
) -> Procedure[CampaignResult]:
    """Delete a campaign. One that is gone already is a success, with outcome ``absent``.

    :raises NotFoundError: for an unknown dial group
    """
    group: DialGroupReference | None = dial_group
    if dial_group is not None:
        group = (yield from find_dial_group(dial_group)).dialGroupId
    try:
        found = yield from find_campaign(reference, group)
    except NotFoundError as error:
        log.warning("%s; nothing to delete", error)
        wanted = read_reference(reference, "campaign", "campaign_id")
        return CampaignResult(
            campaign_id=wanted if isinstance(wanted, int) else None,
            dial_group_id=group if isinstance(group, int) else None,
            campaign_name=wanted if isinstance(wanted, str) else None,
            start=None,
            end=None,
            is_active=None,
            outcome="absent",
        )
    yield from delete(found.dial_group_id, found.campaign_id)
    return CampaignResult.of(found, "deleted")
