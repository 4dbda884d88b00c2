"""Write and delete one campaign: right after it was read, and looked at until the server has done it.

The vendor's PUT takes the whole campaign, so it undoes what a person changes between the read and the write.
Each write therefore follows its read at once: if it has to wait, or fails, the campaign is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from functools import partial
from typing import Any, TypeAlias

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import TaskRecord
from airflow_provider_engagevoice.characters import text_difference
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    at_once,
    delete_campaign,
    get_campaign,
    list_campaign_lists,
    update_campaign,
)
from airflow_provider_engagevoice.client.lookup import ABSENT, LAG_SECONDS, is_listed, look_up, pauses
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.dates import shown
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    InvalidInputError,
    NotFoundError,
    OutdatedError,
    RateLimitedError,
    ResourceNotFoundError,
    StoredDifferentlyError,
    UnreachableError,
)
from airflow_provider_engagevoice.models.campaign import Campaign, check_known
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.persona import check_hours, check_windows

log = logging.getLogger(__name__)


#: Errors after which the server has not executed the request.
_NOT_SENT = (OutdatedError, RateLimitedError, UnreachableError)


class CampaignGoneError(NotFoundError):
    """A campaign that was to be written has been deleted."""

    retryable = True


def _gone(group_id: int, campaign_id: int) -> CampaignGoneError:
    return CampaignGoneError(f"campaign {campaign_id} in dial group {group_id} does not exist any more")


#: Returns the fields to write, given the campaign as it is now; none to write nothing.
Choice = Callable[[Campaign], Mapping[str, Any]]
#: Returns what of a campaign, as it was read, is sent back with a change.
OwnPart: TypeAlias = Callable[[Campaign], Campaign]

#: Dates that differ by less are equal: servers store whole seconds, and older releases sent milliseconds.
_SAME_SECOND = timedelta(seconds=1)
#: By how much rounding to minutes or days changes an instant, and of how many seconds it is a multiple then:
#: of quarters of an hour for the midnights of all time zones.
_Rounding: TypeAlias = tuple[timedelta, int]
_ROUNDINGS: tuple[_Rounding, ...] = ((timedelta(minutes=1), 60), (timedelta(days=1), 900))
#: Writes of one value until the server has it: one, and one to correct it.
_MAX_WRITES = 2
#: Writes of whatever values, if there are always others.
_MAX_ALL_WRITES = 10
#: Seconds after which a look at the leads of a campaign is too old to delete it.
_FRESH_SECONDS = 5.0
#: Seconds after which a write that is refused or fails is given up.
_GIVE_UP_SECONDS = 900.0


def as_read(campaign: Campaign) -> Campaign:
    """Return all of a campaign, as the vendor's pages send it back."""
    return campaign


def differences(wanted: Mapping[str, Any], campaign: Campaign) -> dict[str, tuple[Any, Any]]:
    """Return each field of ``wanted`` that the server stores differently, as (stored, wanted)."""
    stored = {name: getattr(campaign, name, campaign.raw.get(name)) for name in wanted}
    return {name: (stored[name], value) for name, value in wanted.items() if not _same(stored[name], value)}


def changes_of(wanted: Mapping[str, Any], campaign: Campaign) -> dict[str, Any]:
    """Return the fields of ``wanted`` that the server stores differently."""
    return {name: wanted[name] for name in differences(wanted, campaign)}


def _same(stored: Any, wanted: Any) -> bool:
    if stored in (None, "") and wanted in (None, ""):
        return True
    if isinstance(stored, datetime) and isinstance(wanted, datetime):
        return abs(stored - wanted) < _SAME_SECOND
    return bool(stored == wanted)


def is_close(wanted: Mapping[str, Any], campaign: Campaign, others: Iterable[Campaign] = ()) -> bool:
    """Return whether a campaign has fields, but for dates in whole minutes or days, or no dates or state.

    :param others: campaigns whose dates show how the server stores them
    """
    roundings = [one for one in _ROUNDINGS if not any(_contradicts(other, one) for other in others)]
    for name, (stored, value) in differences(wanted, campaign).items():
        if name == "isActive" and not stored:
            continue
        if not isinstance(value, datetime):
            return False
        if isinstance(stored, datetime) and not any(_is_rounded(stored, value, one) for one in roundings):
            return False
    return True


def _is_rounded(stored: datetime, wanted: datetime, rounding: _Rounding) -> bool:
    """Return whether a server may have made one instant of another by dropping seconds, or the time."""
    unit, multiple = rounding
    return abs(stored - wanted) < unit and stored.timestamp() % multiple == 0


def _contradicts(campaign: Campaign, rounding: _Rounding) -> bool:
    """Return whether a campaign has a date that a server with this rounding does not store."""
    dates = [date for date in (campaign.start, campaign.end) if date is not None]
    return any(date.timestamp() % rounding[1] for date in dates)


