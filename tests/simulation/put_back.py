"""``python -m tests.simulation.put_back``: put each corrected fault back, and print when it is found."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from functools import partial

from tests.simulation.asked_faults import FAULTS
from tests.simulation.dialects import BUNDLES
from tests.simulation.history import Kind, run_seed
from tests.simulation.old_faults import present

_TITLES = {
    "a": "two campaigns, or one left unfinished",
    "b": "other dates, or it can dial",
    "c": "another's",
    "d": "a pause is undone",
    "f": "success is not so",
    "g": "it fails",
    "h": "unasked",
}


_WORST_FIRST = "cabdhfg"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.put_back", description=__doc__)
    parser.add_argument("--most", type=int, default=20_000, help="histories after which it is not found")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="", help="words of the fault's title")
    options = parser.parse_args()
    chosen = [number for number, one in enumerate(FAULTS) if options.only in one.title]
    find = partial(histories_until_found, seed=options.seed, bundle=options.bundle, most=options.most)
    print("| fault put back | found after histories | by |\n|---|---|---|")
    missed = 0
    with multiprocessing.get_context("fork").Pool(options.workers) as pool:
        for number, (histories, kind) in zip(chosen, pool.imap(find, chosen), strict=True):
            found = f"{histories:,}" if kind else f"NOT in {histories:,}"
            how = f"({kind[0]}) {_TITLES[kind[0]]}: {kind[1]}" if kind else ""
            print(f"| {FAULTS[number].title} | {found} | {how} |", flush=True)
            missed += kind is None
    return 1 if missed else 0


def histories_until_found(number: int, *, seed: int, bundle: str, most: int) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found.

    It is found by a history that breaks a promise with the fault, and none without it.

    :raises RuntimeError: if the fault replaces code that has changed
    """
    for count in range(1, most + 1):
        if kind := finds(number, seed * 1_000_000_000 + count - 1, bundle):
            return count, kind
    return most, None


def finds(number: int, seed: int, bundle: str) -> Kind | None:
    """Return what a fault breaks in one history that breaks nothing without it; None for nothing.

    :raises RuntimeError: if the fault replaces code that has changed
    """
    with present(FAULTS[number]):
        kinds = run_seed(seed, bundle).kinds
    crashes = [kind for _, kind in kinds if kind.startswith("untyped") and "OvertakenError" not in kind]
    if crashes:
        raise RuntimeError(f"{FAULTS[number].title}: it does not fit the code any more: {crashes}")
    is_found = any(FAULTS[number].promise in promise for promise, _ in kinds)
    if not is_found or run_seed(seed, bundle).kinds:
        return None
    return min(kinds, key=lambda kind: _WORST_FIRST.index(kind[0]))


if __name__ == "__main__":
    sys.exit(main())
