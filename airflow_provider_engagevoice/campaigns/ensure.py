"""Making campaigns: exactly one, whatever dies on the way, and none that dials before it is right."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.result import CampaignResult
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, check_dates
from airflow_provider_engagevoice.campaigns.update import (
    ConcurrentAttemptError,
    delete,
    differences,
    refuse_fixed_fields,
    store,
)
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    clone_campaign,
    create_campaign,
    get_campaign,
    list_campaigns,
    update_campaign,
)
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    FoundCampaign,
    find_campaign,
    find_dial_group,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    EndpointMissingError,
    InvalidInputError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.inputs import IfExists, require
from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)


class CampaignCheckpoint(Protocol):
    """Survives the attempts of a task. It helps and is never needed: the server is looked at all the same."""

    def recall(self) -> Mapping[str, Any]:
        """Return what was noted last; nothing when nothing was, or it is lost."""

    def note(self, intent: Mapping[str, Any]) -> None:
        """Keep this in place of what was noted before."""


class NoCheckpoint:
    """A task whose attempts know nothing of each other."""

    def recall(self) -> Mapping[str, Any]:
        return {}

    def note(self, intent: Mapping[str, Any]) -> None:
        pass


class Intent:
    """To make one campaign: noted before it is sent for, and again when its id is known.

    :param working: the name it bears while it is made
    """

    def __init__(self, checkpoint: CampaignCheckpoint, dial_group_id: int, working: str) -> None:
        self._checkpoint = checkpoint
        self._intent = {"dial_group_id": dial_group_id, "working_name": working}
        noted = checkpoint.recall()
        same = all(noted.get(key) == value for key, value in self._intent.items())
        campaign_id = noted.get("campaign_id") if same else None
        #: The campaign that an earlier attempt made, if it came to know its id.
        self.campaign_id = campaign_id if isinstance(campaign_id, int) else None

    def begin(self) -> None:
        """Note that a campaign is about to be created."""
        self._checkpoint.note(self._intent)

    def made(self, campaign_id: int) -> None:
        """Note which one it is."""
        self.campaign_id = campaign_id
        self._checkpoint.note({**self._intent, "campaign_id": campaign_id})


#: How often a create is sent: once more, after its answer was lost and nothing was found on the server.
_MOST_CREATES = 2
#: A source counts as over this long after its end: whether an end date holds for its whole day is not
#: documented, and clocks differ.
_SURELY_OVER = timedelta(hours=24)
_INACTIVE = int(CampaignState.INACTIVE)


def working_name(name: str, owner: str) -> str:
    """Return the name a campaign bears while ``owner`` makes it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


def ensure_campaign(
    spec: CampaignSpec, *, owner: str, checkpoint: CampaignCheckpoint | None = None
) -> Procedure[CampaignResult]:
    """Make sure the campaign is there, once, with the fields asked for.

    :param owner: who makes it, the same for every attempt of a task and for nobody else
    :param checkpoint: what survives the attempts of the task, if anything does
    :raises InvalidInputError: before anything is sent
    :raises NotFoundError: for an unknown dial group
    :raises AmbiguousNameError: when several campaigns have the name
    :raises CampaignExistsError: with ``if_exists="fail"``
    :raises StoredDifferentlyError: when the server does not store what it accepted; the campaign is inactive
    """
    check_dates(spec.fields)
    group = yield from find_dial_group(require(spec.dial_group, "dial_group"))
    working = working_name(spec.name, owner)
    body = {**spec.fields, "campaignName": working, "isActive": _INACTIVE}
    create = create_campaign(group.dialGroupId, body)
    return (yield from _make(group.dialGroupId, spec, working, lambda: iter(create), checkpoint))


