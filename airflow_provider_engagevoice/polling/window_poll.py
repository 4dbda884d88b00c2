"""One poll of a campaign's window, and the waits that are updated by polls."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import chain, count
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.dates import read_zone, shown
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import read_flag
from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER, Missing, find_awaited, read_awaited
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Goal, Verdict, judge, window_of

#: Failed polls in a row, each after the client's own retries, before the wait fails.
FAILURE_BUDGET = 10
#: Seconds before the poll after a failed one; doubled each time, up to the poke interval.
_FIRST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class WindowPoll:
    """The result of a poll.

    :param at: the instant for which the verdict holds, UTC
    :param hours_zone: zone of the daily hours; None: dates alone
    """

    dial_group_id: int
    campaign: CampaignTimes
    verdict: Verdict
    at: datetime
    goal: Goal = Goal.OPEN
    hours_zone: ZoneInfo | None = None

    def next_poll_at(self, poke_interval: float) -> datetime:
        """Return when time changes the verdict, but at most ``poke_interval`` seconds ahead.

        An interval under one second counts as one, because of the account's rate limits.
        """
        latest = self.at + timedelta(seconds=max(poke_interval, 1.0))
        changes_at = self.verdict.changes_at
        return latest if changes_at is None or changes_at <= self.at else min(latest, changes_at)

    def as_json(self, outcome: str) -> dict[str, Any]:
        """Return the campaign as the operators return one, with the outcome of the wait; plain JSON."""
        campaign = self.campaign
        start, end = (None if one is None else one.isoformat() for one in (campaign.start, campaign.end))
        return {
            "campaign_id": campaign.campaign_id,
            "dial_group_id": self.dial_group_id,
            "campaign_name": campaign.campaign_name,
            "start": start,
            "end": end,
            "is_active": campaign.is_active,
            "outcome": outcome,
        }

    def __str__(self) -> str:
        return self.text()

    def text(self, zone_name: str = "") -> str:
        """Return the result for a log.

        :param zone_name: IANA time zone of the dates in it, unless daily hours have one; empty for UTC
        """
        campaign, verdict = self.campaign, self.verdict
        zone = self.hours_zone or read_zone(zone_name or "UTC")

        def local(instant: datetime | None) -> str:
            return str(instant) if instant is None else shown(instant, zone)

        text = f"campaign {campaign.campaign_id} {campaign.campaign_name!r}: {verdict.reason}"
        if verdict.reached:
            dates = f"{local(campaign.start)} to {local(campaign.end)}"
            text += f" at {local(self.at)}; its dates are {dates}"
            return text if self.hours_zone else f"{text}; only its dates count, not the hours of the day"
        if verdict.unreachable:
            return f"{text}; it will not open unless its dates are changed"
        if not verdict.readable:
            return f"{text}; it counts as neither open nor closed until that changes"
        if verdict.needs_activation:
            return f"{text}; it will not open until it is activated (is_active=1)"
        if self.goal is Goal.OPEN:
            opens_at = window_of(campaign, self.hours_zone).opens_at(self.at)
            if opens_at is None:
                return f"{text}; no later day of its dates has hours"
            text += f"; opens at {opens_at.astimezone(zone):%A} {local(opens_at)}"
        elif verdict.changes_at is not None:
            text += f"; closes at {verdict.changes_at.astimezone(zone):%A} "
            text += local(verdict.changes_at)
        return text if self.hours_zone else f"{text}; only its dates count, not the hours of the day"


def read_hours_zone(
    use_daily_hours: bool | str, timezone: str | tzinfo | None, default: str
) -> ZoneInfo | None:
    """Return the zone of the daily hours, None if they are not used.

    :param default: the connection's time zone, empty for none
    :raises InvalidInputError: if they are used and no zone is known
    """
    if not read_flag(use_daily_hours, "use_daily_hours"):
        return None
    zone = timezone if timezone is not None else default
    if not zone:
        raise InvalidInputError(
            "use_daily_hours", use_daily_hours, "also give timezone=, or set the connection's time zone"
        )
    return read_zone(zone)


def pause_after(failures: int, poke_interval: float) -> float:
    """Return the seconds to wait after this many failed polls in a row."""
    return min(_FIRST_PAUSE * 2.0 ** (failures - 1), poke_interval)


def poll_window(
    campaign: CampaignReference, dial_group: DialGroupReference | None, goal: Goal, zone: ZoneInfo | None
) -> Procedure[WindowPoll]:
    """Read a campaign and judge it.

    :param zone: zone of the daily hours; None: dates alone
    :raises NotFoundError: if the campaign is not there, by this one poll
    :raises AmbiguousNameError: if several have its name, by this one poll
    """
    found = yield from find_awaited(read_awaited(campaign, dial_group))
    # After the response, so its content was current a moment before.
    now = clock.now()
    times = CampaignTimes.of(found.campaign)
    return WindowPoll(found.dial_group_id, times, judge(times, goal, now, zone), now, goal, zone)


@dataclass(slots=True, eq=False)
class WindowWait:
    """One wait for a window.

    :param campaign: id or exact name of the campaign
    :param zone: zone of the daily hours; None: dates alone
    :param poke_interval: longest time between two polls, in seconds
    :param deadline: when it times out, UTC
    :param poll_at: when its first poll is due at the latest, UTC; None for now
    :ivar joined_at: when polling on its behalf began, UTC: earlier responses are not used
    :ivar verdict: the last verdict, None before the first poll
    :ivar missing: what the last polls have found if not one campaign
    :ivar failures: failed reads of the campaign in a row, beside those of lists
    """

    campaign: int | str
    goal: Goal
    zone: ZoneInfo | None
    poke_interval: float
    deadline: datetime
    poll_at: datetime | None = None
    joined_at: datetime = field(default_factory=clock.now)
    verdict: Verdict | None = None
    missing: Missing = field(default_factory=Missing)
    failures: int = 0
    _updates: list[WindowPoll | str | Exception | None] = field(default_factory=list)
    _reader: asyncio.Future[None] | None = None

    def publish(self, update: WindowPoll | str | Exception | None) -> None:
        """Add a poll, the description of a failed poll, the error that ended polling, or None: deadline."""
        self._updates.append(update)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def next_update(self) -> WindowPoll | str | None:
        """Wait for the next update and return it.

        :raises Exception: the error that ended polling
        """
        while not self._updates:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        update = self._updates.pop(0)
        if isinstance(update, Exception):
            raise update
        return update


#: Shorter intervals count as one second, because of the account's rate limits.
_MIN_INTERVAL = 1.0
#: A response this old is still fresh at an instant at which a verdict changes.
_FRESH = timedelta(seconds=5)
#: A first poll is sent this long before it is due.
_AHEAD = timedelta(seconds=60)
#: Stale heap entries that are kept before the heap is rebuilt.
_MAX_STALE = 64

_Heap = list[tuple[datetime, int, WindowWait]]


class WaitTable:
    """Waits, and when each of them is due.

    :ivar due: waits whose verdict may have changed, and since when that is known
    """

    def __init__(self) -> None:
        self.due: dict[WindowWait, datetime] = {}
        #: By the id or name of the campaign, as each wait has it.
        self._waits: dict[int | str, set[WindowWait]] = {}
        self._intervals: Counter[float] = Counter()
        #: Earliest first.
        self._changes: _Heap = []
        self._deadlines: _Heap = []
        self._order = count()

    def add(self, wait: WindowWait) -> None:
        """Add a wait."""
        self._waits.setdefault(wait.campaign, set()).add(wait)
        self._intervals[wait.poke_interval] += 1
        heapq.heappush(self._deadlines, (wait.deadline, next(self._order), wait))

    def remove(self, wait: WindowWait) -> bool:
        """Remove a wait; return whether it was here and its campaign has no other."""
        if wait not in self:
            return False
        waits = self._waits[wait.campaign]
        waits.remove(wait)
        if not waits:
            del self._waits[wait.campaign]
        self.due.pop(wait, None)
        self._intervals[wait.poke_interval] -= 1
        if not self._intervals[wait.poke_interval]:
            del self._intervals[wait.poke_interval]
        for heap in (self._changes, self._deadlines):
            if len(heap) > 4 * self._intervals.total() + _MAX_STALE:
                # Deadlines of waits that ended long ago may be weeks ahead.
                heap[:] = [entry for entry in heap if entry[2] in self]
                heapq.heapify(heap)
        return not waits

    def __contains__(self, wait: WindowWait) -> bool:
        return wait in self._waits.get(wait.campaign, ())

    def __bool__(self) -> bool:
        return bool(self._waits)

    def __iter__(self) -> Iterator[WindowWait]:
        return chain.from_iterable(self._waits.values())

    def campaigns(self) -> list[int | str]:
        """Return the ids and names of the campaigns that are waited for."""
        return list(self._waits)

    def of(self, campaign: int | str) -> list[WindowWait]:
        """Return the waits for a campaign."""
        return list(self._waits.get(campaign, ()))

    def interval(self) -> float:
        """Return the shortest interval between polls, in seconds."""
        return max(min(self._intervals, default=_MIN_INTERVAL), _MIN_INTERVAL)

    def add_change(self, wait: WindowWait) -> None:
        """Note when time may change the verdict of a wait."""
        if wait.verdict is not None and wait.verdict.changes_at is not None:
            heapq.heappush(self._changes, (wait.verdict.changes_at, next(self._order), wait))

    def next_change(self) -> tuple[datetime, WindowWait] | None:
        """Return the next instant at which time may change a verdict, and its wait."""
        while self._changes and not self._is_current(*self._changes[0]):
            heapq.heappop(self._changes)
        return (self._changes[0][0], self._changes[0][2]) if self._changes else None

    def next_instants(self) -> list[datetime]:
        """Return when :meth:`take_timed_out` and :meth:`take_changing` next have something to do."""
        return [heap[0][0] for heap in (self._changes, self._deadlines) if heap]

    def take_timed_out(self, now: datetime) -> Iterator[WindowWait]:
        """Yield the waits that time out by now."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, wait = heapq.heappop(self._deadlines)
            if wait in self:
                yield wait

    def take_changing(self, now: datetime) -> Iterator[WindowWait]:
        """Yield the waits whose verdict time may change by now."""
        while self._changes and self._changes[0][0] <= now:
            change = heapq.heappop(self._changes)
            if self._is_current(*change):
                yield change[2]

    def _is_current(self, instant: datetime, _: int, wait: WindowWait) -> bool:
        return wait in self and wait.verdict is not None and wait.verdict.changes_at == instant


def interval_of(wait: WindowWait) -> timedelta:
    """Return the longest time between two polls for a wait, at least a second."""
    return timedelta(seconds=max(wait.poke_interval, _MIN_INTERVAL))


def fresh_for(wait: WindowWait) -> timedelta:
    """Return how old a response may be at an instant at which a verdict changes."""
    return min(_FRESH, interval_of(wait))


def settled_at(wait: WindowWait) -> datetime:
    """Return from when on a list shows all that was changed before a wait began."""
    return wait.joined_at + CONFIRM_AFTER


def first_poll_at(wait: WindowWait) -> datetime:
    """Return when the first poll for a wait is due."""
    return wait.joined_at if wait.poll_at is None else wait.poll_at - _AHEAD
