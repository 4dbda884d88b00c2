"""All campaigns of some dial groups, again and again, for everybody who watches them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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

#: What was asked for so shortly before an instant at which a window opens or closes is as good as read then.
_FRESH = timedelta(seconds=5)
#: How long an instant at which a window opens or closes stands back for what people have edited meanwhile.
_PATIENCE_SECONDS = 0.5
_LONGEST_PAUSE = 300.0
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Snapshot:
    """Campaigns as they were at an instant.

    :param at: that instant, UTC
    :param groups: all dial groups of the account: names by id
    :param looked_into: ids of those that were looked into, now or, where time alone was up, before
    :param campaigns: all campaigns in these, by id
    :ivar after: what is to be done once all that follows from this is safe
    """

    at: datetime
    groups: Mapping[int, str]
    looked_into: frozenset[int]
    campaigns: Mapping[int, CampaignSnapshot]
    after: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class SnapshotStream:
    """Snapshots: every so often, at each instant at which a window opens or closes, and when somebody comes.

    :param interval: longest time between two looks, in seconds
    """

    def __init__(self, reads: SharedRequests, interval: float) -> None:
        self._reads = reads
        self._interval = timedelta(seconds=interval)
        self._wanted: Counter[int | str | None] = Counter()
        self._alarm = Timer()
        self._last: Snapshot | None = None
        #: When what is known of a dial group was asked for.
        self._asked_at: dict[int, datetime] = {}
        self._look_at = _NEVER
        self._boundary = _NEVER

    @contextmanager
    def watching(self, dial_group: int | str | None) -> Iterator[None]:
        """Look into a dial group, by id or name, or into all of them, inside the ``with`` block."""
        self._wanted[dial_group] += 1
        self._look_at = clock.now()
        self._alarm.ring()
        try:
            yield
        finally:
            self._wanted[dial_group] -= 1
            if not self._wanted[dial_group]:
                del self._wanted[dial_group]

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield them for ever; what fails is logged and tried again."""
        failures = 0
        while True:
            await self._alarm.wait(min(self._look_at, self._boundary) if self._wanted else None)
            now = clock.now()
            if not self._wanted or now < min(self._look_at, self._boundary):
                continue
            try:
                snapshot = await (self._look(now) if now >= self._look_at else self._look_in_time(now))
            except EngageVoiceError as error:
                failures += 1
                pause = pause_after(failures, _LONGEST_PAUSE)
                log.warning("look %d in a row failed: %s; next in %.0f s", failures, error, pause)
                self._look_at = self._boundary = now + timedelta(seconds=pause)
                continue
            failures = 0
            self._last = snapshot
            instants = (seen.changes_at(snapshot.at) for seen in snapshot.campaigns.values())
            self._boundary = min((one for one in instants if one is not None), default=_NEVER)
            yield snapshot

    async def _look(self, now: datetime) -> Snapshot:
        self._look_at = now + self._interval
        groups = await self._reads.run(list_dial_groups(), now)
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
        return await self._read(names, ids, None, now, hurry=False)

    async def _look_in_time(self, now: datetime) -> Snapshot:
        """Look at what opens or closes, or soon say what is so by now if nobody has edited anything."""
        last = self._last
        assert last is not None, "a boundary comes from a snapshot"
        changing = {
            seen.dial_group_id
            for seen in last.campaigns.values()
            if (instant := seen.changes_at(last.at)) is not None and instant <= now
        }
        ids = [one for one in changing if self._asked_at[one] < now - _FRESH]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._read(last.groups, ids, last, now, hurry=True)
        except (TimeoutError, EngageVoiceError):
            # Who looks at the same dial groups next need not wait in vain as well.
            self._asked_at |= dict.fromkeys(ids, now)
        return await self._read(last.groups, [], last, now, hurry=False)

    async def _read(
        self,
        names: Mapping[int, str],
        ids: Collection[int],
        last: Snapshot | None,
        now: datetime,
        *,
        hurry: bool,
    ) -> Snapshot:
        """Read the campaigns of some dial groups; those in others are as in ``last``."""
        lists = await asyncio.gather(*(self._campaigns(one, now, hurry=hurry) for one in ids))
        known = {} if self._last is None else self._last.campaigns
        at = clock.now()
        campaigns: dict[int, CampaignSnapshot] = {}
        looked_into = frozenset(ids)
        if last is not None:
            looked_into |= last.looked_into
            others = last.campaigns.items()
            campaigns |= {one: seen.at(at) for one, seen in others if seen.dial_group_id not in ids}
        for group_id, found in zip(ids, lists, strict=True):
            self._asked_at[group_id] = now
            for campaign in found:
                seen = CampaignSnapshot.of(campaign, group_id, names[group_id], at)
                # One object for what has not changed, so that comparing takes no time.
                old = known.get(seen.campaign_id)
                campaigns[seen.campaign_id] = old if old is not None and old == seen else seen
            await asyncio.sleep(0)
        return Snapshot(at, names, looked_into, campaigns)

    async def _campaigns(self, group_id: int, now: datetime, *, hurry: bool) -> list[Campaign]:
        try:
            return await self._reads.run(list_campaigns(group_id), now, hurry=hurry)
        except ResourceNotFoundError:
            return []
