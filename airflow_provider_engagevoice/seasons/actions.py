"""What an apply does with one campaign."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.campaigns import CampaignResult, ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.checkpoint import fields_from_json
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists
from airflow_provider_engagevoice.campaigns.update import field_changes
from airflow_provider_engagevoice.campaigns.write import (
    CampaignGoneError,
    changes_of,
    differences,
    store,
    warn_if_inactive,
)
from airflow_provider_engagevoice.characters import text_difference
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import CampaignExistsError, EngageVoiceError, WindowOverError
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.authors import GONE
from airflow_provider_engagevoice.seasons.batch import Origin
from airflow_provider_engagevoice.seasons.plan import Plan, PlannedCampaign, to_json_value, written_by
from airflow_provider_engagevoice.seasons.planning import whole
from airflow_provider_engagevoice.seasons.render import value_text, zone_of
from airflow_provider_engagevoice.seasons.work import ANSWERED, NAME, STATE, WRITTEN, Change, RecordedCampaign

#: Seconds for which a campaign that is not as planned is read again: reads may show a write late.
_LATE_SECONDS = 3.5


class ChangedSincePlanError(EngageVoiceError):
    """A campaign is not as it was when the plan was made; it was left as it is.

    :param now: values of its changed fields, as JSON values
    """

    def __init__(self, message: str, now: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.now = now or {}


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with a campaign."""

    outcome: str
    campaign_id: int | None


def change_of(planned: PlannedCampaign, last: Mapping[int, RecordedCampaign]) -> Change:
    """Return what is to be done with one campaign.

    :param last: the campaigns of the last apply by id
    """
    change = Change(
        planned.action,
        planned.before,
        written_by(planned),
        campaign_id=planned.campaign_id,
        paused_from=planned.paused_from,
    )
    if (known := last.get(planned.campaign_id or 0)) is not None:
        change.old_state, change.old_paused_from = known.state, known.paused_from
        if known.exclusion != planned.exclusion:
            change.old_exclusion = known.exclusion
    if planned.before is not None and any(name in change.after for name in SCHEDULE_FIELDS):
        change.exclusion = planned.exclusion
    return change


def action_of(
    planned: PlannedCampaign,
    plan: Plan,
    checkpoints: dict[str, dict[str, Any]],
    on_save: Callable[[], None],
    copy_nested: bool,
) -> tuple[Origin, Procedure[Done]]:
    """Return the procedure that carries out what is planned, and where its campaign comes from.

    :param checkpoints: what attempts share, by key of the campaign
    :param on_save: called when they have changed
    """
    checkpoint = _Checkpoint(planned.key, checkpoints, on_save)
    if planned.action in ("create", "clone"):
        return planned.source or 0, _create(planned, plan, checkpoint, copy_nested)
    if planned.action == "update":
        return None, _update(planned, plan, checkpoint)
    if planned.action == "unchanged":
        return None, _check(planned, plan)
    return None, _nothing(planned)


#: What is written with what follows: an apply would write the record for each campaign.
_WITH_WHAT_FOLLOWS = {"activated", "completed", "result"}


class _Checkpoint:
    """What attempts at one campaign share, in the record of the apply."""

    has_earlier_attempts = True
    max_tries = 0

    def __init__(self, key: str, saved: dict[str, dict[str, Any]], on_save: Callable[[], None]) -> None:
        self._key = key
        self._saved = saved
        self._on_save = on_save

    def load(self) -> Mapping[str, Any]:
        return self._saved.get(self._key, {})

    def save(self, state: Mapping[str, Any]) -> None:
        before, self._saved[self._key] = self.load(), dict(state)
        if any(before.get(name) != state[name] for name in state.keys() - _WITH_WHAT_FOLLOWS):
            self._on_save()


def _create(
    planned: PlannedCampaign, plan: Plan, checkpoint: _Checkpoint, copy_nested: bool
) -> Procedure[Done]:
    spec = CampaignSpec(
        dial_group=planned.dial_group_id,
        name=planned.name,
        fields=fields_from_json(planned.fields),
        state=planned.state,
        if_exists=IfExists.FAIL,
        zone=zone_of(plan, planned),
    )
    # The same for all applies of the season: a later one completes what an earlier one has begun.
    owner = json.dumps(["season", plan.account_id, plan.season])
    result: CampaignResult
    try:
        if planned.source is None:
            result = yield from ensure_campaign(spec, owner=owner, checkpoint=checkpoint)
        else:
            result = yield from ensure_clone(
                planned.source,
                spec,
                country=planned.country,
                owner=owner,
                checkpoint=checkpoint,
                copy_nested=copy_nested,
            )
    except CampaignExistsError as error:
        raise ChangedSincePlanError(f"changed since the plan: {error}") from None
    return Done("created" if planned.source is None else "cloned", result.campaign_id)


