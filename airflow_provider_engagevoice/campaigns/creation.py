"""One campaign of a name in a dial group, however many tasks create it, and whatever the server answers.

A campaign has a *working name*, its own name with a suffix that identifies the task, and is inactive (or, for
a clone, cannot dial) until it is complete; the last write sets its name and its state at once. What answers
of the server say is not used: the campaign is looked for in the list of its dial group. Of several unfinished
campaigns of one name the one with the lowest id wins: its task completes it, and the others delete their own
and wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import Record
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, IfExists, check_not_over
from airflow_provider_engagevoice.campaigns.unfinished import (
    OvertakenError,
    is_altered,
    is_unfinished,
    remove_unfinished,
)
from airflow_provider_engagevoice.campaigns.update import CampaignResult, field_changes
from airflow_provider_engagevoice.campaigns.write import (
    CampaignGoneError,
    check_fixed_fields,
    differences,
    look_up,
    store,
)
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import FoundCampaign, pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    ConcurrentChangesError,
    ConflictError,
    EngageVoiceError,
    OutcomeUnknownError,
    StoredDifferentlyError,
    UnstableListError,
)
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

log = logging.getLogger(__name__)

#: Seconds for which a campaign that was requested is looked for: it may be created a minute later, and listed
#: half a minute after that.
_SETTLE_SECONDS = 100.0
#: Seconds for which an unfinished campaign of another task is left alone before it is taken for abandoned.
_ABANDONED_SECONDS = 90.0
#: Create requests: one, and one more if the answer was lost and the server does not have the campaign.
_MAX_CREATES = 2
#: Readings of the list, pauses between them included.
_MAX_ROUNDS = 200
_INACTIVE = int(CampaignState.INACTIVE)


class Creation:
    """The creation of one campaign.

    :param working: its name until it is complete
    :param create: requests a campaign of that name
    :param check_existing: raises an error if the campaign with this id must not have the name
    """

    def __init__(
        self,
        group_id: int,
        spec: CampaignSpec,
        working: str,
        create: Callable[[], Procedure[None]],
        record: Record,
        check_existing: Callable[[int], None] = lambda campaign_id: None,
    ) -> None:
        self._group_id = group_id
        self._spec = spec
        self._working = working
        self._create = create
        self._record = record
        self._check_existing = check_existing
        self._pauses = pauses(float("inf"))
        self._creates = 0
        self._problem: EngageVoiceError | None = None
        #: Ids in the list before the last create.
        self._before: frozenset[int] = frozenset()
        #: Instant of ``clock.monotonic`` until which a create may still be carried out; None if none may.
        self._pending_until: float | None = None
        if record.campaign_id is None and (record.is_blind or record.get("is_requested")):
            self._pending_until = clock.monotonic() + _SETTLE_SECONDS
        #: Campaigns that a read has shown with the own name, which the list may show later.
        self._seen: set[int] = set()
        #: Unfinished campaigns that must not be deleted.
        self._ignored: set[int] = set()
        #: Since when the unfinished campaigns of other tasks have been seen.
        self._others: dict[int, float] = {}
        #: The campaign, once this attempt has completed it.
        self._completed: Campaign | None = None

    def run(self) -> Procedure[CampaignResult]:
        """Create the campaign, or complete or update the one that exists."""
        for _ in range(_MAX_ROUNDS):
            rows = yield from list_campaigns(self._group_id)
            try:
                result = yield from self._proceed({row.campaignId: row.campaignName for row in rows})
            except (OvertakenError, CampaignGoneError) as error:
                log.info("campaign %r has just been changed; looking again (%s)", self._spec.name, error)
                yield next(self._pauses)
                continue
            if result is not None:
                return result
        raise ConcurrentChangesError(
            f"campaign_name: others keep changing the campaigns named {self._spec.name!r} in dial group "
            f"{self._group_id}"
        )

    def _proceed(self, names: Mapping[int, str]) -> Procedure[CampaignResult | None]:
        """Do the next step; return the result, or None to look at the list again.

        :param names: stored name of each campaign in the dial group
        """
        if self._creates:
            yield from self._check_altered(names, is_late=False)
        unfinished = [
            one
            for one, stored in names.items()
            if is_unfinished(stored, self._spec.name) and one not in self._ignored
        ]
        mine = [one for one in unfinished if names[one] == self._working]
        finished = self._seen | {one for one, stored in names.items() if self._is_own(stored)}
        if mine:
            self._pending_until = None
            self._record.save(campaign_id=min(mine), dial_group_id=self._group_id)
        elif not finished and self._record.campaign_id is not None:
            yield from self._look_for_known(self._record.campaign_id)
            return None
        if finished:
            return (yield from self._finish(finished, set(unfinished)))
        if not unfinished:
            yield from self._create_or_wait(names)
        elif min(unfinished) in mine:
            yield from self._remove(one for one in mine if one != min(mine))
            yield from self._complete(min(mine))
            self._pauses = pauses(float("inf"))
        else:
            yield from self._remove(mine)
            yield from self._wait_for(min(unfinished))
        return None

    def _is_pending(self) -> bool:
        return self._pending_until is not None and clock.monotonic() < self._pending_until

    def _is_own(self, stored: str) -> bool:
        return normal_name(stored) == self._spec.name

    def _look_for_known(self, campaign_id: int) -> Procedure[None]:
        """Look at the campaign that an earlier attempt has seen, and the list does not show."""
        campaign = yield from look_up(self._group_id, campaign_id)
        if campaign is not None and self._is_own(campaign.campaignName):
            self._seen.add(campaign_id)
        elif campaign is not None and campaign.campaignName == self._working:
            yield from self._complete(campaign_id)
        else:
            # It was deleted or renamed.
            self._record.save(campaign_id=None, is_requested=False)

    def _create_or_wait(self, names: Mapping[int, str]) -> Procedure[None]:
        """Request the campaign, unless an earlier request may still be carried out."""
        if self._is_pending():
            yield next(self._pauses)
            return
        if self._creates:
            yield from self._check_altered(names, is_late=True)
        if self._problem is not None and (
            self._creates == _MAX_CREATES or not isinstance(self._problem, OutcomeUnknownError)
        ):
            raise self._problem
        check_not_over(self._spec.fields)
        self._creates += 1
        self._before = frozenset(names)
        self._pauses = pauses(float("inf"))
        self._record.save(is_requested=True, dial_group_id=self._group_id)
        self._pending_until = clock.monotonic() + _SETTLE_SECONDS
        self._problem = UnstableListError(
            f"campaign_name: the server has accepted campaign {self._working!r} in dial group "
            f"{self._group_id}, and does not list it {_SETTLE_SECONDS:.0f} s later"
        )
        try:
            yield from self._create()
        except (OutcomeUnknownError, ConflictError) as error:
            log.warning("%s; checking whether the server has the campaign", error)
            self._problem = error

    def _check_altered(self, names: Mapping[int, str], *, is_late: bool) -> Procedure[None]:
        """Report a campaign that the last create has made under another name than it was given.

        :param is_late: whether the campaign should be in the list by now: then the beginning of its name is
            enough to be suspected
        :raises StoredDifferentlyError: if there is one; it is deleted if its name shows that it is unfinished
        """
        for campaign_id, stored in names.items():
            if campaign_id in self._before or not is_altered(stored, self._working):
                continue
            if _is_name_of_unfinished(self._spec.name, self._working, stored):
                yield from self._remove([campaign_id])
                remark = f"that campaign, {campaign_id}, was deleted"
            elif is_late:
                remark = f"campaign {campaign_id} may be it; look at it and delete it"
            else:
                continue
            raise StoredDifferentlyError(
                f"campaign_name: the server stored {stored!r} for {self._working!r}; {remark}. Choose a name "
                "that it stores unchanged"
            )

    def _wait_for(self, campaign_id: int) -> Procedure[None]:
        """Wait for another task to complete its campaign; delete it if that task seems to have ended."""
        since = self._others.setdefault(campaign_id, clock.monotonic())
        campaign = yield from look_up(self._group_id, campaign_id)
        if campaign is not None and self._is_own(campaign.campaignName):
            self._seen.add(campaign_id)
        elif clock.monotonic() - since < _ABANDONED_SECONDS:
            log.info("campaign %d is being created by another task; waiting for it", campaign_id)
            yield next(self._pauses)
        else:
            log.warning("campaign %d was left unfinished by another task", campaign_id)
            yield from self._remove([campaign_id])

    def _remove(self, campaign_ids: Iterable[int]) -> Procedure[None]:
        """Delete unfinished campaigns; from then on ignore those that must not be deleted."""
        for campaign_id in campaign_ids:
            self._check_existing(campaign_id)
            is_still = partial(_is_name_of_unfinished, self._spec.name, self._working)
            if not (yield from remove_unfinished(self._group_id, campaign_id, is_still)):
                self._ignored.add(campaign_id)

    def _complete(self, campaign_id: int) -> Procedure[None]:
        """Set all fields but name and state until they are stored, then name and state."""
        spec = self._spec
        check_not_over(spec.fields)
        fields = {**spec.fields, "isActive": _INACTIVE}
        state = _INACTIVE if spec.state is None else int(spec.state)
        complete = {**spec.fields, "campaignName": spec.name, "isActive": state}

        def choose(campaign: Campaign) -> Mapping[str, Any]:
            if campaign.campaignName == self._working:
                check_fixed_fields(spec.fields, campaign)
                wanted = fields if differences(fields, campaign) else complete
            elif self._is_own(campaign.campaignName):
                # Its state stands: a person may have changed it.
                self._seen.add(campaign_id)
                wanted = {**complete, "isActive": campaign.isActive}
            else:
                raise OvertakenError(f"it is {campaign.campaignName!r} now")
            return {name: wanted[name] for name in differences(wanted, campaign)}

        try:
            self._completed, _ = yield from store(self._group_id, campaign_id, choose)
        except ConflictError:
            # Another campaign has the name, perhaps in other letters.
            yield from self._remove([campaign_id])
            raise
        except StoredDifferentlyError:
            yield from self._withdraw(campaign_id)
            raise
        if state and self._completed.isActive == CampaignState.INACTIVE:
            log.warning("campaign %d is inactive: a person or the server has paused it", campaign_id)
        log.info(
            "campaign %d %r is complete: %s to %s, isActive %s",
            campaign_id,
            spec.name,
            self._completed.start,
            self._completed.end,
            self._completed.isActive,
        )

    def _withdraw(self, campaign_id: int) -> Procedure[None]:
        """Give a campaign its working name again and make it inactive: the next attempt must find it."""

        def choose(campaign: Campaign) -> Mapping[str, Any]:
            if not self._is_own(campaign.campaignName):
                return {}
            return {"campaignName": self._working, "isActive": _INACTIVE}

        self._seen.discard(campaign_id)
        yield from store(self._group_id, campaign_id, choose)

    def _finish(self, finished: set[int], unfinished: set[int]) -> Procedure[CampaignResult | None]:
        """Return the result for a campaign that has its own name; first remove what is unfinished."""
        named: dict[int, Campaign] = {}
        for campaign_id in sorted(finished):
            campaign = self._completed
            if campaign is None or campaign.campaignId != campaign_id:
                campaign = yield from look_up(self._group_id, campaign_id)
            if campaign is not None and self._is_own(campaign.campaignName):
                named[campaign_id] = campaign
        self._seen &= named.keys()
        if not named:
            yield next(self._pauses)
            return None
        first, own = min(named), self._own_id()
        self._check_existing(first)
        if len(named) > 1 and own != first:
            if own not in named:
                raise _ambiguous(self._group_id, self._spec.name, list(named))
            log.warning(
                "campaign %d %r was completed before this one; deleting %d", first, self._spec.name, own
            )
            self._completed = None
            yield from self._withdraw(own)
            yield from self._remove([own])
            self._record.save(campaign_id=None)
            return None
        is_ours = first == own or (self._record.is_blind and not differences(self._spec.fields, named[first]))
        if self._is_pending() and not is_ours:
            yield next(self._pauses)
            return None
        yield from self._remove(unfinished - named.keys())
        return (yield from self._reconcile(named[first], is_ours))

    def _own_id(self) -> int:
        if self._completed is not None:
            return self._completed.campaignId
        return self._record.campaign_id or 0

    def _reconcile(self, campaign: Campaign, is_ours: bool) -> Procedure[CampaignResult]:
        """Update, keep or reject a campaign that exists under its own name.

        :param is_ours: whether this task has created it
        """
        spec, campaign_id = self._spec, campaign.campaignId
        was_written = self._record.get("updates") == campaign_id
        is_new = is_ours and not self._record.has_succeeded
        if spec.if_exists is IfExists.FAIL and not is_ours:
            raise CampaignExistsError(
                f"campaign {campaign_id} in dial group {self._group_id} is named {spec.name!r}"
            )
        if is_ours and self._completed is None:
            log.info(
                "campaign %d %r was completed by an earlier attempt of this task", campaign_id, spec.name
            )
        if spec.if_exists is IfExists.UPDATE and self._completed is None:
            wanted = dict(spec.fields)
            if spec.state is not None and spec.enforce_active:
                wanted["isActive"] = int(spec.state)
            elif spec.state is not None and campaign.isActive != spec.state:
                log.warning(
                    "campaign %d %r exists with isActive %r, which is kept (requested: %d); "
                    "enforce_active=True would change it",
                    campaign_id,
                    spec.name,
                    campaign.isActive,
                    spec.state,
                )
            if self._changes(wanted, campaign):
                self._record.save(updates=campaign_id)
                choose = partial(self._changes, wanted)
                campaign, is_written = yield from store(self._group_id, campaign_id, choose)
                was_written = was_written or is_written
        outcome = "created" if is_new else "updated" if was_written else "unchanged"
        return CampaignResult.of(FoundCampaign(self._group_id, campaign), outcome)

    def _changes(self, wanted: Mapping[str, Any], campaign: Campaign) -> Mapping[str, Any]:
        if not self._is_own(campaign.campaignName):
            raise OvertakenError(f"it is {campaign.campaignName!r} now")
        return field_changes(wanted, campaign)


def _is_name_of_unfinished(name: str, working: str, stored: str) -> bool:
    """Return whether a stored name is a working name of ``name``, or what a server makes of ``working``."""
    return is_unfinished(stored, name) or (
        is_altered(stored, working) and is_unfinished(stored.casefold(), name.casefold())
    )


def _ambiguous(group_id: int, name: str, ids: list[int]) -> AmbiguousNameError:
    return AmbiguousNameError(
        f"campaign_name: campaigns {', '.join(map(str, ids))} in dial group {group_id} are all named "
        f"{name!r}; rename or delete all but one",
        ids,
    )
