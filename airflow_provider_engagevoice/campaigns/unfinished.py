"""Names of campaigns that are not complete yet, and the removal of those that were left so."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_engagevoice.campaigns.write import CampaignGoneError, InUseError, delete, store
from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import StoredDifferentlyError
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)


class OvertakenError(Exception):
    """Another attempt or a person has changed the campaign: look at the list again."""


class _ActiveError(Exception):
    """An unfinished campaign is active."""


def working_name(name: str, owner: str) -> str:
    """Return the name of a campaign while ``owner`` creates it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


#: What a working name has after the name; a server that cuts names may keep the beginning alone.
_SUFFIX = re.compile(r" \[unfinished [0-9a-f]{0,8}\]?")
_SUFFIX_START = " [unfinished "
_SHORTEST_SUFFIX = 3


def altered_name_error(stored: str, requested: str, remark: str = "") -> StoredDifferentlyError:
    """Return the error for a name that the server did not store as requested."""
    return StoredDifferentlyError(
        f"campaign_name: the server stored {stored!r}{difference(requested, stored)} for {requested!r}"
        f"{remark}; choose a name that it stores unchanged"
    )


def is_unfinished(stored: str, name: str) -> bool:
    """Return whether a stored name is a working name of ``name``, whoever created the campaign."""
    stored = normal_name(stored)
    suffix = stored.removeprefix(name)
    if suffix == stored or len(suffix) < _SHORTEST_SUFFIX:
        return False
    return _SUFFIX_START.startswith(suffix) or _SUFFIX.fullmatch(suffix) is not None


def is_altered(stored: str, sent: str) -> bool:
    """Return whether a server may have stored ``sent`` so: cut, extended, or with other signs or letters."""
    kept, wanted = _letters(stored), _letters(sent)
    return bool(kept) and stored != sent and (wanted.startswith(kept) or kept.startswith(wanted))


def is_shortened(stored: str, sent: str) -> bool:
    """Return whether a server may have stored ``sent`` so: cut, or with other signs or letters.

    A name with more at its end is rather one that a person has given.
    """
    return is_altered(stored, sent) and len(_letters(stored)) <= len(_letters(sent))


def is_altered_suffix(stored: str, sent: str, name: str) -> bool:
    """Return whether a server may have stored the working name ``sent`` of ``name`` so, with its suffix."""
    if not is_altered(stored, sent):
        return False
    has_letters = len(_letters(stored)) >= len(_letters(name)) + _SHORTEST_SUFFIX
    return has_letters or normal_name(stored).startswith(f"{name} [")


def _letters(name: str) -> str:
    return "".join(letter for letter in normal_name(name).casefold() if letter.isalnum())


def remove_unfinished(group_id: int, campaign_id: int, is_still: Callable[[str], bool]) -> Procedure[bool]:
    """Delete an unfinished campaign, inactive, that has no leads; any other is left and reported.

    A clone that the server made of an active source is made inactive first.

    :param is_still: returns whether a name shows that the campaign is unfinished
    :return: whether it is gone
    :raises OvertakenError: if it has another name by now
    :raises StoredDifferentlyError: if the server accepts the deletion and still has the campaign
    """

    def check_name(campaign: Campaign) -> None:
        if not is_still(campaign.campaignName):
            raise OvertakenError(f"campaign {campaign_id} is {campaign.campaignName!r} now")

    def check(campaign: Campaign) -> None:
        check_name(campaign)
        if campaign.isActive != CampaignState.INACTIVE:
            raise _ActiveError

    def deactivate(campaign: Campaign) -> Mapping[str, Any]:
        check_name(campaign)
        return {"isActive": int(CampaignState.INACTIVE)} if campaign.isActive else {}

    try:
        try:
            is_deleted = yield from delete(group_id, campaign_id, check, check_leads=True)
        except _ActiveError:
            yield from store(group_id, campaign_id, deactivate)
            is_deleted = yield from delete(group_id, campaign_id, check, check_leads=True)
        if is_deleted:
            log.warning("campaign %d was left unfinished; deleted", campaign_id)
    except CampaignGoneError:
        pass
    except _ActiveError:
        raise OvertakenError(f"campaign {campaign_id} has been activated again") from None
    except InUseError as error:
        log.warning("campaign %d was left unfinished, but %s; delete it yourself", campaign_id, error)
        return False
    return True
