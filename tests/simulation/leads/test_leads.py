"""Loads keep their promises under every dialect, and the simulation finds the faults that were corrected."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.simulation.leads.dialects import BUNDLES, REFUSABLE, VALUES
from tests.simulation.leads.faults import FAULTS, histories_until_found
from tests.simulation.leads.history import Summary, run_plan, run_seed
from tests.simulation.leads.plan import AttemptPlan, LoadPlan, draw_plan

DOCS = Path(__file__).parents[3] / "docs" / "vendor-behavior.md"
#: Seconds that `make test` runs histories of loads.
SECONDS = 6.0
#: Faults that are found after hundreds of histories.
_FOUND_LATE = (3, 4)


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


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=[pytest.mark.slow] if number in _FOUND_LATE else [], id=fault.title)
        for number, fault in enumerate(FAULTS)
    ],
)
def test_faults_that_were_corrected_are_found(number: int) -> None:
    histories, kind = histories_until_found(number, seed=1, bundle="hostile", most=4000)
    assert kind is not None, f"{FAULTS[number].title}: not found in {histories} histories"


def test_refusable_cells_exist() -> None:
    assert all(value in VALUES[point] for point, value in REFUSABLE)


def test_the_documentation_lists_every_value_and_every_fault() -> None:
    section = DOCS.read_text().partition("## Loads of leads")[2]
    for point, values in VALUES.items():
        (row,) = [line for line in section.splitlines() if line.startswith(f"| {point.replace('_', ' ')} |")]
        assert set(values) <= set(re.findall(r"`([^`]+)`", row.rpartition("|")[0].rpartition("|")[2]))
    assert [fault.title for fault in FAULTS if f"| {fault.title} |" not in section] == []


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