def _text(value: Any, zone: tzinfo | None) -> str:
    if isinstance(value, datetime):
        return shown(value, zone)
    return repr(value.value if isinstance(value, Enum) else value)


def write_once(
    group_id: int,
    campaign_id: int,
    choose: Choice,
    record: TaskRecord | None = None,
    own: OwnPart = as_read,
    *,
    zone: tzinfo | None = None,
) -> Procedure[tuple[Campaign, Mapping[str, Any]]]:
    """Read a campaign and write what ``choose`` returns at once; return it as read, and what was written.

    :param record: where it is saved that the campaign is activated
    :param own: what of it is sent back
    :param zone: time zone in which dates are logged; None for UTC
    :raises CampaignGoneError: if the campaign does not exist
    :raises ApiError: if the write fails for good
    """
    started = clock.monotonic()
    again = pauses(_GIVE_UP_SECONDS)
    #: What a write whose answer was lost may have done.
    tried: Mapping[str, Any] = {}
    while True:
        campaign = yield from look_up(group_id, campaign_id, followers=1)
        if campaign is None:
            raise _gone(group_id, campaign_id)
        changes = choose(campaign)
        if not changes:
            return campaign, tried
        write = update_campaign(group_id, campaign_id, own(campaign).with_changes(changes))
        for name, (old, new) in differences(changes, campaign).items():
            log.info("campaign %d %s: %s → %s", campaign_id, name, _text(old, zone), _text(new, zone))
        is_activation = record is not None and bool(changes.get("isActive"))
        is_first = record is not None and is_activation and record.activates(campaign_id)
        try:
            yield from at_once(write)
        except ApiError as error:
            if record is not None and is_first and isinstance(error, _NOT_SENT):
                record.save(activated=None)
            is_definite = isinstance(error, ABSENT) and not error.retryable
            if is_definite and (yield from look_up(group_id, campaign_id)) is None:
                raise _gone(group_id, campaign_id) from error
            if not isinstance(error, _NOT_SENT):
                tried = changes
            yield _pause_after(error, again, started)
        else:
            return campaign, changes


def _pause_after(error: ApiError, again: Any, started: float) -> Pause:
    """Return the pause before a write is tried again, from its read on; raise an error that is final."""
    pause = Pause(error.retry_after) if error.retry_after is not None else next(again, None)
    spent = clock.monotonic() - started
    if not error.retryable or pause is None or spent + pause.seconds > _GIVE_UP_SECONDS:
        raise error
    log.warning("%s; reading the campaign again in %.1f s", error, pause.seconds)
    return pause


def settle(group_id: int, campaign_id: int, wanted: Mapping[str, Any]) -> Procedure[Campaign]:
    """Read a campaign that was just written until it has the fields, at most for some time; return it.

    :raises CampaignGoneError: if the campaign does not exist
    """
    again = pauses(LAG_SECONDS)
    while True:
        campaign = yield from look_up(group_id, campaign_id)
        if campaign is None:
            raise _gone(group_id, campaign_id)
        pause = next(again, None) if differences(wanted, campaign) else None
        if pause is None:
            return campaign
        yield pause


def store(
    group_id: int,
    campaign_id: int,
    choose: Choice,
    record: TaskRecord | None = None,
    own: OwnPart = as_read,
    *,
    was_activated: bool = False,
    zone: tzinfo | None = None,
) -> Procedure[tuple[Campaign, bool]]:
    """Write what ``choose`` returns until it returns nothing; return the campaign and whether it was written.

    A campaign that is inactive after it was activated stands: a person has paused it, or the server holds it
    back.

    :param record: what shows whether an earlier attempt has activated it
    :param own: what of it is sent back
    :param was_activated: whether an earlier attempt that has no such record has activated it
    :param zone: time zone in which people are shown dates; None for UTC
    :raises CampaignGoneError: if the campaign does not exist
    :raises StoredDifferentlyError: if the server accepts a write twice, and still has another value
    """
    written: list[Mapping[str, Any]] = []
    sent_state: object = was_activated or (record is not None and record.was_activated(campaign_id))

    def choose_next(campaign: Campaign) -> Mapping[str, Any]:
        changes = choose(campaign)
        if sent_state and campaign.isActive == CampaignState.INACTIVE:
            return {name: value for name, value in changes.items() if name != "isActive"}
        return changes

    while True:
        campaign, changes = yield from write_once(group_id, campaign_id, choose_next, record, own, zone=zone)
        if not changes:
            return campaign, bool(written)
        written.append(changes)
        sent_state = sent_state or changes.get("isActive", campaign.isActive)
        # The whole campaign was written. A read that shows another name may be from before.
        sent = {"campaignName": campaign.campaignName, **changes}
        campaign = yield from settle(group_id, campaign_id, sent)
        changes = choose_next(campaign)
        if not changes:
            return campaign, True
        last = written[-_MAX_WRITES:]
        refused = {
            name: value
            for name, value in changes.items()
            if all(name in one and _same(one[name], value) for one in last)
        }
        if len(written) >= _MAX_ALL_WRITES:
            refused = dict(changes)
        if refused and len(written) >= _MAX_WRITES:
            problems = "; ".join(
                f"{name} is {_text(old, zone)}{text_difference(new, old)}, not {_text(new, zone)}"
                for name, (old, new) in differences(refused, campaign).items()
            )
            raise StoredDifferentlyError(
                f"campaign {campaign_id} in dial group {group_id}: the server accepted the change but stored "
                f"something else: {problems}"
            )


