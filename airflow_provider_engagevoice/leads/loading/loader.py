"""Send chunks of leads so that each lead is in exactly once, whatever is killed or lost on the way."""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    InvalidInputError,
    LoadRefusedError,
    OutcomeUnknownError,
)
from airflow_provider_engagevoice.leads.loading.checkpoint import Checkpoint, Counts, Outcome, Record
from airflow_provider_engagevoice.leads.loading.file_uploader import FileUploader
from airflow_provider_engagevoice.leads.loading.spool import Chunk, Spool
from airflow_provider_engagevoice.leads.loading.uploader import DirectUploader, Uploader
from airflow_provider_engagevoice.leads.phones import Phones

log = logging.getLogger(__name__)

#: How often a chunk whose fate is unknown is looked for and sent again before the load gives up.
_TRIES = 6


@dataclass(frozen=True, slots=True)
class RefusedLead:
    """A lead that the server did not take.

    :param row: its number in the source
    :param body: what was sent
    :param reason: the server's words
    """

    row: int
    body: Mapping[str, Any]
    reason: str


class Refusals(Protocol):
    """Where leads that the server did not take are kept until the load is over."""

    def keep(self, index: int, refused: Sequence[RefusedLead]) -> None:
        """Keep those of a chunk; told again of the same chunk, in place of what was kept."""


#: Told of leads that are in or refused, of all that there are, after each chunk.
Progress = Callable[[int, int], None]


