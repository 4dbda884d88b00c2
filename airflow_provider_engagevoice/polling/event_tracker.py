"""From snapshots to events: what has happened to the campaigns that somebody watches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign
from airflow_provider_engagevoice.exceptions import EngageVoiceError, ResourceNotFoundError
from airflow_provider_engagevoice.polling.event_diff import CampaignSnapshot, events_between
from airflow_provider_engagevoice.polling.event_filter import Event, EventFilter
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.snapshots import Snapshot


class EventTracker:
    """What one watcher has last seen, and may keep.

    :param kept: what :meth:`to_json` returned; None where there is none: the first snapshot is no news then
    """

    def __init__(self, watched: EventFilter, kept: object = None) -> None:
        self._watched = watched
        self._seen = _read(kept)
        #: Whether the last snapshot brought anything new.
        self.has_changed = False

    async def take(self, snapshot: Snapshot, reads: SharedRequests) -> list[dict[str, Any]]:
        """Return the events since the last snapshot, as plain JSON values, and remember this one."""
        now = {one: seen for one, seen in snapshot.campaigns.items() if self._watched.is_in(seen)}
        before = self._seen
        if before is None:
            self._seen, self.has_changed = now, True
            return []
        for campaign_id in before.keys() - now.keys():
            seen = before[campaign_id]
            if not await _is_gone(seen, snapshot, reads):
                now[campaign_id] = seen
        self._seen, self.has_changed = now, now != before
        return [
            _told(event, changed, (now.get(one) or before[one]), snapshot.at)
            for one in sorted(before.keys() | now.keys())
            if before.get(one) != now.get(one)
            for event, changed in self._events(before.get(one), now.get(one))
        ]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {str(one): seen.to_json() for one, seen in (self._seen or {}).items()}

    def _events(
        self, before: CampaignSnapshot | None, after: CampaignSnapshot | None
    ) -> Iterator[tuple[Event, dict[str, list[Any]]]]:
        if not any(seen is not None and self._watched.is_for(seen) for seen in (before, after)):
            return
        for event, changed in events_between(before, after):
            if event is self._watched.event:
                yield event, changed


def _read(kept: object) -> dict[int, CampaignSnapshot] | None:
    if not isinstance(kept, Mapping):
        return None
    try:
        return {int(one): CampaignSnapshot.from_json(int(one), values) for one, values in kept.items()}
    except (ValueError, TypeError, KeyError):
        return None


async def _is_gone(seen: CampaignSnapshot, snapshot: Snapshot, reads: SharedRequests) -> bool:
    """Ask for a campaign that a list lacks: pages of a list that changes meanwhile may miss one."""
    if seen.dial_group_id not in snapshot.groups:
        return True
    if seen.dial_group_id not in snapshot.looked_into:
        return False
    try:
        await reads.run(iter(get_campaign(seen.dial_group_id, seen.campaign_id)), snapshot.at, hurry=True)
    except ResourceNotFoundError:
        return True
    except EngageVoiceError:
        return False
    return False


def _told(
    event: Event, changed: Mapping[str, list[Any]], seen: CampaignSnapshot, at: datetime
) -> dict[str, Any]:
    return {
        "event": event.value,
        "campaign_id": seen.campaign_id,
        "campaign_name": seen.fields["campaignName"],
        "dial_group_id": seen.dial_group_id,
        "dial_group_name": seen.dial_group_name,
        "start": None if seen.start is None else seen.start.isoformat(),
        "end": None if seen.end is None else seen.end.isoformat(),
        "is_active": seen.fields["isActive"],
        "changed": dict(changed),
        "at": at.isoformat(),
    }
