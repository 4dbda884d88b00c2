"""Roll out many campaigns with a distributed Airflow: as a season, by single tasks, by the vendor's SDK.

The server is a sandbox that enforces the documented limits. The exit code is 0 only if the season and
the single tasks created every campaign once, at the first attempt, within the rate limit of sign-ins.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import fields
from typing import get_args

from tests.benchmarks.fleet.distributed import missing_packages
from tests.benchmarks.fleet.figures import Figures
from tests.benchmarks.fleet.rollout import PROVIDER, SDK, SEASON, Size, Store, fleet
from tests.support.services import missing_programs

_ROWS = {
    "run_state": "run state",
    "requested": "campaigns requested",
    "made": "campaigns created",
    "doubles": "campaigns duplicated",
    "missing": "missing",
    "unfinished": "campaigns left unfinished",
    "failed": "tasks failed",
    "not_ended": "tasks not ended",
    "retried": "tasks with several attempts",
    "exchanges": "token exchanges",
    "exchanges_5_min": "  most in any 5 minutes",
    "exchanges_429": "  answered 429",
    "requests": "other requests",
    "requests_1_min": "  most in any minute",
    "requests_429": "  answered 429",
    "seconds": "first to last request, s",
    "searched": "files, tables, keys searched",
    "secrets": "  containing secrets",
}


def main() -> int:
    """Run it, print the table and return the exit code."""
    given = _arguments()
    if missing := missing_programs("redis-server", "postgresql") + missing_packages():
        print(f"missing: {', '.join(missing)}")
        print("see tests/benchmarks/fleet/requirements.txt and python -m tests.support.services")
        return 2
    sides = {} if given.only_sdk else {"season": SEASON, "single tasks": PROVIDER}
    if not given.without_sdk:
        if not os.environ.get("ENGAGEVOICE_SDK_PYTHON"):
            print("set ENGAGEVOICE_SDK_PYTHON to the python that has the vendor's SDK; or use --without-sdk")
            return 2
        sides["vendor's SDK"] = SDK
    size = Size(given.size, given.groups, given.minutes * 60)
    began = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    figures = {}
    for name, dag_id in sides.items():
        report(f"starting Airflow with {given.workers} workers of {given.processes}")
        # Each has an Airflow of its own, so that none finds the tokens of another one.
        with fleet(dag_id, store=given.store, workers=given.workers, processes=given.processes) as started:
            report(f"running {dag_id} for {size.campaigns} campaigns in {size.groups} dial groups")
            figures[name] = started.roll_out(dag_id, size)
        report(f"{name}: {figures[name].run_state}")
        print(_table(figures), flush=True)
    problems = [
        f"{name}: {problem}"
        for name in ("season", "single tasks")
        if name in figures
        for problem in figures[name].problems()
    ]
    print(f"\nFAILED: {'; '.join(problems)}" if problems else "\nthe provider met every goal")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.fleet", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--size", type=int, default=500, help="campaigns (%(default)s)")
    parser.add_argument("--groups", type=int, default=20, help="dial groups (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="Celery workers (%(default)s)")
    parser.add_argument("--processes", type=int, default=4, help="processes per worker (%(default)s)")
    parser.add_argument("--minutes", type=float, default=120, help="timeout of a run (%(default)s)")
    parser.add_argument(
        "--store", choices=get_args(Store), default="file", help="what the provider's processes share"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--without-sdk", action="store_true", help="only the provider")
    only.add_argument("--only-sdk", action="store_true", help="only the vendor's SDK")
    return parser.parse_args()


def _table(figures: dict[str, Figures]) -> str:
    wide = max(map(len, _ROWS.values()))
    lines = ["", " " * wide + "".join(f"{name:>16}" for name in figures)]
    for field in fields(Figures):
        values = [getattr(one, field.name) for one in figures.values()]
        shown = [f"{value:.0f}" if isinstance(value, float) else str(value) for value in values]
        lines.append(f"{_ROWS[field.name]:<{wide}}" + "".join(f"{value:>16}" for value in shown))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
