"""All pollers of one event loop on one connection."""

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
from airflow_provider_engagevoice.polling.dial_group_poller import DialGroupPoller
from airflow_provider_engagevoice.polling.leads_drained import DrainedPollers
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.snapshots import SnapshotStream
from airflow_provider_engagevoice.polling.timers import FairYield, Timer
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, WindowWait, pause_after

_MAX_PAUSE = 60.0


class PollerHub:
    """Waits that share their requests; those in one dial group share their polls.

    :param connect: opens a client with the current connection
    :ivar requests: read requests shared by everything on the event loop
    :ivar drained: the waits for campaigns without leads left to call
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncEngageVoiceClient]]) -> None:
        self.requests = SharedRequests(connect)
        self._fair_yield = FairYield()
        self.drained = DrainedPollers(self.requests, self._fair_yield)
        self._dial_groups: dict[int, DialGroupPoller] = {}
        self._streams: dict[float, SnapshotStream] = {}

    async def locate(
        self,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None,
        deadline: datetime,
        warn: Callable[[str], None],
    ) -> tuple[int, int] | None:
        """Return the ids of the dial group and the campaign that a reference means; None at the deadline.

        :param warn: is called with each failure that is retried
        :raises NotFoundError: with the nearest names
        :raises EngageVoiceError: if a failure is not retryable, or too many occur in a row
        """
        timer = Timer()
        for failures in count(1):
            now = clock.now()
            if now >= deadline:
                break
            try:
                return await self.requests.run(locate_campaign(campaign, dial_group), now)
            except EngageVoiceError as error:
                if not error.retryable or failures > FAILURE_BUDGET:
                    raise
                pause = pause_after(failures, _MAX_PAUSE)
                warn(f"poll {failures} in a row failed: {error}; next in {pause:.0f} s")
                await timer.wait(min(deadline, now + timedelta(seconds=pause)))
        return None

    def stream(self, interval: float) -> SnapshotStream:
        """Return the stream of snapshots shared by all watchers with this interval.

        :param interval: longest time between two polls, in seconds
        """
        if interval not in self._streams:
            self._streams[interval] = SnapshotStream(self.requests, interval)
        return self._streams[interval]

    @contextmanager
    def polling_for(self, wait: WindowWait, dial_group_id: int) -> Iterator[None]:
        """Poll on behalf of ``wait`` inside the ``with`` block."""
        poller = self._dial_groups.get(dial_group_id)
        if poller is None or poller.has_failed:
            poller = DialGroupPoller(dial_group_id, self.requests, self._fair_yield)
            self._dial_groups[dial_group_id] = poller
        poller.add(wait)
        try:
            yield
        finally:
            poller.remove(wait)
            if poller.is_empty() and self._dial_groups.get(dial_group_id) is poller:
                del self._dial_groups[dial_group_id]
                poller.stop()

    async def close(self) -> None:
        """Close the client, once there are no waits left."""
        await self.requests.close()
