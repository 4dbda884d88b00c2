"""One campaign of a name in a dial group, however many tasks create it, and whatever the server answers.

A campaign has a *working name*, its own name with a suffix that identifies the task, and is inactive (or, for
a clone, cannot dial) until it is complete; the last write sets its name and its state at once. What answers
of the server say is not used: the campaign is looked for in the list of its dial group. Of several unfinished
campaigns of one name the one with the lowest id wins: its task completes it, and the others delete their own
and wait for it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import TaskRecord
from airflow_provider_engagevoice.campaigns.names import is_unfinished
from airflow_provider_engagevoice.campaigns.reconcile import (
    SETTLE_SECONDS,
    OvertakenError,
    RequestedCampaign,
    ambiguous,
    complete,
    reconcile,
    remove_unfinished,
    withdraw,
)
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, check_not_over
from airflow_provider_engagevoice.campaigns.update import CampaignResult
from airflow_provider_engagevoice.campaigns.write import (
    CampaignGoneError,
    OwnPart,
    differences,
    warn_if_inactive,
)
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS, FoundCampaign, look_up, pauses
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    ConcurrentChangesError,
    ConflictError,
    EngageVoiceError,
    IncompleteCopyError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    StoredDifferentlyError,
    UnstableListError,
)
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.nested_rows import own_part

log = logging.getLogger(__name__)

#: Seconds for which an unfinished campaign of another task is left alone before it is taken for abandoned.
_ABANDONED_SECONDS = 90.0
#: Looks at it before that, for tasks that all wait for their permits each time.
_ABANDONED_LOOKS = 6
#: Seconds after which the list is read again before a campaign gets its name, but no more often than this.
_FRESH_SECONDS, _MAX_REFRESHES = 15.0, 3
#: Create requests: one, and one more if the answer was lost and the server does not have the campaign.
_MAX_CREATES = 2
#: Seconds and readings of the list after which a creation that others keep disturbing is given up.
_GIVE_UP_SECONDS, _MIN_ROUNDS = 900.0, 24
_INACTIVE = int(CampaignState.INACTIVE)


class Creation:
    """The creation of one campaign.

    :param working: its name until it is complete
    :param create: requests a campaign of that name, after it has passed on the fields that it is to have
    :param check_existing: raises an error if the campaign with this id must not have the name
    :param check_copy: raises an error if a copy, as it is before it gets the name, must not be used
    :param own: returns a campaign without rows that are not its own
    """

    def __init__(
        self,
        group_id: int,
        spec: CampaignSpec,
        working: str,
        create: Callable[[Callable[[Mapping[str, Any]], None]], Procedure[None]],
        record: TaskRecord,
        check_existing: Callable[[int], None] = lambda campaign_id: None,
        check_copy: Callable[[Campaign], None] = lambda campaign: None,
        own: OwnPart = own_part,
    ) -> None:
        self._group_id = group_id
        self._spec = spec
        self._working = working
        self._create = create
        self._record = record
        self._check_existing = check_existing
        self._check_copy = check_copy
        self._own = own
        self._pauses = pauses(float("inf"))
        self._refreshes = 0
        self._problem: EngageVoiceError | None = None
        #: The list as it was read last, and when.
        self._listed: list[Campaign] = []
        self._listed_at = clock.monotonic()
        self._requested = RequestedCampaign(group_id, spec.name, working, record)
        #: Campaigns that a read has shown with the own name, which the list may show later.
        self._seen: set[int] = set()
        #: Unfinished campaigns that must not be deleted.
        self._ignored: set[int] = set()
        #: When the unfinished campaigns of other tasks were looked at.
        self._others: defaultdict[int, list[float]] = defaultdict(list)
        self._until_alone = pauses(SETTLE_SECONDS)
        #: Instant of ``clock.monotonic`` by which the list shows the campaign's own name.
        self._shown_by = 0.0
        #: The campaign, once this attempt has completed it.
        self._completed: Campaign | None = None

    def run(self) -> Procedure[CampaignResult]:
        """Create the campaign, or complete or update the one that exists."""
        started, rounds = clock.monotonic(), 0
        while rounds < _MIN_ROUNDS or clock.monotonic() - started < _GIVE_UP_SECONDS:
            rounds += 1
            self._listed_at = clock.monotonic()
            self._listed = yield from list_campaigns(self._group_id)
            try:
                names = {row.campaignId: row.campaignName for row in self._listed}
                result = yield from self._proceed(names)
            except (OvertakenError, CampaignGoneError) as error:
                log.info("campaign %r has just been changed; reading it again (%s)", self._spec.name, error)
                yield next(self._pauses)
                continue
            if result is not None:
                self._record.save(result=result.campaign_id)
                return result
        raise ConcurrentChangesError(
            f"campaign_name: others keep changing the campaigns named {self._spec.name!r} in dial group "
            f"{self._group_id}"
        )

    def _proceed(self, names: Mapping[int, str]) -> Procedure[CampaignResult | None]:
        """Do the next step; return the result, or None to look at the list again.

        :param names: stored name of each campaign in the dial group
        """
        self._requested.looks += 1
        if self._requested.creates:
            yield from self._requested.check_altered(names)
        unfinished = [
            one
            for one, stored in names.items()
            if is_unfinished(stored, self._spec.name) and one not in self._ignored
        ]
        mine = [one for one in unfinished if names[one] == self._working]
        finished = self._seen | {one for one, stored in names.items() if self._is_own(stored)}
        if mine:
            self._record.know(mine)
            self._problem = None
        elif not finished and (hidden := set(self._record.campaign_ids) - names.keys() - self._ignored):
            return (yield from self._proceed({**names, **(yield from self._read_hidden(hidden))}))
        if finished:
            return (yield from self._finish(finished, set(unfinished)))
        ignored = [one for one in self._ignored if names.get(one) == self._working]
        if not unfinished and ignored:
            # It has leads; no other task has a campaign any more.
            yield from self._complete(min(ignored))
        elif not unfinished:
            yield from self._create_or_wait(names)
        elif min(unfinished) in mine:
            yield from self._remove(one for one in mine if one != min(mine))
            yield from self._complete(min(mine))
            self._pauses = pauses(float("inf"))
        else:
            yield from self._remove(mine)
            yield from self._wait_for(min(unfinished))
        return None

    def _is_own(self, stored: str) -> bool:
        return normal_name(stored) == self._spec.name

    def _read_hidden(self, campaign_ids: Iterable[int]) -> Procedure[dict[int, str]]:
        """Return the names of campaigns that earlier attempts have seen, and the list does not show."""
        names, gone = {}, []
        for campaign_id in sorted(campaign_ids):
            campaign = yield from look_up(self._group_id, campaign_id)
            if campaign is None:
                gone.append(campaign_id)
            else:
                names[campaign_id] = campaign.campaignName
        if gone:
            self._record.forget(gone)
            self._requested.read()
        return names

    def _create_or_wait(self, names: Mapping[int, str]) -> Procedure[None]:
        """Request the campaign, unless an earlier request may still be carried out."""
        requested = self._requested
        if requested.is_pending(self._listed_at):
            yield next(self._pauses)
            return
        altered = self._record.get("altered")
        yield from requested.explain({altered: names[altered]} if altered in names else {}, self._listed)
        if self._problem is not None and (
            requested.creates == _MAX_CREATES or not isinstance(self._problem, OutcomeUnknownError)
        ):
            yield from requested.explain(names, self._listed)
            raise self._problem
        check_not_over(self._spec.fields)
        self._pauses = pauses(float("inf"))
        requested.begin(newest_before=max(names, default=0))
        self._problem = UnstableListError(
            f"campaign_name: the server has accepted campaign {self._working!r} in dial group "
            f"{self._group_id}, and does not list it {SETTLE_SECONDS:.0f} s later"
        )
        try:
            yield from self._create(requested.expect)
        except NotFoundError as error:
            # It is the source of a copy. The list may show one that an earlier attempt has made.
            self._problem = error
            return
        except (OutcomeUnknownError, ConflictError) as error:
            log.warning("%s; checking whether the server has the campaign", error)
            self._problem = error
        requested.end()

    def _wait_for(self, campaign_id: int) -> Procedure[None]:
        """Wait for another task to complete its campaign; delete it if that task seems to have ended."""
        looks = self._others[campaign_id]
        looks.append(clock.monotonic())
        campaign = yield from look_up(self._group_id, campaign_id)
        if campaign is not None and self._is_own(campaign.campaignName):
            self._seen.add(campaign_id)
        elif len(looks) <= _ABANDONED_LOOKS or looks[-1] - looks[0] < _ABANDONED_SECONDS:
            log.info("campaign %d is being created by another task; waiting for it", campaign_id)
            yield next(self._pauses)
        else:
            log.warning("campaign %d was left unfinished by another task", campaign_id)
            yield from self._remove([campaign_id])
            if campaign_id in self._ignored:
                raise ConcurrentChangesError(
                    f"campaign_name: campaign {campaign_id} in dial group {self._group_id} is an unfinished "
                    f"{self._spec.name!r} that another task left, and is in use; rename or delete it"
                )

    def _remove(self, campaign_ids: Iterable[int]) -> Procedure[None]:
        """Delete unfinished campaigns; from then on ignore those that must not be deleted."""
        is_still = partial(is_unfinished, name=self._spec.name)
        for campaign_id in campaign_ids:
            self._check_existing(campaign_id)
            if not (yield from remove_unfinished(self._group_id, campaign_id, is_still)):
                self._ignored.add(campaign_id)

    def _complete(self, campaign_id: int) -> Procedure[None]:
        try:
            completed = yield from complete(
                self._group_id, campaign_id, self._spec, self._working, self._may_name, self._checked
            )
        except (ConflictError, IncompleteCopyError, InvalidInputError):
            yield from self._remove([campaign_id])
            raise
        except StoredDifferentlyError:
            yield from self._withdraw(campaign_id)
            raise
        except (OvertakenError, CampaignGoneError):
            # An older attempt may have undone its completion.
            self._completed = None
            raise
        if completed is None:
            self._seen.add(campaign_id)
        else:
            self._completed = completed

    def _may_name(self, campaign: Campaign) -> bool:
        """Return whether the list is fresh: another task may have completed its campaign since."""
        self._check_copy(campaign)
        if clock.monotonic() - self._listed_at < _FRESH_SECONDS or self._refreshes == _MAX_REFRESHES:
            self._record.completes(campaign.campaignId, activates=bool(self._spec.state))
            return True
        self._refreshes += 1
        return False

    def _checked(self, campaign: Campaign) -> Campaign:
        """Return what of an unfinished campaign is sent back, after what it lacks then was noted."""
        self._check_copy(campaign)
        return self._own(campaign)

    def _withdraw(self, campaign_id: int) -> Procedure[None]:
        self._seen.discard(campaign_id)
        yield from withdraw(self._group_id, campaign_id, self._spec.name, self._working, self._own)

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
        first, own = min(named), self._own_ids()
        if first not in own:
            self._record.reload()
            own = self._own_ids()
            if not self._requested.creates:
                # Another attempt may run beside this one, and have requested it.
                self._requested.read()
        self._check_existing(first)
        if len(named) > 1 and first not in own:
            mine = own & named.keys()
            is_reported = any(map(self._record.is_reported, mine))
            if mine and self._requested.is_newer(first) and not is_reported:
                yield from self._give_way(mine, first)
                return None
            # An older campaign was renamed. If a task has done that, it takes it back.
            pause = next(self._until_alone, None) if mine else None
            if pause is None:
                error = ambiguous(self._group_id, self._spec.name, list(named))
                raise ConcurrentChangesError(str(error)) if mine and not is_reported else error
            yield pause
            return None
        if first in own and self._is_hidden(first):
            yield next(self._pauses)
            return None
        is_ours = first in own or (self._record.is_blind and not differences(self._spec.fields, named[first]))
        is_pending = self._requested.is_pending(self._listed_at)
        if is_pending and (self._requested.creates or not is_ours or not self._record.is_blind):
            yield next(self._pauses)
            return None
        if not is_ours and differences(self._spec.fields, named[first]):
            self._requested.check_cut(named[first], self._listed)
        if left := unfinished - named.keys():
            yield from self._remove(left)
            return None
        if self._completed is not None and self._completed.campaignId == first:
            warn_if_inactive(self._completed, self._spec.state)
            return CampaignResult.of(FoundCampaign(self._group_id, self._completed), "created")
        found = FoundCampaign(self._group_id, named[first])
        return (yield from reconcile(found, self._spec, self._record, is_ours, self._checked))

    def _is_hidden(self, campaign_id: int) -> bool:
        """Return whether the list is from before a campaign got its name, so that it may lack another one."""
        if any(row.campaignId == campaign_id and self._is_own(row.campaignName) for row in self._listed):
            return False
        self._shown_by = self._shown_by or clock.monotonic() + LAG_SECONDS
        return clock.monotonic() < self._shown_by

    def _own_ids(self) -> set[int]:
        completed = set() if self._completed is None else {self._completed.campaignId}
        return completed | set(self._record.campaign_ids)

    def _give_way(self, own: Iterable[int], first: int) -> Procedure[None]:
        """Delete complete campaigns of this task, because another task has completed one before."""
        self._completed = None
        for campaign_id in sorted(own):
            log.warning("campaign %d %r exists already; deleting %d", first, self._spec.name, campaign_id)
            yield from self._withdraw(campaign_id)
            yield from self._remove([campaign_id])
