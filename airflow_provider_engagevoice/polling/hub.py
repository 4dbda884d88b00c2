"""All pollers of one event loop on one connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.polling.dial_group_poller import DialGroupPoller
from airflow_provider_engagevoice.polling.leads_drained import DrainedPollers
from airflow_provider_engagevoice.polling.shared import FairYield, SharedRequests
from airflow_provider_engagevoice.polling.snapshots import SnapshotStream
from airflow_provider_engagevoice.polling.window_poll import WindowWait


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
        self._dial_groups: dict[int | str | None, DialGroupPoller] = {}
        self._streams: dict[float | None, SnapshotStream] = {}

    def stream(self, interval: float | None = None) -> SnapshotStream:
        """Return the stream of snapshots shared by all watchers with this interval.

        :param interval: longest time between two polls, in seconds; None: the connection's ``watch_interval``
        """
        if interval not in self._streams:
            self._streams[interval] = SnapshotStream(self.requests, interval)
        return self._streams[interval]

    @contextmanager
    def polling_for(self, wait: WindowWait, dial_group: int | str | None) -> Iterator[None]:
        """Poll on behalf of ``wait`` inside the ``with`` block.

        :param dial_group: id or exact name of the campaign's dial group; None for any
        """
        poller = self._dial_groups.get(dial_group)
        if poller is None or poller.has_failed:
            poller = DialGroupPoller(dial_group, self.requests, self._fair_yield)
            self._dial_groups[dial_group] = poller
        poller.add(wait)
        try:
            yield
        finally:
            poller.remove(wait)
            if poller.is_empty() and self._dial_groups.get(dial_group) is poller:
                del self._dial_groups[dial_group]
                poller.stop()

    async def close(self) -> None:
        """Close the client, once there are no waits left."""
        await self.requests.close()
