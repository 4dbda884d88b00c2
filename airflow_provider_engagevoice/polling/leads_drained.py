"""Wait until a campaign has no leads left to call."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_outbound_statistics
from airflow_provider_engagevoice.client.endpoints.leads import count_leads
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import AmbiguousNameError, EngageVoiceError, NotFoundError
from airflow_provider_engagevoice.models.lead_search import READY, UNDIALED
from airflow_provider_engagevoice.models.real_time import OutboundStatistics
from airflow_provider_engagevoice.polling.awaited import (
    CONFIRM_AFTER,
    Awaited,
    Missing,
    find_awaited,
    may_poll_again,
)
from airflow_provider_engagevoice.polling.shared import FairYield, SharedRequests, Timer
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, pause_after

log = logging.getLogger(__name__)

#: Seconds. The vendor asks for 10 to 30 between two reads of the real-time statistics.
SHORTEST_INTERVAL = 10.0
_NEVER = datetime.max.replace(tzinfo=UTC)


class CountBy(StrEnum):
    """How the leads left to call are counted."""

    SEARCH = "search"
    STATISTICS = "statistics"


def interval_of(poke_interval: float) -> timedelta:
    """Return the longest time between two polls, at least ten seconds."""
    return timedelta(seconds=max(float(poke_interval), SHORTEST_INTERVAL))


@dataclass(frozen=True, slots=True)
class DrainedPoll:
    """The result of a poll.

    :param left: number of leads READY or PENDING
    :param unreachable: the campaign's dates are over and leads are READY: they will not be called
    :param ends: end of its dates, UTC; None if the server's value is not readable
    """

    dial_group_id: int
    campaign_id: int
    left: int
    unreachable: bool
    ends: datetime | None

    @property
    def reached(self) -> bool:
        """Whether no lead is left."""
        return self.left == 0

    def __str__(self) -> str:
        if self.reached:
            return f"campaign {self.campaign_id}: no leads left to call"
        text = f"campaign {self.campaign_id}: leads left to call: {self.left}"
        if self.unreachable:
            return f"{text}; its dates are over (end: {self.ends}): extend them, or cancel or move the leads"
        return text


def poll_leads_drained(awaited: Awaited, count_by: CountBy) -> Procedure[DrainedPoll]:
    """Read a campaign and count its leads left to call.

    A count of zero is always confirmed by a search: real-time statistics may be older than the last load.

    :raises NotFoundError: if the campaign is not there, by this one poll
    :raises AmbiguousNameError: if several have its name, by this one poll
    """
    found = yield from find_awaited(awaited)
    ids = {"campaignIds": [found.campaign_id]}
    left = 0
    if count_by is CountBy.STATISTICS:
        left = (yield from _count_by_statistics()).get(found.campaign_id, 0)
    if not left:
        left = yield from count_leads({**ids, **UNDIALED})
    ends = found.campaign.end
    unreachable = False
    if left and ends is not None and clock.now() >= ends:
        # Calls in progress at the end may still complete.
        unreachable = (yield from count_leads({**ids, **READY})) > 0
    return DrainedPoll(found.dial_group_id, found.campaign_id, left, unreachable, ends)


def _count_by_statistics() -> Procedure[Mapping[int | str, int]]:
    rows = yield from replace(list_outbound_statistics(), read=_readable_rows)
    return {row.campaignId: row.undialed for row in rows}


def _readable_rows(data: Any) -> list[OutboundStatistics]:
    """Return the rows that can be read: a campaign without one is counted by a search."""
    if not isinstance(data, list):
        raise TypeError("expected a JSON array of campaigns")
    rows = []
    for row in data:
        with suppress(ValueError, TypeError):
            rows.append(OutboundStatistics.from_server(row))
    return rows


def _count_by_search(campaign_id: int) -> Procedure[Mapping[int | str, int]]:
    count = yield from count_leads({"campaignIds": [campaign_id], **UNDIALED})
    return {campaign_id: count}


@dataclass(slots=True, eq=False)
class DrainedWait:
    """One wait for a campaign without leads left to call.

    :param awaited: the campaign
    :param poke_interval: longest time between two polls, in seconds
    :param deadline: when it times out, UTC
    :param poll_at: when its first poll is due, UTC
    :param ends: end of the campaign's dates, UTC, as last read; the campaign is read again then
    :ivar joined_at: when polling on its behalf began, UTC: earlier responses are not used
    :ivar update: how many leads are left, or why the count failed; None once it has been processed
    :ivar missing: what the last polls have found if not one campaign
    """

    awaited: Awaited
    count_by: CountBy
    poke_interval: float
    deadline: datetime
    poll_at: datetime
    ends: datetime | None
    joined_at: datetime = field(default_factory=clock.now)
    timer: Timer = field(default_factory=Timer)
    update: int | Exception | None = None
    failures: int = 0
    missing: Missing = field(default_factory=Missing)

    @property
    def is_shared(self) -> bool:
        """Whether a count that it shares with other waits is about its campaign, whatever has changed."""
        return isinstance(self.awaited.campaign, int) and isinstance(self.awaited.dial_group, int)

    @property
    def own_poll_at(self) -> datetime | None:
        """When it is to poll by itself, UTC; None if it is not."""
        if self.missing.confirm_at is not None:
            return min(self.poll_at, self.missing.confirm_at)
        return None if self.is_shared else self.poll_at

    def publish(self, update: int | Exception) -> None:
        """Replace the last update and wake the wait."""
        self.update = update
        self.timer.wake()


class DrainedPollers:
    """The waits of one event loop on one connection. Those by statistics share one request at a time."""

    def __init__(self, requests: SharedRequests, fair_yield: FairYield) -> None:
        self._requests = requests
        self._fair_yield = fair_yield
        self._pollers: dict[int | None, _LeadsPoller] = {}

    @contextmanager
    def polling_for(self, wait: DrainedWait) -> Iterator[None]:
        """Poll on behalf of ``wait`` inside the ``with`` block."""
        if not wait.is_shared:
            yield
            return
        key = None if wait.count_by is CountBy.STATISTICS else int(wait.awaited.campaign)
        poller = self._pollers.get(key)
        if poller is None or poller.has_failed:
            poller = self._pollers[key] = _LeadsPoller(key, self._requests, self._fair_yield)
        poller.add(wait)
        try:
            yield
        finally:
            poller.remove(wait)
            if poller.is_empty() and self._pollers.get(key) is poller:
                del self._pollers[key]
                poller.stop()

    async def next_poll(self, wait: DrainedWait) -> DrainedPoll | str | None:
        """Return the next poll, the description of a failed one, or None at the deadline.

        :raises NotFoundError: if two polls found no such campaign
        :raises AmbiguousNameError: if two polls found several of its name
        :raises EngageVoiceError: if a failure is not retryable, or too many occur in a row
        """
        while wait.update is None:
            now, own = clock.now(), wait.own_poll_at
            if now >= wait.deadline:
                return None
            if own is not None and now >= own:
                break
            await wait.timer.wait(wait.deadline if own is None else min(own, wait.deadline))
        update, wait.update = wait.update, None
        polled_at = clock.now()
        if not wait.is_shared:
            wait.poll_at = polled_at + interval_of(wait.poke_interval)
        try:
            if isinstance(update, Exception):
                raise update
            poll = await self._judge(wait, update, polled_at)
        except (NotFoundError, AmbiguousNameError) as error:
            return _missing(wait, error, polled_at)
        except EngageVoiceError as error:
            wait.failures += 1
            if not may_poll_again(error) or wait.failures > FAILURE_BUDGET:
                raise
            pause = pause_after(wait.failures, interval_of(wait.poke_interval).total_seconds())
            wait.poll_at = min(wait.poll_at, clock.now() + interval_of(pause))
            return f"poll {wait.failures} in a row failed: {error}"
        wait.failures = 0
        wait.missing.clear()
        return poll

    async def _judge(self, wait: DrainedWait, left: int | None, now: datetime) -> DrainedPoll:
        """Judge a wait by the count of a shared poll; None: poll for it alone."""
        campaign_id, group_id = wait.awaited
        if (
            left
            and isinstance(campaign_id, int)
            and isinstance(group_id, int)
            and (wait.ends is None or now < wait.ends)
        ):
            return DrainedPoll(group_id, campaign_id, left, False, wait.ends)
        count_by = CountBy.SEARCH if wait.is_shared else wait.count_by
        poll = await self._requests.run(poll_leads_drained(wait.awaited, count_by), now)
        wait.ends = poll.ends
        return poll


def _missing(wait: DrainedWait, error: EngageVoiceError, polled_at: datetime) -> str:
    """Return a remark on a campaign that is missing, or not the only one of its name, the first time.

    :raises EngageVoiceError: if it was so before
    """
    wait.failures = 0
    if wait.missing.is_confirmed(error, polled_at):
        raise error
    return f"{error}; checking again in {CONFIRM_AFTER.total_seconds():.0f} s"


class _LeadsPoller:
    """The polls that several waits share, at the shortest ``poke_interval`` among them.

    :param campaign_id: campaign whose leads are counted; None reads the statistics of all campaigns
    """

    def __init__(self, campaign_id: int | None, requests: SharedRequests, fair_yield: FairYield) -> None:
        self._campaign_id = campaign_id
        self._requests = requests
        self._fair_yield = fair_yield
        self._waits: set[DrainedWait] = set()
        self._poll_at = _NEVER
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._failures = 0
        #: Whether it has stopped on an unexpected error.
        self.has_failed = False
        self._timer = Timer()
        # In a separate context: its log records do not belong to a single wait.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, wait: DrainedWait) -> None:
        """Start polling on behalf of ``wait``."""
        wait.joined_at = clock.now()
        self._waits.add(wait)
        if wait.poll_at < self._poll_at:
            self._poll_at = wait.poll_at
            self._timer.wake()

    def remove(self, wait: DrainedWait) -> None:
        """Stop polling on behalf of ``wait``."""
        self._waits.discard(wait)

    def is_empty(self) -> bool:
        """Return whether there are no waits."""
        return not self._waits

    def stop(self) -> None:
        """Cancel everything in flight."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._timer.wait(max(self._poll_at, self._not_before))
                if clock.now() >= max(self._poll_at, self._not_before):
                    await self._poll()
        except Exception as error:  # whatever it is, no wait may be left without an end
            self.has_failed = True
            log.exception("polling for leads left to call has failed")
            await self._publish(dict.fromkeys(self._waits, error))

    async def _poll(self) -> None:
        procedure = (
            _count_by_statistics() if self._campaign_id is None else _count_by_search(self._campaign_id)
        )
        try:
            left, polled_at = await self._requests.run_dated(procedure, clock.now())
        except EngageVoiceError as error:
            await self._handle_failure(error)
            return
        self._failures = 0
        self._not_before = polled_at + interval_of(0)
        updates: dict[DrainedWait, int | Exception] = {}
        for wait in self._waits:
            if wait.joined_at <= polled_at:
                updates[wait] = left.get(wait.awaited.campaign, 0)
                wait.poll_at = polled_at + interval_of(wait.poke_interval)
        self._poll_at = min((wait.poll_at for wait in self._waits), default=_NEVER)
        await self._publish(updates)

    async def _handle_failure(self, error: EngageVoiceError) -> None:
        self._failures += 1
        longest = min((interval_of(wait.poke_interval) for wait in self._waits), default=interval_of(0))
        pause = interval_of(pause_after(self._failures, longest.total_seconds()))
        self._not_before = clock.now() + pause
        await self._publish(dict.fromkeys(self._waits, error))

    async def _publish(self, updates: Mapping[DrainedWait, int | Exception]) -> None:
        for wait, update in updates.items():
            await self._fair_yield.before_update()
            wait.publish(update)
