"""From snapshots to events: what happened between two, to the campaigns that a watcher subscribes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from typing import Any

from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    PermissionDeniedError,
    ResourceNotFoundError,
    UnexpectedAnswerError,
)
from airflow_provider_engagevoice.polling import Event, EventFilter
from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER
from airflow_provider_engagevoice.polling.shared import SharedRequests
from airflow_provider_engagevoice.polling.snapshots import CampaignSnapshot, Snapshot

#: Least time between two events of one asset. Events that follow before Airflow's scheduler has created the
#: run for the first one are not part of that run, and start no other: they would wait for the next event.
MIN_APART = timedelta(seconds=10)


class EventTracker:
    """The campaigns of one watcher as of its last snapshot.

    :param checkpoint: what :meth:`to_json` returned; None if there is none: then the first snapshot yields no
        events
    """

    def __init__(self, subscription: EventFilter, checkpoint: object = None) -> None:
        self._subscription = subscription
        self._campaigns = _read_checkpoint(checkpoint)
        #: Since when campaigns are missing in each snapshot.
        self._missing_since: dict[int, datetime] = {}
        #: Whether the last snapshot differed from the one before.
        self.has_changed = False

    async def update(self, snapshot: Snapshot, requests: SharedRequests) -> list[dict[str, Any]]:
        """Return the events since the last snapshot, as plain JSON values, and keep this one."""
        now = {one: campaign for one, campaign in snapshot.campaigns.items() if self._is_in_group(campaign)}
        before = self._campaigns
        if before is None:
            self._campaigns, self.has_changed = now, True
            return []
        for one in before.keys() & now.keys():
            if before[one] is not now[one]:
                now[one] = now[one].completed(before[one], snapshot.at)
        for one in self._missing_since.keys() & now.keys():
            del self._missing_since[one]
        for one in before.keys() - now.keys():
            if await self._is_deleted(before[one], snapshot, requests):
                del self._missing_since[one]
            else:
                now[one] = before[one]
        self._campaigns, self.has_changed = now, now != before
        return [
            _payload(changed, (now.get(one) or before[one]), snapshot.at)
            for one in sorted(before.keys() | now.keys())
            if before.get(one) != now.get(one)
            for changed in self._events(before.get(one), now.get(one))
        ]

    @property
    def confirm_at(self) -> datetime | None:
        """When the next snapshot is needed, to confirm what the last one showed, UTC; None if it is not."""
        since = min(self._missing_since.values(), default=None)
        return None if since is None else since + CONFIRM_AFTER

    def to_json(self) -> dict[str, Any]:
        """Return the campaigns as plain JSON values, for a checkpoint."""
        return {str(one): campaign.to_json() for one, campaign in (self._campaigns or {}).items()}

    def _events(
        self, before: CampaignSnapshot | None, after: CampaignSnapshot | None
    ) -> Iterator[dict[str, list[Any]]]:
        if not any(campaign is not None and self._matches(campaign) for campaign in (before, after)):
            return
        for event, changed in events_between(before, after):
            if event is self._subscription.event:
                yield changed

    def _is_in_group(self, campaign: CampaignSnapshot) -> bool:
        wanted = self._subscription.dial_group
        return wanted is None or wanted in (campaign.dial_group_id, campaign.dial_group_name)

    def _matches(self, campaign: CampaignSnapshot) -> bool:
        wanted = self._subscription.campaign
        if isinstance(wanted, int):
            return campaign.campaign_id == wanted
        return re.match(translate(wanted), str(campaign.fields["campaignName"] or "")) is not None

    async def _is_deleted(
        self, campaign: CampaignSnapshot, snapshot: Snapshot, requests: SharedRequests
    ) -> bool:
        """Return whether a campaign is missing for good: a list may be behind, or miss a row once."""
        group_id, campaign_id = campaign.dial_group_id, campaign.campaign_id
        if group_id in snapshot.groups and group_id not in snapshot.polled_groups:
            return False
        since = self._missing_since.setdefault(campaign_id, snapshot.at)
        if snapshot.at < since + CONFIRM_AFTER:
            return False
        try:
            await requests.run(iter(get_campaign(group_id, campaign_id)), snapshot.at, urgent=True)
        except (ResourceNotFoundError, PermissionDeniedError, UnexpectedAnswerError):
            # Some servers answer so where there is no such id.
            return True
        except EngageVoiceError:
            return False
        del self._missing_since[campaign_id]
        return False


class EventBatch:
    """The events of one watcher that are still to be sent, at least :data:`MIN_APART` after the last ones.

    :ivar is_unsaved: whether campaigns have changed since they were last saved
    """

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self.is_unsaved = False

    def add(self, events: Iterable[dict[str, Any]], *, has_changed: bool) -> None:
        """Add the events of one snapshot.

        :param has_changed: whether the snapshot differs from the one before
        """
        self._events += events
        self.is_unsaved |= has_changed

    def held_until(self, now: datetime) -> datetime | None:
        """Return when the events may be sent, UTC; None if that is now, or there are none."""
        return self._not_before if self._events and now < self._not_before else None

    def take(self, now: datetime) -> list[dict[str, Any]]:
        """Return the events, and forget them."""
        events, self._events = self._events, []
        if events:
            self._not_before = now + MIN_APART
        self.is_unsaved = False
        return events


def _read_checkpoint(checkpoint: object) -> dict[int, CampaignSnapshot] | None:
    if not isinstance(checkpoint, Mapping):
        return None
    try:
        return {int(one): CampaignSnapshot.from_json(int(one), values) for one, values in checkpoint.items()}
    except (ValueError, TypeError, KeyError):
        return None


def _payload(changed: Mapping[str, list[Any]], campaign: CampaignSnapshot, at: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.fields["campaignName"],
        "dial_group_id": campaign.dial_group_id,
        "dial_group_name": campaign.dial_group_name,
        "start": None if campaign.start is None else campaign.start.isoformat(),
        "end": None if campaign.end is None else campaign.end.isoformat(),
        "is_active": campaign.fields["isActive"],
        "changed": dict(changed),
        "at": at.isoformat(),
    }


def _is_same_date(name: str, before: CampaignSnapshot, after: CampaignSnapshot) -> bool:
    """Return whether a date differs only in its form, or by less than the seconds that servers keep."""
    dates = {"startDate": (before.start, after.start), "endDate": (before.end, after.end)}
    one, other = dates.get(name, (None, None))
    return one is not None and other is not None and abs(other - one) < timedelta(seconds=1)


def events_between(
    before: CampaignSnapshot | None, after: CampaignSnapshot | None
) -> Iterator[tuple[Event, dict[str, list[Any]]]]:
    """Yield each event with the fields that changed, in the order in which the events can have happened.

    The changes map field names to the old and the new value; ``settings`` means all fields except name,
    dates, state and day hours.

    :param before: None if the campaign did not exist
    :param after: None if it no longer exists
    """
    if after is None:
        if before is not None:
            yield Event.DELETED, {}
        return
    if before is None:
        yield Event.CREATED, {}
        if after.is_open:
            yield Event.OPENED, {}
        return
    changed = {
        name: [before.fields[name], value]
        for name, value in after.fields.items()
        if before.fields[name] != value and not _is_same_date(name, before, after)
    }
    state = {name: changed.pop(name) for name in ("isActive",) if name in changed}
    if before.digest != after.digest:
        changed["settings"] = [before.digest, after.digest]
    if changed:
        yield Event.EDITED, changed
    if after.is_active and not before.is_active:
        yield Event.ACTIVATED, state
    # A window may have opened and closed since the last poll.
    was_missed = after.is_over and not before.is_over and before.is_active and after.is_active
    if not before.is_open and (after.is_open or was_missed):
        yield Event.OPENED, {**changed, **state}
    if before.is_active and not after.is_active:
        yield Event.PAUSED, state
    if after.is_over and not before.is_over:
        yield Event.CLOSED, changed
