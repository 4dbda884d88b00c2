"""Poll all campaigns of some dial groups, for every watcher of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns, list_dial_groups
from airflow_provider_engagevoice.exceptions import EngageVoiceError, ResourceNotFoundError, nearest
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.polling.event_diff import CampaignSnapshot
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.timers import Timer
from airflow_provider_engagevoice.polling.window_poll import pause_after

log = logging.getLogger(__name__)

#: A response this old is still fresh when a window opens or closes.
_FRESH = timedelta(seconds=5)
#: When a window opens or closes, wait this long for a poll that would show recent edits.
_PATIENCE_SECONDS = 0.5
_MAX_PAUSE = 300.0
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Snapshot:
    """Campaigns as of an instant.

    :param at: that instant, UTC
    :param groups: all dial groups of the account: names by id
    :param polled_groups: ids of those whose campaigns were listed, now or in the snapshot before
    :param campaigns: all campaigns in these, by id
    :ivar on_stored: callbacks for when all events that follow from this snapshot are stored
    """

    at: datetime
    groups: Mapping[int, str]
    polled_groups: frozenset[int]
    campaigns: Mapping[int, CampaignSnapshot]
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class SnapshotStream:
    """Take snapshots at an interval, whenever a window opens or closes, and for each new subscriber.

    :param interval: longest time between two polls, in seconds; None: the connection's ``watch_interval``
    """

    def __init__(self, requests: SharedRequests, interval: float | None = None) -> None:
        self._requests = requests
        self._interval = interval
        self._wanted: Counter[int | str | None] = Counter()
        self._timer = Timer()
        self._last: Snapshot | None = None
        #: When the campaigns of a dial group were last requested.
        self._polled_at: dict[int, datetime] = {}
        self._poll_at = _NEVER
        self._boundary = _NEVER
        self._repeat_at = _NEVER

    @contextmanager
    def subscribe(self, dial_group: int | str | None) -> Iterator[None]:
        """Poll a dial group, by id or name, or all of them, inside the ``with`` block."""
        self._wanted[dial_group] += 1
        self._poll_at = clock.now()
        self._timer.wake()
        try:
            yield
        finally:
            self._wanted[dial_group] -= 1
            if not self._wanted[dial_group]:
                del self._wanted[dial_group]

    def poll_by(self, instant: datetime) -> None:
        """Take a snapshot at that instant, UTC, at the latest."""
        if instant < self._poll_at:
            self._poll_at = instant
            self._timer.wake()

    def repeat_by(self, instant: datetime) -> None:
        """Yield a snapshot at that instant, UTC, at the latest: the last one if no poll is due."""
        if instant < self._repeat_at:
            self._repeat_at = instant
            self._timer.wake()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield snapshots forever; log failed polls and retry."""
        failures = 0
        while True:
            due_at = min(self._poll_at, self._boundary, self._repeat_at)
            await self._timer.wait(due_at if self._wanted else None)
            now = clock.now()
            if not self._wanted or now < min(self._poll_at, self._boundary, self._repeat_at):
                continue
            if now >= self._repeat_at:
                self._repeat_at = _NEVER
                if self._last is not None and now < min(self._poll_at, self._boundary):
                    yield replace(self._last, on_stored=[])
                    continue
            try:
                snapshot = await (self._poll(now) if now >= self._poll_at else self._poll_at_boundary(now))
            except EngageVoiceError as error:
                failures += 1
                pause = pause_after(failures, _MAX_PAUSE)
                log.warning("poll %d in a row failed: %s; next in %.0f s", failures, error, pause)
                self._poll_at = self._boundary = now + timedelta(seconds=pause)
                continue
            failures = 0
            self._last = snapshot
            instants = (campaign.changes_at(snapshot.at) for campaign in snapshot.campaigns.values())
            self._boundary = min((one for one in instants if one is not None), default=_NEVER)
            yield snapshot

    async def _poll(self, now: datetime) -> Snapshot:
        interval = self._interval
        if interval is None:
            interval = (await self._requests.settings()).watch_interval
        self._poll_at = now + timedelta(seconds=interval)
        groups = await self._requests.run(list_dial_groups(), now)
        names = {group.dialGroupId: group.dialGroupName for group in groups}
        for wanted in self._wanted:
            if wanted is not None and wanted not in names and wanted not in names.values():
                hint = nearest(str(wanted), names.values())
                log.warning("there is no dial group %r to watch%s", wanted, hint)
        ids = [
            one
            for one, name in names.items()
            if None in self._wanted or one in self._wanted or name in self._wanted
        ]
        return await self._read(names, ids, None, now, urgent=False)

    async def _poll_at_boundary(self, now: datetime) -> Snapshot:
        """Poll the groups whose windows open or close; if that is slow, assume that nothing was edited."""
        last = self._last
        assert last is not None, "a boundary comes from a snapshot"
        changing = {
            campaign.dial_group_id
            for campaign in last.campaigns.values()
            if (instant := campaign.changes_at(last.at)) is not None and instant <= now
        }
        ids = [one for one in changing if self._polled_at[one] < now - _FRESH]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._read(last.groups, ids, last, now, urgent=True)
        except (TimeoutError, EngageVoiceError):
            # The next boundary in the same dial groups need not wait in vain as well.
            self._polled_at |= dict.fromkeys(ids, now)
        return await self._read(last.groups, [], last, now, urgent=False)

    async def _read(
        self,
        names: Mapping[int, str],
        ids: Collection[int],
        last: Snapshot | None,
        now: datetime,
        *,
        urgent: bool,
    ) -> Snapshot:
        """Read the campaigns of some dial groups; those of other groups are taken from ``last``."""
        lists = await asyncio.gather(*(self._campaigns(one, now, urgent=urgent) for one in ids))
        known = {} if self._last is None else self._last.campaigns
        at = clock.now()
        campaigns: dict[int, CampaignSnapshot] = {}
        polled_groups = frozenset(ids)
        if last is not None:
            polled_groups |= last.polled_groups
            others = last.campaigns.items()
            campaigns |= {one: other.at(at) for one, other in others if other.dial_group_id not in ids}
        for group_id, listed in zip(ids, lists, strict=True):
            self._polled_at[group_id] = now
            for campaign in listed:
                new = CampaignSnapshot.of(campaign, group_id, names[group_id], at)
                old = known.get(new.campaign_id)
                if old is not None:
                    new = new.completed(old, at)
                # Unchanged campaigns keep their object, so that comparing them takes no time.
                campaigns[new.campaign_id] = old if old is not None and old == new else new
            await asyncio.sleep(0)
        return Snapshot(at, names, polled_groups, campaigns)

    async def _campaigns(self, group_id: int, now: datetime, *, urgent: bool) -> list[Campaign]:
        try:
            return await self._requests.run(list_campaigns(group_id), now, urgent=urgent)
        except ResourceNotFoundError:
            return []
