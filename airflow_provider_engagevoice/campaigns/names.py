"""Names of campaigns: of unfinished ones, as servers may alter them, and new ones, which must be free."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.campaigns.write import store
from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS, look_up, pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    CampaignExistsError,
    ConcurrentChangesError,
    EngageVoiceError,
    StoredDifferentlyError,
    UnstableListError,
)
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign

log = logging.getLogger(__name__)

#: What a working name has after the name; a server that cuts names may keep the beginning alone.
_SUFFIX = re.compile(r" \[unfinished [0-9a-f]{0,8}\]?")
_SUFFIX_START = " [unfinished "
_SHORTEST_SUFFIX = 3
#: Seconds within which a task that creates a campaign mostly completes it, or deletes it for one of its name.
_OTHERS_SECONDS = 60.0


def working_name(name: str, owner: str) -> str:
    """Return the name of a campaign while ``owner`` creates it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


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


def check_is_free(group_id: int, campaign_id: int, name: str) -> Procedure[None]:
    """Check that a campaign can get a name; wait for a while for another that is being created with it.

    :raises CampaignExistsError: if another campaign of the dial group has it
    :raises ConcurrentChangesError: if another campaign is being created with it
    """
    patience = pauses(_OTHERS_SECONDS)
    while True:
        problem = _taken(group_id, campaign_id, name, (yield from list_campaigns(group_id)))
        if problem is None:
            return
        pause = next(patience, None) if problem.retryable else None
        if pause is None:
            raise problem
        yield pause


def _taken(group_id: int, campaign_id: int, name: str, rows: list[Campaign]) -> EngageVoiceError | None:
    """Return the error for a name that a campaign must not have, None if it may."""
    others = [row for row in rows if row.campaignId != campaign_id]
    for other in others:
        if normal_name(other.campaignName) == name:
            return CampaignExistsError(
                f"campaign_name: campaign {other.campaignId} in dial group {group_id} is named {name!r} "
                "already; choose another name"
            )
    for other in others:
        if is_unfinished(other.campaignName, name):
            return ConcurrentChangesError(
                f"campaign_name: campaign {other.campaignId} in dial group {group_id} is an unfinished "
                f"{name!r}; wait for the task that creates it, or delete it"
            )
    return None


def confirm_new_name(group_id: int, campaign_id: int, name: str, old: str) -> Procedure[None]:
    """Check that a campaign that was just renamed is the only one of its name, or give it its old one again.

    Others may give the name to another campaign at the same time, and lists show it late. So the list counts
    once it shows the new name, and whoever comes second sees the first.

    :param old: its name before
    :raises CampaignExistsError: if another campaign of the dial group has the name
    :raises ConcurrentChangesError: if another campaign is being created with it
    :raises UnstableListError: if the list does not show the new name
    """
    until_shown, patience = pauses(LAG_SECONDS), pauses(_OTHERS_SECONDS)
    while True:
        rows = yield from list_campaigns(group_id)
        if not any(row.campaignId == campaign_id and normal_name(row.campaignName) == name for row in rows):
            now = yield from look_up(group_id, campaign_id)
            if now is not None and normal_name(now.campaignName) == normal_name(old):
                # An earlier attempt may have taken the name back, which its reads show late.
                raise _taken(group_id, campaign_id, name, rows) or ConcurrentChangesError(
                    f"campaign_name: campaign {campaign_id} in dial group {group_id} is named {old!r} again"
                )
            if now is None or normal_name(now.campaignName) != name:
                return
            pause = next(until_shown, None)
            if pause is None:
                raise UnstableListError(
                    f"campaign_name: the list of dial group {group_id} does not show that campaign "
                    f"{campaign_id} is named {name!r} now, so other campaigns may have that name"
                )
            yield pause
            continue
        existing = []
        for row in rows:
            if row.campaignId != campaign_id and _taken(group_id, campaign_id, name, [row]):
                other = yield from look_up(group_id, row.campaignId)
                existing += [] if other is None else [other]
        problem = _taken(group_id, campaign_id, name, existing)
        if problem is None:
            return
        # A task that creates a campaign deletes it if one with a lower id has the name.
        pause = next(patience, None) if all(other.campaignId > campaign_id for other in existing) else None
        if pause is None:
            raise (yield from _take_back(group_id, campaign_id, name, old, problem))
        yield pause


def _take_back(
    group_id: int, campaign_id: int, name: str, old: str, problem: EngageVoiceError
) -> Procedure[EngageVoiceError]:
    """Give a campaign its old name again; return the error that says so."""
    if normal_name(old) == name:
        # It had the name before, in other characters for the same letters.
        return problem

    def choose(campaign: Campaign) -> Mapping[str, Any]:
        return {"campaignName": old} if normal_name(campaign.campaignName) == name else {}

    yield from store(group_id, campaign_id, choose)
    return type(problem)(
        f"{problem}; campaign {campaign_id} is named {old!r} again, its other fields are changed"
    )
