"""``python -m tests.simulation.leads``: run histories of loads, and print a table and each failure."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.leads.dialects import BUNDLES
from tests.simulation.leads.history import Summary, show
from tests.simulation.leads.plan import draw_plan


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.leads", description=__doc__)
    parser.add_argument("--histories", type=int, default=2000, help="number of histories")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    options = parser.parse_args()
    if options.replay is not None:
        kinds = show(draw_plan(options.replay, options.bundle))
        print(kinds or "nothing is broken")
        return int(bool(kinds))
    began, summary, first = time.monotonic(), Summary(), options.seed * 1_000_000_000
    for seed in range(first, first + options.histories):
        summary.add(seed, options.bundle)
    print(summary.table())
    rate = summary.requests / (time.monotonic() - began)
    print(
        f"\nseed {options.seed}, {options.bundle} dialects: {summary.histories:,} histories, "
        f"{summary.attempts:,} attempts, {summary.requests:,} requests, {rate:,.0f} a second; "
        f"{summary.doubts:,} chunks were looked up; {summary.late:,} histories with leads that came twice, "
        "later than the documented condition"
    )
    summary.failures()
    return int(bool(summary.first))


if __name__ == "__main__":
    sys.exit(main())
