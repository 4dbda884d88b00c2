"""``python -m tests.simulation.days``: run histories, and print a table and the first failures."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.simulation.days.history import Summary
from tests.simulation.dialects import BUNDLES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.days", description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    began, summary = time.process_time(), Summary()
    for number in range(options.histories):
        summary.add(options.seed * 1_000_000_000 + number, options.bundle)
    print(summary.table())
    seconds = time.process_time() - began
    print(f"\n{summary.histories:,} histories, {summary.runs:,} runs, {summary.told:,} told of open days")
    print(f"seed {options.seed}, {options.bundle} dialects, {seconds:.0f} seconds of one core")
    for promise, (seed, bundle, what) in summary.first.items():
        print(f"\nBROKEN ({promise}), seed {seed}, {bundle}: {what}")
    return int(bool(summary.first))


if __name__ == "__main__":
    sys.exit(main())
