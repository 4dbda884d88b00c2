"""Excluded dates are free of calls under every dialect, and the simulation finds faults that are put in."""

from __future__ import annotations

import os

import pytest

from tests.simulation.days.draw import draw_weeks
from tests.simulation.days.faults import FAULTS, histories_until_found
from tests.simulation.days.history import Summary
from tests.simulation.days.world import DaysWorld
from tests.simulation.dialects import BUNDLES

#: Histories of each bundle that `make test` runs.
HISTORIES = 6


def test_histories_rerun_to_the_same_end() -> None:
    ends = []
    for _ in range(2):
        world = DaysWorld(draw_weeks(7, "mixed"))
        world.run()
        ends.append([[(one.at, one.fields) for one in row.versions] for row in world.rows])
    assert ends[0] == ends[1]
    assert draw_weeks(7, "mixed") != draw_weeks(8, "mixed")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_promises_hold(bundle: str) -> None:
    seed = int(os.environ.get("ENGAGEVOICE_SEED", "1")) * 1_000_000_000
    summary = Summary()
    for number in range(HISTORIES):
        summary.add(seed + number, bundle)
    assert summary.first == {}


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
@pytest.mark.slow
def test_faults_are_found(number: int) -> None:
    assert histories_until_found(number)[1] is not None
