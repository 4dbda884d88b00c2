"""Send chunks of leads so that each lead is loaded exactly once, through crashes and lost responses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.request import Pause, Request, Reserve, run_steps
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    LoadRefusedError,
    SupersededError,
)
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.loading import UploadMethod
from airflow_provider_engagevoice.leads.loading.decisions import LoadDecisions, Step
from airflow_provider_engagevoice.leads.loading.file_uploader import FileUploader
from airflow_provider_engagevoice.leads.loading.load_state import AttemptCheckpoint, Checkpoint, LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.loading.uploader import DirectUploader, RoutedUploader, Uploader

log = logging.getLogger(__name__)


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


#: Seconds after which the server has carried out a request or never will.
RECONCILE_AFTER = 60.0


class Loader:
    """Loads a spool into a campaign: carries out what :class:`LoadDecisions` decides, on threads.

    :param uploader: makes the uploader, given what it has to call before each request to load leads
    :param checkpoint: saved before each chunk is sent and after it is done
    :param max_concurrent_requests: how many chunks may be sent at once
    :param reconcile_after: how long the server may take to carry out a request after its connection ended,
        and to find new leads by a search, in seconds
    """

    def __init__(
        self,
        client: EngageVoiceClient,
        uploader: Callable[[Callable[[], None]], Uploader | RoutedUploader],
        spool: Spool,
        *,
        checkpoint: Checkpoint,
        rejects: RejectSink,
        max_concurrent_requests: int,
        progress: ProgressCallback,
        reconcile_after: float = RECONCILE_AFTER,
    ) -> None:
        self._client = client
        self._spool = spool
        self._checkpoint = AttemptCheckpoint(checkpoint)
        self._uploader = uploader(self._checkpoint.check)
        self._rejects = rejects
        self._max_concurrent_requests = max_concurrent_requests
        self._progress = progress
        self._decisions = LoadDecisions(
            spool.chunks, max_concurrent=max_concurrent_requests, reconcile_after=reconcile_after
        )
        self._stopped = threading.Event()
        #: Whether an earlier attempt has finished the load, so that this one sends nothing.
        self.was_finished = False

    @property
    def counts_by_campaign(self) -> Mapping[int, Counts]:
        """The counts of all attempts together by campaign, of a list for several."""
        return self._decisions.state.by_campaign

    def run(self, *, may_be_sent: bool) -> Counts:
        """Send what is not loaded yet; return the counts of all attempts together.

        :param may_be_sent: whether an earlier attempt may have sent leads, even if there is no checkpoint
        :raises EngageVoiceError: if the load cannot be finished now; another attempt resumes it. The message
            names the chunks in doubt
        """
        decisions = self._decisions
        self.was_finished = self._resume(may_be_sent)
        if self.was_finished:
            return decisions.state.counts
        if self._spool.chunks:
            self._client.run(self._uploader.prepare(self._spool.leads(0)[0]))
        self._checkpoint.begin(decisions.state)
        with ThreadPoolExecutor(self._max_concurrent_requests, thread_name_prefix="leads") as pool:
            running: dict[Future[Outcome | None], Step] = {}
            try:
                while not decisions.is_finished:
                    self._start(running, pool)
                    self._wait(running)
            except BaseException as error:
                self._stopped.set()
                if isinstance(error, EngageVoiceError):
                    self._drain(running)
                self._name_doubts(error)
                raise
        self._checkpoint.save(decisions.state)
        return decisions.state.counts

    def _resume(self, may_be_sent: bool) -> bool:
        """Continue what earlier attempts have begun; return whether they have finished the load."""
        saved = self._checkpoint.load()
        if saved is None and not may_be_sent:
            return False
        decisions, chunks = self._decisions, len(self._spool.chunks)
        if problem := decisions.resume(None if saved is None else _read_state(saved), clock.monotonic()):
            log.warning("an earlier attempt loaded leads, but %s; each lead is looked up", problem)
        if decisions.is_finished:
            log.info("all %d leads were loaded before; nothing is sent", decisions.leads)
        else:
            doubts = len(decisions.in_doubt)
            log.info("resuming: %d of %d chunks are done, %d in doubt", decisions.state.done, chunks, doubts)
        return decisions.is_finished and not problem

    def _start(self, running: dict[Future[Outcome | None], Step], pool: ThreadPoolExecutor) -> None:
        """Start as many steps as allowed."""
        steps = self._decisions.start(clock.monotonic())
        if steps:
            self._checkpoint.save(self._decisions.state)
        for step in steps:
            procedure = self._uploader.carry_out(step, self._spool.content(step.chunk.index))
            running[pool.submit(run_steps, procedure, self._perform)] = step

    def _perform(self, step: Request[Any] | Reserve | Pause) -> Any:
        if isinstance(step, Request):
            return self._client.run(step)
        if isinstance(step, Reserve):
            return self._client.run(iter(step))
        if clock.wait(self._stopped, step.seconds):
            raise LoadRefusedError("another chunk has failed")
        return None

    def _wait(self, running: dict[Future[Outcome | None], Step]) -> None:
        """Wait until a step ends or another one is due; handle those that have ended."""
        due = self._decisions.due()
        timeout = None if due is None else max(0.0, due - clock.monotonic())
        if not running:
            clock.sleep(timeout or 0.0)
            return
        for future in wait(running, timeout, FIRST_COMPLETED).done:
            step = running.pop(future)
            try:
                outcome = future.result()
            except EngageVoiceError as error:
                self._decisions.fail(step, error, clock.monotonic())
                log.warning("%s; the leads are looked up before they are sent again", error)
            else:
                self._complete(step, outcome)

    def _drain(self, running: Mapping[Future[Outcome | None], Step]) -> None:
        """Wait for running steps, so that the next attempt need not look up their chunks."""
        wait(running)
        for future, step in running.items():
            if future.exception() is None:
                self._complete(step, future.result())
        with suppress(SupersededError):
            self._checkpoint.save(self._decisions.state)

    def _complete(self, step: Step, outcome: Outcome | None) -> None:
        chunk = step.chunk
        if outcome is not None and outcome.is_final and outcome.rejected:
            rows = self._spool.rows(chunk.index)
            bodies = self._spool.leads(chunk.index)
            rejected = [
                RejectedLead(rows[at], bodies[at], reason) for at, reason in sorted(outcome.rejected.items())
            ]
            self._rejects.save(chunk.index, rejected)
        if self._decisions.complete(step, outcome, clock.monotonic()):
            self._progress(self._decisions.leads_done, self._decisions.leads)

    def _name_doubts(self, error: BaseException) -> None:
        doubts = self._decisions.doubts()
        if doubts and isinstance(error, EngageVoiceError):
            error.add(doubts)
        elif doubts:
            log.warning("%s", doubts)


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
