"""Create and clone campaigns: exactly once, and none dials before it is complete."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists, check_dates
from airflow_provider_engagevoice.campaigns.update import (
    CampaignResult,
    ConcurrentAttemptError,
    check_fixed_fields,
    delete,
    differences,
    write_changes,
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
from airflow_provider_engagevoice.inputs import require
from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, Campaign, request_body
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)


class CampaignCheckpoint(Protocol):
    """State that survives the attempts of a task. It is an aid only: the server is checked in any case."""

    def load(self) -> Mapping[str, Any]:
        """Return what was saved last; empty if nothing was saved, or it is lost."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what was saved before."""


class NoCheckpoint:
    """The checkpoint of a task whose attempts share no state."""

    def load(self) -> Mapping[str, Any]:
        return {}

    def save(self, state: Mapping[str, Any]) -> None:
        pass


class CreationRecord:
    """One campaign in creation: saved before it is requested, and again once its id is known.

    :param working: its working name
    """

    def __init__(self, checkpoint: CampaignCheckpoint, dial_group_id: int, working: str) -> None:
        self._checkpoint = checkpoint
        self._state = {"dial_group_id": dial_group_id, "working_name": working}
        saved = checkpoint.load()
        same = all(saved.get(key) == value for key, value in self._state.items())
        campaign_id = saved.get("campaign_id") if same else None
        #: Id of the campaign that an earlier attempt created, if it received the id.
        self.campaign_id = campaign_id if isinstance(campaign_id, int) else None

    def save_start(self) -> None:
        """Save that a campaign is about to be created."""
        self._checkpoint.save(self._state)

    def save_id(self, campaign_id: int) -> None:
        """Save the id of the campaign that was created."""
        self.campaign_id = campaign_id
        self._checkpoint.save({**self._state, "campaign_id": campaign_id})


#: Create requests: one, and one more if its response was lost and the server does not have the campaign.
_MAX_CREATES = 2
#: A source can no longer dial this long after its end: whether an end date includes its whole day is not
#: documented, and clocks differ.
_END_MARGIN = timedelta(hours=24)
_INACTIVE = int(CampaignState.INACTIVE)