def _update(planned: PlannedCampaign, plan: Plan, checkpoint: _Checkpoint) -> Procedure[Done]:
    campaign_id, before = planned.campaign_id, planned.before
    assert campaign_id is not None
    assert before is not None
    wanted, zone = fields_from_json(written_by(planned)), zone_of(plan, planned)
    # An earlier attempt may have written it before it was killed.
    is_begun = bool(checkpoint.load())
    written = list(checkpoint.load().get(WRITTEN, ()))
    was_activated = bool(checkpoint.load().get(ANSWERED))
    name = normal_name(planned.name)
    if NAME in planned.changes and normal_name(before[NAME]) != name:
        for row in (yield from list_campaigns(planned.dial_group_id)):
            if normal_name(row.campaignName) == name and row.campaignId != campaign_id:
                raise ChangedSincePlanError(
                    f"changed since the plan: campaign {row.campaignId} is named {planned.name!r} now"
                )

    def choose(campaign: Campaign) -> Mapping[str, Any]:
        _check_as_planned(before, wanted, campaign, zone)
        try:
            changes = field_changes(wanted, campaign, zone)
        except WindowOverError:
            # What was longer by mistake ends at once when it is taken back.
            if not plan.is_of_record:
                raise
            changes = changes_of(wanted, campaign)
        if changes:
            written.extend(name for name in changes if name not in written)
            saved = {**checkpoint.load(), "campaign_id": campaign_id, WRITTEN: list(written)}
            checkpoint.save(saved)
        return changes

    again = pauses(_LATE_SECONDS)
    while True:
        try:
            after, is_written = yield from store(
                planned.dial_group_id, campaign_id, choose, was_activated=was_activated, zone=zone
            )
            # The plan has seen a difference: a read without one may be from before.
            pause = None if is_written or is_begun else next(again, None)
            if pause is None:
                break
        except CampaignGoneError as error:
            raise ChangedSincePlanError(f"changed since the plan: {error}", {GONE: None}) from None
        except ChangedSincePlanError:
            if (pause := next(again, None)) is None:
                raise
        yield pause
    warn_if_inactive(after, wanted.get(STATE))
    return Done("updated" if is_written or is_begun else "unchanged", campaign_id)


def _check(planned: PlannedCampaign, plan: Plan) -> Procedure[Done]:
    """Check that a campaign that is as wanted is still so."""
    before = planned.before
    assert before is not None
    campaign_id = planned.campaign_id
    assert campaign_id is not None
    rows = yield from list_campaigns(planned.dial_group_id)
    campaign = next((row for row in rows if row.campaignId == campaign_id), None)
    again = pauses(_LATE_SECONDS)
    while True:
        campaign = yield from whole(campaign, planned.dial_group_id, campaign_id, planned.fields)
        if campaign is None:
            raise ChangedSincePlanError(
                f"changed since the plan: campaign {campaign_id} is gone", {GONE: None}
            )
        try:
            _check_as_planned(before, {}, campaign, zone_of(plan, planned))
            return Done("unchanged", campaign_id)
        except ChangedSincePlanError:
            if (pause := next(again, None)) is None:
                raise
        campaign = None
        yield pause


def _nothing(planned: PlannedCampaign) -> Procedure[Done]:
    yield from ()
    return Done(planned.action, planned.campaign_id)


def _check_as_planned(
    before: Mapping[str, Any], wanted: Mapping[str, Any], campaign: Campaign, zone: ZoneInfo
) -> None:
    """Check that each field is as it was when the plan was made, or as wanted.

    :raises ChangedSincePlanError: with the fields that are not
    """
    then = fields_from_json(
        {name: value for name, value in before.items() if name != STATE or name in wanted}
    )
    changed = differences(then, campaign)
    still = differences({name: wanted[name] for name in changed if name in wanted}, campaign)
    found = {
        name: (to_json_value(then), to_json_value(now))
        for name, (now, then) in changed.items()
        if name in still or name not in wanted
    }
    if found:
        texts = [
            f"{name} was {value_text(name, then, zone)}, is {value_text(name, now, zone)}"
            f"{text_difference(then, now)}"
            for name, (then, now) in found.items()
        ]
        raise ChangedSincePlanError(
            f"changed since the plan: {'; '.join(texts)}", {name: now for name, (_, now) in found.items()}
        )