def ensure_clone(
    source: CampaignReference,
    spec: CampaignSpec,
    *,
    country: str,
    owner: str,
    checkpoint: CampaignCheckpoint | None = None,
) -> Procedure[CampaignResult]:
    """Clone a campaign within its dial group, so that the clone never dials outside the dates asked for.

    The vendor's clone has the source's dates and state until it is given its own. It is used where such a
    clone cannot dial: the source is inactive, or has been over for a day. Otherwise, and where the server
    has no clone endpoint, the source is read and an inactive copy created with the dates asked for.

    :param country: as ``newCountryCode`` takes it, such as ``USA``
    :raises: as :func:`ensure_campaign`
    """
    check_dates(spec.fields)
    found = yield from find_campaign(source, spec.dial_group, field="source_campaign")
    if found.campaign.campaignName == spec.name:
        raise InvalidInputError("campaign_name", spec.name, "it is the source's own name; choose another")
    refuse_fixed_fields(spec.fields, found.campaign)
    working = working_name(spec.name, f"{owner} from {found.campaign_id}")

    def copy() -> Procedure[Campaign]:
        return _copy(found.dial_group_id, found.campaign_id, working, country, spec.fields)

    result = yield from _make(found.dial_group_id, spec, working, copy, checkpoint)
    return replace(result, source_id=found.campaign_id)


def _make(
    group_id: int,
    spec: CampaignSpec,
    working: str,
    create: Callable[[], Procedure[Campaign]],
    checkpoint: CampaignCheckpoint | None,
) -> Procedure[CampaignResult]:
    """Find the campaign, or what an earlier attempt left of it, or create it; then see it through.

    After a create the list is read again: of two attempts that run at once both then see the older
    campaign, keep it and drop their own.
    """
    intent = Intent(checkpoint or NoCheckpoint(), group_id, working)
    made: Campaign | None = None
    problem: Exception = StoredDifferentlyError(
        f"campaign_name: campaigns made as {working!r} are gone again; does somebody else delete them?"
    )
    creates = 0
    while True:
        listed = yield from list_campaigns(group_id)
        listed += yield from _overlooked(group_id, listed, intent)
        finished = [campaign for campaign in listed if campaign.campaignName == spec.name]
        unfinished = [campaign.campaignId for campaign in listed if campaign.campaignName == working]
        if made is not None and made.campaignId not in [campaign.campaignId for campaign in listed]:
            unfinished.append(made.campaignId)
        if finished:
            yield from _discard(group_id, unfinished, working)
            return (yield from _reconcile(group_id, finished, spec, intent))
        if unfinished:
            try:
                return (yield from _settle(group_id, unfinished, made, spec, working))
            except ConcurrentAttemptError:
                made = None
                continue
        if creates == _MOST_CREATES:
            raise problem
        creates += 1
        intent.begin()
        try:
            made = yield from create()
        except OutcomeUnknownError as error:
            log.warning("%s; looking for the campaign on the server", error)
            problem = error
        else:
            intent.made(made.campaignId)
            if made.campaignName != working:
                yield from delete(group_id, made.campaignId)
                raise StoredDifferentlyError(
                    f"campaign_name: the server stored {made.campaignName!r} for {working!r}; that campaign, "
                    f"{made.campaignId}, was deleted again. Choose a name that it stores as it is"
                )


def _overlooked(group_id: int, listed: list[Campaign], intent: Intent) -> Procedure[list[Campaign]]:
    """Return the campaign an earlier attempt is known to have made, if the list does not have it (yet)."""
    known = intent.campaign_id
    if known is None or known in [campaign.campaignId for campaign in listed]:
        return []
    try:
        return [(yield from get_campaign(group_id, known))]
    except ResourceNotFoundError:
        return []


def _settle(
    group_id: int, unfinished: list[int], made: Campaign | None, spec: CampaignSpec, working: str
) -> Procedure[CampaignResult]:
    """Keep the oldest unfinished campaign, drop the others, and finish it."""
    kept = min(unfinished)
    yield from _discard(group_id, [one for one in unfinished if one != kept], working)
    if made is None or made.campaignId != kept:
        log.info("campaign %d was begun by an earlier attempt; finishing it", kept)
        made = yield from get_campaign(group_id, kept)
    if made.campaignName != working:
        raise ConcurrentAttemptError
    return (yield from _finish(FoundCampaign(group_id, made), spec, working))


