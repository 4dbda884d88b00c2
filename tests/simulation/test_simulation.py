"""The simulation itself: it reruns to the same end, and it shrinks what fails."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest

from tests.simulation.__main__ import run
from tests.simulation.asked_faults import FAULTS
from tests.simulation.dialects import BUNDLES, LIKELY, REFUSABLE, VALUES, Dialect, cells
from tests.simulation.digests import Digest, digests_by_hash_seed
from tests.simulation.draw import draw_plan
from tests.simulation.history import kinds_of, run_plan, run_seed
from tests.simulation.old_faults import DOCS, documented_history, present
from tests.simulation.plans import Plan
from tests.simulation.put_back import finds, histories_until_found
from tests.simulation.shrink import shrink

#: Seconds of histories.
SECONDS = 20.0


def digest(plan: Plan) -> str:
    """Return a digest of all that happens in a history."""
    seen = Digest()
    run_plan(plan, seen.log)
    return seen.hex()


def digest_of_many(bundle: str) -> str:
    """Return a digest of all that happens in some histories."""
    seen = Digest()
    for seed in range(60):
        run_plan(draw_plan(seed, bundle), seen.log)
    return seen.hex()


def test_histories_rerun_to_the_same_end_under_any_hash_seed() -> None:
    assert digests_by_hash_seed(digest_of_many.__module__) == {digest_of_many("mixed") + "\n"}


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_seed_is_one_history(bundle: str) -> None:
    assert digest(draw_plan(7, bundle)) == digest(draw_plan(7, bundle))
    assert draw_plan(7, bundle) != draw_plan(8, bundle)


def test_promises_hold() -> None:
    summary = run(
        seed=int(os.environ.get("ENGAGEVOICE_SEED", "1")), bundle="mixed", histories=0, seconds=SECONDS
    )
    assert summary.histories > 20
    assert summary.first == {}, "run python -m tests.simulation --replay with these seeds and --bundle mixed"


#: What is so without a request.
_NEVER_CONSULTED = {("maintenance", "none")} | {
    (point, value) for point in ("day_hours_zone", "end_date") for value in VALUES[point]
}


@pytest.mark.parametrize(("point", "value"), [(point, value) for point in VALUES for value in VALUES[point]])
@pytest.mark.few(30)
def test_every_value_is_met(point: str, value: str) -> None:
    others = {"maintenance": "502"} if point == "maintenance_length" else {}
    for seed in range(400):
        plan = draw_plan(seed, "mixed")
        dialect = Dialect(**{**others, point: value})
        began = plan.maintenance or ((1.0, 60.0),)
        world = run_plan(replace(plan, dialect=dialect, maintenance=began, other_use=(1.0,), fillers=101))
        if point in world.vendor.consulted or (point, value) in _NEVER_CONSULTED:
            return
    pytest.fail(f"no history has met {point} {value}")


def test_what_fails_is_shrunk_and_still_fails() -> None:
    with present(FAULTS[0]):
        seed, kind = next(
            (seed, kinds[0]) for seed in range(500) if (kinds := run_seed(seed, "likely").kinds)
        )
        plan = draw_plan(seed, "likely")
        smallest = shrink(plan, kind)
        assert kind in kinds_of(run_plan(smallest).promises)
        assert digest(smallest) == digest(smallest)
    assert len(smallest.tasks) == 1
    assert (smallest.people, smallest.faults, smallest.fillers) == ((), (), 0)
    assert kinds_of(run_plan(smallest).promises) == []


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
def test_faults_that_were_corrected_are_found(number: int) -> None:
    found = finds(number, documented_history(FAULTS[number].title), "mixed")
    found = found or histories_until_found(number, seed=1, bundle="mixed", most=20_000)[1]
    assert found is not None, "it is not found"
    assert "TypeError" not in found[1], "it is put back with the arguments of another release"


def _documented() -> list[tuple[str, list[tuple[str, bool]], list[str]]]:
    """Return the points of the documentation, with their values, and those that may end in an error."""
    rows = re.findall(
        r"^\| ([a-z ]+): [^|]*\| ([^|]*)\| ([^|]*)\|$",
        (DOCS / "vendor-behavior.md").read_text(),
        re.MULTILINE,
    )
    return [
        (
            point.replace(" ", "_"),
            [(value, bool(bold)) for bold, value in re.findall(r"(\*\*)?`([^`]+)`", values)],
            re.findall(r"`([^`]+)`", refusable),
        )
        for point, values, refusable in rows
    ]


def test_the_documentation_lists_every_value() -> None:
    found = _documented()
    assert {point: tuple(value for value, _ in values) for point, values, _ in found} == VALUES
    assert {
        point: bold
        for point, values, _ in found
        if (bold := tuple(value for value, likely in values if likely))
    } == LIKELY
    assert {(point, value) for point, _, refusable in found for value in refusable} == REFUSABLE
    assert cells(Dialect()) == [(point, values[0]) for point, values in VALUES.items()]
