"""From what a user wrote to the dial group or campaign it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    get_campaign,
    get_dial_group,
    list_campaigns,
    list_dial_groups,
    list_dial_groups_with_campaigns,
    list_outbound_statistics,
)
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    InvalidInputError,
    NotFoundError,
    PageAnswerError,
    PermissionDeniedError,
    ResourceNotFoundError,
    nearest,
)
from airflow_provider_engagevoice.inputs import normal_name, read_campaigns, read_reference
from airflow_provider_engagevoice.models.campaign import Campaign, DialGroup
from airflow_provider_engagevoice.models.lead_search import PHONE_CRITERIA, check_scope, read_criteria
from airflow_provider_engagevoice.models.real_time import OutboundStatistics

#: An id (integer or text of digits), an exact name, or a mapping with the id or the name.
CampaignReference: TypeAlias = int | str | Mapping[str, object]
DialGroupReference: TypeAlias = int | str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FoundCampaign:
    """A campaign and its dial group."""

    dial_group_id: int
    campaign: Campaign

    @property
    def campaign_id(self) -> int:
        """Id of the campaign."""
        return self.campaign.campaignId


def find_dial_group(reference: DialGroupReference, field: str = "dial_group") -> Procedure[DialGroup]:
    """Find a dial group by id or by exact name.

    :raises NotFoundError: with the nearest names
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    wanted = read_reference(reference, field, "dial_group")
    if isinstance(wanted, int):
        try:
            return (yield from get_dial_group(wanted))
        except ResourceNotFoundError as error:
            raise no_dial_group(wanted, field) from error
    groups = yield from list_dial_groups()
    found = [group for group in groups if group.dialGroupName == wanted]
    if len(found) > 1:
        ids = [group.dialGroupId for group in found]
        raise AmbiguousNameError(
            f"{field}: dial groups {_listed(ids)} are all named {wanted!r}; use the id", ids
        )
    if not found:
        hint = nearest(wanted, (group.dialGroupName for group in groups))
        raise NotFoundError(f"{field}: there is no dial group named {wanted!r}{hint}")
    return found[0]


def no_dial_group(group_id: int, field: str = "dial_group") -> NotFoundError:
    """Return the error for an id that no dial group has."""
    return NotFoundError(f"{field}: there is no dial group with id {group_id}")


#: Seconds for which something that is not there is looked for again: lists and reads may show a write late.
LAG_SECONDS = 35.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
#: The longest pause of a wait that may take many minutes.
_LONGEST_OF_MANY = 30.0


def pauses(seconds: float) -> Iterator[Pause]:
    """Yield pauses of growing length that last ``seconds`` together."""
    pause, left = _FIRST_PAUSE, seconds
    longest = _LONGEST_PAUSE if seconds <= LAG_SECONDS else _LONGEST_OF_MANY
    while left > 0:
        yield Pause(min(pause, left))
        left -= pause
        pause = min(2 * pause, longest)


