"""Kill runs: tasks that create or clone a campaign, killed at any instant and retried.

``python -m tests.faults.kill --runs 200 [--seed N]`` runs N creates and as many clones, prints a table,
and exits with 0 only if no campaign was duplicated, lost, left unfinished, or active outside its dates.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter
from random import Random

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES, Dialect
from tests.faults.runs import PLACES, Outcome, Planner, Sequel, measure, run
from tests.faults.verdict import FINDINGS
from tests.faults.world import DIALECT, SOURCES, Work, World

KINDS = ("create", "clone")


def kill_runs(count: int, seed: int, dialect: Dialect = DIALECT) -> list[Outcome]:
    """Run ``count`` creates and ``count`` clones; ``seed`` determines the plans, but not the timing."""
    outcomes: list[Outcome] = []
    with World(dialect) as world:
        attempts = 4 if count > 20 else 2
        usual = {work: measure(world, work, attempts) for work in [Work(), *map(Work, SOURCES)]}
        planner = Planner(usual, Random(seed))
        for kind in KINDS:
            outcomes += [run(world, plan) for plan in planner.plans(kind, count)]
    return outcomes


def is_clean(outcomes: list[Outcome]) -> bool:
    """Return whether there are no findings."""
    return not any(one.findings or one.errors or one.late_errors for one in outcomes)


def table(outcomes: list[Outcome]) -> str:
    """Return the table of all runs, and a line for each finding."""
    columns = {kind: [one for one in outcomes if one.plan.work.kind == kind] for kind in KINDS}
    lines: list[str] = [f"{'':48}{'create':>8}{'clone':>8}"]

    def line(label: str, counts: list[int]) -> None:
        lines.append(f"{label:48}" + "".join(f"{count:8}" for count in counts))

    def total(label: str, counters: list[Counter[str]], keys: list[str]) -> None:
        for key in keys:
            line(f"{label}{key}", [counter[key] for counter in counters])

    line("runs", [len(column) for column in columns.values()])
    sequels = [Counter(one.plan.sequel for one in column) for column in columns.values()]
    total("  ", sequels, list(Sequel))
    places = [Counter(place for one in column for place in one.places) for column in columns.values()]
    line("attempts interrupted", [counter.total() for counter in places])
    total("  ", places, list(PLACES))
    line(
        "clones active with dates in the past (harmless)",
        [sum(one.harmless for one in c) for c in columns.values()],
    )
    findings = [Counter(name for one in column for name, _ in one.findings) for column in columns.values()]
    total("", findings, list(FINDINGS))
    for label, name in (
        ("retries that ended in an error", "errors"),
        ("zombies that ended in an error", "late_errors"),
    ):
        errors = [
            Counter(kind for one in column for kind, _ in getattr(one, name)) for column in columns.values()
        ]
        line(label, [counter.total() for counter in errors])
        total("  ", errors, sorted({*errors[0], *errors[1]}))
    for one in outcomes:
        for name, text in one.findings + one.errors + one.late_errors:
            lines.append(f"run {one.plan.number}, {one.plan}\n    {name}: {text}")
    return "\n".join(lines)


def main() -> int:
    """Run as requested; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill")
    parser.add_argument(
        "--runs", type=int, default=200, help="number of creates, and of clones (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="seed of the plans")
    parser.add_argument("--dialect", choices=BUNDLES, help="of the server; default: that of the sandbox")
    arguments = parser.parse_args()
    began = time.monotonic()
    outcomes = kill_runs(arguments.runs, arguments.seed, BUNDLES.get(arguments.dialect, DIALECT))
    print(
        f"dialect {arguments.dialect or 'default'}, seed {arguments.seed}, {time.monotonic() - began:.0f} s"
    )
    print(table(outcomes))
    return 0 if is_clean(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
