"""The waits of one event loop on one connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    locate_campaign,
)
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.polling.dial_group_poller import GroupPoll
from airflow_provider_engagevoice.polling.leads_drained import DrainedPollers
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.snapshots import SnapshotStream
from airflow_provider_engagevoice.polling.timers import FairYield, Timer
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, WindowWait, pause_after

_LONGEST_PAUSE = 60.0


class PollerHub:
    """Waits that share their reads; those in one dial group share their looks.

    :param connect: opens a client, by the connection as it is now
    :ivar reads: reads that anybody on the event loop may share
    :ivar drains: the waits for campaigns without leads left
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncEngageVoiceClient]]) -> None:
        self.reads = SharedRequests(connect)
        self._turnstile = FairYield()
        self.drains = DrainedPollers(self.reads, self._turnstile)
        self._groups: dict[int, GroupPoll] = {}
        self._streams: dict[float, SnapshotStream] = {}

    async def locate(
        self,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None,
        deadline: datetime,
        warn: Callable[[str], None],
    ) -> tuple[int, int] | None:
        """Return the ids of the dial group and the campaign that a reference means, None at the deadline.

        :param warn: is told of each failure that is followed by another try
        :raises NotFoundError: with the nearest names
        :raises EngageVoiceError: when asking has failed for good
        """
        alarm = Timer()
        for failures in count(1):
            now = clock.now()
            if now >= deadline:
                break
            try:
                return await self.reads.run(locate_campaign(campaign, dial_group), now)
            except EngageVoiceError as error:
                if not error.retryable or failures > FAILURE_BUDGET:
                    raise
                pause = pause_after(failures, _LONGEST_PAUSE)
                warn(f"look {failures} in a row failed: {error}; next in {pause:.0f} s")
                await alarm.wait(min(deadline, now + timedelta(seconds=pause)))
        return None

    def stream(self, interval: float) -> SnapshotStream:
        """Return the stream of snapshots of everybody who looks so often.

        :param interval: longest time between two looks, in seconds
        """
        if interval not in self._streams:
            self._streams[interval] = SnapshotStream(self.reads, interval)
        return self._streams[interval]

    @contextmanager
    def looking_for(self, wait: WindowWait, dial_group_id: int) -> Iterator[None]:
        """Look on behalf of ``wait``, inside the ``with`` block."""
        group = self._groups.get(dial_group_id)
        if group is None or group.has_failed:
            group = self._groups[dial_group_id] = GroupPoll(dial_group_id, self.reads, self._turnstile)
        group.add(wait)
        try:
            yield
        finally:
            group.remove(wait)
            if group.is_empty() and self._groups.get(dial_group_id) is group:
                del self._groups[dial_group_id]
                group.stop()

    async def close(self) -> None:
        """Close the client, once nobody waits any more."""
        await self.reads.close()
