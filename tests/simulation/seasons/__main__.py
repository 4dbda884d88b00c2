"""``python -m tests.simulation.seasons``: run histories of seasons, and print a table and each failure."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import count

from tests.simulation.dialects import BUNDLES
from tests.simulation.seasons.draw import draw_history
from tests.simulation.seasons.history import SeasonSummary, run_seed
from tests.simulation.seasons.show import show, shrink
from tests.simulation.table import table

_CHUNK = 20
#: Failures whose histories are printed.
_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.seasons", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="number of histories")
    parser.add_argument("--seconds", type=float, default=0.0, help="run for this long instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--dialects", action="store_true", help="print the promises by dialect, too")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    options = parser.parse_args()
    if options.replay is not None:
        kinds = show(draw_history(options.replay, options.bundle))
        print(kinds or "nothing is broken")
        return int(bool(kinds))
    began = time.monotonic()
    summary = run(options.seed, options.bundle, options.histories, options.seconds, options.workers)
    seconds = time.monotonic() - began
    print(summary.table())
    if options.dialects:
        print(f"\n{table(summary)}")
    print(f"\nseed {options.seed}, {options.bundle} dialects")
    print(summary.figures(seconds, options.workers))
    for kind in list(summary.first)[:_SHOWN]:
        seed, bundle = summary.first[kind]
        print(f"\nBROKEN ({kind[0]}) {kind[1]}, in {summary.kinds[kind]} histories")
        print(f"  python -m tests.simulation.seasons --replay {seed} --bundle {bundle}")
        show(shrink(draw_history(seed, bundle), kind))
    return int(bool(summary.first))


def run(seed: int, bundle: str, histories: int, seconds: float = 0.0, workers: int = 1) -> SeasonSummary:
    """Run histories, for a number of them or of seconds."""
    total, began, first = SeasonSummary(), time.monotonic(), seed * 1_000_000_000
    starts: Iterator[int] = count(0, _CHUNK) if seconds else iter(range(0, histories, _CHUNK))
    end = None if seconds else first + histories
    chunks = (range(first + one, min(first + one + _CHUNK, end or sys.maxsize)) for one in starts)
    if workers == 1:
        parts: Iterator[SeasonSummary] = map(partial(_run_chunk, bundle), chunks)
        pool = None
    else:
        pool = multiprocessing.get_context("fork").Pool(workers)
        parts = pool.imap(partial(_run_chunk, bundle), chunks)
    try:
        for part in parts:
            total.merge(part)
            if seconds and time.monotonic() - began >= seconds:
                break
    finally:
        if pool is not None:
            pool.terminate()
    return total


def _run_chunk(bundle: str, seeds: range) -> SeasonSummary:
    summary = SeasonSummary()
    for seed in seeds:
        summary.add(run_seed(seed, bundle))
    return summary


if __name__ == "__main__":
    sys.exit(main())
