"""``python -m tests.simulation``: run histories, print a table, and the smallest history of each failure."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.simulation.dialects import BUNDLES
from tests.simulation.draw import draw_plan
from tests.simulation.history import Summary, run_seed
from tests.simulation.report import show
from tests.simulation.shrink import shrink
from tests.simulation.table import figures, table

_CHUNK = 50
#: Seeds of one run, so that no two runs share one.
_SEEDS = 1_000_000_000
#: One history in this many is one of waits.
_WAITS = 20
#: Histories after which a run is saved again.
_SAVED = 1000
#: Failures whose histories are printed.
_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=2000, help="number of histories")
    parser.add_argument("--seconds", type=float, default=0.0, help="run for this long instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="save the run there, and go on from it")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    options = parser.parse_args()
    if options.replay is not None:
        return replay(options.replay, options.bundle)
    summary = run(
        options.seed, options.bundle, options.histories, options.seconds, options.workers, options.resume
    )
    print(table(summary))
    print()
    print(f"seed {options.seed}, {options.bundle} dialects")
    print(figures(summary))
    for kind in list(summary.first)[:_SHOWN]:
        seed, bundle = summary.first[kind]
        print(f"\nBROKEN ({kind[0]}) {kind[1]}, in {summary.kinds[kind]} histories")
        module = "tests.simulation.waits" if kind[0] == "e" else "tests.simulation"
        print(f"  python -m {module} --replay {seed} --bundle {bundle}")
        if kind[0] != "e":
            show(shrink(draw_plan(seed, bundle), kind))
    return 1 if summary.first else 0


def run(
    seed: int, bundle: str, histories: int, seconds: float = 0.0, workers: int = 1, saved: Path | None = None
) -> Summary:
    """Run histories, for a number of them or of seconds.

    :param saved: file of a run that was interrupted, or of a new one
    """
    total = Summary() if saved is None else Summary.load(saved)
    began = time.monotonic()
    chunks = _chunks(seed * _SEEDS, total.histories, histories, endless=seconds > 0)
    if workers == 1:
        parts: Iterator[Summary] = map(partial(_run_chunk, bundle), chunks)
        pool = None
    else:
        pool = multiprocessing.get_context("fork").Pool(workers)
        parts = pool.imap(partial(_run_chunk, bundle), chunks)
    try:
        for part in parts:
            total.merge(part)
            if saved is not None and total.histories % _SAVED == 0:
                total.save(saved)
            for failed, of in sorted(part.seeds):
                print(f"{total.histories:,} histories, broken: {failed} ({of})", file=sys.stderr, flush=True)
            if seconds and time.monotonic() - began >= seconds:
                break
    finally:
        if pool is not None:
            pool.terminate()
    return total


def _chunks(first: int, done: int, histories: int, *, endless: bool) -> Iterator[range]:
    while endless or done < histories:
        size = _CHUNK if endless else min(_CHUNK, histories - done)
        yield range(first + done, first + done + size)
        done += size


def _run_chunk(bundle: str, seeds: range) -> Summary:
    # It imports Airflow, which takes seconds.
    from tests.simulation.waits import run_wait_seed

    summary = Summary()
    began = time.process_time()
    for seed in seeds:
        summary.add(run_wait_seed(seed, bundle) if seed % _WAITS == 0 else run_seed(seed, bundle))
    summary.seconds = time.process_time() - began
    return summary


def replay(seed: int, bundle: str) -> int:
    """Print the history of a seed, and the smallest one that fails in the same way."""
    plan = draw_plan(seed, bundle)
    kinds = show(plan)
    for kind in kinds:
        print(f"\nthe smallest history found with ({kind[0]}) {kind[1]}:")
        show(shrink(plan, kind))
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
