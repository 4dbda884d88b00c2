"""The campaign that a wait follows, found again at every poll.

A reference by name means the campaign that has this name now, in the given dial group or else in any; a
reference by id means that campaign, whatever its name. No wait remembers which campaign it was at an earlier
poll, so sensors that keep nothing between two polls see the same as those that do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    get_campaign,
    list_campaigns,
    list_dial_groups_with_campaigns,
)
from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    ambiguous_campaigns,
    find_dial_group,
    no_dial_group,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    ResourceNotFoundError,
    UnexpectedAnswerError,
    UnstableListError,
    nearest,
)
from airflow_provider_engagevoice.inputs import normal_name, read_reference

#: A campaign that is missing, or whose name several have, ends a wait if a poll at least this much later
#: finds the same: lists may be behind by half a minute, miss a row, or change while their pages are read.
CONFIRM_AFTER = timedelta(seconds=LAG_SECONDS)


class Awaited(NamedTuple):
    """What a wait follows.

    :param campaign: id or exact name
    :param dial_group: id or exact name of its dial group; None for any
    """

    campaign: int | str
    dial_group: int | str | None

    def as_references(self) -> dict[str, Any]:
        """Return both as arguments that keep a name of digits a name; plain JSON."""
        campaign, group = self
        return {
            "campaign": {"campaign_name": campaign} if isinstance(campaign, str) else campaign,
            "dial_group": {"dial_group_name": group} if isinstance(group, str) else group,
        }


def read_awaited(campaign: CampaignReference, dial_group: DialGroupReference | None) -> Awaited:
    """Return what two references mean.

    :raises InvalidInputError: if one is not usable, or they name different dial groups
    """
    wanted = read_reference(campaign, "campaign", "campaign")
    group = None if dial_group is None else read_reference(dial_group, "dial_group", "dial_group")
    if isinstance(campaign, Mapping) and campaign.get("dial_group_id") is not None:
        own = read_reference({"dial_group_id": campaign["dial_group_id"]}, "campaign", "dial_group")
        if group is None:
            group = own
        elif group != own and not (isinstance(group, str) and isinstance(wanted, int)):
            # A campaign given by id is in the dial group of this name, or will not be found there.
            raise InvalidInputError("dial_group", dial_group, f"the given campaign is in dial group {own}")
    return Awaited(wanted, group)


class Listing:
    """The campaigns of one dial group or of all, as one poll has listed them.

    :param group_id: the dial group; None for all of them
    """

    def __init__(self, group_id: int | None, rows: Iterable[FoundCampaign]) -> None:
        self.group_id = group_id
        self._by_id: dict[int, FoundCampaign] = {}
        self._by_name: dict[str, list[FoundCampaign]] = {}
        for row in rows:
            if row.campaign_id not in self._by_id:
                self._by_id[row.campaign_id] = row
                self._by_name.setdefault(normal_name(row.campaign.campaignName), []).append(row)

    def find(self, wanted: int | str) -> FoundCampaign | None:
        """Return the campaign with this id or name; None if there is none.

        :raises AmbiguousNameError: if several have the name
        """
        if isinstance(wanted, int):
            return self._by_id.get(wanted)
        found = self._by_name.get(normal_name(wanted), [])
        if len(found) > 1:
            ids = sorted((one.dial_group_id, one.campaign_id) for one in found)
            raise ambiguous_campaigns("campaign", wanted, ids)
        return found[0] if found else None

    def missing(self, wanted: int | str) -> NotFoundError:
        """Return the error for a campaign that is not there."""
        return missing(wanted, self.group_id, () if isinstance(wanted, int) else self._by_name)


def missing(wanted: int | str, group_id: int | None, names: Iterable[str] = ()) -> NotFoundError:
    """Return the error for a campaign that is not there.

    :param names: names that a user may have meant
    """
    where = "in any dial group" if group_id is None else f"in dial group {group_id}"
    if isinstance(wanted, int):
        return NotFoundError(f"campaign: there is no campaign {wanted} {where}; it may have been deleted")
    hint = nearest(wanted, (name for name in names if name != normal_name(wanted)))
    return NotFoundError(f"campaign: there is no campaign named {wanted!r} {where}{hint}")


def list_awaited(dial_group: int | str | None, wanted: Collection[int | str]) -> Procedure[Listing]:
    """List the campaigns of a dial group, or of all of them.

    :param dial_group: id or exact name; None for all
    :param wanted: ids and names of the campaigns in question; if all are ids, later pages than theirs are not
        read, and if one is a name, all are: another campaign may have it, too
    :raises NotFoundError: if there is no such dial group
    :raises AmbiguousNameError: if several dial groups have the name
    """
    if dial_group is None:
        groups = yield from list_dial_groups_with_campaigns()
        rows = [FoundCampaign(group.dialGroupId, one) for group in groups for one in group.children()]
        return Listing(None, rows)
    group_id = dial_group
    if isinstance(group_id, str):
        group_id = (yield from find_dial_group({"dial_group_name": group_id})).dialGroupId
    ids = frozenset(wanted)
    only_ids = all(isinstance(one, int) for one in ids)
    try:
        campaigns = yield from list_campaigns(
            group_id, (lambda rows: ids <= rows.keys()) if only_ids else None
        )
    except ResourceNotFoundError as error:
        # Not as if the list lacked the campaign: a poll that finds that confirms nothing.
        raise no_dial_group(group_id) from error
    return Listing(group_id, (FoundCampaign(group_id, one) for one in campaigns))


def find_awaited(awaited: Awaited) -> Procedure[FoundCampaign]:
    """Read the campaign that a wait follows. It is missing only if a list lacks it, too.

    :raises NotFoundError: if it is not there, by this one poll
    :raises AmbiguousNameError: if several have its name, by this one poll
    :raises UnstableListError: if the list shows another state than the campaign itself
    """
    wanted, group_id = awaited
    if isinstance(wanted, int) and isinstance(group_id, str):
        group_id = (yield from find_dial_group({"dial_group_name": group_id})).dialGroupId
    if isinstance(wanted, int) and isinstance(group_id, int):
        return (yield from read_awaited_campaign(awaited, group_id, wanted))
    row = _one(wanted, (yield from list_awaited(group_id, [wanted])))
    return (yield from read_awaited_campaign(awaited, row.dial_group_id, row.campaign_id))


def read_awaited_campaign(awaited: Awaited, group_id: int, campaign_id: int) -> Procedure[FoundCampaign]:
    """Read what seems to be the campaign that a wait follows; if the server does not show it, list it again.

    :raises NotFoundError: as :func:`find_awaited`, and its other errors
    """
    wanted = awaited.campaign
    try:
        campaign = yield from get_campaign(group_id, campaign_id)
    except REFUSALS as error:
        _one(wanted, (yield from list_awaited(awaited.dial_group, [wanted])))
        raise UnstableListError(
            f"campaign {campaign_id}: dial group {group_id} lists it, but it cannot be read: {error}"
        ) from error
    if isinstance(wanted, str) and normal_name(campaign.campaignName) != normal_name(wanted):
        raise UnstableListError(
            f"campaign {campaign_id}: dial group {group_id} lists it as {wanted!r}, but its name is "
            f"{campaign.campaignName!r}{difference(wanted, campaign.campaignName)}"
        )
    return FoundCampaign(group_id, campaign)


def _one(wanted: int | str, listing: Listing) -> FoundCampaign:
    row = listing.find(wanted)
    if row is None:
        raise listing.missing(wanted)
    return row


#: What servers answer where there is no such id. It may also have other causes, so that a list decides.
REFUSALS = (ResourceNotFoundError, PermissionDeniedError, UnexpectedAnswerError)


@dataclass(slots=True)
class Missing:
    """What the last polls of a wait have found instead of its campaign.

    :ivar since: when the first of those polls that found the same was answered, UTC; None if the last one
        found the campaign
    """

    since: datetime | None = None
    _found: str = ""

    def is_confirmed(self, error: EngageVoiceError, polled_at: datetime) -> bool:
        """Return whether a poll, long enough before one sent at ``polled_at``, has found the same."""
        # Without the nearest names, which others change.
        found = str(error).partition(";")[0]
        if self.since is None or self._found != found:
            self.since, self._found = clock.now(), found
        return polled_at >= self.since + CONFIRM_AFTER

    @property
    def confirm_at(self) -> datetime | None:
        """When the next poll is due at the latest, UTC; None if none is."""
        return None if self.since is None else self.since + CONFIRM_AFTER

    def clear(self) -> None:
        """Note that a poll has found the campaign."""
        self.since = None


def may_poll_again(error: EngageVoiceError) -> bool:
    """Return whether a poll that failed so is repeated, within the budget of failures.

    Pages of a maintenance and responses that were cut off pass.
    """
    return error.retryable or isinstance(error, UnexpectedAnswerError)