def find_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None = None,
    field: str = "campaign",
    *,
    patience: float = 0.0,
) -> Procedure[FoundCampaign]:
    """Find a campaign by id or by exact name, in one dial group or in all of them, and read it.

    :param patience: seconds for which it is looked for again if it is not found
    :raises NotFoundError: with the nearest names
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    again = pauses(patience)
    while True:
        pause = next(again, None)
        try:
            located = locate_campaign(reference, dial_group, field, with_hint=pause is None)
            group_id, campaign_id = yield from located
            found = FoundCampaign(group_id, (yield from read_campaign(group_id, campaign_id, field)))
            _check_name(found.campaign, read_reference(reference, field, "campaign"), field)
            return found
        except NotFoundError:
            if pause is None:
                raise
        yield pause


def _check_name(campaign: Campaign, wanted: int | str, field: str) -> None:
    name = campaign.campaignName
    if isinstance(wanted, str) and normal_name(name) != normal_name(wanted):
        raise NotFoundError(
            f"{field}: campaign {campaign.campaignId} is not named {wanted!r} any more, but "
            f"{name!r}{difference(wanted, name)}"
        )


def read_campaign(group_id: int, campaign_id: int, field: str = "campaign") -> Procedure[Campaign]:
    """Read a campaign.

    :raises NotFoundError: if it does not exist
    :raises ApiError: if the list has it, and it cannot be read
    """
    campaign = yield from look_up(group_id, campaign_id)
    if campaign is None:
        raise NotFoundError(
            f"{field}: there is no campaign {campaign_id} in dial group {group_id}; it may have been deleted"
        )
    return campaign


#: What a server may answer if a campaign does not exist, or for a moment after it was created.
ABSENT = (ResourceNotFoundError, PermissionDeniedError, PageAnswerError)


def look_up(
    group_id: int, campaign_id: int, *, followers: int = 0, is_follower: bool = False
) -> Procedure[Campaign | None]:
    """Read a campaign, None if it does not exist.

    It is absent only if the list of the dial group agrees: a 404 may be a gateway's, or come for a moment
    after the campaign was created. A campaign that the list has is read again for a while.

    :param followers: number of requests that follow at once, and must not wait for a permit
    :param is_follower: whether its own permits were acquired before
    :raises ApiError: if it cannot be read
    """
    again = pauses(LAG_SECONDS)
    while True:
        try:
            get = get_campaign(group_id, campaign_id, followers=followers)
            return (yield from replace(get, is_follower=is_follower))
        except ABSENT as error:
            if not (yield from is_listed(group_id, campaign_id)):
                return None
            pause = next(again, None)
            if pause is None:
                raise error
        is_follower = False
        yield pause


def is_listed(group_id: int, campaign_id: int) -> Procedure[bool]:
    """Return whether the list of a dial group has a campaign."""
    campaigns = yield from list_campaigns(group_id, lambda rows: campaign_id in rows)
    return any(campaign.campaignId == campaign_id for campaign in campaigns)


def locate_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None = None,
    field: str = "campaign",
    *,
    with_hint: bool = True,
) -> Procedure[tuple[int, int]]:
    """Return the ids of the dial group and the campaign that a reference means.

    If both ids are given, no request is sent, and the campaign may not exist.

    :param with_hint: whether an error has the nearest names, which takes long to find

    :raises NotFoundError: with the nearest names
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    wanted = read_reference(reference, field, "campaign")
    group_id = yield from group_of(reference, dial_group)
    if isinstance(wanted, int) and group_id is not None:
        return group_id, wanted
    candidates = yield from list_candidates(group_id)
    found = [
        (group, campaign.campaignId)
        for group, campaign in candidates
        if wanted == campaign.campaignId
        or (isinstance(wanted, str) and normal_name(wanted) == normal_name(campaign.campaignName))
    ]
    if len(found) > 1:
        raise ambiguous_campaigns(field, wanted, found)
    if not found:
        names = (campaign.campaignName for _, campaign in candidates)
        hint = nearest(str(wanted), names) if with_hint else ""
        called = f"with id {wanted}" if isinstance(wanted, int) else f"named {wanted!r}"
        where = f" in dial group {group_id}" if group_id is not None else ""
        raise NotFoundError(f"{field}: there is no campaign {called}{where}{hint}")
    return found[0]


def list_candidates(group_id: int | None) -> Procedure[list[tuple[int, Campaign]]]:
    """Return the campaigns of a dial group, or of all of them, each with the id of its dial group."""
    if group_id is not None:
        return [(group_id, campaign) for campaign in (yield from list_campaigns(group_id))]
    groups = yield from list_dial_groups_with_campaigns()
    return [(group.dialGroupId, campaign) for group in groups for campaign in group.children()]


def group_of(
    reference: CampaignReference | None, dial_group: DialGroupReference | None
) -> Procedure[int | None]:
    """Return the id of the dial group that a reference to a campaign, or one to a dial group, names; or None.

    :raises NotFoundError: with the nearest names
    :raises InvalidInputError: if they are two dial groups
    """
    own: int | None = None
    if isinstance(reference, Mapping) and reference.get("dial_group_id") is not None:
        own = int(read_reference({"dial_group_id": reference["dial_group_id"]}, "campaign", "dial_group"))
    if dial_group is None:
        return own
    wanted = read_reference(dial_group, "dial_group", "dial_group")
    if isinstance(wanted, str):
        wanted = (yield from find_dial_group(dial_group)).dialGroupId
    if own is not None and own != wanted:
        raise InvalidInputError("dial_group", dial_group, f"the given campaign is in dial group {own}")
    return wanted


