"""Change and delete campaigns that a user names."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any

from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint, TaskRecord
from airflow_provider_engagevoice.campaigns.names import check_is_free, confirm_new_name
from airflow_provider_engagevoice.campaigns.spec import check_dates, check_not_over
from airflow_provider_engagevoice.campaigns.write import (
    changes_of,
    check_changes,
    delete,
    differences,
    settle,
    store,
    warn_if_inactive,
)
from airflow_provider_engagevoice.characters import alike, difference
from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    find_campaign,
    find_dial_group,
    look_up,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    CampaignExistsError,
    ConcurrentChangesError,
    InvalidInputError,
    NotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.inputs import normal_name, read_reference
from airflow_provider_engagevoice.models import check_caller_id
from airflow_provider_engagevoice.models.campaign import DATE_FIELDS, Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.nested_rows import check_rows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign and what was done to it.

    :param start: ISO 8601, UTC
    :param end: ISO 8601, UTC
    :param outcome: created, updated, unchanged, deleted or absent
    :param source_id: id of the campaign it was cloned from, in the same dial group
    :param copied_by: how this task copied it: ``clone``, by the vendor's clone endpoint, or ``read``
    :param not_copied: fields of the source whose rows the copy lacks; None if the operator does not copy
    """

    campaign_id: int | None
    dial_group_id: int | None
    campaign_name: str | None
    start: str | None
    end: str | None
    is_active: int | None
    outcome: str
    source_id: int | None = None
    copied_by: str | None = None
    not_copied: list[str] | None = None

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
        copied = {"copied_by": self.copied_by, "not_copied": self.not_copied}
        return self.as_event() | (copied if self.not_copied is not None else {})

    def as_event(self) -> dict[str, Any]:
        """Return the extra of an asset event. Airflow 2.11 takes only values that are hashable."""
        omitted = {"source_id", "copied_by", "not_copied"}
        return {name: value for name, value in asdict(self).items() if name not in omitted}


def change_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    *,
    fields: Mapping[str, Any],
    name: str | None,
    state: CampaignState | None,
    checkpoint: CampaignCheckpoint | None = None,
    zone: tzinfo | None = None,
) -> Procedure[CampaignResult]:
    """Change fields of a campaign and write the whole campaign back.

    :param name: new name, None to keep it
    :param state: new state, None to keep it
    :param checkpoint: state shared by the attempts of the task, if any
    :param zone: time zone in which people are shown dates; None for UTC
    :raises InvalidInputError: if there is nothing to change, or the dates are not a window that is not over
    :raises CampaignExistsError: if another campaign has the new name
    :raises ConcurrentChangesError: if a campaign given by name is renamed meanwhile
    :raises StoredDifferentlyError: if the server does not store what it accepted
    """
    wanted: dict[str, Any] = dict(fields)
    if name is not None:
        wanted["campaignName"] = normal_name(name)
    if state is not None:
        wanted["isActive"] = int(state)
    if not wanted:
        raise InvalidInputError("campaign", reference, "give at least one field to change")
    if wanted.keys() >= set(DATE_FIELDS):
        check_dates(wanted)
    record = _record("update", reference, checkpoint)
    found = yield from _find_to_change(reference, dial_group, wanted, record)
    group_id, campaign_id = found.dial_group_id, found.campaign_id
    was_written = record.is_blind or record.get("updates") == campaign_id
    # An attempt that Airflow has given up may have renamed it and succeeded.
    is_begun = record.is_begun and record.campaign_id == campaign_id
    after, is_written = found.campaign, False
    changes = field_changes(wanted, found.campaign, zone)
    given = read_reference(reference, "campaign", "campaign")
    old_name = _name_before(record, given, wanted, campaign_id)
    if changes:
        if "campaignName" in changes:
            yield from _check_is_free(group_id, campaign_id, wanted["campaignName"], old_name)
        record.begin(campaign_id, dial_group_id=group_id, updates=campaign_id)
        names = {given, name or given} if was_written or is_begun else {given}

        def choose(campaign: Campaign) -> Mapping[str, Any]:
            nonlocal old_name
            if isinstance(given, str):
                _check_still_named(campaign, names)
                names.add(name or given)
            now = field_changes(wanted, campaign, zone)
            if "campaignName" in now:
                # Also if it had the name at first: a task that gave it that may have taken it back since.
                old_name = campaign.campaignName
                record.save(renamed_from=old_name)
            return now

        try:
            after, is_written = yield from store(group_id, campaign_id, choose, record, zone=zone)
        except StoredDifferentlyError:
            # It has its new name all the same.
            if old_name is not None:
                yield from confirm_new_name(group_id, campaign_id, wanted["campaignName"], old_name)
            raise
    if old_name is not None:
        yield from confirm_new_name(group_id, campaign_id, wanted["campaignName"], old_name)
    warn_if_inactive(after, state)
    outcome = "updated" if is_written or was_written else "unchanged"
    return CampaignResult.of(FoundCampaign(group_id, after), outcome)