def _finish(found: FoundCampaign, spec: CampaignSpec, working: str) -> Procedure[CampaignResult]:
    """Give a campaign everything but its name and state, see that it is stored, then give it those."""
    found = yield from store(found, {**spec.fields, "isActive": _INACTIVE}, while_named=working)
    state = _INACTIVE if spec.state is None else int(spec.state)
    try:
        complete = {**spec.fields, "campaignName": spec.name, "isActive": state}
        found = yield from store(found, complete)
    except StoredDifferentlyError:
        # What the server made of it must not dial, and is to be found by the next attempt.
        back = found.campaign.with_changes({"campaignName": working, "isActive": _INACTIVE})
        yield from update_campaign(found.dial_group_id, found.campaign_id, back)
        raise
    log.info(
        "campaign %d %r is complete: %s to %s, isActive %d",
        found.campaign_id,
        spec.name,
        found.campaign.start,
        found.campaign.end,
        state,
    )
    return CampaignResult.of(found, "created")


def _reconcile(
    group_id: int, finished: list[Campaign], spec: CampaignSpec, intent: Intent
) -> Procedure[CampaignResult]:
    """Deal with a campaign that exists under its own name."""
    if len(finished) > 1:
        ids = sorted(campaign.campaignId for campaign in finished)
        raise AmbiguousNameError(
            f"campaign_name: campaigns {', '.join(map(str, ids))} in dial group {group_id} are all named "
            f"{spec.name!r}; rename or delete all but one",
            ids,
        )
    campaign_id = finished[0].campaignId
    ours = campaign_id == intent.campaign_id
    if spec.if_exists is IfExists.FAIL and not ours:
        raise CampaignExistsError(f"campaign {campaign_id} in dial group {group_id} is named {spec.name!r}")
    found = FoundCampaign(group_id, (yield from get_campaign(group_id, campaign_id)))
    if ours:
        log.info("campaign %d %r was completed by an earlier attempt of this task", campaign_id, spec.name)
    if spec.if_exists is not IfExists.UPDATE:
        log.info("campaign %d %r exists; left as it is", campaign_id, spec.name)
        return CampaignResult.of(found, "created" if ours else "unchanged")
    wanted = dict(spec.fields)
    if spec.state is not None and spec.enforce_active:
        wanted["isActive"] = int(spec.state)
    elif spec.state is not None and found.campaign.isActive != spec.state:
        log.warning(
            "campaign %d %r exists with isActive %r, which stands (asked for: %d); "
            "enforce_active=True would change it",
            campaign_id,
            spec.name,
            found.campaign.isActive,
            spec.state,
        )
    changes = differences(wanted, found.campaign)
    found = yield from store(found, wanted)
    if not changes:
        log.info("campaign %d %r exists and is as asked for", campaign_id, spec.name)
    return CampaignResult.of(found, "created" if ours else "updated" if changes else "unchanged")


def _copy(
    group_id: int, source_id: int, working: str, country: str, fields: Mapping[str, Any]
) -> Procedure[Campaign]:
    """Make an unfinished copy: by the vendor's clone where that cannot dial, else by read and create."""
    # Read right before the clone, so that hardly anybody can activate the source in between.
    source = yield from get_campaign(group_id, source_id)
    if _could_dial(source, clock.now()):
        log.info("source %d may be dialing, so its clone would too; copying it inactive", source_id)
    else:
        try:
            return (yield from clone_campaign(group_id, source_id, working, country))
        except (EndpointMissingError, ResourceNotFoundError) as error:
            log.info("%s; copying the source by read and create", error)
            source = yield from get_campaign(group_id, source_id)
    body = {name: value for name, value in source.raw.items() if name not in READ_ONLY_FIELDS}
    body |= fields
    body |= {"campaignName": working, "isActive": _INACTIVE, "countryId": country}
    return (yield from create_campaign(group_id, body))


def _could_dial(campaign: Campaign, now: datetime) -> bool:
    """Tell whether a campaign with these dates and this state may dial now or later."""
    if campaign.isActive == CampaignState.INACTIVE:
        return False
    return campaign.end is None or now < campaign.end + _SURELY_OVER


def _discard(group_id: int, campaign_ids: list[int], working: str) -> Procedure[None]:
    """Delete unfinished campaigns that are one too many.

    :raises ConcurrentAttemptError: when one of them has been finished in the meantime
    """
    for campaign_id in campaign_ids:
        try:
            campaign = yield from get_campaign(group_id, campaign_id)
        except ResourceNotFoundError:
            continue
        if campaign.campaignName != working:
            raise ConcurrentAttemptError
        log.warning("campaign %d %r is one too many; deleting it", campaign_id, working)
        yield from delete(group_id, campaign_id)