def working_name(name: str, owner: str) -> str:
    """Return the name of a campaign while ``owner`` creates it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


def ensure_campaign(
    spec: CampaignSpec, *, owner: str, checkpoint: CampaignCheckpoint | None = None
) -> Procedure[CampaignResult]:
    """Ensure that the campaign exists exactly once, with the given fields.

    :param owner: identifies the task: the same for all of its attempts, and unique to it
    :param checkpoint: state shared by the attempts of the task, if any
    :raises InvalidInputError: before anything is sent
    :raises NotFoundError: if the dial group does not exist
    :raises AmbiguousNameError: if several campaigns have the name
    :raises CampaignExistsError: if the campaign exists, with ``if_exists="fail"``
    :raises StoredDifferentlyError: if the server does not store what it accepted; the campaign is inactive
    """
    check_dates(spec.fields)
    group = yield from find_dial_group(require(spec.dial_group, "dial_group"))
    working = working_name(spec.name, owner)
    body = request_body({**spec.fields, "campaignName": working, "isActive": _INACTIVE})
    create = create_campaign(group.dialGroupId, body)
    return (yield from _ensure(group.dialGroupId, spec, working, lambda: iter(create), checkpoint))


def ensure_clone(
    source: CampaignReference,
    spec: CampaignSpec,
    *,
    country: str,
    owner: str,
    checkpoint: CampaignCheckpoint | None = None,
) -> Procedure[CampaignResult]:
    """Clone a campaign within its dial group, so that the clone never dials outside the given dates.

    The vendor's clone has the source's dates and state until they are changed. It is used only if such a
    clone cannot dial: the source is inactive, or has been over for a day. Otherwise, or if the server has no
    clone endpoint, the source is read and an inactive copy is created with the given dates.

    :param country: as ``newCountryCode`` takes it, such as ``USA``
    :raises: as :func:`ensure_campaign`
    """
    check_dates(spec.fields)
    found = yield from find_campaign(source, spec.dial_group, field="source_campaign")
    if found.campaign.campaignName == spec.name:
        raise InvalidInputError("campaign_name", spec.name, "it is the source's own name; choose another")
    check_fixed_fields(spec.fields, found.campaign)
    working = working_name(spec.name, f"{owner} from {found.campaign_id}")

    def copy() -> Procedure[Campaign]:
        return _copy(found.dial_group_id, found.campaign_id, working, country, spec.fields)

    result = yield from _ensure(found.dial_group_id, spec, working, copy, checkpoint)
    return replace(result, source_id=found.campaign_id)


def _ensure(
    group_id: int,
    spec: CampaignSpec,
    working: str,
    create: Callable[[], Procedure[Campaign]],
    checkpoint: CampaignCheckpoint | None,
) -> Procedure[CampaignResult]:
    """Find the campaign, or the unfinished one of an earlier attempt, or create it; then complete it.

    The list is read again after a create: of concurrent attempts, each then finds the oldest campaign, keeps
    it and deletes its own.
    """
    record = CreationRecord(checkpoint or NoCheckpoint(), group_id, working)
    created: Campaign | None = None
    problem: Exception = StoredDifferentlyError(
        f"campaign_name: campaigns created as {working!r} disappear again; does another process delete them?"
    )
    creates = 0
    while True:
        listed = yield from list_campaigns(group_id)
        listed += yield from _missing_from_list(group_id, listed, record)
        finished = [campaign for campaign in listed if campaign.campaignName == spec.name]
        unfinished = [campaign.campaignId for campaign in listed if campaign.campaignName == working]
        if created is not None and created.campaignId not in [campaign.campaignId for campaign in listed]:
            unfinished.append(created.campaignId)
        if finished:
            yield from _delete_unfinished(group_id, unfinished, working)
            return (yield from _reconcile(group_id, finished, spec, record))
        if unfinished:
            try:
                return (yield from _finish_oldest(group_id, unfinished, created, spec, working))
            except ConcurrentAttemptError:
                created = None
                continue
        if creates == _MAX_CREATES:
            raise problem
        creates += 1
        record.save_start()
        try:
            created = yield from create()
        except OutcomeUnknownError as error:
            log.warning("%s; checking whether the server has the campaign", error)
            problem = error
        else:
            record.save_id(created.campaignId)
            if created.campaignName != working:
                yield from delete(group_id, created.campaignId)
                raise StoredDifferentlyError(
                    f"campaign_name: the server stored {created.campaignName!r} for {working!r}; that "
                    f"campaign, {created.campaignId}, was deleted. Choose a name that it stores unchanged"
                )


def _missing_from_list(
    group_id: int, listed: list[Campaign], record: CreationRecord
) -> Procedure[list[Campaign]]:
    """Return the campaign that an earlier attempt created, if it is not in the list (yet)."""
    known = record.campaign_id
    if known is None or known in [campaign.campaignId for campaign in listed]:
        return []
    try:
        return [(yield from get_campaign(group_id, known))]
    except ResourceNotFoundError:
        return []


def _finish_oldest(
    group_id: int, unfinished: list[int], created: Campaign | None, spec: CampaignSpec, working: str
) -> Procedure[CampaignResult]:
    """Complete the oldest unfinished campaign and delete the others."""
    kept = min(unfinished)
    yield from _delete_unfinished(group_id, [one for one in unfinished if one != kept], working)
    if created is None or created.campaignId != kept:
        log.info("campaign %d was created by an earlier attempt; completing it", kept)
        created = yield from get_campaign(group_id, kept)
    if created.campaignName != working:
        raise ConcurrentAttemptError
    return (yield from _finish(FoundCampaign(group_id, created), spec, working))


def _finish(found: FoundCampaign, spec: CampaignSpec, working: str) -> Procedure[CampaignResult]:
    """Set all fields but name and state, check that they are stored, then set name and state."""
    found = yield from write_changes(found, {**spec.fields, "isActive": _INACTIVE}, while_named=working)
    state = _INACTIVE if spec.state is None else int(spec.state)
    try:
        complete = {**spec.fields, "campaignName": spec.name, "isActive": state}
        found = yield from write_changes(found, complete)
    except StoredDifferentlyError:
        # The campaign must not dial, and the next attempt must find it.
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
    group_id: int, finished: list[Campaign], spec: CampaignSpec, record: CreationRecord
) -> Procedure[CampaignResult]:
    """Update, keep or reject a campaign that exists under its own name."""
    if len(finished) > 1:
        ids = sorted(campaign.campaignId for campaign in finished)
        raise AmbiguousNameError(
            f"campaign_name: campaigns {', '.join(map(str, ids))} in dial group {group_id} are all named "
            f"{spec.name!r}; rename or delete all but one",
            ids,
        )
    campaign_id = finished[0].campaignId
    ours = campaign_id == record.campaign_id
    if spec.if_exists is IfExists.FAIL and not ours:
        raise CampaignExistsError(f"campaign {campaign_id} in dial group {group_id} is named {spec.name!r}")
    found = FoundCampaign(group_id, (yield from get_campaign(group_id, campaign_id)))
    if ours:
        log.info("campaign %d %r was completed by an earlier attempt of this task", campaign_id, spec.name)
    if spec.if_exists is not IfExists.UPDATE:
        log.info("campaign %d %r exists; not changed", campaign_id, spec.name)
        return CampaignResult.of(found, "created" if ours else "unchanged")
    wanted = dict(spec.fields)
    if spec.state is not None and spec.enforce_active:
        wanted["isActive"] = int(spec.state)
    elif spec.state is not None and found.campaign.isActive != spec.state:
        log.warning(
            "campaign %d %r exists with isActive %r, which is kept (requested: %d); "
            "enforce_active=True would change it",
            campaign_id,
            spec.name,
            found.campaign.isActive,
            spec.state,
        )
    changes = differences(wanted, found.campaign)
    found = yield from write_changes(found, wanted)
    if not changes:
        log.info("campaign %d %r exists and is up to date", campaign_id, spec.name)
    return CampaignResult.of(found, "created" if ours else "updated" if changes else "unchanged")


def _copy(
    group_id: int, source_id: int, working: str, country: str, fields: Mapping[str, Any]
) -> Procedure[Campaign]:
    """Create an unfinished copy: by the vendor's clone if that cannot dial, else by read and create."""
    # Read right before the clone: the source may be activated at any time.
    source = yield from get_campaign(group_id, source_id)
    if _may_dial(source, clock.now()):
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
    return (yield from create_campaign(group_id, request_body(body)))


def _may_dial(campaign: Campaign, now: datetime) -> bool:
    """Return whether a campaign with these dates and this state may dial now or later."""
    if campaign.isActive == CampaignState.INACTIVE:
        return False
    return campaign.end is None or now < campaign.end + _END_MARGIN


def _delete_unfinished(group_id: int, campaign_ids: list[int], working: str) -> Procedure[None]:
    """Delete duplicate unfinished campaigns.

    :raises ConcurrentAttemptError: if one of them has been completed in the meantime
    """
    for campaign_id in campaign_ids:
        try:
            campaign = yield from get_campaign(group_id, campaign_id)
        except ResourceNotFoundError:
            continue
        if campaign.campaignName != working:
            raise ConcurrentAttemptError
        log.warning("campaign %d %r is a duplicate; deleting it", campaign_id, working)
        yield from delete(group_id, campaign_id)
