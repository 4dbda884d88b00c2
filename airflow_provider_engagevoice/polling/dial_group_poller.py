"""Poll the campaigns of one dial group, or of all, on behalf of every wait in it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zlib import crc32

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import FoundCampaign
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    EngageVoiceError,
    NotFoundError,
)
from airflow_provider_engagevoice.polling.awaited import (
    CONFIRM_AFTER,
    Awaited,
    Listing,
    list_awaited,
    may_poll_again,
    read_awaited_campaign,
)
from airflow_provider_engagevoice.polling.shared import FairYield, SharedRequests, Timer
from airflow_provider_engagevoice.polling.window_poll import (
    FAILURE_BUDGET,
    WaitTable,
    WindowPoll,
    WindowWait,
    first_poll_at,
    fresh_for,
    interval_of,
    pause_after,
    settled_at,
)
from airflow_provider_engagevoice.polling.windows import CampaignTimes, judge

log = logging.getLogger(__name__)

#: A poll is sent ahead of such an instant, by between these shares of that time: polls of many dial groups
#: whose windows open together are spread out, and all are answered before the instant.
_MIN_LEAD, _MAX_LEAD = 0.1, 0.5
#: How long a wait whose instant has passed waits for a poll that is still in flight, beyond what the last one
#: took, before it uses the last response.
_PATIENCE = timedelta(seconds=0.5)
_LONGEST = timedelta(seconds=30)
_GOLDEN = (5**0.5 - 1) / 2
_NEVER = datetime.max.replace(tzinfo=UTC)

#: What is known of a campaign: its dial group and its times.
_Known: TypeAlias = tuple[int, CampaignTimes]


class DialGroupPoller:
    """The waits in one dial group and the polls they share.

    A poll is sent when the shortest ``poke_interval`` among the waits has elapsed, and shortly before each
    instant at which time alone may change a verdict. No wait uses a response older than its own
    ``poke_interval``.

    A campaign is read alone if a list does not show it whole, and before a list that may be behind ends a
    wait: within :data:`CONFIRM_AFTER` of the wait's beginning, because the dates are over, or after it was
    missing or could not be read.

    :param dial_group: id or exact name; None for all dial groups
    :param fair_yield: shared by all pollers of the event loop
    """

    def __init__(self, dial_group: int | str | None, requests: SharedRequests, fair_yield: FairYield) -> None:
        self._dial_group = dial_group
        self._requests = requests
        self._fair_yield = fair_yield
        number = dial_group if isinstance(dial_group, int) else crc32(str(dial_group).encode())
        #: Between 0 and 1, evenly distributed over consecutive ids of dial groups.
        self._share = number * _GOLDEN % 1
        self._waits = WaitTable()
        #: What is known of each of these campaigns.
        self._known: dict[int | str, _Known] = {}
        self._polled_at: datetime | None = None
        #: How long the last poll took: a list may have many pages.
        self._took = timedelta()
        self._poll_at = _NEVER
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._failures = 0
        #: Whether it has stopped on an unexpected error.
        self.has_failed = False
        self._request: asyncio.Task[tuple[Listing, datetime]] | None = None
        self._sent_at = self._not_before
        self._is_urgent = False
        self._confirming: dict[int | str, asyncio.Task[None]] = {}
        self._timer = Timer()
        # In a separate context: its log records do not belong to a single wait.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, wait: WindowWait) -> None:
        """Start polling on behalf of ``wait``."""
        wait.joined_at = clock.now()
        self._waits.add(wait)
        self._poll_at = min(self._poll_at, first_poll_at(wait))
        self._timer.wake()

    def remove(self, wait: WindowWait) -> None:
        """Stop polling on behalf of ``wait``."""
        if self._waits.remove(wait):
            self._known.pop(wait.campaign, None)

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
            log.exception("polling dial group %s has failed", self._dial_group)
            self._end_all(error)

    def _next_wake(self) -> datetime:
        """Return when there is something to do, unless the timer is woken."""
        instants = [since + _PATIENCE + self._took for since in self._waits.due.values()]
        instants = [instant for instant in instants if instant > clock.now()]
        instants += self._waits.next_instants()
        if self._request is None:
            instants.append(max(self._not_before, self._next_poll_at()))
        return min(instants, default=_NEVER)

    def _next_poll_at(self) -> datetime:
        return min([self._poll_at, self._ahead_of_a_change(), *self._waits.due.values()])

    def _ahead_of_a_change(self) -> datetime:
        """Return when to poll so that the response is fresh at the next change of a verdict."""
        change = self._waits.next_change()
        if change is None or self._polled_at is None:
            return _NEVER
        instant, wait = change
        fresh, settled = fresh_for(wait), settled_at(wait)
        is_settled = self._polled_at >= settled or instant < settled
        if is_settled and instant <= self._polled_at + fresh + self._took:
            return _NEVER
        ahead = instant - self._took - (_MIN_LEAD + (_MAX_LEAD - _MIN_LEAD) * self._share) * fresh
        return ahead if instant < settled else max(ahead, settled)

    def _collect_due(self, now: datetime) -> None:
        """End the waits that time out, and collect those whose verdict may change by now."""
        for wait in self._waits.take_timed_out(now):
            wait.publish(None)
            self.remove(wait)
        for wait in self._waits.take_changing(now):
            if wait.campaign in self._known:
                self._waits.due.setdefault(wait, now)

    async def _judge_due(self, now: datetime) -> None:
        """Judge due waits by the last response, if it is fresh or the next one is late."""
        if self._polled_at is None:
            return
        for wait, since in list(self._waits.due.items()):
            is_late = now >= since + _PATIENCE + self._took and self._polled_at >= since - interval_of(wait)
            if is_late or self._polled_at >= since - fresh_for(wait) - self._took:
                await self._fair_yield.before_update()
                if wait in self._waits.due:
                    self._judge_listed(wait, self._known[wait.campaign], now, self._polled_at)

    def _send_poll(self, now: datetime) -> None:
        """Send a poll if one is due."""
        if not self._waits or now < max(self._not_before, self._next_poll_at()):
            return
        urgent = bool(self._waits.due) or now >= self._ahead_of_a_change()
        if self._request is not None:
            if self._is_urgent or not urgent:
                return
            # The same request is shared, and urgent from now on.
            self._request.cancel()
        self._is_urgent = urgent
        procedure = list_awaited(self._dial_group, frozenset(self._waits.campaigns()))
        self._sent_at = now
        request = self._requests.run_dated(procedure, now, urgent=urgent)
        self._request = asyncio.get_running_loop().create_task(request)
        self._request.add_done_callback(lambda _: self._timer.wake())

    async def _process_response(self) -> None:
        """Process the response and drop it: campaigns take much more memory than waits."""
        assert self._request is not None
        request, self._request = self._request, None
        listing: Listing | EngageVoiceError
        try:
            listing, polled_at = await request
        except (NotFoundError, AmbiguousNameError) as error:
            # It is about the dial group, so about every campaign in it.
            listing, polled_at = error, self._sent_at
        except EngageVoiceError as error:
            self._handle_failure(error)
            return
        self._failures = 0
        self._polled_at = polled_at
        self._took = min(clock.now() - polled_at, _LONGEST)
        if polled_at >= self._poll_at:
            # An earlier poll does not move the next one, so that those of all dial groups do not coincide.
            self._poll_at = polled_at + timedelta(seconds=self._waits.interval())
        if isinstance(listing, Listing):
            await self._judge_all(listing, polled_at)
        else:
            for wanted in self._waits.campaigns():
                self._miss(wanted, polled_at, listing)

    async def _judge_all(self, listing: Listing, polled_at: datetime) -> None:
        at = clock.now()
        for wanted in self._waits.campaigns():
            try:
                row = listing.find(wanted)
            except AmbiguousNameError as error:
                self._miss(wanted, polled_at, error)
                continue
            if row is not None:
                await self._judge_row(wanted, row, at, polled_at)
            elif isinstance(wanted, int) and listing.group_id is not None:
                # Pages of a list that changes while it is read may miss one.
                self._known.pop(wanted, None)
                self._confirm(wanted, listing.group_id, wanted, polled_at)
            else:
                self._miss(wanted, polled_at, listing.missing(wanted))

    async def _judge_row(
        self, wanted: int | str, row: FoundCampaign, at: datetime, polled_at: datetime
    ) -> None:
        listed = row.dial_group_id, CampaignTimes.of(row.campaign)
        waits = [wait for wait in self._waits.of(wanted) if wait.joined_at <= polled_at]
        if len(waits) < len(self._waits.of(wanted)):
            self._poll_soon(wanted, polled_at)
        if any(listed[1].unreadable(wait.zone) for wait in waits):
            # Rows of a list may leave out what a campaign has.
            self._confirm(wanted, row.dial_group_id, row.campaign_id, polled_at)
            return
        is_new = listed != self._known.get(wanted)
        if is_new:
            self._known[wanted] = listed
        for wait in waits:
            if is_new or wait.verdict is None or self._waits.due.get(wait, _NEVER) <= polled_at:
                await self._fair_yield.before_update()
                if wait in self._waits:
                    self._judge_listed(wait, listed, at, polled_at)

    def _poll_soon(self, wanted: int | str, polled_at: datetime) -> None:
        """Poll in time for the waits that began after a poll was sent: its response is not for them."""
        for wait in self._waits.of(wanted):
            if wait.joined_at > polled_at:
                self._poll_at = min(self._poll_at, first_poll_at(wait))

    def _judge_listed(self, wait: WindowWait, listed: _Known, at: datetime, polled_at: datetime) -> None:
        """Judge a wait by a list, unless that would end it and the list may be behind."""
        group_id, times = listed
        try:
            verdict = judge(times, wait.goal, at, wait.zone)
        except EngageVoiceError:
            is_sure = False
        else:
            settled = settled_at(wait)
            if verdict.reached and polled_at < settled <= at:
                # One list, read now, is enough for all waits.
                self._waits.due.setdefault(wait, at)
                return
            is_sure = not (verdict.unreachable or (verdict.reached and at < settled))
        if is_sure and wait.missing.since is None and not wait.failures:
            self._judge(wait, listed, at)
        else:
            self._confirm(wait.campaign, group_id, times.campaign_id, polled_at)

    def _judge(self, wait: WindowWait, known: _Known, at: datetime) -> None:
        group_id, times = known
        self._waits.due.pop(wait, None)
        wait.missing.clear()
        wait.failures = 0
        try:
            verdict = judge(times, wait.goal, at, wait.zone)
        except EngageVoiceError as error:
            wait.publish(error)
            return
        previous, wait.verdict = wait.verdict, verdict
        self._waits.add_change(wait)
        if verdict != previous:
            wait.publish(WindowPoll(group_id, times, verdict, at, wait.goal, wait.zone))

    def _handle_failure(self, error: EngageVoiceError) -> None:
        self._failures += 1
        if not may_poll_again(error) or self._failures > FAILURE_BUDGET:
            self._end_all(error)
            return
        pause = pause_after(self._failures, self._waits.interval())
        self._not_before = clock.now() + timedelta(seconds=pause)
        text = f"poll {self._failures} in a row failed: {error}; next in {pause:.0f} s"
        for wait in self._waits:
            wait.publish(text)

    def _confirm(self, wanted: int | str, group_id: int, campaign_id: int, polled_at: datetime) -> None:
        """Read a campaign alone and judge its waits by that."""
        for wait in self._waits.of(wanted):
            self._waits.due.pop(wait, None)
        if wanted not in self._confirming:
            reading = self._read(wanted, group_id, campaign_id, polled_at)
            self._confirming[wanted] = asyncio.get_running_loop().create_task(reading)

    async def _read(self, wanted: int | str, group_id: int, campaign_id: int, polled_at: datetime) -> None:
        awaited = Awaited(wanted, self._dial_group)
        try:
            procedure = read_awaited_campaign(awaited, group_id, campaign_id)
            found, read_at = await self._requests.run_dated(procedure, clock.now(), urgent=True)
            known = found.dial_group_id, CampaignTimes.of(found.campaign)
            for wait in self._waits.of(wanted):
                self._known[wanted] = known
                if wait.joined_at <= read_at:
                    self._judge(wait, known, clock.now())
        except (NotFoundError, AmbiguousNameError) as error:
            self._miss(wanted, polled_at, error)
        except Exception as error:  # whatever it is, no wait may be left without an end
            self._fail(wanted, error)
        finally:
            del self._confirming[wanted]
            self._timer.wake()

    def _fail(self, wanted: int | str, error: Exception) -> None:
        """Count a campaign that could not be read as a failed poll of its waits."""
        self._known.pop(wanted, None)
        for wait in self._waits.of(wanted):
            wait.failures += 1
            is_passing = isinstance(error, EngageVoiceError) and may_poll_again(error)
            if not is_passing or wait.failures > FAILURE_BUDGET:
                wait.publish(error)
                self.remove(wait)
                continue
            pause = pause_after(wait.failures, interval_of(wait).total_seconds())
            self._poll_at = min(self._poll_at, clock.now() + timedelta(seconds=pause))
            wait.publish(f"poll {wait.failures} in a row failed: {error}; next in {pause:.0f} s")

    def _miss(self, wanted: int | str, polled_at: datetime, error: EngageVoiceError) -> None:
        """End the waits for which a campaign is missing, or not the only one of its name, a second time."""
        self._known.pop(wanted, None)
        self._poll_soon(wanted, polled_at)
        for wait in self._waits.of(wanted):
            self._waits.due.pop(wait, None)
            if wait.joined_at > polled_at:
                continue
            was_there = wait.missing.since is None
            if wait.missing.is_confirmed(error, polled_at):
                wait.publish(error)
                self.remove(wait)
                continue
            if was_there:
                wait.verdict = None
                wait.publish(f"{error}; checking again in {CONFIRM_AFTER.total_seconds():.0f} s")
            self._poll_at = min(self._poll_at, wait.missing.confirm_at or _NEVER)

    def _end_all(self, error: Exception) -> None:
        for wait in list(self._waits):
            wait.publish(error)
            self.remove(wait)
