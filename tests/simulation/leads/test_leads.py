"""Loads keep their promises under every dialect, and the simulation finds the faults that were corrected."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.simulation.leads.dialects import BUNDLES, REFUSABLE, VALUES
from tests.simulation.leads.faults import FAULTS, finds, histories_until_found
from tests.simulation.leads.history import Summary, run_plan, run_seed
from tests.simulation.leads.plan import AttemptPlan, LoadPlan, draw_plan
from tests.simulation.old_faults import documented_history
from tests.support.cases import drawing_seconds

DOCS = Path(__file__).parents[3] / "docs"
#: Seconds of histories of loads.
SECONDS = drawing_seconds(6.0)


def test_histories_rerun_to_the_same_end() -> None:
    for seed in range(20):
        seen: list[list[object]] = [[], []]
        for log in seen:
            run_plan(draw_plan(seed, "hostile"), lambda *what, log=log: log.append(tuple(map(str, what))))
        assert seen[0] == seen[1]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_loads_keep_their_promises(bundle: str) -> None:
    summary, seed = Summary(), int(os.environ.get("ENGAGEVOICE_SEED", "1")) * 1_000_000_000
    until = time.monotonic() + SECONDS / len(BUNDLES)
    while time.monotonic() < until:
        summary.add(seed, bundle)
        seed += 1
    assert summary.first == {}, "run python -m tests.simulation.leads --replay with these seeds and bundles"


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
def test_faults_that_were_corrected_are_found(number: int) -> None:
    found = finds(number, documented_history(FAULTS[number].title), "hostile")
    assert found or histories_until_found(number, seed=1, bundle="hostile", most=4000)[1]


def test_refusable_cells_exist() -> None:
    assert all(value in VALUES[point] for point, value in REFUSABLE)


def test_the_documentation_lists_every_value_and_every_fault() -> None:
    behavior = (DOCS / "vendor-behavior.md").read_text()
    points = behavior.partition("## Loads of leads")[2].partition("| promise | meaning |")[0]
    for point, values in VALUES.items():
        (row,) = [line for line in points.splitlines() if line.startswith(f"| {point.replace('_', ' ')} |")]
        assert set(values) <= set(re.findall(r"`([^`]+)`", row.rpartition("|")[0].rpartition("|")[2]))
    results = (DOCS / "simulation.md").read_text()
    assert [fault.title for fault in FAULTS if f"| {fault.title} |" not in results] == []


def test_a_cleared_load_that_is_finished_sends_nothing() -> None:
    world, _ = run_seed(1, "friendly")
    plan = LoadPlan(1, world.plan.dialect, cleared=True)
    world = run_plan(plan)
    first, again = world.attempts
    assert (first.was_finished, again.was_finished) == (False, True)
    assert world.requests == 2
    assert again.counts == first.counts


def test_a_stopped_attempt_sends_nothing_once_its_successor_has_begun() -> None:
    stopped = AttemptPlan(freeze_at=1, frozen=400.0, delay=0.0)
    world = run_plan(LoadPlan(1, run_seed(1, "friendly")[0].plan.dialect, 9, 1, 1, attempts=(stopped,)))
    first, second = world.attempts
    assert "attempt 2 of this load has started; attempt 1 stops" in str(first.error)
    assert second.counts is not None
    assert sorted(one.extern_id for one in world.vendor.leads) == [f"L{number}" for number in range(9)]
