"""The cost of many waits for drained campaigns in one triggerer, compared with sensors that do not share.

Airflow's own runner has the waits, in a separate process; the API is a sandbox with the vendor's limits, in
another. All waits poll as soon as they start, as after a restart of the triggerer, and many campaigns have
their last lead called at one instant. All is measured at the same time, each row in separate processes.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.table import Table
from tests.benchmarks.triggerer.measure import Figures, Plan, percentile
from tests.benchmarks.triggerer.separate import carry_out

GROUPS = 20
SIZES = (100, 1_000)
#: Seconds, the shortest allowed.
POKE_INTERVAL = 10.0
#: Seconds until all first polls, one after another, are done.
START = 8.0
#: Seconds, measured twice: two poke intervals.
QUIET = 10.0
#: Campaigns that are drained at one instant.
DRAINED = 20
#: Seconds after which their waits have ended: a poke interval, and two requests for each of them.
LATE = 60.0
#: The limit of the peer: more waits, or shorter intervals, would exceed the account's rate limit.
PEER = Plan("http", waits=50, groups=GROUPS, opening=20, poke_interval=30.0, start=8.0, quiet=15.0, late=30.0)
_NAMES = {
    "drained_by_statistics": "by statistics",
    "drained_by_search": "by search",
    "http": "HttpSensorTrigger",
}

#: By how much requests may differ only because of when the interval is cut off.
GOAL_GROWTH = 1.25


def plan(kind: str, waits: int) -> Plan:
    """Return the plan for this number of waits of a kind."""
    # Waits by search share campaigns, so that all of them are for drained ones.
    drained = waits if kind == "drained_by_search" else min(DRAINED, waits)
    return Plan(kind, waits, GROUPS, drained, POKE_INTERVAL, START + waits / 200, QUIET, LATE)


def problems(few: Figures, many: Figures) -> list[str]:
    """Return the goals that were missed.

    :param few: of the same kind as ``many``
    """
    name = _NAMES[many.plan.kind]
    found = []
    if many.per_interval > GOAL_GROWTH * few.per_interval + 1:
        found.append(
            f"{name}: {many.per_interval:.0f} requests per poke interval for {many.plan.waits} waits,"
            f" {few.per_interval:.0f} for {few.plan.waits}"
        )
    for one in (few, many):
        which = f"{name}, {one.plan.waits} waits"
        if one.rejected:
            found.append(f"{which}: {one.rejected} times 429")
        if len(one.left) < one.plan.opening or one.early or one.failed:
            ended = f"{len(one.left)} of {one.plan.opening} events"
            found.append(f"{which}: {ended}, {one.early} early, {one.failed} failed")
    return found


_TABLE = Table(
    18,
    ("waits", 7),
    ("interval", 10),
    ("req/interval", 14),
    ("req to end", 12),
    ("429", 5),
    ("CPU %", 7),
    ("KiB/wait", 10),
    ("block ms", 9),
    ("events", 8),
    ("late s: p50", 13),
    ("p99", 7),
)


def _shown(figures: Figures) -> str:
    blocking = (figures.starting, figures.waiting, figures.firing)
    return _TABLE.row(
        _NAMES[figures.plan.kind],
        [
            f"{figures.plan.waits}",
            f"{figures.plan.poke_interval:.0f} s",
            f"{figures.per_interval:.1f}",
            f"{figures.opening_requests}",
            f"{figures.rejected}",
            f"{figures.cpu:.1f}",
            f"{figures.memory:.1f}",
            f"{max(one.working for one in blocking) * 1000:.0f}",
            f"{len(figures.left)}",
            *[f"{percentile(figures.left, part):.1f}" for part in (50, 99)],
        ],
    )


def main() -> int:
    """Print the table; return 1 if a goal is missed."""
    print(
        f"Waits in one triggerer for campaigns without leads left, over {GROUPS} dial groups.\n"
        f"By statistics, each wait is for a different campaign, and {DRAINED} campaigns are drained at one\n"
        f"instant; by search, waits in a dial group are for the same one, and all {GROUPS} are drained.\n"
        "Requests per interval, and CPU, of one core: while nothing changes. req to end: from then until\n"
        "the last event. Memory: RSS beyond that of the same runner after one wait.\n"
        "late: from the last call until the event has left its trigger.\n"
    )
    print(_TABLE.head("trigger"), flush=True)
    began = time.monotonic()
    plans = [plan(kind, waits) for kind in ("drained_by_statistics", "drained_by_search") for waits in SIZES]
    *ours, _ = _measured([*plans, PEER])
    missed = [
        problem for few, many in zip(ours[::2], ours[1::2], strict=True) for problem in problems(few, many)
    ]
    print(
        "HttpSensorTrigger ends as soon as a campaign exists; it cannot count leads.\n"
        f"\ngoals: requests per interval do not grow with waits; no 429 ({time.monotonic() - began:.0f} s)"
    )
    print(f"MISSED: {'; '.join(missed)}" if missed else "met")
    return 1 if missed else 0


def _measured(plans: list[Plan]) -> list[Figures]:
    with ThreadPoolExecutor(len(plans)) as pool:
        figures = []
        for one in pool.map(carry_out, plans):
            print(_shown(one), flush=True)
            figures.append(one)
    return figures


if __name__ == "__main__":
    sys.exit(main())
