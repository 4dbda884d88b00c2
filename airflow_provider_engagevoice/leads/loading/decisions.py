"""What a load does next with each chunk, and when: decisions alone, without I/O, threads or a clock.

A chunk takes these steps, until an answer or a look at the server accounts for each of its leads::

    SEND ── the answer's counts add up ──> done
      │ └── they do not ──> wait ──> CONFIRM ──> done
      └ the outcome is unknown ──> wait ──> LOOK_UP ── the server has all leads ──> done
                                     ^         └── some are missing ──> wait ──> COMPLETE ──> wait ──> CONFIRM
                                     └──────────── the outcome is unknown ───────────┘

``wait`` is ``reconcile_after``: as long may the server take to carry out a request after its connection has
ended, and to find new leads by a search. COMPLETE looks again, right before it sends what is missing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from airflow_provider_engagevoice.exceptions import (
    LoadRefusedError,
    OutcomeUnknownError,
)
from airflow_provider_engagevoice.leads.loading.load_state import LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Outcome
from airflow_provider_engagevoice.leads.loading.spool import Chunk

#: How often the outcome of a chunk may be unknown, and how often the server may refuse it, before the load
#: is given up.
_MAX_UNKNOWN, _MAX_REFUSED = 6, 3


class Stage(StrEnum):
    """A step of a chunk."""

    SEND = "send"
    """Send all leads: the server has certainly none of them."""
    LOOK_UP = "look up"
    """See whether the server has all leads."""
    COMPLETE = "complete"
    """Look again, and send the leads that are missing."""
    CONFIRM = "confirm"
    """Look up each lead after an answer; those that are missing are rejected."""


class Step(NamedTuple):
    """A step to carry out now.

    :param answer: the answer to confirm
    :param is_thorough: whether a request for it may still be carried out, so that leads may be loaded twice
    """

    stage: Stage
    chunk: Chunk
    answer: Outcome | None = None
    is_thorough: bool = True


class LoadDecisions:
    """The decisions of one attempt.

    Instants are seconds of any clock that only goes forward.

    :param max_concurrent: how many steps may run at once
    :param reconcile_after: seconds
    """

    def __init__(self, chunks: Sequence[Chunk], *, max_concurrent: int, reconcile_after: float) -> None:
        self._chunks = chunks
        self._max_concurrent = max_concurrent
        self._reconcile_after = reconcile_after
        self.state = LoadState()
        self._unsent = iter(chunks)
        self._running: set[int] = set()
        #: Heap of later steps: when each is due, and its chunk.
        self._later: list[tuple[float, int]] = []
        self._next: dict[int, Step] = {}
        self._unknown: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()
        self.leads = sum(chunk.leads for chunk in chunks)
        self.leads_done = 0

    def resume(self, state: LoadState | None, now: float) -> str:
        """Continue what earlier attempts have begun; return what is unusual about it.

        :param state: what they have saved; None if that cannot be read
        """
        problem = ""
        if state is None:
            problem = "there is no readable checkpoint"
        elif not state.matches(self._chunks):
            problem = "its checkpoint is for other leads"
        if state is None or problem:
            state = LoadState(unconfirmed=True)
        self.state = state
        self.leads_done = sum(chunk.leads for chunk in self._chunks if state.is_done(chunk))
        unsent = []
        for chunk in self._chunks[state.done :]:
            if state.is_done(chunk):
                continue
            is_sent = chunk.index in state.later
            if state.unconfirmed or is_sent:
                # When its connection ended is not known, only that it has ended by now.
                self._wait(Step(Stage.LOOK_UP, chunk, is_thorough=is_sent), now)
            else:
                unsent.append(chunk)
        self._unsent = iter(unsent)
        return problem

    @property
    def is_finished(self) -> bool:
        """Whether the server has all chunks."""
        return self.state.done == len(self._chunks)

    @property
    def in_doubt(self) -> list[Chunk]:
        """The chunks that were sent, and of which the server may have leads, in order."""
        if self.state.unconfirmed:
            return [chunk for chunk in self._chunks[self.state.done :] if not self.state.is_done(chunk)]
        return [self._chunks[index] for index, one in sorted(self.state.later.items()) if not one.done]

    def doubts(self) -> str:
        """Return a remark that names the chunks in doubt, counted from 1; empty without any."""
        ranges: list[list[int]] = []
        for chunk in self.in_doubt:
            if ranges and ranges[-1][-1] == chunk.index:
                ranges[-1][1:] = [chunk.index + 1]
            else:
                ranges.append([chunk.index + 1])
        if not ranges:
            return ""
        names = ", ".join("-".join(map(str, one)) for one in ranges)
        return (
            f"chunks in doubt: {names} of {len(self._chunks)}, whose leads may be loaded; another attempt "
            "searches for them before it sends any"
        )

    def start(self, now: float) -> list[Step]:
        """Return the steps to start now; save the state before they are carried out."""
        steps: list[Step] = []
        while len(self._running) < self._max_concurrent:
            if self._later and self._later[0][0] <= now:
                _, index = heapq.heappop(self._later)
                step = self._next.pop(index)
            elif (chunk := next(self._unsent, None)) is not None:
                step = Step(Stage.SEND, chunk)
            else:
                break
            self._running.add(step.chunk.index)
            self.state.mark_sent(step.chunk)
            steps.append(step)
        return steps

    def due(self) -> float | None:
        """Return when another step is due though none of the running ones ends; None if none will be."""
        if not self._later or len(self._running) >= self._max_concurrent:
            return None
        return self._later[0][0]

    def complete(self, step: Step, outcome: Outcome | None, now: float) -> bool:
        """Note the result of a step; return whether its chunk is done.

        :param outcome: None if LOOK_UP has found that leads are missing
        """
        chunk = step.chunk
        self._running.discard(chunk.index)
        if outcome is None:
            self._wait(step._replace(stage=Stage.COMPLETE), now)
            return False
        if not outcome.is_final:
            self._wait(Step(Stage.CONFIRM, chunk, outcome), now)
            return False
        reconciled = int(step.stage is not Stage.SEND)
        self.state.mark_done(chunk, replace(outcome.counts, reconciled=reconciled))
        self.leads_done += chunk.leads
        return True

    def fail(self, step: Step, error: BaseException, now: float) -> None:
        """Note that a step failed.

        :raises BaseException: the same error, if the load cannot go on
        """
        index = step.chunk.index
        self._running.discard(index)
        if isinstance(error, OutcomeUnknownError):
            self._unknown[index] += 1
        elif isinstance(error, LoadRefusedError):
            self._refused[index] += 1
        else:
            raise error
        if self._unknown[index] >= _MAX_UNKNOWN or self._refused[index] >= _MAX_REFUSED:
            raise error
        self._wait(Step(Stage.LOOK_UP, step.chunk), now)

    def _wait(self, step: Step, now: float) -> None:
        self._next[step.chunk.index] = step
        heapq.heappush(self._later, (now + self._reconcile_after, step.chunk.index))
