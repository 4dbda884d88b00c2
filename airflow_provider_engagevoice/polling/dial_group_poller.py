"""Poll the campaigns of one dial group on behalf of every wait in it."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, count

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import find_campaign
from airflow_provider_engagevoice.exceptions import EngageVoiceError, NotFoundError, ResourceNotFoundError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.timers import FairYield, Timer
from airflow_provider_engagevoice.polling.window_poll import (
    FAILURE_BUDGET,
    WindowPoll,
    WindowWait,
    pause_after,
)
from airflow_provider_engagevoice.polling.windows import CampaignTimes, judge

log = logging.getLogger(__name__)

#: A response this old is still fresh at an instant at which a verdict changes.
_FRESH = timedelta(seconds=5)
#: A poll is sent ahead of such an instant, by between these shares of that time: polls of many dial groups
#: whose windows open together are spread out, and all are answered before the instant.
_MIN_LEAD, _MAX_LEAD = 0.1, 0.5
#: How long a wait whose instant has passed waits for a poll that is still in flight, before it uses the last
#: response.
_PATIENCE = timedelta(seconds=0.5)
#: A first poll is sent this long before it is due.
_AHEAD = timedelta(seconds=60)
#: Shorter intervals count as one second, because of the account's rate limits.
_MIN_INTERVAL = 1.0
#: Stale heap entries that are kept before the heap is rebuilt.
_MAX_STALE = 64
_GOLDEN = (5**0.5 - 1) / 2
_NEVER = datetime.max.replace(tzinfo=UTC)


class DialGroupPoller:
    """The waits in one dial group and the polls they share.

    A poll is sent when the shortest ``poke_interval`` among the waits has elapsed, and shortly before each
    instant at which time alone may change a verdict. No wait uses a response older than its own
    ``poke_interval``.

    :param fair_yield: shared by all pollers of the event loop
    """

    def __init__(self, dial_group_id: int, requests: SharedRequests, fair_yield: FairYield) -> None:
        self._id = dial_group_id
        self._requests = requests
        self._fair_yield = fair_yield
        #: Between 0 and 1, evenly distributed over consecutive ids of dial groups.
        self._share = dial_group_id * _GOLDEN % 1
        self._waits: dict[int, set[WindowWait]] = {}
        self._intervals: Counter[float] = Counter()
        self._times: dict[int, CampaignTimes] = {}
        #: When time may change a wait's verdict, and when the wait times out: heaps, earliest first.
        self._changes: list[tuple[datetime, int, WindowWait]] = []
        self._deadlines: list[tuple[datetime, int, WindowWait]] = []
        self._order = count()
        #: Waits whose verdict may have changed, and since when that is known.
        self._due: dict[WindowWait, datetime] = {}
        self._polled_at: datetime | None = None
        self._poll_at = _NEVER
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._failures = 0
        #: Whether it has stopped on an unexpected error.
        self.has_failed = False
        self._request: asyncio.Task[tuple[list[Campaign], datetime]] | None = None
        self._is_urgent = False
        self._confirming: dict[int, asyncio.Task[None]] = {}
        self._timer = Timer()
        # In a separate context: its log records do not belong to a single wait.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, wait: WindowWait) -> None:
        """Start polling on behalf of ``wait``."""
        wait.joined_at = clock.now()
        self._waits.setdefault(wait.campaign_id, set()).add(wait)
        self._intervals[wait.poke_interval] += 1
        self._push(self._deadlines, wait.deadline, wait)
        self._poll_at = min(self._poll_at, _first_poll_at(wait))
        self._timer.wake()

    def remove(self, wait: WindowWait) -> None:
        """Stop polling on behalf of ``wait``."""
        waits = self._waits.get(wait.campaign_id)
        if waits is None or wait not in waits:
            return
        waits.remove(wait)
        if not waits:
            del self._waits[wait.campaign_id]
            self._times.pop(wait.campaign_id, None)
        self._due.pop(wait, None)
        self._intervals[wait.poke_interval] -= 1
        if not self._intervals[wait.poke_interval]:
            del self._intervals[wait.poke_interval]
        for heap in (self._changes, self._deadlines):
            if len(heap) > 4 * self._intervals.total() + _MAX_STALE:
                # Deadlines of waits that ended long ago may be weeks ahead.
                heap[:] = [entry for entry in heap if self._has(entry[2])]
                heapq.heapify(heap)

    def _has(self, wait: WindowWait) -> bool:
        return wait in self._waits.get(wait.campaign_id, ())

    def is_empty(self) -> bool:
        """Return whether there are no waits."""
        return not self._waits

    def stop(self) -> None:
        """Cancel everything in flight."""
        for task in [self._task, self._request, *self._confirming.values()]:
            if task is not None:
                task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._timer.wait(self._next_wake())
                if self._request is not None and self._request.done():
                    await self._process_response()
                now = clock.now()
                self._collect_due(now)
                await self._judge_due(now)
                self._send_poll(now)
        except Exception as error:  # whatever it is, no wait may be left without an end
            self.has_failed = True
            log.exception("polling dial group %d has failed", self._id)
            self._end_all(error)

    def _next_wake(self) -> datetime:
        """Return when there is something to do, unless the timer is woken."""
        instants = [since + _PATIENCE for since in self._due.values()]
        instants = [instant for instant in instants if instant > clock.now()]
        instants += [heap[0][0] for heap in (self._changes, self._deadlines) if heap]
        if self._request is None:
            instants.append(max(self._not_before, self._next_poll_at()))
        return min(instants, default=_NEVER)

    def _next_poll_at(self) -> datetime:
        return min([self._poll_at, self._ahead_of_a_change(), *self._due.values()])

    def _ahead_of_a_change(self) -> datetime:
        """Return when to poll so that the response is fresh at the next change of a verdict."""
        while self._changes and not self._is_current(*self._changes[0]):
            heapq.heappop(self._changes)
        if not self._changes or self._polled_at is None:
            return _NEVER
        instant, _, wait = self._changes[0]
        fresh = _fresh_for(wait)
        if instant <= self._polled_at + fresh:
            return _NEVER
        return instant - (_MIN_LEAD + (_MAX_LEAD - _MIN_LEAD) * self._share) * fresh

    def _is_current(self, instant: datetime, _: int, wait: WindowWait) -> bool:
        return self._has(wait) and wait.verdict is not None and wait.verdict.changes_at == instant

    def _collect_due(self, now: datetime) -> None:
        """End the waits that time out, and collect those whose verdict may change by now."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, wait = heapq.heappop(self._deadlines)
            if self._has(wait):
                wait.publish(None)
                self.remove(wait)
        while self._changes and self._changes[0][0] <= now:
            change = heapq.heappop(self._changes)
            if self._is_current(*change):
                self._due.setdefault(change[2], now)

    async def _judge_due(self, now: datetime) -> None:
        """Judge due waits by the last response, if it is fresh or the next one is late."""
        if self._polled_at is None:
            return
        for wait, since in list(self._due.items()):
            is_late = now >= since + _PATIENCE and self._polled_at >= since - _interval_of(wait)
            if is_late or self._polled_at >= since - _fresh_for(wait):
                await self._fair_yield.before_update()
                if wait in self._due:
                    self._judge(wait, self._times[wait.campaign_id], now)

    def _send_poll(self, now: datetime) -> None:
        """Send a poll if one is due."""
        if not self._waits or now < max(self._not_before, self._next_poll_at()):
            return
        urgent = bool(self._due) or now >= self._ahead_of_a_change()
        if self._request is not None:
            if self._is_urgent or not urgent:
                return
            # The same request is shared, and urgent from now on.
            self._request.cancel()
        self._is_urgent = urgent
        wanted = frozenset(self._waits)
        procedure = list_campaigns(self._id, lambda rows: wanted <= rows.keys())
        request = self._requests.run_dated(procedure, now, urgent=urgent)
        self._request = asyncio.get_running_loop().create_task(request)
        self._request.add_done_callback(lambda _: self._timer.wake())

    async def _process_response(self) -> None:
        """Process the response and drop it: campaigns take much more memory than waits."""
        assert self._request is not None
        request, self._request = self._request, None
        try:
            campaigns, polled_at = await request
        except ResourceNotFoundError:
            for campaign_id in list(self._waits):
                self._end_deleted(campaign_id)
            return
        except EngageVoiceError as error:
            self._handle_failure(error)
            return
        self._failures = 0
        self._polled_at = polled_at
        if polled_at >= self._poll_at:
            # An earlier poll does not move the next one, so that those of all dial groups do not coincide.
            self._poll_at = polled_at + timedelta(seconds=self._interval())
        await self._judge_all({campaign.campaignId: campaign for campaign in campaigns}, polled_at)

    def _interval(self) -> float:
        return max(min(self._intervals, default=_MIN_INTERVAL), _MIN_INTERVAL)

    async def _judge_all(self, campaigns: Mapping[int, Campaign], polled_at: datetime) -> None:
        at = clock.now()
        for campaign_id in list(self._waits):
            campaign = campaigns.get(campaign_id)
            if campaign is None:
                self._confirm(campaign_id)
                for wait in self._waits.get(campaign_id, ()):
                    self._due.pop(wait, None)
                continue
            times = CampaignTimes.of(campaign)
            is_new = times != self._times.get(campaign_id)
            if is_new:
                self._times[campaign_id] = times
            for wait in list(self._waits.get(campaign_id, ())):
                if wait.joined_at > polled_at:
                    self._poll_at = min(self._poll_at, _first_poll_at(wait))
                    continue
                if is_new or wait.verdict is None or self._due.get(wait, _NEVER) <= polled_at:
                    await self._fair_yield.before_update()
                    if self._has(wait):
                        self._judge(wait, times, at)

    def _judge(self, wait: WindowWait, times: CampaignTimes, at: datetime) -> None:
        self._due.pop(wait, None)
        try:
            verdict = judge(times, wait.goal, at, wait.zone)
        except EngageVoiceError as error:
            wait.publish(error)
            return
        previous, wait.verdict = wait.verdict, verdict
        if verdict.changes_at is not None:
            self._push(self._changes, verdict.changes_at, wait)
        if verdict != previous:
            wait.publish(WindowPoll(self._id, times, verdict, at))

    def _push(
        self, heap: list[tuple[datetime, int, WindowWait]], instant: datetime, wait: WindowWait
    ) -> None:
        heapq.heappush(heap, (instant, next(self._order), wait))

    def _handle_failure(self, error: EngageVoiceError) -> None:
        self._failures += 1
        if not error.retryable or self._failures > FAILURE_BUDGET:
            self._end_all(error)
            return
        pause = pause_after(self._failures, self._interval())
        self._not_before = clock.now() + timedelta(seconds=pause)
        text = f"poll {self._failures} in a row failed: {error}; next in {pause:.0f} s"
        for wait in self._all_waits():
            wait.publish(text)

    def _confirm(self, campaign_id: int) -> None:
        """Read a campaign missing from a list: pages of a list that changes while it is read may miss one."""
        if campaign_id not in self._confirming:
            task = asyncio.get_running_loop().create_task(self._read_campaign(campaign_id))
            self._confirming[campaign_id] = task

    async def _read_campaign(self, campaign_id: int) -> None:
        try:
            procedure = find_campaign(campaign_id, self._id)
            found = await self._requests.run(procedure, clock.now(), urgent=True)
            if campaign_id in self._waits:
                self._times[campaign_id] = times = CampaignTimes.of(found.campaign)
                for wait in list(self._waits[campaign_id]):
                    self._judge(wait, times, clock.now())
                self._timer.wake()
        except NotFoundError:
            self._end_deleted(campaign_id)
        except EngageVoiceError as error:
            log.warning("%s; the next poll will retry", error)
        finally:
            del self._confirming[campaign_id]

    def _end_deleted(self, campaign_id: int) -> None:
        for wait in list(self._waits.get(campaign_id, ())):
            wait.publish(
                NotFoundError(
                    f"campaign: there is no campaign {campaign_id} in dial group {self._id}; "
                    "it may have been deleted"
                )
            )
            self.remove(wait)

    def _end_all(self, error: Exception) -> None:
        for wait in list(self._all_waits()):
            wait.publish(error)
            self.remove(wait)

    def _all_waits(self) -> Iterator[WindowWait]:
        return chain.from_iterable(self._waits.values())


def _interval_of(wait: WindowWait) -> timedelta:
    return timedelta(seconds=max(wait.poke_interval, _MIN_INTERVAL))


def _fresh_for(wait: WindowWait) -> timedelta:
    return min(_FRESH, _interval_of(wait))


def _first_poll_at(wait: WindowWait) -> datetime:
    return wait.joined_at if wait.poll_at is None else wait.poll_at - _AHEAD
