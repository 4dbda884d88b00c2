"""Change and delete campaigns: write whole objects, only if a field differs, and read them back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_engagevoice.campaigns.spec import check_dates
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    delete_campaign,
    get_campaign,
    update_campaign,
)
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    find_campaign,
    find_dial_group,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    InvalidInputError,
    NotFoundError,
    OutdatedError,
    ResourceNotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.inputs import read_reference
from airflow_provider_engagevoice.models.campaign import DATE_FIELDS, Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign and what was done to it.

    :param start: ISO 8601, UTC
    :param end: ISO 8601, UTC
    :param outcome: created, updated, unchanged, deleted or absent
    :param source_id: id of the campaign it was cloned from, in the same dial group
    """

    campaign_id: int | None
    dial_group_id: int | None
    campaign_name: str | None
    start: str | None
    end: str | None
    is_active: int | None
    outcome: str
    source_id: int | None = None

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
        return {name: value for name, value in asdict(self).items() if name != "source_id"}


#: Writes until the server stores the requested values: one, and one to correct it.
_MAX_WRITES = 2
#: A campaign read more than this many seconds ago is read again before it is written: a user may have changed
#: it, or another attempt completed it, while this one waited for a permit or was suspended.
_FRESH_SECONDS = 15.0
_MAX_OUTDATED = 10


class ConcurrentAttemptError(Exception):
    """A concurrent attempt has completed the campaign; start over."""


def differences(wanted: Mapping[str, Any], campaign: Campaign) -> dict[str, tuple[Any, Any]]:
    """Return each field of ``wanted`` that the server stores differently, as (stored, wanted)."""
    stored = campaign.raw | {name: getattr(campaign, name) for name in DATE_FIELDS}
    return {
        name: (stored.get(name), value)
        for name, value in wanted.items()
        if not _same(stored.get(name), value)
    }


def _same(stored: Any, wanted: Any) -> bool:
    if stored in (None, "") and wanted in (None, ""):
        return True
    return bool(stored == wanted)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def write_changes(
    found: FoundCampaign, wanted: Mapping[str, Any], *, while_named: str | None = None
) -> Procedure[FoundCampaign]:
    """Write the fields that differ, read the campaign back, and correct it once if needed.

    :param while_named: name that the campaign must still have each time it is read back; None for any
    :raises StoredDifferentlyError: if the server stores other values even so
    :raises ConcurrentAttemptError: if the campaign has another name
    """
    written = outdated = 0
    while changes := differences(wanted, found.campaign):
        if written == _MAX_WRITES:
            problems = "; ".join(
                f"{name} is {_text(old)}, not {_text(new)}" for name, (old, new) in changes.items()
            )
            raise StoredDifferentlyError(
                f"campaign {found.campaign_id} in dial group {found.dial_group_id}: the server accepted the "
                f"change but stored something else: {problems}"
            )
        check_fixed_fields(wanted, found.campaign)
        for name, (old, new) in changes.items():
            log.info("campaign %d %s: %s → %s", found.campaign_id, name, _text(old), _text(new))
        body = found.campaign.with_changes({name: wanted[name] for name in changes})
        write = update_campaign(found.dial_group_id, found.campaign_id, body)
        try:
            yield from replace(write, fresh_seconds=_FRESH_SECONDS)
            written += 1
        except OutdatedError as error:
            outdated += 1
            if outdated == _MAX_OUTDATED:
                raise
            log.info("%s; reading it again", error)
        stored = yield from get_campaign(found.dial_group_id, found.campaign_id)
        if while_named is not None and stored.campaignName != while_named:
            raise ConcurrentAttemptError
        found = FoundCampaign(found.dial_group_id, stored)
    return found


def delete(group_id: int, campaign_id: int) -> Procedure[None]:
    """Delete a campaign if it still exists."""
    try:
        yield from delete_campaign(group_id, campaign_id)
    except ResourceNotFoundError:
        log.info("campaign %d was already deleted", campaign_id)


def check_fixed_fields(wanted: Mapping[str, Any], campaign: Campaign) -> None:
    """Reject changes of fields that are fixed at creation.

    :raises InvalidInputError: for ``callingConfiguration``
    """
    stored = campaign.raw.get("callingConfiguration")
    requested = wanted.get("callingConfiguration", stored)
    if stored is not None and requested != stored:
        raise InvalidInputError(
            "settings.callingConfiguration", requested, f"it is {stored} and cannot be changed after creation"
        )


def change_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    *,
    fields: Mapping[str, Any],
    name: str | None,
    state: CampaignState | None,
) -> Procedure[CampaignResult]:
    """Change fields of a campaign and write the whole campaign back.

    :param name: new name, None to keep it
    :param state: new state, None to keep it
    :raises InvalidInputError: if there is nothing to change, or the dates are not a window that is not over
    """
    wanted: dict[str, Any] = dict(fields)
    if name is not None:
        wanted["campaignName"] = name
    if state is not None:
        wanted["isActive"] = int(state)
    if not wanted:
        raise InvalidInputError("campaign", reference, "give at least one field to change")
    try:
        found = yield from find_campaign(reference, dial_group)
    except NotFoundError:
        # An earlier attempt may have renamed it before its response was lost.
        if name is None or not isinstance(reference, str) or reference.strip().isdigit():
            raise
        found = yield from find_campaign(name, dial_group)
    if "startDate" in wanted or "endDate" in wanted:
        dates = {name: getattr(found.campaign, name) for name in DATE_FIELDS} | wanted
        check_dates(dates, None if "endDate" in wanted else datetime.min.replace(tzinfo=UTC))
    changes = differences(wanted, found.campaign)
    after = yield from write_changes(found, wanted)
    return CampaignResult.of(after, "updated" if changes else "unchanged")


def remove_campaign(
    reference: CampaignReference, dial_group: DialGroupReference | None
) -> Procedure[CampaignResult]:
    """Delete a campaign. If it does not exist, that is a success with outcome ``absent``.

    :raises NotFoundError: if the dial group does not exist
    """
    group: DialGroupReference | None = dial_group
    if dial_group is not None:
        group = (yield from find_dial_group(dial_group)).dialGroupId
    try:
        found = yield from find_campaign(reference, group)
    except NotFoundError as error:
        log.warning("%s; nothing to delete", error)
        wanted = read_reference(reference, "campaign", "campaign")
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
