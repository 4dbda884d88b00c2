"""Waits end as the truth says, in every mode; and the simulation finds the faults that were corrected."""

from __future__ import annotations

import os
import time

import pytest

from tests.simulation.dialects import BUNDLES, Dialect
from tests.simulation.digests import Digest, digests_by_hash_seed
from tests.simulation.history import Summary
from tests.simulation.old_faults import documented_history
from tests.simulation.waits import check, run_wait_seed
from tests.simulation.waits_faults import FAULTS, finds, histories_until_found
from tests.simulation.waits_modes import MODES, run_mode
from tests.simulation.waits_plan import Act, HistoryPlan, WaitPlan, draw_history
from tests.simulation.waits_truth import Truth
from tests.support.cases import drawing_seconds

#: Seconds of histories of waits.
SECONDS = drawing_seconds(6.0)


def digest_of_many(bundle: str) -> str:
    """Return a digest of all that happens in some histories."""
    seen = Digest()
    for seed in range(3):
        check(draw_history(seed, bundle), seen.log)
    return seen.hex()


def test_histories_rerun_to_the_same_end_under_any_hash_seed() -> None:
    assert digests_by_hash_seed(digest_of_many.__module__) == {digest_of_many("mixed") + "\n"}


@pytest.mark.parametrize("bundle", BUNDLES)
def test_waits_end_when_the_truth_says_so(bundle: str) -> None:
    summary, seed = Summary(), int(os.environ.get("ENGAGEVOICE_SEED", "1")) * 1_000_000_000
    until = time.monotonic() + SECONDS / len(BUNDLES)
    while time.monotonic() < until:
        summary.add(run_wait_seed(seed, bundle))
        seed += 1
    assert summary.first == {}, "run python -m tests.simulation.waits --replay with these seeds and bundles"


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
def test_faults_that_were_corrected_are_found(number: int) -> None:
    found = finds(number, documented_history(FAULTS[number].title), "hostile")
    assert found or histories_until_found(number, seed=1, bundle="hostile", most=3000)[1]


def plan(*acts: Act, by: str = "name", goal: str = "open") -> HistoryPlan:
    campaigns = (("Renewals 2026", 300.0, 86_400.0, 1, ()), ("Collections", 7200.0, 86_400.0, 1, ()))
    waits = (WaitPlan(by, "Renewals 2026", "id", goal, 60.0),)
    return HistoryPlan(1, Dialect(), campaigns, waits, acts, timeout=900.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("acts", "by", "kind", "begin", "end"),
    [
        ((), "name", "reached", 299.5, 301),
        ((Act(100, "pause"), Act(400, "resume")), "id", "reached", 400, 462),
        ((Act(100, "rename"),), "name", "gone", 135, 200),
        ((Act(100, "rename"),), "id", "reached", 299.5, 301),
        ((Act(100, "rename"), Act(100, "take name", "Collections")), "name", "timeout", 900, 902),
        ((Act(100, "delete"), Act(110, "add", start=500, end=9000)), "name", "reached", 499.5, 501),
        ((Act(100, "delete"), Act(110, "add", start=500, end=9000)), "id", "gone", 135, 200),
        ((Act(100, "add", start=500, end=9000),), "name", "twin", 135, 200),
        ((Act(100, "dates", start=-500, end=-100),), "name", "unreachable", 100, 162),
    ],
)
def test_the_truth_of_a_history_and_its_ends(
    acts: tuple[Act, ...], by: str, kind: str, begin: float, end: float, mode: str
) -> None:
    history = plan(*acts, by=by)
    _, ends = run_mode(history, mode)
    assert (ends[0][0], begin <= ends[0][1] <= end) == (kind, True), ends
    (allowed,) = Truth(history, history.waits[0]).allowed()
    assert allowed.kinds == {kind}