class Loader:
    """One load of a spool into a campaign.

    :param ledger: is told of each chunk before it is sent and after it is in
    :param in_flight: how many chunks are on their way at a time
    :param reconcile_after: how long after it was sent a chunk may still be on its way, in seconds; default:
        the uploader's own
    """

    def __init__(
        self,
        method: Uploader,
        spool: Spool,
        *,
        ledger: Checkpoint,
        refusals: Refusals,
        in_flight: int,
        progress: Progress,
        reconcile_after: float | None = None,
    ) -> None:
        self._method = method
        self._spool = spool
        self._ledger = ledger
        self._refusals = refusals
        self._in_flight = in_flight
        self._progress = progress
        self._settle_after = method.reconcile_after if reconcile_after is None else reconcile_after
        self._record = Record()
        self._tries: Counter[int] = Counter()
        #: Chunks to be settled: when that may be, and which.
        self._doubtful: list[tuple[float, int]] = []
        self._leads = sum(chunk.leads for chunk in spool.chunks)
        self._leads_done = 0

    def run(self, *, was_begun: bool) -> Counts:
        """Send what is not in yet; return the counts of all attempts together.

        :param was_begun: whether the server has lists of this load, as an earlier attempt leaves them
        :raises EngageVoiceError: when it cannot be finished now; another attempt goes on from there
        """
        chunks = self._spool.chunks
        plain = self._begin(was_begun)
        if self._record.done == len(chunks):
            log.info("all %d leads are in already", self._leads)
            return self._record.counts
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="leads") as pool:
            flights: dict[Future[Outcome], Chunk] = {}
            try:
                while self._fill(flights, plain, pool) or flights or self._doubtful:
                    self._land(flights)
            except BaseException as error:
                self._method.stop()
                if isinstance(error, EngageVoiceError):
                    self._note_what_came(flights)
                raise
        self._ledger.note(self._record.to_json())
        return self._record.counts

    def _begin(self, was_begun: bool) -> Iterator[Chunk]:
        """Take up what an earlier attempt has noted; return the chunks that it has certainly not sent."""
        chunks = self._spool.chunks
        noted = self._ledger.recall()
        if noted is None and not was_begun:
            return iter(chunks)
        record = None if noted is None else _read(noted)
        if record is None or not record.speaks_of(chunks):
            log.warning(
                "an earlier attempt has loaded leads, and %s; looking for each lead before it is sent",
                "nothing readable is noted of it" if record is None else "it had other ones",
            )
            record = Record(doubtful=True)
        self._record = record
        for index, (_, is_in, sent) in record.beyond.items():
            if not is_in:
                heapq.heappush(self._doubtful, (sent + self._settle_after, index))
        known = record.beyond.keys()
        self._leads_done = sum(
            chunk.leads
            for chunk in chunks
            if chunk.index < record.done or record.beyond.get(chunk.index, ("", False, 0))[1]
        )
        rest = [chunk for chunk in chunks[record.done :] if chunk.index not in known]
        if record.doubtful:
            for chunk in rest:
                heapq.heappush(self._doubtful, (0.0, chunk.index))
            rest = []
        log.info(
            "%d of %d chunks are in, of %d it is not known", record.done, len(chunks), len(self._doubtful)
        )
        return iter(rest)

    def _fill(
        self, flights: dict[Future[Outcome], Chunk], plain: Iterator[Chunk], pool: ThreadPoolExecutor
    ) -> bool:
        """Have as many chunks on their way as may be; tell whether any was sent."""
        chosen: list[tuple[Chunk, bool]] = []
        while len(flights) + len(chosen) < self._in_flight:
            if self._doubtful and self._doubtful[0][0] <= clock.time():
                _, index = heapq.heappop(self._doubtful)
                chosen.append((self._spool.chunks[index], True))
            elif (chunk := next(plain, None)) is not None:
                chosen.append((chunk, False))
            else:
                break
        for chunk, _ in chosen:
            self._record.sending(chunk)
        if chosen:
            self._ledger.note(self._record.to_json())
        for chunk, reconcile in chosen:
            content = self._spool.content(chunk.index)
            send = self._method.reconcile if reconcile else self._method.send
            flights[pool.submit(send, chunk, content)] = chunk
        return bool(chosen)

    def _land(self, flights: dict[Future[Outcome], Chunk]) -> None:
        """Wait until something has come back, or until something may be settled; take it."""
        until = None
        if self._doubtful and len(flights) < self._in_flight:
            until = max(0.0, self._doubtful[0][0] - clock.time())
        if not flights:
            clock.sleep(until or 0.0)
            return
        for future in wait(flights, until, FIRST_COMPLETED).done:
            chunk = flights.pop(future)
            try:
                outcome = future.result()
            except (OutcomeUnknownError, LoadRefusedError) as error:
                self._tries[chunk.index] += 1
                if self._tries[chunk.index] >= _TRIES:
                    raise
                log.warning("%s; looking whether the leads are in", error)
                heapq.heappush(self._doubtful, (clock.time() + self._settle_after, chunk.index))
                continue
            self._take(chunk, outcome)

    def _note_what_came(self, flights: Mapping[Future[Outcome], Chunk]) -> None:
        """Let what is on its way come back, so that the next attempt need not look for it."""
        wait(flights)
        for future, chunk in flights.items():
            if future.exception() is None:
                self._take(chunk, future.result())
        self._ledger.note(self._record.to_json())

    def _take(self, chunk: Chunk, outcome: Outcome) -> None:
        if outcome.refused:
            rows = self._spool.rows(chunk.index)
            bodies = self._spool.leads(chunk.index)
            self._refusals.keep(
                chunk.index,
                [RefusedLead(rows[at], bodies[at], reason) for at, reason in sorted(outcome.refused.items())],
            )
        self._record.is_in(chunk, outcome.counts)
        self._leads_done += chunk.leads
        self._progress(self._leads_done, self._leads)


def _read(noted: Mapping[str, Any]) -> Record | None:
    try:
        return Record.from_json(noted)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("what an earlier attempt has noted cannot be read (%r)", error)
        return None


METHODS: Mapping[str, type[Uploader]] = MappingProxyType({"direct": DirectUploader, "file": FileUploader})


def read_upload_method(value: object, country: str) -> type[Uploader]:
    """Return the method that a user named.

    :param country: of the numbers, three letters
    :raises InvalidInputError: when there is none of that name, or it cannot load such numbers
    """
    method = METHODS.get(str(value))
    if method is None:
        raise InvalidInputError("method", value, f"write {' or '.join(METHODS)}")
    if method is FileUploader and not Phones(country).ten_digits:
        raise InvalidInputError("method", value, f"numbers of {country} can be loaded by direct alone")
    return method
