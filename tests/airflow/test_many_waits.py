"""Many waits in one triggerer share their polls, do not block it, and end as their windows open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow import __version__ as airflow_version
from packaging import version

pytestmark = pytest.mark.skipif(
    version.parse(airflow_version) < version.parse("3.3"), reason="Airflow 3.3's runner"
)

GROUPS = 5
WAITS = 205
POKE_INTERVAL = 10.0


@pytest.mark.slow
def test_many_waits_in_one_triggerer_cost_little() -> None:
    """Compared with as many idle triggers in another triggerer, whose cost is Airflow's own."""
    from tests.benchmarks.triggerer.measure import Plan, percentile
    from tests.benchmarks.triggerer.separate import carry_out

    plans = [
        Plan(kind, WAITS, GROUPS, WAITS, POKE_INTERVAL, start, quiet, late=30.0)
        for kind, start, quiet in (("engagevoice", 15.0, 10.0), ("idle", 5.0, 1.0))
    ]
    with ThreadPoolExecutor() as pool:
        ours, nothing = pool.map(carry_out, plans)
    polls = (ours.quiet_to - ours.started_at) / POKE_INTERVAL + 2
    blocking = (ours.starting, ours.waiting, ours.firing)
    events = {"left": len(ours.left), "failed": ours.failed, "early": ours.early}
    met = {
        "requests grow with dial groups, not with waits": (
            GROUPS <= ours.first_requests + ours.requests <= GROUPS * polls and not ours.rejected
        ),
        "the event loop is never blocked for long": all(one.working < 0.1 for one in blocking),
        "every event leaves": events == {"left": WAITS, "failed": 0, "early": 0},
        "within a second of the opening": percentile(ours.left, 99) < 1.0 + ours.firing.excused,
        "little memory beyond what Airflow takes": ours.memory - nothing.memory < 20.0,
    }
    assert [goal for goal, is_met in met.items() if not is_met] == [], (ours, nothing.memory)