def _name_before(
    record: TaskRecord, given: int | str, wanted: Mapping[str, Any], campaign_id: int
) -> str | None:
    """Return the name that a campaign had before an earlier attempt of this run has renamed it, else None."""
    if "campaignName" not in wanted:
        return None
    if record.is_blind and isinstance(given, str) and normal_name(given) != wanted["campaignName"]:
        return given
    return record.get("renamed_from") if record.is_begun and record.campaign_id == campaign_id else None


def _check_is_free(group_id: int, campaign_id: int, name: str, old: str | None) -> Procedure[None]:
    """Check that a campaign can get a name, and that an earlier attempt has not given it that of another.

    :param old: its name before an earlier attempt may have renamed it, which reads may show late; else None
    :raises CampaignExistsError: if another campaign of the dial group has it
    :raises ConcurrentChangesError: if another campaign is being created with it
    """
    try:
        yield from check_is_free(group_id, campaign_id, name)
    except (CampaignExistsError, ConcurrentChangesError):
        if old is None:
            raise
        campaign = yield from settle(group_id, campaign_id, {"campaignName": name})
        if normal_name(campaign.campaignName) != name:
            raise
        yield from confirm_new_name(group_id, campaign_id, name, old)


def _record(
    operation: str, reference: CampaignReference, checkpoint: CampaignCheckpoint | None
) -> TaskRecord:
    return TaskRecord(
        checkpoint, {"operation": operation, "campaign": read_reference(reference, "campaign", "campaign")}
    )


def _find_to_change(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    wanted: Mapping[str, Any],
    record: TaskRecord,
) -> Procedure[FoundCampaign]:
    """Find the campaign, or the one that an earlier attempt of this task may have renamed."""
    begun_id, begun_in = record.campaign_id, record.get("dial_group_id")
    given = read_reference(reference, "campaign", "campaign")
    names = {normal_name(str(name)) for name in (given, wanted.get("campaignName", given))}
    if begun_id is not None and record.is_begun:
        begun = yield from look_up(begun_in, begun_id)
        if begun is not None and (isinstance(given, int) or normal_name(begun.campaignName) in names):
            return FoundCampaign(begun_in, begun)
    try:
        return (yield from find_campaign(reference, dial_group, patience=LAG_SECONDS))
    except NotFoundError:
        if "campaignName" not in wanted:
            raise
        if begun_id is not None:
            begun = yield from look_up(begun_in, begun_id)
            if begun is not None and normal_name(begun.campaignName) in names:
                return FoundCampaign(begun_in, begun)
        if record.is_blind and isinstance(given, str) and wanted.keys() - {"campaignName", "isActive"}:
            # An earlier attempt has renamed it if a campaign of that name has all other fields, too.
            renamed = {"campaign_name": wanted["campaignName"]}
            found = yield from find_campaign(renamed, dial_group)
            if not differences(wanted, found.campaign):
                return found
        raise


