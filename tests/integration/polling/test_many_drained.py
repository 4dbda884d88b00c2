"""Many waits for leads left to call share polls in Airflow's own runner, within the vendor's limits."""

from __future__ import annotations

import pytest
from airflow import __version__ as airflow_version
from packaging import version

pytestmark = pytest.mark.skipif(
    version.parse(airflow_version) < version.parse("3.3"), reason="Airflow 3.3's runner"
)

GROUPS = 5
WAITS = 200
POKE_INTERVAL = 10.0


@pytest.mark.parametrize(
    ("kind", "drained", "requests"),
    # Those by search are for one campaign per dial group, and all end together.
    [("drained_by_statistics", 5, 1), ("drained_by_search", WAITS, GROUPS)],
)
@pytest.mark.slow
def test_requests_do_not_grow_with_waits(kind: str, drained: int, requests: int) -> None:
    from tests.benchmarks.triggerer.measure import Plan
    from tests.benchmarks.triggerer.separate import carry_out

    figures = carry_out(
        Plan(kind, WAITS, GROUPS, drained, POKE_INTERVAL, start=6.0, quiet=POKE_INTERVAL / 2, late=40.0)
    )
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
