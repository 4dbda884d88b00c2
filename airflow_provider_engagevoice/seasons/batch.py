"""Run many procedures on campaigns together, and share what they read.

Each procedure sends the writes that it sends alone. Those that wait for the list of a dial group, or look
whether their write is done, get one reading of the list that began after all of them had asked. A new
campaign is written from its row in the list if such a row has been seen to be whole, and a source is read
once for some clones.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeGuard, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.request import FRESH_SECONDS, Pause, Procedure, Request, ServerTime
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    EngageVoiceError,
    PermissionDeniedError,
    ResourceNotFoundError,
)
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState

T = TypeVar("T")

_CAMPAIGN = re.compile(r"/dialGroups/(\d+)/campaigns/(\d+)$")
_LIST = re.compile(r"/dialGroups/(\d+)/campaigns$")
#: Part of the name of a campaign that is being created.
_MARK = " [unfinished "
#: Seconds for which a write may be made from a row of the list, from the start of its reading on.
_ROW_SECONDS = 15.0
#: Seconds for which the list is given to procedures that ask for it later.
_LIST_SECONDS = 3.0
#: Clones that are made after one read of their source, at two requests a second within the time for a write.
_CLONES = 8
#: Procedures whose pauses end within so many seconds of each other continue together.
_TOGETHER_SECONDS = 1.0
#: What a row must show of the last write to be used.
_SHOWN = ("campaignName", "isActive", "start", "end")
#: Reads of campaigns that one reading of the list, which takes two requests, replaces.
_WORTH_A_LIST = 3


#: Of what a procedure makes a campaign: 0 for given fields, the id of its source for a clone, None for none.
#: Campaigns of one origin have the same fields: if the row of one is whole, those of the others are.
Origin: TypeAlias = int | None
#: Errors that say that a server does not clone a campaign.
_NO_CLONE = (EndpointMissingError, PermissionDeniedError, ResourceNotFoundError)


@dataclass(slots=True)
class _Reading:
    """The list of a dial group as it was read from ``at`` on."""

    at: float
    rows: list[Campaign]

    def row(self, campaign_id: int) -> Campaign | None:
        return next((row for row in self.rows if row.campaignId == campaign_id), None)


class _Member(Generic[T]):
    """One procedure.

    :ivar number: its place among the procedures
    :ivar step: that it waits for; None once it has ended
    :ivar since: instant of its last write or pause: what was read before is too old
    :ivar listed: reading of the list that it has had
    :ivar written: campaigns that it has written, and has not looked at since
    """

    def __init__(self, number: int, origin: Origin, procedure: Procedure[T]) -> None:
        self.number = number
        self.origin = origin
        self.flow: Generator[Any, Any, T] = iter(procedure)
        self.step: Request[Any] | Pause | ServerTime | None = None
        self.wakes = 0.0
        self.since = clock.monotonic()
        self.listed: _Reading | None = None
        self.written: set[int] = set()
        self.result: T | EngageVoiceError | None = None

    @property
    def path(self) -> str:
        """Path of the request that it waits for; empty if it waits for none."""
        return self.step.path if isinstance(self.step, Request) else ""

    def proceed(self, value: Any = None, error: EngageVoiceError | None = None) -> None:
        """Run the procedure to its next step."""
        try:
            self.step = self.flow.send(value) if error is None else self.flow.throw(error)
        except StopIteration as stop:
            self.step, self.result = None, stop.value
        except EngageVoiceError as problem:
            self.step, self.result = None, problem
        if isinstance(self.step, Pause):
            self.wakes = clock.monotonic() + self.step.seconds

    def has_written(self, request: Request[Any]) -> None:
        """Let it see only what is read from now on."""
        self.since = clock.monotonic()
        if match := _CAMPAIGN.search(request.path):
            self.written.add(int(match[2]))


class ProcedureBatch:
    """Runs procedures together; one may run several times.

    :param before_write: called right before each request that changes something
    :param after_put: called with the number of the procedure of each PUT that has succeeded
    :param on_end: called with the number of each procedure that has ended, and its result or error
    """

    def __init__(
        self,
        before_write: Callable[[], None] = lambda: None,
        after_put: Callable[[int], None] = lambda number: None,
        on_end: Callable[[int, Any], None] = lambda number, result: None,
    ) -> None:
        self._before_write = before_write
        self._after_put = after_put
        self._on_end = on_end
        #: Whether rows of new campaigns are whole, by origin.
        self._are_whole: dict[Origin, bool] = {}
        self._readings: dict[int, _Reading] = {}
        #: What the server has answered instead of cloning, by path.
        self._refusals: dict[str, EngageVoiceError] = {}
        #: Campaigns as they were written last, by id.
        self._written: dict[int, Campaign] = {}

    def run(self, procedures: Iterable[tuple[Origin, Procedure[Any]]]) -> Procedure[list[Any]]:
        """Run procedures, and return the result of each, or its error."""
        members = [_Member(number, *one) for number, one in enumerate(procedures)]
        running = list(members)
        queue: deque[_Member[Any]] = deque()
        try:
            for member in members:
                self._proceed(member, queue)
            while True:
                for member in [one for one in running if one.step is None]:
                    running.remove(member)
                    self._on_end(member.number, member.result)
                if queue:
                    yield from self._perform(queue, members)
                elif asking := [one for one in members if isinstance(one.step, ServerTime)]:
                    now = yield from ServerTime()
                    for member in asking:
                        self._proceed(member, queue, now)
                elif readers := [one for one in members if isinstance(one.step, Request)]:
                    yield from self._read(readers, queue)
                elif sleepers := [one for one in members if isinstance(one.step, Pause)]:
                    yield from self._sleep(sleepers, queue)
                else:
                    return [member.result for member in members]
        finally:
            for member in members:
                member.flow.close()

    def _proceed(
        self, member: _Member[Any], queue: deque[_Member[Any]], value: Any = None, error: Any = None
    ) -> None:
        member.proceed(value, error)
        self._queue(member, queue)

    def _queue(self, member: _Member[Any], queue: deque[_Member[Any]]) -> None:
        """Answer what is known already; queue a procedure whose next step is its own."""
        while isinstance(member.step, Request) and (answer := self._known(member, member.step)) is not None:
            member.proceed(answer)
        if isinstance(member.step, Request) and not _is_shared(member.step):
            queue.append(member)

    def _known(self, member: _Member[Any], request: Request[Any]) -> Any:
        """Return the answer to a read from what was read a moment ago; None if that has none."""
        match = _LIST.search(request.path)
        if match is None or not _is_shared(request):
            return None
        if request.query.get("page"):
            return []
        reading = self._readings.get(int(match[1]))
        if reading is None or reading is member.listed or not self._is_new(reading, member, _LIST_SECONDS):
            return None
        member.listed = reading
        return reading.rows

    @staticmethod
    def _is_new(reading: _Reading, member: _Member[Any], seconds: float) -> bool:
        return reading.at >= member.since and clock.monotonic() - reading.at < seconds

    # Requests that are sent for one procedure.

    def _perform(self, queue: deque[_Member[Any]], members: list[_Member[Any]]) -> Procedure[None]:
        """Perform the step of the next procedure, and those that must follow at once."""
        member = queue.popleft()
        row = yield from self._row_to_write(member, members)
        if row is not None:
            self._give(member, *row)
        while isinstance(member.step, Request) and not _is_shared(member.step):
            yield from self._send(member, member.step, queue)
            step = member.step
            if not (isinstance(step, Request) and (step.is_follower or step.after_read)):
                break
        self._queue(member, queue)

    @staticmethod
    def _give(member: _Member[Any], made_at: float, campaign: Campaign) -> None:
        """Answer a read before a write, which then needs a permit of its own.

        :param made_at: from when on the write may be sent for so long as after a read
        """
        member.proceed(campaign)
        if isinstance(member.step, Request) and member.step.after_read:
            member.step = replace(member.step, is_follower=False, made_at=made_at)

    def _send(self, member: _Member[Any], step: Request[Any], queue: deque[_Member[Any]]) -> Procedure[None]:
        is_write = step.method != "GET"
        if is_write and (refusal := self._refusals.get(step.path)) is not None:
            member.proceed(error=refusal)
            return
        if is_write:
            step = replace(step, before_send=self._before_write)
        at = clock.monotonic()
        answer, error = yield from _outcome(step)
        if is_write:
            member.has_written(step)
            if step.method == "PUT":
                self._written[_ids(step.path)[1]] = Campaign.from_server(step.body or {})
                if error is None:
                    self._after_put(member.number)
            if isinstance(error, _NO_CLONE) and step.path.endswith("/clone"):
                self._refusals[step.path] = error
        elif isinstance(answer, Campaign) and _is_campaign(step):
            self._compare(member, answer, step)
            if _is_source(member):
                self._share_source(at, answer, step, queue)
        member.proceed(answer, error)

    def _share_source(
        self, at: float, source: Campaign, step: Request[Any], queue: deque[_Member[Any]]
    ) -> None:
        """Give a source to the next procedures that clone it."""
        same = [one for one in queue if _is_source(one) and _is_same(one.step, step)][: _CLONES - 1]
        for member in reversed(same):
            queue.remove(member)
            self._give(member, at, source)
            if isinstance(member.step, Request) and member.step.after_read:
                queue.appendleft(member)
            else:
                self._queue(member, queue)

    def _compare(self, member: _Member[Any], campaign: Campaign, step: Request[Any]) -> None:
        """Note whether the list has shown all of a new campaign that was read by itself."""
        reading = self._readings.get(_ids(step.path)[0])
        row = reading.row(campaign.campaignId) if reading is not None else None
        is_new = member.origin is not None and _MARK in campaign.campaignName
        if row is None or not is_new or self._are_whole.get(member.origin) is False:
            return
        if row.raw.keys() != campaign.raw.keys():
            self._are_whole[member.origin] = False
        elif row.raw == campaign.raw:
            self._are_whole[member.origin] = True

    def _row_to_write(
        self, member: _Member[Any], members: list[_Member[Any]]
    ) -> Procedure[tuple[float, Campaign] | None]:
        """Return the row that a new campaign may be written from, and when its freshness begins."""
        request = member.step
        if not self._are_whole.get(member.origin) or not _is_before_write(request) or _is_source(member):
            return None
        group_id, campaign_id = _ids(request.path)
        reading = self._readings.get(group_id)
        # Time is left for the permit of the write.
        if reading is None or not self._is_new(reading, member, _ROW_SECONDS - FRESH_SECONDS):
            waiting = sum(_is_before_write(one.step) and f"/{group_id}/" in one.path for one in members)
            if waiting < _WORTH_A_LIST:
                return None
            try:
                reading = yield from self._read_list(group_id)
            except EngageVoiceError:
                return None
        row = reading.row(campaign_id)
        if row is None or not _is_unfinished(row) or not _shows(row, self._written.get(campaign_id)):
            return None
        return reading.at + _ROW_SECONDS - FRESH_SECONDS, row

    # Reads that several procedures share.

    def _read_list(self, group_id: int) -> Procedure[_Reading]:
        at = clock.monotonic()
        reading = _Reading(at, (yield from list_campaigns(group_id)))
        self._readings[group_id] = reading
        return reading

    def _read(self, readers: list[_Member[Any]], queue: deque[_Member[Any]]) -> Procedure[None]:
        """Answer the reads of one dial group, or one other read that several wait for."""
        first = readers[0].step
        assert isinstance(first, Request)
        match = _LIST.search(first.path) or _CAMPAIGN.search(first.path)
        if match is None:
            yield from self._read_one(readers, queue)
            return
        group_id = int(match[1])
        of_group = [one for one in readers if f"/dialGroups/{group_id}/campaigns" in one.path]
        of_list = [one for one in of_group if _LIST.search(one.path)]
        # These look for the first time whether their write is done.
        of_rows = [one for one in of_group if _is_campaign(one.step) and _ids(one.path)[1] in one.written]
        if not of_list and len(of_rows) < _WORTH_A_LIST:
            yield from self._read_one(of_group, queue)
            return
        try:
            reading = yield from self._read_list(group_id)
        except EngageVoiceError as error:
            for member in of_list or of_group:
                self._proceed(member, queue, error=error)
            return
        for member in of_list:
            member.listed = reading
            self._proceed(member, queue, reading.rows)
        for member in of_rows:
            campaign_id = _ids(member.path)[1]
            member.written.discard(campaign_id)
            row = reading.row(campaign_id)
            if row is not None and _shows(row, self._written.get(campaign_id)):
                self._proceed(member, queue, row)

    def _read_one(self, readers: list[_Member[Any]], queue: deque[_Member[Any]]) -> Procedure[None]:
        """Send one read for all that wait for it."""
        first = readers[0].step
        assert isinstance(first, Request)
        same = [one for one in readers if _is_same(one.step, first)]
        answer, error = yield from _outcome(first)
        for member in same:
            if _is_campaign(first):
                member.written.discard(_ids(first.path)[1])
            self._proceed(member, queue, answer, error)

    def _sleep(self, sleepers: list[_Member[Any]], queue: deque[_Member[Any]]) -> Procedure[None]:
        first = min(one.wakes for one in sleepers)
        last = max(one.wakes for one in sleepers if one.wakes <= first + _TOGETHER_SECONDS)
        if (seconds := last - clock.monotonic()) > 0:
            yield Pause(seconds)
        for member in sleepers:
            if member.wakes <= last:
                member.since = clock.monotonic()
                self._proceed(member, queue)


def _outcome(step: Request[Any]) -> Procedure[tuple[Any, EngageVoiceError | None]]:
    try:
        return (yield step), None
    except EngageVoiceError as error:
        return None, error


def _is_shared(step: object) -> bool:
    """Return whether a step is a read that no write follows."""
    return isinstance(step, Request) and step.method == "GET" and not step.followers and not step.is_follower


def _is_campaign(step: object) -> TypeGuard[Request[Any]]:
    return isinstance(step, Request) and step.method == "GET" and _CAMPAIGN.search(step.path) is not None


def _is_before_write(step: object) -> TypeGuard[Request[Any]]:
    """Return whether a step is a read of a campaign that one write follows."""
    return _is_campaign(step) and step.followers == 1 and not step.is_follower


def _is_source(member: _Member[Any]) -> bool:
    """Return whether a procedure is about to read the campaign that it clones."""
    return _is_before_write(member.step) and bool(member.origin) and _ids(member.path)[1] == member.origin


def _is_same(step: object, request: Request[Any]) -> bool:
    return isinstance(step, Request) and (step.path, step.query) == (request.path, request.query)


def _ids(path: str) -> tuple[int, int]:
    """Return the ids of the dial group and the campaign in a path."""
    match = _CAMPAIGN.search(path)
    assert match is not None
    return int(match[1]), int(match[2])


def _is_unfinished(row: Campaign) -> bool:
    has_dates = row.start is not None and row.end is not None
    return _MARK in row.campaignName and row.isActive == CampaignState.INACTIVE and has_dates


def _shows(row: Campaign, written: Campaign | None) -> bool:
    """Return whether a row has all of what was written last: lists may show it late, or not whole."""
    sent = {} if written is None else written.raw
    is_whole = all(row.raw.get(name) is not None for name, value in sent.items() if value is not None)
    return is_whole and all(getattr(row, name) == getattr(written or row, name) for name in _SHOWN)
