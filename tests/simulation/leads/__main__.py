"""``python -m tests.simulation.leads``: run histories of loads, and print a table and each failure."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import count

from tests.simulation.leads.dialects import BUNDLES
from tests.simulation.leads.history import Summary, show
from tests.simulation.leads.plan import draw_plan

_CHUNK = 25


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.leads", description=__doc__)
    parser.add_argument("--histories", type=int, default=2000, help="number of histories")
    parser.add_argument("--seconds", type=float, default=0.0, help="run for this long instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    options = parser.parse_args()
    if options.replay is not None:
        kinds = show(draw_plan(options.replay, options.bundle))
        print(kinds or "nothing is broken")
        return int(bool(kinds))
    began = time.monotonic()
    summary = run(options.seed, options.bundle, options.histories, options.seconds, options.workers)
    print(summary.table())
    rate = summary.requests / (time.monotonic() - began) / options.workers
    print(
        f"\nseed {options.seed}, {options.bundle} dialects: {summary.histories:,} histories, "
        f"{summary.attempts:,} attempts, {summary.opt_outs:,} opt-outs, {summary.requests:,} requests, "
        f"{rate:,.0f} a second on one core; {summary.doubts:,} chunks were looked up; {summary.late:,} "
        "histories with leads that came twice, later than the documented condition"
    )
    summary.failures()
    return int(bool(summary.first))


def run(seed: int, bundle: str, histories: int, seconds: float, workers: int) -> Summary:
    """Run histories, for a number of them or of seconds."""
    total, began, first = Summary(), time.monotonic(), seed * 1_000_000_000
    starts: Iterator[int] = count(0, _CHUNK) if seconds else iter(range(0, histories, _CHUNK))
    end = None if seconds else first + histories
    chunks = (range(first + one, min(first + one + _CHUNK, end or sys.maxsize)) for one in starts)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for part in pool.imap(partial(_run_chunk, bundle), chunks):
            total.merge(part)
            if seconds and time.monotonic() - began >= seconds:
                break
    return total


def _run_chunk(bundle: str, seeds: range) -> Summary:
    summary = Summary()
    for seed in seeds:
        summary.add(seed, bundle)
    return summary


if __name__ == "__main__":
    sys.exit(main())
