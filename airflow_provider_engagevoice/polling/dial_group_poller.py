"""Looking at the campaigns of one dial group on behalf of every wait in it."""

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

#: What was read so shortly before an instant at which a wait may end is as good as read then.
_FRESH = timedelta(seconds=5)
#: A look is taken ahead of such an instant, by between these shares of that time: those of many dial groups
#: whose windows open together are spread, and none is still on its way when the instant comes.
_LEAST_LEAD, _MOST_LEAD = 0.1, 0.5
#: How long a wait whose instant has come stands back for a look that is on its way all the same, before it
#: acts on the last one.
_PATIENCE = timedelta(seconds=0.5)
#: A first look is taken this long before the instant by which it is due.
_AHEAD = timedelta(seconds=60)
#: Shorter intervals count as one second, for the sake of the account's request budget.
_SHORTEST_INTERVAL = 1.0
#: Instants that may be kept for nobody, before they are dropped.
_SPARE_INSTANTS = 64
_GOLDEN = (5**0.5 - 1) / 2
_NEVER = datetime.max.replace(tzinfo=UTC)


class GroupPoll:
    """The waits in one dial group and the looks they share.

    :param turnstile: shared by all dial groups

    A look is taken when the shortest ``poke_interval`` among the waits is over, and shortly before each
    instant at which time alone may change what a wait is told. No wait acts on what was read longer ago than
    its own ``poke_interval``.
    """

    def __init__(self, dial_group_id: int, reads: SharedRequests, turnstile: FairYield) -> None:
        self._id = dial_group_id
        self._reads = reads
        self._turnstile = turnstile
        #: Between 0 and 1, evenly over dial groups with ids that follow one another.
        self._share = dial_group_id * _GOLDEN % 1
        self._waits: dict[int, set[WindowWait]] = {}
        self._intervals: Counter[float] = Counter()
        self._times: dict[int, CampaignTimes] = {}
        #: When time may change what a wait is told, and when it gives up: heaps, the next one first.
        self._changes: list[tuple[datetime, int, WindowWait]] = []
        self._deadlines: list[tuple[datetime, int, WindowWait]] = []
        self._order = count()
        #: Waits whose instant has come, and since when that is known.
        self._due: dict[WindowWait, datetime] = {}
        self._looked_at: datetime | None = None
        self._look_at = _NEVER
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._failures = 0
        #: Whether it can serve nobody any more.
        self.has_failed = False
        self._asking: asyncio.Task[tuple[list[Campaign], datetime]] | None = None
        self._in_hurry = False
        self._confirming: dict[int, asyncio.Task[None]] = {}
        self._alarm = Timer()
        # In a context of its own: what it logs belongs to no one wait.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, wait: WindowWait) -> None:
        """Look on behalf of ``wait``, too."""
        wait.joined_at = clock.now()
        self._waits.setdefault(wait.campaign_id, set()).add(wait)
        self._intervals[wait.poke_interval] += 1
        self._remember(self._deadlines, wait.deadline, wait)
        self._look_at = min(self._look_at, _first_look_at(wait))
        self._alarm.ring()

    def remove(self, wait: WindowWait) -> None:
        """Look on its behalf no more."""
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
        for instants in (self._changes, self._deadlines):
            if len(instants) > 4 * self._intervals.total() + _SPARE_INSTANTS:
                # Deadlines of waits that are long over may lie weeks ahead.
                instants[:] = [one for one in instants if self._has(one[2])]
                heapq.heapify(instants)

    def _has(self, wait: WindowWait) -> bool:
        return wait in self._waits.get(wait.campaign_id, ())

    def is_empty(self) -> bool:
        """Tell whether nobody waits."""
        return not self._waits

    def stop(self) -> None:
        """End all that is under way."""
        for task in [self._task, self._asking, *self._confirming.values()]:
            if task is not None:
                task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._alarm.wait(self._next())
                if self._asking is not None and self._asking.done():
                    await self._take()
                now = clock.now()
                self._collect(now)
                await self._settle(now)
                self._ask(now)
        except Exception as error:  # whatever it is, nobody may be left waiting for ever
            self.has_failed = True
            log.exception("looking at dial group %d has failed", self._id)
            self._tell_all(error)

    def _next(self) -> datetime:
        """Return when there is something to do, unless somebody rings."""
        instants = [since + _PATIENCE for since in self._due.values()]
        instants = [instant for instant in instants if instant > clock.now()]
        instants += [heap[0][0] for heap in (self._changes, self._deadlines) if heap]
        if self._asking is None:
            instants.append(max(self._not_before, self._wanted_at()))
        return min(instants, default=_NEVER)

    def _wanted_at(self) -> datetime:
        return min([self._look_at, self._ahead_of_a_change(), *self._due.values()])

    def _ahead_of_a_change(self) -> datetime:
        """Return when to look so that what is read is fresh at the next instant that may change an answer."""
        while self._changes and not self._is_current(*self._changes[0]):
            heapq.heappop(self._changes)
        if not self._changes or self._looked_at is None:
            return _NEVER
        instant, _, wait = self._changes[0]
        fresh = _fresh_for(wait)
        if instant <= self._looked_at + fresh:
            return _NEVER
        return instant - (_LEAST_LEAD + (_MOST_LEAD - _LEAST_LEAD) * self._share) * fresh

    def _is_current(self, instant: datetime, _: int, wait: WindowWait) -> bool:
        return self._has(wait) and wait.verdict is not None and wait.verdict.changes_at == instant

    def _collect(self, now: datetime) -> None:
        """Find the waits whose instant has come."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, wait = heapq.heappop(self._deadlines)
            if self._has(wait):
                wait.tell(None)
                self.remove(wait)
        while self._changes and self._changes[0][0] <= now:
            change = heapq.heappop(self._changes)
            if self._is_current(*change):
                self._due.setdefault(change[2], now)

    async def _settle(self, now: datetime) -> None:
        """Judge those that are due by the last look, where that is fresh or the next one is late."""
        if self._looked_at is None:
            return
        for wait, since in list(self._due.items()):
            is_late = now >= since + _PATIENCE and self._looked_at >= since - _interval_of(wait)
            if is_late or self._looked_at >= since - _fresh_for(wait):
                await self._turnstile.pass_through()
                if wait in self._due:
                    self._judge(wait, self._times[wait.campaign_id], now)

    def _ask(self, now: datetime) -> None:
        """Ask for a look, if it is time to."""
        if not self._waits or now < max(self._not_before, self._wanted_at()):
            return
        hurry = bool(self._due) or now >= self._ahead_of_a_change()
        if self._asking is not None:
            if self._in_hurry or not hurry:
                return
            # The same request is shared, and hurried from now on.
            self._asking.cancel()
        self._in_hurry = hurry
        procedure = list_campaigns(self._id, frozenset(self._waits))
        asking = self._reads.run_dated(procedure, now, hurry=self._in_hurry)
        self._asking = asyncio.get_running_loop().create_task(asking)
        self._asking.add_done_callback(lambda _: self._alarm.ring())

    async def _take(self) -> None:
        """Take the answer. Nothing may hold on to it after that: campaigns take much more room than waits."""
        assert self._asking is not None
        asking, self._asking = self._asking, None
        try:
            campaigns, asked_at = await asking
        except ResourceNotFoundError:
            for campaign_id in list(self._waits):
                self._tell_gone(campaign_id)
            return
        except EngageVoiceError as error:
            self._failed(error)
            return
        self._failures = 0
        self._looked_at = asked_at
        if asked_at >= self._look_at:
            # A look in between leaves the next one where it was, lest those of all dial groups fall together.
            self._look_at = asked_at + timedelta(seconds=self._interval())
        await self._judge_all({campaign.campaignId: campaign for campaign in campaigns}, asked_at)

    def _interval(self) -> float:
        return max(min(self._intervals, default=_SHORTEST_INTERVAL), _SHORTEST_INTERVAL)

    async def _judge_all(self, campaigns: Mapping[int, Campaign], asked_at: datetime) -> None:
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
                if wait.joined_at > asked_at:
                    self._look_at = min(self._look_at, _first_look_at(wait))
                    continue
                if is_new or wait.verdict is None or self._due.get(wait, _NEVER) <= asked_at:
                    await self._turnstile.pass_through()
                    if self._has(wait):
                        self._judge(wait, times, at)

    def _judge(self, wait: WindowWait, times: CampaignTimes, at: datetime) -> None:
        self._due.pop(wait, None)
        try:
            verdict = judge(times, wait.goal, at, wait.zone)
        except EngageVoiceError as error:
            wait.tell(error)
            return
        known, wait.verdict = wait.verdict, verdict
        if verdict.changes_at is not None:
            self._remember(self._changes, verdict.changes_at, wait)
        if verdict != known:
            wait.tell(WindowPoll(self._id, times, verdict, at))

    def _remember(
        self, heap: list[tuple[datetime, int, WindowWait]], instant: datetime, wait: WindowWait
    ) -> None:
        heapq.heappush(heap, (instant, next(self._order), wait))

    def _failed(self, error: EngageVoiceError) -> None:
        self._failures += 1
        if not error.retryable or self._failures > FAILURE_BUDGET:
            self._tell_all(error)
            return
        pause = pause_after(self._failures, self._interval())
        self._not_before = clock.now() + timedelta(seconds=pause)
        text = f"look {self._failures} in a row failed: {error}; next in {pause:.0f} s"
        for wait in self._everybody():
            wait.tell(text)

    def _confirm(self, campaign_id: int) -> None:
        """Ask for a campaign that a list lacks: pages of a list that changes meanwhile may miss one."""
        if campaign_id not in self._confirming:
            task = asyncio.get_running_loop().create_task(self._confirmed(campaign_id))
            self._confirming[campaign_id] = task

    async def _confirmed(self, campaign_id: int) -> None:
        try:
            procedure = find_campaign(campaign_id, self._id)
            found = await self._reads.run(procedure, clock.now(), hurry=True)
            if campaign_id in self._waits:
                self._times[campaign_id] = times = CampaignTimes.of(found.campaign)
                for wait in list(self._waits[campaign_id]):
                    self._judge(wait, times, clock.now())
                self._alarm.ring()
        except NotFoundError:
            self._tell_gone(campaign_id)
        except EngageVoiceError as error:
            log.warning("%s; the next look will tell", error)
        finally:
            del self._confirming[campaign_id]

    def _tell_gone(self, campaign_id: int) -> None:
        for wait in list(self._waits.get(campaign_id, ())):
            wait.tell(
                NotFoundError(
                    f"campaign: there is no campaign {campaign_id} in dial group {self._id}; "
                    "it may have been deleted"
                )
            )
            self.remove(wait)

    def _tell_all(self, error: Exception) -> None:
        for wait in list(self._everybody()):
            wait.tell(error)
            self.remove(wait)

    def _everybody(self) -> Iterator[WindowWait]:
        return chain.from_iterable(self._waits.values())


def _interval_of(wait: WindowWait) -> timedelta:
    return timedelta(seconds=max(wait.poke_interval, _SHORTEST_INTERVAL))


def _fresh_for(wait: WindowWait) -> timedelta:
    return min(_FRESH, _interval_of(wait))


def _first_look_at(wait: WindowWait) -> datetime:
    return wait.joined_at if wait.look_at is None else wait.look_at - _AHEAD