def warn_if_inactive(campaign: Campaign, state: int | None) -> None:
    """Warn if a campaign that was to have a state is inactive instead."""
    if state and campaign.isActive == CampaignState.INACTIVE:
        log.warning(
            "campaign %d %r is inactive, not isActive %d: a person has paused it, or the server holds it",
            campaign.campaignId,
            campaign.campaignName,
            state,
        )


def delete(
    group_id: int, campaign_id: int, check: Callable[[Campaign], None], *, check_leads: bool = False
) -> Procedure[bool]:
    """Delete a campaign and wait until it is gone; return whether it existed.

    :param check: raises an error if the campaign, as it is now, must not be deleted
    :param check_leads: whether a campaign with leads must not be deleted either
    :raises InUseError: if it has leads
    :raises StoredDifferentlyError: if the server accepts the deletion and still has the campaign
    """
    started = clock.monotonic()
    again, refusals = pauses(_GIVE_UP_SECONDS), pauses(LAG_SECONDS)
    existed = False
    while True:
        if check_leads:
            yield from _check_leads(group_id, campaign_id)
        looked_at = clock.monotonic()
        campaign = yield from look_up(group_id, campaign_id, followers=1, is_follower=check_leads)
        if campaign is None:
            return existed
        existed = True
        check(campaign)
        if check_leads and clock.monotonic() - looked_at > _FRESH_SECONDS:
            continue
        try:
            yield from at_once(delete_campaign(group_id, campaign_id))
            break
        except ResourceNotFoundError:
            break
        except ABSENT as error:
            if (yield from look_up(group_id, campaign_id)) is None:
                break
            # A read may show what another attempt has just deleted.
            pause = _pause_after(error, again, started) if error.retryable else next(refusals, None)
            if pause is None:
                raise
            yield pause
        except ApiError as error:
            yield _pause_after(error, again, started)
    yield from _wait_until_gone(group_id, campaign_id)
    return True


class InUseError(Exception):
    """A campaign is not to be deleted, because it is in use."""


def _check_leads(group_id: int, campaign_id: int) -> Procedure[None]:
    # The permits of the read and the deletion that follow are acquired before it.
    lists = replace(list_campaign_lists(group_id, campaign_id), followers=2)
    try:
        if (yield from lists):
            raise InUseError("it has leads")
    except ABSENT as error:
        if (yield from look_up(group_id, campaign_id)) is not None:
            raise InUseError(f"its leads cannot be seen ({error})") from None


def _wait_until_gone(group_id: int, campaign_id: int) -> Procedure[None]:
    """Read a deleted campaign, and then the list, until they do not have it any more."""
    has_it = partial(_is_readable, group_id, campaign_id), partial(is_listed, group_id, campaign_id)
    for still in has_it:
        again = pauses(LAG_SECONDS)
        while (yield from still()):
            pause = next(again, None)
            if pause is None:
                raise StoredDifferentlyError(
                    f"campaign {campaign_id} in dial group {group_id}: the server accepted the deletion and "
                    "still has it"
                )
            yield pause


def _is_readable(group_id: int, campaign_id: int) -> Procedure[bool]:
    try:
        yield from get_campaign(group_id, campaign_id)
    except ABSENT:
        return False
    return True


def check_changes(wanted: Mapping[str, Any], campaign: Campaign) -> None:
    """Reject fields that a campaign cannot be given.

    :raises InvalidInputError: for ``callingConfiguration``, which is fixed at creation, a field that neither
        the vendor's document nor the campaign has, and calling windows that do not cover the hours
    """
    check_known(wanted, campaign)
    if "personaCallSchedules" in wanted:
        check_windows({**campaign.raw, **wanted})
    else:
        check_hours(changes_of(wanted, campaign), campaign.raw)
    stored = campaign.raw.get("callingConfiguration")
    requested = wanted.get("callingConfiguration", stored)
    if stored is not None and requested != stored:
        raise InvalidInputError(
            "settings.callingConfiguration", requested, f"it is {stored} and cannot be changed after creation"
        )
