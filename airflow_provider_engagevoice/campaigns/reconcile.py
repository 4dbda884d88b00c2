"""Give one campaign what a task asks for: complete or remove an unfinished one, update or keep one.

An attempt may have requested a campaign that appears only later: whether it still may, and under which name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import TaskRecord, fields_from_json, fields_to_json
from airflow_provider_engagevoice.campaigns.names import (
    altered_name_error,
    is_altered,
    is_altered_suffix,
    is_shortened,
)
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists, check_not_over
from airflow_provider_engagevoice.campaigns.update import CampaignResult, field_changes
from airflow_provider_engagevoice.campaigns.write import (
    CampaignGoneError,
    InUseError,
    OwnPart,
    as_read,
    changes_of,
    check_changes,
    delete,
    differences,
    is_close,
    store,
    warn_if_inactive,
)
from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.client.lookup import FoundCampaign, look_up
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import shown
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.nested_rows import own_part

log = logging.getLogger(__name__)

_INACTIVE = int(CampaignState.INACTIVE)


class OvertakenError(Exception):
    """Another attempt or a person has changed the campaign: look at the list again."""


class _ActiveError(Exception):
    """An unfinished campaign is active."""


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
            yield from store(group_id, campaign_id, deactivate, own=lambda one: own_part(one, None))
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


def complete(
    group_id: int,
    campaign_id: int,
    spec: CampaignSpec,
    working: str,
    may_name: Callable[[Campaign], bool],
    own: OwnPart,
) -> Procedure[Campaign | None]:
    """Set all fields but name and state until they are stored, then name and state.

    :param working: name of the campaign until it is complete
    :param may_name: returns whether it is still known that no other campaign has the name; may raise an error
    :param own: what of the campaign is sent back; may raise an error
    :return: the campaign; None if another attempt has completed it
    :raises OvertakenError: if it has another name by now, or must not be named yet
    :raises ConflictError: if the server refuses the name
    :raises StoredDifferentlyError: if the server stores something else
    """
    check_not_over(spec.fields)
    fields = {**spec.fields, "isActive": _INACTIVE}
    state = _INACTIVE if spec.state is None else int(spec.state)
    wanted = {**spec.fields, "campaignName": spec.name, "isActive": state}
    is_named = False

    def choose(campaign: Campaign) -> Mapping[str, Any]:
        nonlocal is_named
        stored = campaign.campaignName
        if stored == working:
            check_changes(spec.fields, campaign)
            is_named = not differences(fields, campaign)
            if is_named and not may_name(campaign):
                raise OvertakenError("the list was read too long ago")
            return changes_of(wanted if is_named else fields, campaign)
        if normal_name(stored) == spec.name:
            # Its state stands: a person may have changed it.
            kept = {**wanted, "isActive": campaign.isActive}
            return changes_of(kept, campaign) if is_named else {}
        if is_named and is_shortened(stored, spec.name):
            raise altered_name_error(stored, spec.name)
        raise OvertakenError(f"it is {stored!r}{difference(spec.name, stored)} now")

    campaign, is_written = yield from store(group_id, campaign_id, choose, own=own, zone=spec.zone)
    if not is_written or not is_named:
        return None
    log.info(
        "campaign %d %r is complete: %s to %s, isActive %s",
        campaign_id,
        spec.name,
        *("no date" if one is None else shown(one, spec.zone) for one in (campaign.start, campaign.end)),
        campaign.isActive,
    )
    return campaign


def withdraw(group_id: int, campaign_id: int, name: str, working: str, own: OwnPart) -> Procedure[None]:
    """Give a campaign its working name again and make it inactive: the next attempt must find it."""

    def choose(campaign: Campaign) -> Mapping[str, Any]:
        stored = campaign.campaignName
        if normal_name(stored) != name and not is_shortened(stored, name):
            return {}
        return changes_of({"campaignName": working, "isActive": _INACTIVE}, campaign)

    yield from store(group_id, campaign_id, choose, own=own)


def reconcile(
    found: FoundCampaign, spec: CampaignSpec, record: TaskRecord, is_ours: bool, own: OwnPart
) -> Procedure[CampaignResult]:
    """Do with an existing campaign what ``spec.if_exists`` says.

    :param is_ours: whether an earlier attempt of this task has created it
    :param own: what of it is sent back if no attempt has completed it
    :raises CampaignExistsError: with ``if_exists="fail"``, if it has not
    :raises OvertakenError: if the campaign is renamed meanwhile
    """
    campaign_id, campaign = found.campaign_id, found.campaign
    if spec.if_exists is IfExists.FAIL and not is_ours:
        raise CampaignExistsError(
            f"campaign {campaign_id} in dial group {found.dial_group_id} is named {spec.name!r}"
        )
    if is_ours:
        log.info("campaign %d %r was completed by an earlier attempt", campaign_id, spec.name)
    is_written = record.get("updates") == campaign_id
    is_new = is_ours and not record.is_told(campaign_id)
    # A person may have given an unfinished one its name.
    is_incomplete = campaign_id in record.campaign_ids and not record.was_completed(campaign_id)
    if is_incomplete or spec.if_exists is IfExists.UPDATE:
        wanted = dict(spec.fields)
        if spec.if_exists is IfExists.UPDATE and spec.state is not None and spec.enforce_active:
            wanted["isActive"] = int(spec.state)

        def choose(now: Campaign) -> Mapping[str, Any]:
            if normal_name(now.campaignName) != spec.name:
                name = now.campaignName
                raise OvertakenError(f"it is {name!r}{difference(spec.name, name)} now")
            changes = field_changes(wanted, now, spec.zone)
            if is_incomplete and changes and now.isActive and not spec.state and _is_over(now):
                # With its new dates, a copy of an active source would dial. Others were activated by someone.
                changes["isActive"] = _INACTIVE
            return changes

        if choose(campaign):
            record.save(updates=campaign_id)
            sent = own if is_incomplete else as_read
            campaign, is_stored = yield from store(
                found.dial_group_id, campaign_id, choose, record, sent, zone=spec.zone
            )
            is_written = is_written or is_stored
    if spec.enforce_active:
        warn_if_inactive(campaign, spec.state)
    elif spec.state is not None and campaign.isActive != spec.state:
        log.warning(
            "campaign %d %r exists with isActive %r, which is kept (requested: %d); "
            "enforce_active=True would change it",
            campaign_id,
            spec.name,
            campaign.isActive,
            spec.state,
        )
    outcome = "created" if is_new else "updated" if is_written else "unchanged"
    return CampaignResult.of(FoundCampaign(found.dial_group_id, campaign), outcome)


def _is_over(campaign: Campaign) -> bool:
    return campaign.end is not None and campaign.end <= clock.now()


def ambiguous(group_id: int, name: str, ids: list[int]) -> AmbiguousNameError:
    """Return the error for several campaigns of a name that an operator is to create."""
    return AmbiguousNameError(
        f"campaign_name: campaigns {', '.join(map(str, ids))} in dial group {group_id} are all named "
        f"{name!r}; rename or delete all but one",
        ids,
    )


#: Seconds for which a campaign that was requested is looked for: it may be created a minute later, and listed
#: half a minute after that.
SETTLE_SECONDS = 100.0
#: Readings of the list before it is given up, for one that waits for its permits each time.
_MIN_LOOKS = 4


class RequestedCampaign:
    """What a task knows of the campaign that its attempts have requested.

    :param name: the campaign's own name
    :param working: its name until it is complete
    :ivar creates: number of requests of this attempt
    :ivar looks: readings of the list in which it was missing
    """

    def __init__(self, group_id: int, name: str, working: str, record: TaskRecord) -> None:
        self._group_id = group_id
        self._name = name
        self._working = working
        self._record = record
        self.creates = 0
        self.looks = 0
        #: Instant of ``clock.monotonic`` until which a create may still be carried out; None if none may.
        self._pending_until: float | None = None
        self.read()
        if self._requests > len(record.campaign_ids):
            self.end()

    def read(self) -> None:
        """Read what attempts have saved."""
        #: Highest id in the list before the last create, None without one.
        self._newest_before: int | None = self._record.get("newest_before")
        #: Campaigns that were requested by this and earlier attempts.
        self._requests = self._record.get("requests") or int(self._record.is_blind)
        #: Fields of the campaign that was requested last.
        self._fields = fields_from_json(self._record.get("requested") or {})

    def begin(self, newest_before: int) -> None:
        """Save that a campaign is about to be requested.

        :param newest_before: highest id in the list
        """
        self.creates += 1
        self.looks = 0
        self._newest_before = newest_before
        self._record.reload()
        self._requests = max(self._requests, self._record.get("requests") or 0) + 1
        self._record.save(requests=self._requests, newest_before=newest_before, dial_group_id=self._group_id)

    def expect(self, fields: Mapping[str, Any]) -> None:
        """Save what shows that a campaign is the one that is about to be requested."""
        self._fields = dict(fields)
        self._record.save(requested=fields_to_json(self._fields))

    def end(self) -> None:
        """Note that the request was sent, whatever the answer."""
        self._pending_until = clock.monotonic() + SETTLE_SECONDS

    def is_pending(self, listed_at: float) -> bool:
        """Return whether it may still appear.

        :param listed_at: instant of ``clock.monotonic`` at which the list was read
        """
        if self._pending_until is None or self._requests <= len(self._record.campaign_ids):
            return False
        return listed_at < self._pending_until or self.looks < _MIN_LOOKS

    def _is_new(self, campaign_id: int) -> bool:
        """Return whether a campaign was created after this task requested one that it has not seen yet."""
        return self._requests > len(self._record.campaign_ids) and self.is_newer(campaign_id)

    def is_newer(self, campaign_id: int) -> bool:
        """Return whether a campaign was created after this task's request, so by a task beside it."""
        return self._newest_before is not None and campaign_id > self._newest_before

    def check_altered(self, names: Mapping[int, str]) -> Procedure[None]:
        """Delete and report a campaign that the last create has made, with its suffix, under another name.

        :param names: stored name of each campaign in the dial group
        :raises StoredDifferentlyError: if there is one
        """
        for campaign_id, stored in names.items():
            if self._is_new(campaign_id) and is_altered_suffix(stored, self._working, self._name):
                yield from remove_unfinished(self._group_id, campaign_id, stored.__eq__)
                raise self._altered(campaign_id, stored, "was deleted")

    def explain(self, names: Mapping[int, str], listed: Iterable[Campaign]) -> Procedure[None]:
        """Name a campaign that may be the one that was requested, with a name cut to its beginning.

        :param listed: campaigns whose dates show how the server stores them
        :raises StoredDifferentlyError: if there is one
        """
        for campaign_id, stored in names.items():
            if self._is_new(campaign_id) and is_altered(stored, self._working):
                campaign = yield from look_up(self._group_id, campaign_id)
                if campaign is not None:
                    self.check_cut(campaign, listed)

    def check_cut(self, campaign: Campaign, listed: Iterable[Campaign]) -> None:
        """Check that a campaign is not the one that was requested, with a name cut to its beginning.

        :raises StoredDifferentlyError: if it may be
        """
        campaign_id, stored = campaign.campaignId, campaign.campaignName
        if self._record.is_refused(campaign_id):
            raise self._altered(campaign_id, stored, "may be it; delete it if it is")
        is_suspect = self._is_new(campaign_id) and is_altered(stored, self._working)
        if is_suspect and self._fields and is_close(self._fields, campaign, listed):
            if normal_name(stored) == self._name:
                self._record.refuse(campaign_id)
            else:
                self._record.save(altered=campaign_id)
            raise self._altered(campaign_id, stored, "may be it; delete it if it is")

    def _altered(self, campaign_id: int, stored: str, remark: str) -> StoredDifferentlyError:
        return altered_name_error(stored, self._working, f"; campaign {campaign_id} {remark}")
