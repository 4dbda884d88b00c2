"""Seasons on a clock that takes no time, against the simulated vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from tests.simulation.dialects import Dialect
from tests.simulation.vendor import START
from tests.support.clocks import FakeClock
from tests.support.season_runs import SeasonWorld


@pytest.fixture(autouse=True)
def virtual_clock() -> Iterator[FakeClock]:
    virtual = FakeClock(START)
    with clock.use(virtual):
        yield virtual


@pytest.fixture
def open_world(virtual_clock: FakeClock) -> Callable[..., SeasonWorld]:
    """Open a world whose server has a dialect: its points by name."""

    def open_world(dial_groups: int = 2, **dialect: Any) -> SeasonWorld:
        return SeasonWorld(virtual_clock, Dialect().with_values(dialect), dial_groups=dial_groups)

    return open_world


@pytest.fixture
def world(open_world: Callable[..., SeasonWorld]) -> SeasonWorld:
    return open_world()
