"""Plans that take an apply back, and that pause a season and resume it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import fields_from_json
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.exclude import hours_of
from airflow_provider_engagevoice.campaigns.names import is_unfinished
from airflow_provider_engagevoice.campaigns.write import differences
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS, look_up, pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.inputs import MAX_NAME_LENGTH, normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.authors import name_authors
from airflow_provider_engagevoice.seasons.plan import FieldChange, Plan, PlannedCampaign, StateChange, image
from airflow_provider_engagevoice.seasons.planning import whole
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.work import (
    ANSWERED,
    NAME,
    STATE,
    Change,
    RecordedCampaign,
    campaign_key,
    unique_key,
)

_INACTIVE = int(CampaignState.INACTIVE)
#: Seconds for which a campaign that is not as the last apply has left it is read again, and 35 for all of
#: them: reads may show a write late.
_LATE_SECONDS = 3.5
#: Added to the names of campaigns whose creation is taken back.
MARK = " [rolled back {serial}]"
#: Campaigns of a dial group by normal name.
_Names: TypeAlias = dict[str, set[int]]


def plan_rollback(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that takes an apply back; nothing is written.

    Changed fields get the values that they had before. What was created becomes inactive and keeps its name
    with a mark; nothing is deleted. A field that someone has changed since the apply stays as it is, and the
    plan says so. So does a name that another campaign has now; then the campaign is not made active either.

    :param record: of the last apply
    :param record_path: directory of the records of all seasons
    """
    known = _known(record)
    changes = {one.campaign_id: change for one, change in _written(record, known)}
    activated = {
        record.changes[key].campaign_id for key, one in record.checkpoints.items() if one.get(ANSWERED)
    }

    def undo(recorded: RecordedCampaign, campaign: Campaign, names: _Names) -> PlannedCampaign | None:
        change = changes.get(recorded.campaign_id)
        if change is None:
            return None
        # The daily task may have given it other hours since.
        hours = recorded.fields if change.is_done else change.kept_free
        left = {name: hours[name] for name in SCHEDULE_FIELDS if name in change.after and name in hours}
        left = {**change.after, **left}
        if change.before is not None:
            wanted = {name: change.before[name] for name in change.after}
            asked, paused_from = change.old_state, change.old_paused_from
            was_set = change.is_done or recorded.campaign_id in activated
            if STATE in wanted and was_set and campaign.isActive == CampaignState.INACTIVE:
                # Someone has paused it since.
                paused_from = None
            other = _other_named(wanted.get(NAME), campaign, names)
            if other is not None:
                del wanted[NAME]
                if wanted.get(STATE) != _INACTIVE:
                    wanted.pop(STATE, None)
                    asked, paused_from = recorded.state, recorded.paused_from
            planned = _planned(recorded, campaign, wanted, left, asked, paused_from, change.old_exclusion)
            if other is not None:
                planned.note = f"campaign {other} is named {change.before[NAME]!r} now"
            return planned if change.after or planned.exclusion != recorded.exclusion else None
        if is_unfinished(campaign.campaignName, recorded.name):
            return None
        name = _marked(recorded, record.serial, campaign, names)
        return _planned(recorded, campaign, {NAME: name, STATE: _INACTIVE}, change.after, _INACTIVE, None)

    plan = yield from _plan(record, record_path, known, undo)
    return replace(plan, takes_back=record.started_at)


def _other_named(name: str | None, campaign: Campaign, names: _Names) -> int | None:
    """Return another campaign that has a name that one does not have; None if there is none."""
    if name is None or normal_name(name) == normal_name(campaign.campaignName):
        return None
    return min(names.get(normal_name(name), ()), default=None)


def _marked(recorded: RecordedCampaign, serial: int, campaign: Campaign, names: _Names) -> str:
    """Return the name of a campaign whose creation is taken back."""
    name = ""
    # Another season may have left the same name, and long names are cut.
    for number in (str(serial), f"{serial}, {campaign.campaignId}"):
        mark = MARK.format(serial=number)
        name = recorded.name[: MAX_NAME_LENGTH - len(mark)] + mark
        if _other_named(name, campaign, names) is None:
            break
    names.setdefault(normal_name(name), set()).add(campaign.campaignId)
    return name


