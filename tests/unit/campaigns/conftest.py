"""Procedures pause on a clock that takes no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_engagevoice import clock
from tests.support.clocks import FakeClock


@pytest.fixture(autouse=True)
def virtual_clock() -> Iterator[FakeClock]:
    virtual = FakeClock()
    with clock.use(virtual):
        yield virtual
