"""Many waits for leads left to call share polls in Airflow's own runner, within the vendor's limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from packaging import version

pytestmark = pytest.mark.skipif(
    version.parse(airflow_version) < version.parse("3.3"), reason="Airflow 3.3's runner"
)

GROUPS = 5
WAITS = 200
POKE_INTERVAL = 10.0


#: Waits that end: those by search are for one campaign per dial group, and all end together.
DRAINED = {"drained_by_statistics": 5, "drained_by_search": WAITS}


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """The figures of both kinds of waits, measured at the same time in processes of their own."""
    from tests.benchmarks.triggerer.measure import Plan
    from tests.benchmarks.triggerer.separate import carry_out

    plans = [
        Plan(kind, WAITS, GROUPS, drained, POKE_INTERVAL, start=6.0, quiet=POKE_INTERVAL / 2, late=40.0)
        for kind, drained in DRAINED.items()
    ]
    with ThreadPoolExecutor() as pool:
        return dict(zip(DRAINED, pool.map(carry_out, plans), strict=True))


@pytest.mark.parametrize(("kind", "requests"), [("drained_by_statistics", 1), ("drained_by_search", GROUPS)])
@pytest.mark.slow
def test_requests_do_not_grow_with_waits(measured: dict[str, Any], kind: str, requests: int) -> None:
    figures, drained = measured[kind], DRAINED[kind]
    polls = (figures.quiet_to - figures.started_at) / POKE_INTERVAL + 1
    found = {"left": len(figures.left), "failed": figures.failed, "early": figures.early}
    met = {
        "a poll serves all waits": (
            requests <= figures.first_requests + figures.requests <= requests * polls and not figures.rejected
        ),
        "every event leaves": found == {"left": drained, "failed": 0, "early": 0},
        # Each campaign is read and its leads are counted before its waits end, with polls in between.
        "waits that end together share requests": figures.opening_requests <= 2 * GROUPS + requests * 5,
        "within an interval, and the time over which those requests are paced": figures.left[-1] < 25.0,
    }
    assert [goal for goal, is_met in met.items() if not is_met] == [], figures
