"""Faults of loads that were corrected, each one function that puts it back.

``python -m tests.simulation.leads.faults`` prints after how many histories each is found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from airflow_provider_engagevoice.leads.loading import decisions, uploader
from airflow_provider_engagevoice.leads.loading.checkpoint import AttemptCheckpoint
from airflow_provider_engagevoice.leads.loading.decisions import LoadDecisions, Stage, Step
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.uploader import Found, Uploader
from tests.simulation.leads.history import run_seed
from tests.simulation.leads.promises import LATE, Kind
from tests.simulation.old_faults import Fault, Patches, present, print_table

FAULTS: list[Fault] = []
#: Histories after which a fault is not found.
_MOST = 3000


def _fault(title: str, promise: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back, promise))
        return put_back

    return add


def histories_until_found(number: int, *, seed: int, bundle: str, most: int) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found."""
    first, fault = seed * 1_000_000_000, FAULTS[number]
    for count in range(1, most + 1):
        with present(fault):
            _, kinds = run_seed(first + count - 1, bundle)
        found = [kind for kind in kinds if kind[0] != LATE and fault.promise in kind[0]]
        if found and not run_seed(first + count - 1, bundle)[1]:
            return count, found[0]
    return most, None


@_fault("Counts that do not add up are a success", "c")
def believe_the_counts(patches: Patches) -> None:
    read = uploader.read_outcome

    def believed(*arguments: Any) -> Outcome:
        return replace(read(*arguments), is_final=True)

    patches.put(uploader, "read_outcome", believed)


@_fault("An answer that counts no leads is a success", "c")
def believe_nothing(patches: Patches) -> None:
    read = uploader.read_outcome

    def believed(result: Any, *arguments: Any) -> Outcome:
        if not result.failed and result.leadsSupplied == 0:
            return Outcome(Counts())
        return read(result, *arguments)

    patches.put(uploader, "read_outcome", believed)


@_fault("A chunk in doubt is looked for after 5 s, and what is missing is sent at once", "a")
def look_early(patches: Patches) -> None:
    def wait(self: LoadDecisions, step: Step, now: float) -> None:
        seconds = 0.0 if step.stage is Stage.COMPLETE else 5.0
        self._next[step.chunk.index] = step
        decisions.heapq.heappush(self._later, (now + seconds, step.chunk.index))

    patches.put(LoadDecisions, "_wait", wait)


@_fault("What is missing after reconcile_after is sent again at once, though a search lags", "a")
def no_second_wait(patches: Patches) -> None:
    wait = LoadDecisions._wait

    def impatient(self: LoadDecisions, step: Step, now: float) -> None:
        wait(self, step, now - 60.0 if step.stage is Stage.COMPLETE else now)

    patches.put(LoadDecisions, "_wait", impatient)


@_fault("A chunk in doubt is sent again without a look right before", "a")
def no_second_look(patches: Patches) -> None:
    def blind(self: Uploader, step: Step, bodies: Any) -> Any:
        leads = uploader._encoded(bodies, range(len(bodies)))
        outcome = yield from self._load(step.chunk, leads, len(bodies))
        return replace(outcome, is_final=outcome.is_final and not step.is_thorough)

    patches.put(Uploader, "_complete", blind)


@_fault("What was sent again is not looked for afterwards, and its answer does not count", "")
def no_confirmation(patches: Patches) -> None:
    complete = LoadDecisions.complete

    def hasty(self: LoadDecisions, step: Step, outcome: Outcome | None, now: float) -> bool:
        if step.stage is Stage.COMPLETE and outcome is not None:
            outcome = replace(outcome, is_final=True)
        return complete(self, step, outcome, now)

    patches.put(LoadDecisions, "complete", hasty)


@_fault("An older attempt goes on beside its successor", "a")
def no_owner(patches: Patches) -> None:
    patches.put(AttemptCheckpoint, "_check", lambda self: None)


@_fault("A chunk is saved once it is done, not before it is sent", "a")
def save_late(patches: Patches) -> None:
    patches.put(decisions.LoadState, "mark_sent", lambda self, chunk: None)


@_fault("A load that has lost its checkpoint sends everything again", "a")
def forget(patches: Patches) -> None:
    resume = LoadDecisions.resume

    def resume_known(self: LoadDecisions, state: Any, now: float) -> str:
        return "" if state is None else resume(self, state, now)

    patches.put(LoadDecisions, "resume", resume_known)


@_fault("With check_existing, leads that another list has are sent", "b")
def ignore_existing(patches: Patches) -> None:
    def missing(self: Uploader, bodies: Any, found: Found) -> list[int]:
        return [at for at, body in enumerate(bodies) if body["externId"] not in found.loaded]

    patches.put(Uploader, "_missing", missing)


@_fault("The tag that makes a list ours stands at the end of its name", "a")
def tag_at_the_end(patches: Patches) -> None:
    def list_name(self: LoadOptions, index: int, digest: str = "") -> str:
        return f"{self.description} {self.list_tag(index, digest)}"

    patches.put(LoadOptions, "list_name", list_name)


def main() -> int:
    return print_table(FAULTS, partial(histories_until_found, seed=1, bundle="hostile", most=_MOST))


if __name__ == "__main__":
    sys.exit(main())
