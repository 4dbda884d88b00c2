"""Seasons keep their promises under every dialect, and the simulation finds faults that are put in."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest

from tests.simulation.dialects import BUNDLES, Dialect
from tests.simulation.digests import Digest
from tests.simulation.history import kinds_of
from tests.simulation.old_faults import DOCS, present
from tests.simulation.plans import SOURCE, AttemptPlan, SeedCampaign
from tests.simulation.seasons.__main__ import run
from tests.simulation.seasons.actors import FILE_KILL
from tests.simulation.seasons.draw import draw_history
from tests.simulation.seasons.faults import FAULTS, finds, histories_until_found
from tests.simulation.seasons.history import run_history
from tests.simulation.seasons.plans import (
    RolloutPlan,
    SeasonHistory,
    SeasonPerson,
    SeasonPlan,
    SeasonTaskPlan,
    WantedPlan,
)
from tests.simulation.seasons.show import shrink
from tests.support.cases import drawing_seconds

#: Seconds of histories of seasons.
SECONDS = drawing_seconds(8.0)
WANTED = WantedPlan("Renewals", "west", None, "2026-11-05", "2026-12-05", state=1)


def history(*people: SeasonPerson, attempt: AttemptPlan | None = None) -> SeasonHistory:
    """Return a history of one season, applied once."""
    rollout = RolloutPlan(
        0,
        0.0,
        False,
        SeasonTaskPlan(0, (AttemptPlan(),)),
        (SeasonTaskPlan(1, (attempt or AttemptPlan(), AttemptPlan(delay=60.0)), delay=10.0),),
    )
    source = SeedCampaign(SOURCE, 1_760_000_000_000, 1_770_000_000_000, state=0)
    return SeasonHistory(
        1, Dialect(), (source,), (), people, seasons=(SeasonPlan((WANTED,)),), rollouts=(rollout,)
    )


def test_histories_rerun_to_the_same_end() -> None:
    for seed in range(10):
        digests = [Digest(), Digest()]
        for one in digests:
            run_history(draw_history(seed, "hostile"), one.log)
        assert digests[0].hex() == digests[1].hex()
    assert draw_history(1, "mixed") != draw_history(2, "mixed")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_promises_hold(bundle: str) -> None:
    seed = int(os.environ.get("ENGAGEVOICE_SEED", "1"))
    summary = run(seed=seed, bundle=bundle, histories=0, seconds=SECONDS / len(BUNDLES))
    assert summary.first == {}, "run python -m tests.simulation.seasons --replay with these seeds and bundles"


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
@pytest.mark.slow
def test_faults_are_found(number: int) -> None:
    bundle, seed = documented(FAULTS[number].title)
    found = finds(number, seed, bundle)
    found = found or histories_until_found(number, seed=1, bundle=bundle, most=3000)[1]
    assert found is not None, "it is not found"
    assert "TypeError" not in found[1], "it is put back with the arguments of another release"


def documented(title: str) -> tuple[str, int]:
    """Return the bundle and the seed of the history that finds a fault, as the documentation has it."""
    row = re.search(
        rf"^\| {re.escape(title)} \| (\w+) \| ([\d,]+) \|", (DOCS / "simulation.md").read_text(), re.MULTILINE
    )
    assert row is not None, f"{title}: it is not in the table of faults"
    return row[1], 1_000_000_000 + int(row[2].replace(",", "")) - 1


def test_what_a_person_changes_between_plan_and_apply_is_left() -> None:
    world = run_history(history(SeasonPerson("twin", "named", "Renewals", at=0.5, rollout=0)))
    (apply,) = world.applies
    assert apply.state == "failed"
    assert "'Renewals'" in str(apply.error)
    assert (world.promises.failures, world.promises.excused) == ([], [apply])


@pytest.mark.parametrize("end", ["kill", "kill unsent", "zombie", FILE_KILL])
def test_an_apply_that_ends_at_any_step_is_completed_by_the_next_attempt(end: str) -> None:
    for step in range(1, 14):
        world = run_history(history(attempt=AttemptPlan(end=end, at=step)))
        (apply,) = world.applies
        assert (apply.state, world.promises.failures) == ("success", []), step
        assert len(world.vendor.rows) == 2


def test_what_fails_is_shrunk() -> None:
    fault = next(one for one in FAULTS if "without a look at what it was" in one.title)
    edit = SeasonPerson("edit dates", "named", "Renewals", at=0.5, rollout=0)
    other = SeasonPerson("edit field", "other", "Renewals", at=3.0)
    existing = SeedCampaign("Renewals", 1_790_000_000_000, 1_800_000_000_000, state=0)
    plan = history(edit, other)
    plan = replace(plan, campaigns=(*plan.campaigns, existing))
    with present(fault):
        (kind,) = kinds_of(run_history(plan).promises)
        smallest = shrink(plan, kind)
        assert kinds_of(run_history(smallest).promises) == [kind]
    assert smallest.people == (edit,)
    assert kinds_of(run_history(smallest).promises) == []
