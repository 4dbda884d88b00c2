"""Waiting until a campaign has no lead left to call."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.leads import count_leads
from airflow_provider_engagevoice.client.endpoints.real_time import list_outbound_statistics
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    find_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.inputs import CountBy
from airflow_provider_engagevoice.models.lead_search import READY, UNDIALED
from airflow_provider_engagevoice.polling.shared_requests import SharedRequests
from airflow_provider_engagevoice.polling.timers import FairYield, Timer
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, pause_after

log = logging.getLogger(__name__)

#: Seconds. The vendor asks for 10 to 30 between two looks at the real-time statistics.
SHORTEST_INTERVAL = 10.0
_NEVER = datetime.max.replace(tzinfo=UTC)


def interval_of(poke_interval: float) -> timedelta:
    """Return the longest time between two looks, never under ten seconds."""
    return timedelta(seconds=max(float(poke_interval), SHORTEST_INTERVAL))


@dataclass(frozen=True, slots=True)
class DrainedPoll:
    """What a look found.

    :param left: leads READY or PENDING
    :param never: the campaign's dates are over and leads are READY: nobody will call them
    :param ends: end of its dates, UTC; None when the server holds nothing readable
    """

    dial_group_id: int
    campaign_id: int
    left: int
    never: bool
    ends: datetime | None

    @property
    def reached(self) -> bool:
        """Whether no lead is left."""
        return self.left == 0

    def __str__(self) -> str:
        if self.reached:
            return f"campaign {self.campaign_id}: no lead is left to call"
        text = f"campaign {self.campaign_id}: leads left to call: {self.left}"
        if self.never:
            return f"{text}; its dates are over since {self.ends}: extend them, or cancel or move the leads"
        return text


def poll_leads_drained(
    campaign: CampaignReference, dial_group: DialGroupReference | None, by: CountBy
) -> Procedure[DrainedPoll]:
    """Read a campaign, and how many of its leads are left to call.

    That none is left is always told by a search: real-time statistics may be older than the last load.

    :raises NotFoundError: when there is no such campaign (any more)
    """
    found = yield from find_campaign(campaign, dial_group)
    ids = {"campaignIds": [found.campaign_id]}
    left = 0
    if by is CountBy.STATISTICS:
        left = (yield from _undialed()).get(found.campaign_id, 0)
    if not left:
        left = yield from count_leads({**ids, **UNDIALED})
    ends = found.campaign.end
    never = False
    if left and ends is not None and clock.now() >= ends:
        # Calls in progress at the end still come to something.
        never = (yield from count_leads({**ids, **READY})) > 0
    return DrainedPoll(found.dial_group_id, found.campaign_id, left, never, ends)


def _undialed() -> Procedure[Mapping[int, int]]:
    rows = yield from list_outbound_statistics()
    return {row.campaignId: row.undialed for row in rows}


def _counted(campaign_id: int) -> Procedure[Mapping[int, int]]:
    count = yield from count_leads({"campaignIds": [campaign_id], **UNDIALED})
    return {campaign_id: count}


@dataclass(slots=True, eq=False)
class DrainedWait:
    """One wait, as whoever looks on its behalf sees it.

    :param poke_interval: longest time between two looks, in seconds
    :param deadline: when it gives up, UTC
    :param look_at: when its first look is due, UTC
    :param ends: end of the campaign's dates as far as is known: then it is read again
    :ivar joined_at: when somebody began to look on its behalf, UTC: what was read before is no news to it
    :ivar news: how many leads are left, or why nobody knows; None once that was taken
    """

    dial_group_id: int
    campaign_id: int
    by: CountBy
    poke_interval: float
    deadline: datetime
    look_at: datetime
    ends: datetime | None
    joined_at: datetime = field(default_factory=clock.now)
    alarm: Timer = field(default_factory=Timer)
    news: int | Exception | None = None
    failures: int = 0

    def tell(self, news: int | Exception) -> None:
        """Hand over news; they take the place of what was not taken yet."""
        self.news = news
        self.alarm.ring()


class DrainedPollers:
    """The waits of one event loop on one connection. Those by statistics share one request at a time."""

    def __init__(self, reads: SharedRequests, turnstile: FairYield) -> None:
        self._reads = reads
        self._turnstile = turnstile
        self._polls: dict[int | None, _Poll] = {}

    @contextmanager
    def looking_for(self, wait: DrainedWait) -> Iterator[None]:
        """Look on behalf of ``wait``, inside the ``with`` block."""
        key = None if wait.by is CountBy.STATISTICS else wait.campaign_id
        poll = self._polls.get(key)
        if poll is None or poll.has_failed:
            poll = self._polls[key] = _Poll(key, self._reads, self._turnstile)
        poll.add(wait)
        try:
            yield
        finally:
            poll.remove(wait)
            if poll.is_empty() and self._polls.get(key) is poll:
                del self._polls[key]
                poll.stop()

    async def next_look(self, wait: DrainedWait) -> DrainedPoll | str | None:
        """Return the next look, a text about one that failed, or None at the deadline.

        :raises NotFoundError: when the campaign is gone
        :raises EngageVoiceError: when looking has failed for good
        """
        while wait.news is None:
            if clock.now() >= wait.deadline:
                return None
            await wait.alarm.wait(wait.deadline)
        news, wait.news = wait.news, None
        try:
            if isinstance(news, Exception):
                raise news
            look = await self._judge(wait, news)
        except EngageVoiceError as error:
            wait.failures += 1
            if not error.retryable or wait.failures > FAILURE_BUDGET:
                raise
            return f"look {wait.failures} in a row failed: {error}"
        wait.failures = 0
        return look

    async def _judge(self, wait: DrainedWait, left: int) -> DrainedPoll:
        now = clock.now()
        if left and (wait.ends is None or now < wait.ends):
            return DrainedPoll(wait.dial_group_id, wait.campaign_id, left, False, wait.ends)
        procedure = poll_leads_drained(wait.campaign_id, wait.dial_group_id, CountBy.SEARCH)
        look = await self._reads.run(procedure, now)
        wait.ends = look.ends
        return look


class _Poll:
    """Looks that several waits share.

    One look tells all of them, so that it is taken as often as the shortest ``poke_interval`` asks, however
    many they are.

    :param campaign_id: whose leads are counted; None reads the statistics of all campaigns
    """

    def __init__(self, campaign_id: int | None, reads: SharedRequests, turnstile: FairYield) -> None:
        self._campaign_id = campaign_id
        self._reads = reads
        self._turnstile = turnstile
        self._waits: set[DrainedWait] = set()
        self._look_at = _NEVER
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._failures = 0
        #: Whether it can serve nobody any more.
        self.has_failed = False
        self._alarm = Timer()
        # In a context of its own: what it logs belongs to no one wait.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, wait: DrainedWait) -> None:
        """Look on behalf of ``wait``, too."""
        wait.joined_at = clock.now()
        self._waits.add(wait)
        if wait.look_at < self._look_at:
            self._look_at = wait.look_at
            self._alarm.ring()

    def remove(self, wait: DrainedWait) -> None:
        """Look on its behalf no more."""
        self._waits.discard(wait)

    def is_empty(self) -> bool:
        """Tell whether nobody waits."""
        return not self._waits

    def stop(self) -> None:
        """End all that is under way."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._alarm.wait(max(self._look_at, self._not_before))
                if clock.now() >= max(self._look_at, self._not_before):
                    await self._look()
        except Exception as error:  # whatever it is, nobody may be left waiting for ever
            self.has_failed = True
            log.exception("looking for leads that are left has failed")
            await self._tell(dict.fromkeys(self._waits, error))

    async def _look(self) -> None:
        procedure = _undialed() if self._campaign_id is None else _counted(self._campaign_id)
        try:
            left, asked_at = await self._reads.run_dated(procedure, clock.now())
        except EngageVoiceError as error:
            await self._failed(error)
            return
        self._failures = 0
        self._not_before = asked_at + interval_of(0)
        told: dict[DrainedWait, int | Exception] = {}
        for wait in self._waits:
            if wait.joined_at <= asked_at:
                told[wait] = left.get(wait.campaign_id, 0)
                wait.look_at = asked_at + interval_of(wait.poke_interval)
        self._look_at = min((wait.look_at for wait in self._waits), default=_NEVER)
        await self._tell(told)

    async def _failed(self, error: EngageVoiceError) -> None:
        self._failures += 1
        longest = min((interval_of(wait.poke_interval) for wait in self._waits), default=interval_of(0))
        pause = interval_of(pause_after(self._failures, longest.total_seconds()))
        self._not_before = clock.now() + pause
        await self._tell(dict.fromkeys(self._waits, error))

    async def _tell(self, told: Mapping[DrainedWait, int | Exception]) -> None:
        for wait, news in told.items():
            await self._turnstile.pass_through()
            wait.tell(news)
