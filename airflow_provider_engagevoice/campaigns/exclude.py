"""Keep dates of one campaign free of calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import DayLimit, Exclusion, decide
from airflow_provider_engagevoice.campaigns.update import CampaignResult
from airflow_provider_engagevoice.campaigns.write import store
from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    find_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.inputs import EngageVoiceError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS

log = logging.getLogger(__name__)

#: For clocks by which the server may read dates.
_MARGIN = timedelta(days=2)


class OpenDaysError(EngageVoiceError):
    """Days that have to be closed for excluded dates are open; the message names them."""


@dataclass(frozen=True, slots=True)
class ExcludedDates:
    """A campaign whose excluded dates were looked after.

    :param limits: by field, what it has instead of its usual hours
    :param left_open: fields that someone else has set, and that are open when they have to be closed
    """

    result: CampaignResult
    limits: Mapping[str, DayLimit]
    left_open: Mapping[str, DayLimit]

    def check(self) -> None:
        """Check that no day is open that has to be closed.

        :raises OpenDaysError: if one is
        """
        if self.left_open:
            days = "; ".join(f"{name} for {', '.join(one.dates)}" for name, one in self.left_open.items())
            raise OpenDaysError(
                f"campaign {self.result.campaign_id} {self.result.campaign_name!r} is open on dates without "
                f"calls: {days}; someone has set other hours than schedule, so they stay; close the day "
                "by hand, or remove the date"
            )


def hours_of(campaign: Campaign) -> dict[str, Any]:
    """Return the hours of a campaign by field."""
    return {name: getattr(campaign, name) for name in SCHEDULE_FIELDS}


def is_over(campaign: Campaign) -> bool:
    """Return whether the last day of a campaign has passed by every clock, so that it makes no calls."""
    return campaign.end is not None and campaign.end + _MARGIN < clock.now()


def exclude_dates(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    exclusion: Exclusion,
    *,
    limits_of: int | None,
) -> Procedure[ExcludedDates]:
    """Give a campaign the hours that it has to have now; other fields are not touched.

    What a person has set stays.

    :param exclusion: with what the last run has left
    :param limits_of: id of the campaign that the last run was about
    """
    found = yield from find_campaign(reference, dial_group, patience=LAG_SECONDS)
    group_id, campaign_id = found.dial_group_id, found.campaign_id
    if campaign_id != limits_of:
        exclusion = replace(exclusion, limits={})
    written: dict[str, DayLimit] = {}

    def choose(campaign: Campaign) -> Mapping[str, Any]:
        decision = decide(exclusion, hours_of(campaign), clock.now())
        written.update({name: one for name, one in decision.limits.items() if name in decision.writes})
        return decision.writes

    campaign, is_written = yield from store(group_id, campaign_id, choose)
    now, hours = clock.now(), hours_of(campaign)
    decision = decide(exclusion, hours, now)
    limits = {name: one for name, one in written.items() if hours[name] == one.hours} | decision.limits
    _tell(exclusion, campaign, limits)
    result = CampaignResult.of(FoundCampaign(group_id, campaign), "updated" if is_written else "unchanged")
    return ExcludedDates(result, limits, exclusion.opens(hours, now))


def _tell(exclusion: Exclusion, campaign: Campaign, limits: Mapping[str, DayLimit]) -> None:
    """Log which hours are others than usual, and were not set by a run."""
    for name, hours in hours_of(campaign).items():
        usual = exclusion.hours[name]
        if name not in limits and hours != usual:
            log.warning(
                "campaign %d %r: %s is %s, not %s, and no run has set it, so it stays",
                campaign.campaignId,
                campaign.campaignName,
                name,
                hours,
                usual,
            )
