"""The cost of many waits in one triggerer, compared with idle triggers and with other sensors.

Airflow's own runner has the waits, in a separate process; the API is a sandbox with the vendor's limits, in
another. All waits start and poll at once, as after a restart of the triggerer, and many windows open
at the same instant. The cost of an idle trigger is Airflow's own.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.benchmarks import worker_seconds
from tests.benchmarks.table import Table
from tests.benchmarks.triggerer.measure import Figures, Plan, percentile
from tests.benchmarks.triggerer.separate import carry_out

GROUPS = 50
SIZES = (100, 1_000, 10_000)
OPENING = 1_000
#: Seconds; long enough for lists of several pages within the account's rate limit.
POKE_INTERVAL = 120.0
#: Seconds, measured twice: one poke interval.
QUIET = 60.0
#: Numbers of waits per peer: more would exceed the account's rate limit.
PEERS = {"date_time": 1_000, "http": 100}
_NAMES = {
    "idle": "idle",
    "engagevoice": "this provider",
    "date_time": "DateTimeTrigger",
    "http": "HttpSensorTrigger",
}

GOAL_REQUESTS = 50.0
GOAL_KIB = 20.0
GOAL_BLOCKED = 0.1
GOAL_CPU = 2.0
GOAL_P99 = 1.0


def plan(kind: str, waits: int) -> Plan:
    """Return the plan for this number of waits of a kind."""
    # First polls are spread over several windows of the account's rate limit.
    reconcile = 10.0 if kind in ("idle", "date_time") else 130.0
    start = reconcile + waits / 200
    return Plan(kind, waits, GROUPS, min(OPENING, waits), POKE_INTERVAL, start, QUIET, POKE_INTERVAL)


def problems(ours: Figures, nothing: Figures) -> list[str]:
    """Return the goals that were missed.

    :param nothing: as many idle triggers, in the same run
    """
    found = []
    if ours.per_interval > GOAL_REQUESTS:
        found.append(f"{ours.per_interval:.0f} requests per poke interval")
    if (kib := ours.memory - nothing.memory) > GOAL_KIB:
        found.append(f"{kib:.1f} KiB per wait beyond Airflow's own")
    if (cpu := ours.cpu - nothing.cpu) > GOAL_CPU:
        found.append(f"{cpu:.1f} % CPU beyond Airflow's own")
    for phase in ("starting", "waiting", "firing"):
        blocked, own = getattr(ours, phase).working, getattr(nothing, phase).working
        if blocked > GOAL_BLOCKED + (own if own > GOAL_BLOCKED else 0.0):
            found.append(
                f"blocked {blocked * 1000:.0f} ms while {phase}, Airflow's own being {own * 1000:.0f}"
            )
    if len(ours.left) < ours.plan.opening or ours.early or ours.failed:
        found.append(
            f"{len(ours.left)} of {ours.plan.opening} events, {ours.early} early, {ours.failed} failed"
        )
    elif (late := percentile(ours.left, 99)) > GOAL_P99:
        found.append(f"p99 {late:.2f} s late")
    return found


_TABLE = Table(
    19,
    ("waits", 7),
    ("req first", 10),
    ("req/min", 8),
    ("req/poke", 9),
    ("req open", 9),
    ("429", 5),
    ("KiB/wait", 9),
    ("block ms: start", 16),
    ("wait", 9),
    ("fire", 9),
    ("CPU %", 6),
    ("sup. %", 7),
    ("events", 7),
    ("left ms: p50", 13),
    ("p99", 8),
    ("taken ms: p50", 14),
    ("p99", 8),
)


def _shown(figures: Figures) -> str:
    blocking = (figures.starting, figures.waiting, figures.firing)
    late = [percentile(values, part) * 1000 for values in (figures.left, figures.taken) for part in (50, 99)]
    values = [
        f"{figures.plan.waits}",
        f"{figures.first_requests}",
        f"{figures.per_minute:.0f}",
        f"{figures.per_interval:.0f}",
        f"{figures.opening_requests}",
        f"{figures.rejected}",
        f"{figures.memory:.1f}",
        *[f"{one.longest * 1000:.0f}/{one.working * 1000:.0f}" for one in blocking],
        f"{figures.cpu:.1f}",
        f"{figures.supervisor_cpu:.1f}",
        f"{len(figures.left)}",
        *[f"{value:.0f}" for value in late],
    ]
    return _TABLE.row(_NAMES[figures.plan.kind], values)


def _stack(figures: Figures) -> str:
    """Return what ran while the loop was blocked longer than the goal, innermost call last."""
    phases = {name: getattr(figures, name) for name in ("starting", "waiting", "firing")}
    return "".join(
        f"    {blocking.working * 1000:.0f} ms while {name}: {' < '.join(reversed(blocking.stack[-4:]))}\n"
        for name, blocking in phases.items()
        if blocking.working > GOAL_BLOCKED
    )


def main() -> int:
    """Print the tables; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.waits")
    parser.add_argument("--waits", type=int, nargs="+", default=SIZES, help="number (%(default)s)")
    parser.add_argument("--without-peers", action="store_true", help="omit other sensors")
    given = parser.parse_args()
    print(
        f"Waits in one triggerer over {GROUPS} dial groups; at most {OPENING} windows open at one instant;"
        f" poke interval {POKE_INTERVAL:.0f} s.\n"
        "req first: until all first polls should be done; req open: for the opening, ahead of it.\n"
        "Other requests: over one poke interval in which nothing changes;"
        f" CPU, of one core: over {QUIET:.0f} s of it.\n"
        "Memory: RSS beyond that of the same runner after one wait.\n"
        "Block: the longest block of the event loop / the longest without garbage collection.\n"
        "left: from the opening until the event has left its trigger; taken: until the supervisor has it.\n"
    )
    print(_TABLE.head("trigger"), flush=True)
    missed: list[str] = []
    for size in given.waits:
        nothing, ours = (_measured(kind, size) for kind in ("idle", "engagevoice"))
        missed += [f"{size} waits: {problem}" for problem in problems(ours, nothing)]
    if not given.without_peers:
        _peers()
    print(
        f"\ngoals: {GOAL_REQUESTS:.0f} requests per poke interval; beyond an idle trigger,"
        f" {GOAL_KIB:.0f} KiB, {GOAL_BLOCKED * 1000:.0f} ms and {GOAL_CPU:.0f} % CPU; p99 {GOAL_P99:.0f} s"
    )
    print(f"MISSED: {'; '.join(missed)}" if missed else "met")
    return 1 if missed else 0


def _measured(kind: str, waits: int) -> Figures:
    figures = carry_out(plan(kind, waits))
    print(f"{_shown(figures)}\n{_stack(figures)}", end="", flush=True)
    return figures


def _peers() -> None:
    for kind, size in PEERS.items():
        _measured(kind, size)
    print(
        "DateTimeTrigger sends no requests: it cannot notice an edit. HttpSensorTrigger ends as soon as a\n"
        "campaign exists, whatever its window; here the campaigns appear at the opening."
    )
    if not os.environ.get("ENGAGEVOICE_SDK_PYTHON"):
        print("ENGAGEVOICE_SDK_PYTHON is not set to the python with the vendor's SDK, which is omitted")
    else:
        worker_seconds.print_table(worker_seconds.measure())


if __name__ == "__main__":
    sys.exit(main())
