"""Plans that take an apply back, and that pause a season and resume it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import fields_from_json
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.write import differences
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import CLOSED
from airflow_provider_engagevoice.seasons.plan import (
    NAME,
    STATE,
    FieldChange,
    Plan,
    PlannedCampaign,
    PlannedWave,
    StateChange,
    image,
    to_json_value,
)
from airflow_provider_engagevoice.seasons.planning import whole
from airflow_provider_engagevoice.seasons.record import Record, RecordedCampaign, campaign_key

_INACTIVE = int(CampaignState.INACTIVE)
#: Added to the names of campaigns whose creation is taken back.
MARK = " [rolled back {serial}]"


def plan_rollback(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that takes an apply back; nothing is written.

    Changed fields get the values that they had before. What was created becomes inactive and keeps its name
    with a mark; nothing is deleted. A field that someone has changed since the apply stays as it is, and the
    plan says so.

    :param record: of the last apply
    :param record_path: directory of the records of all seasons
    """
    changes = {change.campaign_id: change for change in record.changes.values() if change.after}

    def undo(recorded: RecordedCampaign, campaign: Campaign) -> PlannedCampaign | None:
        change = changes.get(recorded.campaign_id)
        if change is None:
            return None
        asked = recorded.state
        wanted = dict(change.before or {**change.after, STATE: _INACTIVE})
        if change.before is None:
            wanted[NAME] = f"{recorded.name}{MARK.format(serial=record.serial)}"
        elif STATE not in change.after:
            del wanted[STATE]
        if STATE in wanted:
            asked = wanted[STATE]
        return _planned(recorded, campaign, wanted, change.after, asked, recorded.paused_from)

    return (yield from _plan(record, record_path, undo))


def plan_pause(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that makes all active campaigns of a season inactive; nothing is written."""

    def pause(recorded: RecordedCampaign, campaign: Campaign) -> PlannedCampaign | None:
        if campaign.isActive == CampaignState.INACTIVE or not isinstance(campaign.isActive, int):
            return None
        now = int(campaign.isActive)
        return _planned(recorded, campaign, {STATE: _INACTIVE}, {}, recorded.state, now)

    return (yield from _plan(record, record_path, pause))


def plan_resume(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that gives campaigns the state back that a pause of the season has taken.

    Campaigns that people have paused before stay paused.
    """

    def resume(recorded: RecordedCampaign, campaign: Campaign) -> PlannedCampaign | None:
        if recorded.paused_from is None:
            return None
        wanted, left = {STATE: recorded.paused_from}, {STATE: _INACTIVE}
        return _planned(recorded, campaign, wanted, left, recorded.state, None)

    return (yield from _plan(record, record_path, resume))


def _plan(
    record: Record,
    record_path: str,
    choose: Callable[[RecordedCampaign, Campaign], PlannedCampaign | None],
) -> Procedure[Plan]:
    planned: list[PlannedCampaign] = []
    recorded = list(record.campaigns.values())
    for group_id in dict.fromkeys(one.dial_group_id for one in recorded):
        rows = {row.campaignId: row for row in (yield from list_campaigns(group_id))}
        for one in recorded:
            if one.dial_group_id != group_id:
                continue
            campaign = yield from whole(rows.get(one.campaign_id), group_id, one.campaign_id, one.fields)
            if campaign is not None and (chosen := choose(one, campaign)) is not None:
                planned.append(chosen)
    regions = list(dict.fromkeys(one.region for one in recorded))
    return Plan(
        season=record.season,
        account_id=record.account_id,
        record_path=record_path,
        serial=record.serial,
        created_at=clock.time(),
        source_digest=f"record {record.file}",
        waves=[PlannedWave(regions)],
        campaigns=planned,
        orphans=[one for one in recorded if one.orphan],
    )


def _planned(
    recorded: RecordedCampaign,
    campaign: Campaign,
    wanted: Mapping[str, Any],
    left: Mapping[str, Any],
    asked: int | None,
    paused_from: int | None,
) -> PlannedCampaign:
    """Return what to do with one campaign.

    :param wanted: fields, name and state that it is to have; those that are as wanted already are not written
    :param left: what was written of them; what differs from it was changed by someone, and stays
    :param asked: state that the season asks for from then on
    """
    before = image(recorded.fields, campaign)
    now = fields_from_json(before)
    target, theirs = dict(before), []
    for name, value in wanted.items():
        if not differences(fields_from_json({name: value}), campaign):
            continue
        if name in left and differences(fields_from_json({name: left[name]}), campaign):
            theirs.append(f"{name} is {to_json_value(now.get(name))!r}")
        else:
            target[name] = value
    exclusion = _kept_free(recorded.exclusion, before, target)
    changes = {
        name: FieldChange(before[name], value)
        for name, value in target.items()
        if name != STATE and value != before[name]
    }
    state = target.pop(STATE)
    name = target.pop(NAME)
    sets_state = state != before[STATE]
    return PlannedCampaign(
        key=campaign_key(recorded.dial_group_id, name),
        action="update" if changes or sets_state else "unchanged",
        region=recorded.region,
        dial_group_id=recorded.dial_group_id,
        dial_group=recorded.dial_group,
        name=name,
        wave=0,
        country="",
        campaign_id=recorded.campaign_id,
        source=None,
        fields=target,
        state=asked,
        protect=recorded.protect,
        before=before,
        changes=changes,
        state_change=StateChange(before[STATE], state, True) if sets_state else None,
        paused_from=paused_from,
        note=f"changed by someone since: {'; '.join(theirs)}" if theirs else "",
        exclusion=exclusion,
    )


def _kept_free(
    exclusion: Exclusion | None, before: Mapping[str, Any], target: dict[str, Any]
) -> Exclusion | None:
    """Keep days closed that have to be, in what a campaign is to have; return its excluded dates.

    :param before: what it has; hours that stay are not looked at
    """
    if exclusion is None:
        return None
    changed = {name: target[name] for name in exclusion.hours if target.get(name) != before.get(name)}
    opened = exclusion.opens(changed, clock.now())
    target.update({name: limit.hours for name, limit in opened.items()})
    limits = {name: one for name, one in exclusion.limits.items() if name not in changed}
    usual = {name: hours for name, hours in changed.items() if hours != CLOSED}
    return replace(exclusion, hours={**exclusion.hours, **usual}, limits={**limits, **opened})
