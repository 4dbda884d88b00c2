"""Keep the excluded dates of a season free of calls, by the record of its last apply."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import DayLimit, Exclusion, decide
from airflow_provider_engagevoice.campaigns.exclude import OpenDaysError, hours_of, is_over
from airflow_provider_engagevoice.characters import shown_lines
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS, pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.seasons.authors import by_whom, find_authors
from airflow_provider_engagevoice.seasons.plan import FieldChange, Plan, PlannedCampaign, image
from airflow_provider_engagevoice.seasons.planning import whole
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.work import RecordedCampaign

log = logging.getLogger(__name__)

#: Campaigns that an error names.
_MOST_NAMED = 10


def plan_days(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that gives campaigns the hours that they have to have now; nothing is written.

    It has those campaigns alone of which something is to be written or recorded, and touches no other field.
    What a person has set stays. Campaigns that are protected, or that the season does not ask for any more,
    are among them.

    :param record: of the last apply
    :param record_path: directory of the records of all seasons
    """
    planned: list[PlannedCampaign] = []
    for recorded, campaign in (yield from _excluded(record)):
        assert recorded.exclusion is not None
        decision = decide(recorded.exclusion, hours_of(campaign), clock.now())
        for name, wanted in decision.kept.items():
            hours = getattr(campaign, name)
            log.warning(
                "campaign %d %r: someone has set %s to %r, so it stays, and is not set to %r",
                *(campaign.campaignId, campaign.campaignName, name, hours, wanted),
            )
        exclusion = replace(recorded.exclusion, limits=decision.limits)
        if decision.writes or exclusion != record.campaigns[recorded.key].exclusion:
            planned.append(_planned(recorded, campaign, decision.writes, exclusion))
    return Plan.of_record(record, record_path, planned, [one.region for one in planned], of_days=True)


def _excluded(record: Record) -> Procedure[list[tuple[RecordedCampaign, Campaign]]]:
    """Return the campaigns of a season that are there and have excluded dates; each group is listed once."""
    recorded = [one for one in record.campaigns.values() if one.exclusion is not None]
    found: list[tuple[RecordedCampaign, Campaign]] = []
    for group_id in dict.fromkeys(one.dial_group_id for one in recorded):
        rows = {row.campaignId: row for row in (yield from list_campaigns(group_id))}
        for one in recorded:
            if one.dial_group_id != group_id or one.exclusion is None:
                continue
            row = rows.get(one.campaign_id)
            campaign = yield from whole(row, group_id, one.campaign_id, one.exclusion.hours)
            # What was closed is opened, also of a campaign that is over.
            if campaign is not None and (one.exclusion.limits or not is_over(campaign)):
                found.append((record.as_left(one, hours_of(campaign)), campaign))
    return found


def _planned(
    recorded: RecordedCampaign, campaign: Campaign, writes: dict[str, str], exclusion: Exclusion
) -> PlannedCampaign:
    before = image(writes, campaign)
    return PlannedCampaign(
        key=recorded.key,
        action="update" if writes else "unchanged",
        region=recorded.region,
        dial_group_id=recorded.dial_group_id,
        dial_group=recorded.dial_group,
        name=recorded.name,
        wave=0,
        country="",
        campaign_id=recorded.campaign_id,
        source=None,
        fields=dict(writes),
        state=recorded.state,
        protect=recorded.protect,
        before=before,
        changes={name: FieldChange(before[name], hours) for name, hours in writes.items()},
        paused_from=recorded.paused_from,
        exclusion=exclusion,
        left=recorded.fields,
    )


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A campaign that is open when it has to be closed.

    :param fields: the hours that it has, by field
    :param limits: the hours that it has to have
    :param changed_by: field to who has changed it and when, as text; empty where that is not known
    """

    campaign_id: int
    name: str
    dial_group: str
    fields: dict[str, object]
    limits: dict[str, DayLimit]
    changed_by: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        days = "; ".join(
            f"{name} is {self.fields[name]!r}{by_whom(self.changed_by.get(name))}, not {limit.hours!r}, for "
            + ", ".join(limit.dates)
            for name, limit in self.limits.items()
        )
        return f"campaign {self.campaign_id} {self.name!r} in dial group {self.dial_group!r}: {days}"


def check_days(record: Record) -> Procedure[None]:
    """Check that no campaign of a season is open when it has to be closed; nothing is written.

    What seems to be open is looked at for 35 seconds: reads may show a write late. The audit log says who has
    opened it.

    :raises OpenDaysError: with those that are
    """
    again = pauses(LAG_SECONDS)
    found: Sequence[OpenDay] = []
    while True:
        found = [
            OpenDay(one.campaign_id, one.name, one.dial_group, hours_of(campaign), limits)
            for one, campaign in (yield from _excluded(record))
            if one.exclusion and (limits := one.exclusion.opens(hours_of(campaign), clock.now()))
        ]
        pause = next(again, None) if found else None
        if pause is None:
            break
        yield pause
    if found:
        now = {one.campaign_id: {name: one.fields[name] for name in one.limits} for one in found}
        authors = yield from find_authors(record.account_id, now, record.started_at)
        found = [replace(one, changed_by=authors.get(one.campaign_id, {})) for one in found]
        lines = shown_lines([str(one) for one in found], _MOST_NAMED)
        raise OpenDaysError(
            f"season {record.season!r}: {len(found)} campaigns are open on dates without calls; someone "
            "has set other hours than the season's, so they stay; close the days by hand, or remove the "
            "dates\n" + "\n".join(lines)
        )
