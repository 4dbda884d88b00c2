"""Send chunks of leads so that each lead is loaded exactly once, through crashes and lost responses."""

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
    LoadRefusedError,
    OutcomeUnknownError,
)
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.loading.checkpoint import Checkpoint, Counts, LoadState, Outcome
from airflow_provider_engagevoice.leads.loading.file_uploader import FileUploader
from airflow_provider_engagevoice.leads.loading.options import UploadMethod
from airflow_provider_engagevoice.leads.loading.spool import Chunk, Spool
from airflow_provider_engagevoice.leads.loading.uploader import DirectUploader, Uploader

log = logging.getLogger(__name__)

#: How often a chunk may fail with an unknown outcome before the load fails.
_MAX_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class RejectedLead:
    """A lead that the server rejected.

    :param row: its row number in the source
    :param body: what was sent
    :param reason: the server's message
    """

    row: int
    body: Mapping[str, Any]
    reason: str


class RejectSink(Protocol):
    """Keeps leads that the server rejected until the load is finished."""

    def save(self, index: int, leads: Sequence[RejectedLead]) -> None:
        """Save the rejects of a chunk, replacing those saved for it before."""


#: Called after each chunk with the number of leads done, rejected ones included, and the total.
ProgressCallback = Callable[[int, int], None]