def field_changes(
    wanted: Mapping[str, Any], campaign: Campaign, zone: tzinfo | None = None
) -> dict[str, Any]:
    """Return the fields of ``wanted`` that the server stores differently.

    :param zone: time zone in which errors show dates; None for UTC
    :raises InvalidInputError: if they cannot be changed so
    """
    changes = changes_of(wanted, campaign)
    check_changes(changes, campaign)
    check_rows(changes, campaign.campaignId)
    if "callerId" in changes:
        check_caller_id(changes["callerId"], changes.get("countryId") or campaign.countryId)
    if changes.keys() & set(DATE_FIELDS):
        dates = {name: wanted.get(name, getattr(campaign, name)) for name in DATE_FIELDS}
        check_dates(dates, zone)
        if "endDate" in changes:
            check_not_over(dates)
    return changes


def _check_still_named(campaign: Campaign, names: Iterable[int | str]) -> None:
    """Check that a campaign that was found by name was not renamed since."""
    now, known = campaign.campaignName, {normal_name(str(name)) for name in names}
    if normal_name(now) not in known:
        which = "".join(difference(name, now) for name in alike(now, known))
        raise ConcurrentChangesError(
            f"campaign {campaign.campaignId} has just been renamed {now!r}{which}; not changed"
        )


def remove_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    *,
    checkpoint: CampaignCheckpoint | None = None,
) -> Procedure[CampaignResult]:
    """Delete a campaign. If it does not exist, that is a success with outcome ``absent``.

    :param checkpoint: state shared by the attempts of the task, if any
    :raises NotFoundError: if the dial group does not exist
    :raises StoredDifferentlyError: if the server accepts the deletion and still has the campaign
    """
    group: DialGroupReference | None = dial_group
    if dial_group is not None:
        group = (yield from find_dial_group(dial_group)).dialGroupId
    record = _record("delete", reference, checkpoint)
    wanted = read_reference(reference, "campaign", "campaign")
    deleted = yield from _deleted_by_another(record)
    if deleted is not None:
        return deleted
    try:
        # Ids are not looked for again: whoever knows one has seen the campaign.
        patience = LAG_SECONDS if isinstance(wanted, str) else 0.0
        found = yield from find_campaign(reference, group, patience=patience)
    except NotFoundError as error:
        log.warning("%s; nothing to delete", error)
        named = wanted if isinstance(wanted, str) else None
        campaign_id = wanted if isinstance(wanted, int) else None
        return _absent(campaign_id, group if isinstance(group, int) else None, named, "absent")

    def check(campaign: Campaign) -> None:
        if isinstance(wanted, str):
            _check_still_named(campaign, {wanted})

    group_id, campaign_id = found.dial_group_id, found.campaign_id
    # An attempt that runs beside this one may have begun since.
    record.reload()
    if record.campaign_id != campaign_id:
        deleted = yield from _deleted_by_another(record)
        if deleted is not None:
            return deleted
    record.begin(campaign_id, dial_group_id=group_id, name=found.campaign.campaignName)
    yield from delete(group_id, campaign_id, check)
    return CampaignResult.of(found, "deleted")


def _deleted_by_another(record: TaskRecord) -> Procedure[CampaignResult | None]:
    """Return the result if another attempt of this run has deleted the campaign, else None.

    What has the name after that is another campaign.
    """
    begun_id, begun_in = record.campaign_id, record.get("dial_group_id")
    if begun_id is None or not record.is_begun or (yield from look_up(begun_in, begun_id)) is not None:
        return None
    return _absent(begun_id, begun_in, record.get("name"), "deleted")


def _absent(campaign_id: int | None, group_id: int | None, name: str | None, outcome: str) -> CampaignResult:
    return CampaignResult(
        campaign_id=campaign_id,
        dial_group_id=group_id,
        campaign_name=name,
        start=None,
        end=None,
        is_active=None,
        outcome=outcome,
    )