def ambiguous_campaigns(field: str, name: int | str, found: Sequence[tuple[int, int]]) -> AmbiguousNameError:
    """Return the error for several campaigns of a name.

    :param found: id of the dial group and of the campaign, of each
    """
    ids = [campaign_id for _, campaign_id in found]
    groups = {group for group, _ in found}
    if len(groups) == 1:
        which, hint = f"{_listed(ids)} in dial group {groups.pop()}", "use the id"
    else:
        which = ", ".join(f"{campaign_id} (dial group {group})" for group, campaign_id in found)
        hint = "give dial_group=, or use the id"
    return AmbiguousNameError(f"{field}: campaigns {which} are all named {name!r}; {hint}", ids)


def _listed(ids: list[int]) -> str:
    return ", ".join(str(one) for one in ids)


def lead_criteria(
    campaign: CampaignReference | None, dial_group: DialGroupReference | None, criteria: object
) -> Procedure[tuple[dict[str, Any], str | None]]:
    """Return the criteria that a campaign and further criteria make together, and their phones' country.

    The country is None if criteria name phones, and campaigns of several countries or none.

    :raises InvalidInputError: for the first that cannot be right, and when they mean all leads there are
    :raises NotFoundError: when there is no such campaign
    """
    wanted = read_criteria(criteria)
    check_scope(campaign, dial_group, wanted)
    if campaign is not None:
        found = yield from find_campaign(campaign, dial_group)
        return {"campaignIds": [found.campaign_id], **wanted}, found.campaign.countryId or "USA"
    countries = set()
    if any(name in wanted for name in PHONE_CRITERIA):
        for campaign_id in wanted.get("campaignIds", ()):
            found = yield from find_campaign(campaign_id, field="criteria.campaignIds")
            countries.add(found.campaign.countryId or "USA")
    return wanted, countries.pop() if len(countries) == 1 else None


def find_outbound_statistics(
    campaigns: object = None, dial_group: DialGroupReference | None = None
) -> Procedure[list[OutboundStatistics]]:
    """Return the statistics of ``campaigns`` in their order, by one request.

    :param campaigns: id, exact name, a mapping with either, or a list of these; default: all
    :param dial_group: dial group of the campaigns; default: all
    :raises NotFoundError: if a campaign has no row or the dial group does not exist, with the nearest names
    :raises AmbiguousNameError: if several campaigns have the name; the message has the ids
    """
    wanted = None
    if campaigns is not None:
        wanted = [read_reference(one, "campaigns", "campaign") for one in read_campaigns(campaigns)]
    group_id = None
    if dial_group is not None:
        group_id = read_reference(dial_group, "dial_group", "dial_group")
        if isinstance(group_id, str):
            group_id = (yield from find_dial_group(dial_group)).dialGroupId
    rows = yield from list_outbound_statistics()
    if group_id is not None:
        rows = [row for row in rows if row.dialGroupId == group_id]
    where = "" if group_id is None else f" in dial group {group_id}"
    return rows if wanted is None else [_row_of(one, rows, where) for one in wanted]


def _row_of(wanted: int | str, rows: list[OutboundStatistics], where: str) -> OutboundStatistics:
    found = [row for row in rows if wanted in (row.campaignId, row.campaignName)]
    if len(found) > 1:
        ids = [row.campaignId for row in found]
        raise AmbiguousNameError(
            f"campaigns: {', '.join(map(str, ids))} are all named {wanted!r}; use the id", ids
        )
    if not found:
        hint = nearest(str(wanted), (row.campaignName for row in rows if row.campaignName))
        raise NotFoundError(f"campaigns: the real-time statistics have no campaign {wanted!r}{where}{hint}")
    return found[0]