def plan_pause(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that makes all active campaigns of a season inactive; nothing is written."""

    def pause(recorded: RecordedCampaign, campaign: Campaign, _: _Names) -> PlannedCampaign | None:
        if campaign.isActive == CampaignState.INACTIVE or not isinstance(campaign.isActive, int):
            return None
        now = int(campaign.isActive)
        return _planned(recorded, campaign, {STATE: _INACTIVE}, {}, recorded.state, now)

    return (yield from _plan(record, record_path, _known(record), pause))


def plan_resume(record: Record, record_path: str) -> Procedure[Plan]:
    """Return a plan that gives campaigns the state back that a pause of the season has taken.

    Campaigns that people have paused before stay paused.
    """

    def resume(recorded: RecordedCampaign, campaign: Campaign, _: _Names) -> PlannedCampaign | None:
        if recorded.paused_from is None:
            return None
        wanted, left = {STATE: recorded.paused_from}, {STATE: _INACTIVE}
        return _planned(recorded, campaign, wanted, left, recorded.state, None)

    return (yield from _plan(record, record_path, _known(record), resume))


def _known(record: Record) -> dict[int, RecordedCampaign]:
    """Return the campaigns of a record by id, with those that a killed apply may have written last."""
    return {one.campaign_id: one for one in (*record.begun(), *record.campaigns.values())}


def _written(
    record: Record, known: Mapping[int, RecordedCampaign]
) -> Iterator[tuple[RecordedCampaign, Change]]:
    """Yield the campaigns that an apply has written, or may have before it was killed.

    Also those of which it has only excluded other dates.
    """
    for key, change in record.changes.items():
        checkpoint = record.checkpoints.get(key)
        is_written = change.outcome in ("created", "cloned", "updated") or checkpoint is not None
        if not is_written and (change.old_exclusion is None or change.after or not change.is_done):
            continue
        for campaign_id in (checkpoint or {}).get("campaign_ids", (change.campaign_id,)):
            if campaign_id in known:
                yield known[campaign_id], change.limited_to(checkpoint or {})


def _plan(
    record: Record,
    record_path: str,
    known: Mapping[int, RecordedCampaign],
    choose: Callable[[RecordedCampaign, Campaign, _Names], PlannedCampaign | None],
) -> Procedure[Plan]:
    if (pause := record.until_listed()) is not None:
        yield pause
    patient_until = clock.monotonic() + LAG_SECONDS
    planned: dict[str, PlannedCampaign] = {}
    for group_id in dict.fromkeys(one.dial_group_id for one in known.values()):
        rows = {row.campaignId: row for row in (yield from list_campaigns(group_id))}
        names: _Names = {}
        for row in rows.values():
            names.setdefault(normal_name(row.campaignName), set()).add(row.campaignId)
        for one in known.values():
            if one.dial_group_id != group_id:
                continue
            campaign = yield from whole(rows.get(one.campaign_id), group_id, one.campaign_id, one.fields)
            again = pauses(_LATE_SECONDS)
            left = {**fields_from_json(one.fields), NAME: one.name}
            while campaign is not None and differences(left, campaign) and clock.monotonic() < patient_until:
                if (pause := next(again, None)) is None:
                    break
                yield pause
                campaign = yield from look_up(group_id, one.campaign_id)
            if campaign is None:
                continue
            left_so = record.as_left(one, hours_of(campaign))
            if (chosen := choose(left_so, campaign, names)) is not None:
                chosen.key = unique_key(chosen.key, one.campaign_id, planned)
                planned[chosen.key] = chosen
    yield from name_authors(planned.values(), record.account_id, record.started_at)
    return Plan.of_record(record, record_path, list(planned.values()), [one.region for one in known.values()])


def _planned(
    recorded: RecordedCampaign,
    campaign: Campaign,
    wanted: Mapping[str, Any],
    left: Mapping[str, Any],
    asked: int | None,
    paused_from: int | None,
    old_exclusion: Exclusion | None = None,
) -> PlannedCampaign:
    """Return what to do with one campaign.

    :param wanted: fields, name and state that it is to have; those that are as wanted already are not written
    :param left: what was written of them; what differs from it was changed by someone, and stays
    :param asked: state that the season asks for from then on
    :param old_exclusion: excluded dates before, if those were others
    """
    # All fields are compared before a write: it takes the whole campaign, and a read may be from before.
    # A killed apply may have written fields that the record does not have yet.
    before = image({**recorded.fields, **wanted}, campaign)
    # What is not to be taken back stays in the record as the season asks for it.
    target = {**recorded.fields, NAME: recorded.name, STATE: before[STATE]}
    kept: dict[str, FieldChange] = {}
    back = {}
    old = old_exclusion or recorded.exclusion
    for name, value in wanted.items():
        target[name] = value
        is_theirs = name in left and differences(fields_from_json({name: left[name]}), campaign)
        # Hours that are as before the apply may have been closed then for dates that are over.
        if is_theirs and (name in SCHEDULE_FIELDS or differences(fields_from_json({name: value}), campaign)):
            kept[name] = FieldChange(left[name], before[name])
            target[name] = before[name]
        elif name in SCHEDULE_FIELDS:
            back[name] = value if old is None else old.usual(name, value)
    exclusion, hours = _kept_free(recorded.exclusion, old_exclusion, back)
    target.update(hours)
    changes = {
        name: FieldChange(before[name], target[name])
        for name in wanted
        if name != STATE and differences(fields_from_json({name: target[name]}), campaign)
    }
    state, name = target.pop(STATE), target.pop(NAME)
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
        kept=kept,
        exclusion=exclusion,
    )


def _kept_free(
    now: Exclusion | None, old: Exclusion | None, usual: dict[str, str]
) -> tuple[Exclusion | None, dict[str, str]]:
    """Return the excluded dates that a campaign is to have, and the hours that it is to have now.

    Dates of the apply that is taken back still hold, and those before it hold again.

    :param usual: hours that it gets back, as they are without excluded dates
    """
    both = old if now is None else now.with_dates_of(old)
    if both is None:
        return None, usual
    # A server may have none.
    given = {name: hours for name, hours in usual.items() if hours is not None}
    back = replace(both, hours={**(old or both).hours, **given})
    limits = {name: one for name, one in back.limits_at(clock.now()).items() if name in usual}
    known = {} if now is None else {name: one for name, one in now.limits.items() if name not in usual}
    hours = {**usual, **{name: one.hours for name, one in limits.items()}}
    return replace(back, limits={**known, **limits}), hours