class Loader:
    """Loads a spool into a campaign.

    :param checkpoint: saved before each chunk is sent and after it is done
    :param max_concurrent_requests: how many chunks may be sent at once
    :param reconcile_after: how long a chunk may take effect after it was sent, in seconds; default: the
        uploader's
    """

    def __init__(
        self,
        uploader: Uploader,
        spool: Spool,
        *,
        checkpoint: Checkpoint,
        rejects: RejectSink,
        max_concurrent_requests: int,
        progress: ProgressCallback,
        reconcile_after: float | None = None,
    ) -> None:
        self._uploader = uploader
        self._spool = spool
        self._checkpoint = checkpoint
        self._rejects = rejects
        self._max_concurrent_requests = max_concurrent_requests
        self._progress = progress
        self._reconcile_after = uploader.reconcile_after if reconcile_after is None else reconcile_after
        self._state = LoadState()
        self._failures: Counter[int] = Counter()
        #: Heap of chunks to reconcile: the earliest time for it, and the index.
        self._unconfirmed: list[tuple[float, int]] = []
        self._leads = sum(chunk.leads for chunk in spool.chunks)
        self._leads_done = 0

    def run(self, *, lists_exist: bool) -> Counts:
        """Send what is not loaded yet; return the counts of all attempts together.

        :param lists_exist: whether the server has lists of this load, made by an earlier attempt
        :raises EngageVoiceError: if the load cannot be finished now; another attempt resumes it
        """
        chunks = self._spool.chunks
        unsent = self._resume(lists_exist)
        if self._state.done == len(chunks):
            log.info("all %d leads are already loaded", self._leads)
            return self._state.counts
        with ThreadPoolExecutor(self._max_concurrent_requests, thread_name_prefix="leads") as pool:
            running: dict[Future[Outcome], Chunk] = {}
            try:
                while self._submit(running, unsent, pool) or running or self._unconfirmed:
                    self._wait(running)
            except BaseException as error:
                self._uploader.stop()
                if isinstance(error, EngageVoiceError):
                    self._drain(running)
                raise
        self._checkpoint.save(self._state.to_json())
        return self._state.counts

    def _resume(self, lists_exist: bool) -> Iterator[Chunk]:
        """Restore the state of an earlier attempt; return the chunks that were certainly not sent."""
        chunks = self._spool.chunks
        saved = self._checkpoint.load()
        if saved is None and not lists_exist:
            return iter(chunks)
        state = None if saved is None else _read_state(saved)
        if state is None or not state.matches(chunks):
            log.warning(
                "an earlier attempt loaded leads, but %s; each lead is looked up before it is sent",
                "there is no readable checkpoint" if state is None else "its checkpoint is for other leads",
            )
            state = LoadState(unconfirmed=True)
        self._state = state
        for index, chunk_state in state.later.items():
            if not chunk_state.done:
                heapq.heappush(self._unconfirmed, (chunk_state.sent + self._reconcile_after, index))
        self._leads_done = sum(chunk.leads for chunk in chunks if state.is_done(chunk))
        rest = [chunk for chunk in chunks[state.done :] if chunk.index not in state.later]
        if state.unconfirmed:
            for chunk in rest:
                heapq.heappush(self._unconfirmed, (0.0, chunk.index))
            rest = []
        log.info(
            "resuming: %d of %d chunks are done, %d are unconfirmed",
            state.done,
            len(chunks),
            len(self._unconfirmed),
        )
        return iter(rest)

    def _submit(
        self, running: dict[Future[Outcome], Chunk], unsent: Iterator[Chunk], pool: ThreadPoolExecutor
    ) -> bool:
        """Start as many requests as allowed; return whether any was started."""
        chosen: list[tuple[Chunk, bool]] = []
        while len(running) + len(chosen) < self._max_concurrent_requests:
            if self._unconfirmed and self._unconfirmed[0][0] <= clock.time():
                _, index = heapq.heappop(self._unconfirmed)
                chosen.append((self._spool.chunks[index], True))
            elif (chunk := next(unsent, None)) is not None:
                chosen.append((chunk, False))
            else:
                break
        for chunk, _ in chosen:
            self._state.mark_sent(chunk)
        if chosen:
            self._checkpoint.save(self._state.to_json())
        for chunk, reconcile in chosen:
            content = self._spool.content(chunk.index)
            send = self._uploader.reconcile if reconcile else self._uploader.send
            running[pool.submit(send, chunk, content)] = chunk
        return bool(chosen)

    def _wait(self, running: dict[Future[Outcome], Chunk]) -> None:
        """Wait until a request completes or a chunk can be reconciled; handle completed requests."""
        timeout = None
        if self._unconfirmed and len(running) < self._max_concurrent_requests:
            timeout = max(0.0, self._unconfirmed[0][0] - clock.time())
        if not running:
            clock.sleep(timeout or 0.0)
            return
        for future in wait(running, timeout, FIRST_COMPLETED).done:
            chunk = running.pop(future)
            try:
                outcome = future.result()
            except (OutcomeUnknownError, LoadRefusedError) as error:
                self._failures[chunk.index] += 1
                if self._failures[chunk.index] >= _MAX_ATTEMPTS:
                    raise
                log.warning("%s; the leads are looked up before they are sent again", error)
                heapq.heappush(self._unconfirmed, (clock.time() + self._reconcile_after, chunk.index))
                continue
            self._complete(chunk, outcome)

    def _drain(self, running: Mapping[Future[Outcome], Chunk]) -> None:
        """Wait for running requests, so that the next attempt need not reconcile them."""
        wait(running)
        for future, chunk in running.items():
            if future.exception() is None:
                self._complete(chunk, future.result())
        self._checkpoint.save(self._state.to_json())

    def _complete(self, chunk: Chunk, outcome: Outcome) -> None:
        if outcome.rejected:
            rows = self._spool.rows(chunk.index)
            bodies = self._spool.leads(chunk.index)
            rejected = [
                RejectedLead(rows[at], bodies[at], reason) for at, reason in sorted(outcome.rejected.items())
            ]
            self._rejects.save(chunk.index, rejected)
        self._state.mark_done(chunk, outcome.counts)
        self._leads_done += chunk.leads
        self._progress(self._leads_done, self._leads)


def _read_state(saved: Mapping[str, Any]) -> LoadState | None:
    try:
        return LoadState.from_json(saved)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the checkpoint of an earlier attempt is not readable (%r)", error)
        return None


#: Uploaders by the operator's ``method``.
UPLOADERS: Mapping[str, type[Uploader]] = MappingProxyType(
    {UploadMethod.DIRECT: DirectUploader, UploadMethod.FILE: FileUploader}
)


def uploader_class(method: object) -> type[Uploader]:
    """Return the uploader for a method.

    :raises InvalidInputError: if the method is unknown
    """
    return UPLOADERS[read_choice(method, "method", UploadMethod)]
