"""Names of campaigns that are not complete yet, and the removal of those that were left so."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable

from airflow_provider_engagevoice.campaigns.write import delete, look_up
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaign_lists
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    PageAnswerError,
    PermissionDeniedError,
    ResourceNotFoundError,
)
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)


class OvertakenError(Exception):
    """Another attempt or a person has changed the campaign: look at the list again."""


class _InUseError(Exception):
    """An unfinished campaign is not to be deleted."""


def working_name(name: str, owner: str) -> str:
    """Return the name of a campaign while ``owner`` creates it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


#: What a working name has after the name; a server that cuts names may keep the beginning alone.
_SUFFIX = re.compile(r" \[unfinished [0-9a-f]{0,8}\]?")
_SUFFIX_START = " [unfinished "
_SHORTEST_SUFFIX = 3


def is_unfinished(stored: str, name: str) -> bool:
    """Return whether a stored name is a working name of ``name``, whoever created the campaign."""
    stored = normal_name(stored)
    suffix = stored.removeprefix(name)
    if suffix == stored or len(suffix) < _SHORTEST_SUFFIX:
        return False
    return _SUFFIX_START.startswith(suffix) or _SUFFIX.fullmatch(suffix) is not None


def is_altered(stored: str, sent: str) -> bool:
    """Return whether a server may have stored ``sent`` so: cut, or in other letters."""
    kept = normal_name(stored).casefold()
    return bool(kept) and stored != sent and normal_name(sent).casefold().startswith(kept)


def remove_unfinished(group_id: int, campaign_id: int, is_still: Callable[[str], bool]) -> Procedure[bool]:
    """Delete an unfinished campaign that is inactive and has no leads; any other is left and reported.

    :param is_still: returns whether a name shows that the campaign is unfinished
    :return: whether it is gone
    :raises OvertakenError: if it has another name by now
    :raises StoredDifferentlyError: if the server accepts the deletion and still has the campaign
    """

    def check(campaign: Campaign) -> None:
        if not is_still(campaign.campaignName):
            raise OvertakenError(f"campaign {campaign_id} is {campaign.campaignName!r} now")
        if campaign.isActive != CampaignState.INACTIVE:
            raise _InUseError("it is active")

    try:
        if (yield from _has_leads(group_id, campaign_id)):
            raise _InUseError("it has leads")
        if (yield from delete(group_id, campaign_id, check)):
            log.warning("campaign %d was left unfinished; deleted", campaign_id)
    except _InUseError as error:
        log.warning("campaign %d was left unfinished, but %s; delete it yourself", campaign_id, error)
        return False
    return True


def _has_leads(group_id: int, campaign_id: int) -> Procedure[bool]:
    try:
        return bool((yield from list_campaign_lists(group_id, campaign_id)))
    except (ResourceNotFoundError, PermissionDeniedError, EndpointMissingError, PageAnswerError) as error:
        if (yield from look_up(group_id, campaign_id)) is None:
            return False
        raise _InUseError(f"its leads cannot be seen ({error})") from None
