"""Faults of seasons, each one function that puts it in.

``python -m tests.simulation.seasons.faults`` prints after how many histories each is found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.seasons import actions, batch, claim, planning, rollback
from airflow_provider_engagevoice.seasons.apply import Apply
from airflow_provider_engagevoice.seasons.batch import ProcedureBatch
from airflow_provider_engagevoice.seasons.plan import StateChange
from airflow_provider_engagevoice.seasons.record import Record, Records
from tests.simulation.dialects import BUNDLES
from tests.simulation.history import Kind
from tests.simulation.old_faults import Fault, Patches, present, print_table
from tests.simulation.seasons.history import run_seed

FAULTS: list[Fault] = []
_WORST_FIRST = "cabdefg"


def _fault(title: str, promise: str = "") -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back, promise))
        return put_back

    return add


def histories_until_found(number: int, *, seed: int, bundle: str, most: int) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found."""
    for count in range(1, most + 1):
        if kind := finds(number, seed * 1_000_000_000 + count - 1, bundle):
            return count, kind
    return most, None


def finds(number: int, seed: int, bundle: str) -> Kind | None:
    """Return what a fault breaks in one history that breaks nothing without it; None for nothing."""
    fault = FAULTS[number]
    with present(fault):
        kinds = run_seed(seed, bundle).kinds
    found = [kind for kind in kinds if fault.promise in kind[0]]
    if not found or run_seed(seed, bundle).kinds:
        return None
    return min(found, key=lambda kind: _WORST_FIRST.index(kind[0]))


@_fault("A new campaign is written from its row without proof that rows are whole")
def trust_rows(patches: Patches) -> None:
    class Trusting(dict[Any, bool]):
        def get(self, key: Any, default: Any = None) -> bool:
            return True

    start = ProcedureBatch.__init__

    def begin(self: ProcedureBatch, *arguments: Any) -> None:
        start(self, *arguments)
        self._are_whole = Trusting()

    def is_unfinished(row: Any) -> bool:
        return batch._MARK in row.campaignName and row.isActive == CampaignState.INACTIVE

    patches.put(ProcedureBatch, "__init__", begin)
    patches.put(batch, "_is_unfinished", is_unfinished)


@_fault("A campaign that was just written is written again from a row that does not show it yet")
def late_rows(patches: Patches) -> None:
    patches.put(batch, "_shows", lambda row, written: True)


@_fault("A campaign is written from a row that was read up to a minute ago")
def old_rows(patches: Patches) -> None:
    patches.put(batch, "_ROW_SECONDS", 60.0)


@_fault("The record is written after a create, not before it")
def late_record(patches: Patches) -> None:
    send = ProcedureBatch._send

    def late(self: ProcedureBatch, member: Any, step: Any, queue: Any) -> Any:
        before_write, self._before_write = self._before_write, lambda: None
        try:
            yield from send(self, member, step, queue)
        finally:
            self._before_write = before_write
        if step.method != "GET":
            before_write()

    patches.put(ProcedureBatch, "_send", late)


@_fault("What attempts have requested is not shared by the record")
def no_checkpoint(patches: Patches) -> None:
    patches.put(actions._Checkpoint, "load", lambda self: {})


@_fault("A campaign is written without a look at what it was when the plan was made", "c")
def no_before_image(patches: Patches) -> None:
    patches.put(actions, "_check_as_planned", lambda *arguments: None)


@_fault("An apply does not look whether another one has taken over")
def claimed_once(patches: Patches) -> None:
    patches.put(Apply, "_check_ours", lambda self: None)


@_fault("An older plan is applied after a newer one")
def stale_plan(patches: Patches) -> None:
    def of_plan(self: Records, serial: int, digest: str) -> Record | None:
        last = self.last()
        return last if last is not None and last.digest == digest else None

    patches.put(claim, "check_not_stale", lambda plan, last: None)
    patches.put(Records, "of_plan", of_plan)


@_fault("The state of a campaign that people have paused is part of an update", "d")
def state_is_ours(patches: Patches) -> None:
    def state_change(self: Any, existing: Any) -> StateChange | None:
        wanted = self._wanted.state
        if wanted is None or existing.isActive == wanted:
            return None
        return StateChange(int(existing.isActive), wanted, True)

    patches.put(planning._Planner, "_state_change", state_change)


@_fault("What an earlier attempt has made is not noted in the record", "f")
def forget(patches: Patches) -> None:
    remember = Apply._remember

    def remember_new(self: Apply, planned: Any, done: Any) -> None:
        if self._attempt == 1:
            remember(self, planned, done)

    patches.put(Apply, "_remember", remember_new)


@_fault("A rollback does not look whether someone has changed a field since", "e")
def overwrite(patches: Patches) -> None:
    planned = rollback._planned

    def take_all(recorded: Any, campaign: Any, wanted: Any, left: Any, *more: Any) -> Any:
        return planned(recorded, campaign, wanted, {}, *more)

    patches.put(rollback, "_planned", take_all)


@_fault("A rollback takes back only what an apply has recorded before it was killed", "e")
def forget_killed(patches: Patches) -> None:
    written = rollback._written

    def recorded(record: Record, known: Any) -> Any:
        return written(replace(record, checkpoints={}), known)

    patches.put(rollback, "_written", recorded)


@_fault("A campaign that a person pauses before the season's pause does is resumed with the others", "d")
def resume_all(patches: Patches) -> None:
    remember = Apply._remember

    def as_if_ours(self: Apply, planned: Any, done: Any) -> None:
        remember(self, planned, replace(done, outcome="updated"))

    patches.put(Apply, "_remember", as_if_ours)


@_fault("That a campaign is active again is not recorded before a person may pause it", "d")
def late_activation(patches: Patches) -> None:
    patches.put(Apply, "_put", lambda self, number: None)


@_fault("The record of a pause or a resume lacks what a killed apply has created", "e")
def forget_created(patches: Patches) -> None:
    known = claim._known

    def changed(plan: Any, last: Record) -> Any:
        created = {key for key, one in last.changes.items() if one.before is None and key in last.checkpoints}
        left = {key: one for key, one in last.checkpoints.items() if key not in created}
        return known(plan, replace(last, checkpoints=left))

    patches.put(claim, "_known", changed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.seasons.faults", description=__doc__)
    parser.add_argument("--most", type=int, default=3000, help="histories after which it is not found")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed")
    parser.add_argument("--only", default="", help="words of the fault's title")
    options = parser.parse_args()
    FAULTS[:] = [one for one in FAULTS if options.only in one.title]
    find = partial(histories_until_found, seed=options.seed, bundle=options.bundle, most=options.most)
    return print_table(FAULTS, find)


if __name__ == "__main__":
    sys.exit(main())
