"""Writing to a campaign: only what differs, whole, and read back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_engagevoice.campaigns.result import CampaignResult
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
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.vendor_dates import parse_vendor_date

log = logging.getLogger(__name__)

#: How often a campaign is written until the server has what was asked for: once more, to correct it.
_MOST_WRITES = 2
#: A campaign read longer ago than so many seconds is read again before it is written: somebody may have
#: changed it, or another attempt finished it, while this one waited for its turn or was stopped.
_FRESH_SECONDS = 15.0
_MOST_OUTDATED = 10


class ConcurrentAttemptError(Exception):
    """An attempt that runs beside this one has given the campaign its own name; start over."""


def differences(wanted: Mapping[str, Any], campaign: Campaign) -> dict[str, tuple[Any, Any]]:
    """Return each field of ``wanted`` that the server holds differently, as (stored, wanted)."""
    stored = campaign.raw
    return {
        name: (stored.get(name), value)
        for name, value in wanted.items()
        if not _same(name, stored.get(name), value)
    }


def _same(name: str, stored: Any, wanted: Any) -> bool:
    if name in ("startDate", "endDate"):
        try:
            return parse_vendor_date(stored) == parse_vendor_date(wanted)
        except ValueError:
            return False
    if stored in (None, "") and wanted in (None, ""):
        return True
    return bool(stored == wanted)


def store(
    found: FoundCampaign, wanted: Mapping[str, Any], *, while_named: str | None = None
) -> Procedure[FoundCampaign]:
    """Write what differs, read back what was stored, and correct it once if the server changed it.

    :param while_named: the name the campaign must still bear each time it is read back; None for any
    :raises StoredDifferentlyError: when the server holds something else even so
    :raises ConcurrentAttemptError: when it bears another name
    """
    written = outdated = 0
    while changes := differences(wanted, found.campaign):
        if written == _MOST_WRITES:
            told = "; ".join(f"{name} is {old!r}, not {new!r}" for name, (old, new) in changes.items())
            raise StoredDifferentlyError(
                f"campaign {found.campaign_id} in dial group {found.dial_group_id}: the server accepted the "
                f"change but stored something else: {told}"
            )
        refuse_fixed_fields(wanted, found.campaign)
        for name, (old, new) in changes.items():
            log.info("campaign %d %s: %r → %r", found.campaign_id, name, old, new)
        body = found.campaign.with_changes({name: wanted[name] for name in changes})
        write = update_campaign(found.dial_group_id, found.campaign_id, body)
        try:
            yield from replace(write, fresh_seconds=_FRESH_SECONDS)
            written += 1
        except OutdatedError as error:
            outdated += 1
            if outdated == _MOST_OUTDATED:
                raise
            log.info("%s; reading it again", error)
        stored = yield from get_campaign(found.dial_group_id, found.campaign_id)
        if while_named is not None and stored.campaignName != while_named:
            raise ConcurrentAttemptError
        found = FoundCampaign(found.dial_group_id, stored)
    return found


def delete(group_id: int, campaign_id: int) -> Procedure[None]:
    """Delete a campaign, if it is still there."""
    try:
        yield from delete_campaign(group_id, campaign_id)
    except ResourceNotFoundError:
        log.info("campaign %d is gone already", campaign_id)


def refuse_fixed_fields(wanted: Mapping[str, Any], campaign: Campaign) -> None:
    """Refuse to change what the vendor fixes at creation.

    :raises InvalidInputError: for ``callingConfiguration``
    """
    stored = campaign.raw.get("callingConfiguration")
    asked = wanted.get("callingConfiguration", stored)
    if stored is not None and asked != stored:
        raise InvalidInputError(
            "settings.callingConfiguration", asked, f"it is {stored} and cannot be changed after creation"
        )


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
