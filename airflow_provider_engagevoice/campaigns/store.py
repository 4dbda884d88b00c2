"""Writing to a campaign: only what differs, whole, and read back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_engagevoice.client import api
from airflow_provider_engagevoice.client.lookup import FoundCampaign
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    InvalidInputError,
    OutdatedError,
    ResourceNotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.dates import parse_vendor_date

log = logging.getLogger(__name__)

#: How often a campaign is written until the server has what was asked for: once more, to correct it.
_MOST_WRITES = 2
#: A campaign read longer ago than so many seconds is read again before it is written: somebody may have
#: changed it, or another attempt finished it, while this one waited for its turn or was stopped.
_FRESH_SECONDS = 15.0
_MOST_OUTDATED = 10


class OvertakenError(Exception):
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
    :raises OvertakenError: when it bears another name
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
        write = api.update_campaign(found.dial_group_id, found.campaign_id, body)
        try:
            yield from replace(write, fresh_seconds=_FRESH_SECONDS)
            written += 1
        except OutdatedError as error:
            outdated += 1
            if outdated == _MOST_OUTDATED:
                raise
            log.info("%s; reading it again", error)
        stored = yield from api.get_campaign(found.dial_group_id, found.campaign_id)
        if while_named is not None and stored.campaignName != while_named:
            raise OvertakenError
        found = FoundCampaign(found.dial_group_id, stored)
    return found


def delete(group_id: int, campaign_id: int) -> Procedure[None]:
    """Delete a campaign, if it is still there."""
    try:
        yield from api.delete_campaign(group_id, campaign_id)
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
