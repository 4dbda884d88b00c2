"""Histories of waits: the same people and the same server in all four modes.

(e) a wait ends when the truth says so, says the same in every mode, and no odd answer or row ends it
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.dialects import BUNDLES, cells
from tests.simulation.history import Cell, Result, Summary
from tests.simulation.waits_modes import MODES, run_mode
from tests.simulation.waits_plan import HistoryPlan, draw_history
from tests.simulation.waits_truth import Truth, is_allowed

PROMISE = "e"
#: What was broken, and how.
Failure = tuple[str, str]


@dataclass(slots=True)
class Checked:
    """What came of a history.

    :ivar failures: what is broken
    :ivar refused: cells of the dialect that let waits end as they did
    :ivar consulted: points of the dialect
    """

    failures: list[Failure] = field(default_factory=list)
    refused: list[Cell] = field(default_factory=list)
    consulted: set[str] = field(default_factory=set)
    requests: int = 0


def check(plan: HistoryPlan, log: Callable[..., None] | None = None) -> Checked:
    """Run a history in every mode."""
    truths = [Truth(plan, wait) for wait in plan.waits]
    checked = Checked()
    for mode in MODES:
        side, ends = run_mode(plan, mode, log)
        checked.consulted |= side.vendor.consulted
        checked.requests += side.requests
        for truth, (kind, at, message) in zip(truths, ends, strict=True):
            allowed = truth.allowed()
            side.note("ENDS", kind, at, message)
            if is_allowed((kind, at), allowed):
                continue
            if cells := truth.refusable(kind, at, allowed):
                side.note("REFUSED", cells)
                checked.refused += cells
                continue
            wait = truth.wait
            due = " or ".join(sorted({kind for one in allowed for kind in one.kinds}))
            detail = f"{kind} at {at:.1f} {message}, but allowed {allowed}, of {truth.stretches}"
            when = " at another time" if any(kind in one.kinds for one in allowed) else f", not {due}"
            checked.failures.append((f"{mode}: by {wait.by} it ends as {kind}{when}", detail))
            side.note("BROKEN", detail)
    return checked


def run_wait_seed(seed: int, bundle: str) -> Result:
    """Run the history of waits of a seed."""
    plan = draw_history(seed, bundle)
    checked = check(plan)
    found = [(cell, PROMISE) for cell in cells(plan.dialect) if cell[0] in checked.consulted]
    is_broken, is_refused = bool(checked.failures), bool(checked.refused)
    risked = any(len(Truth(plan, wait).stretches) > 1 for wait in plan.waits)
    return Result(
        seed,
        bundle,
        list(dict.fromkeys((PROMISE, kind) for kind, _ in checked.failures)),
        found if risked and not is_broken and not is_refused else [],
        [(cell, PROMISE) for cell in dict.fromkeys(checked.refused)] if not is_broken else [],
        found if is_broken else [],
        {},
        {},
        checked.requests,
        len(MODES) * len(plan.waits),
        len(plan.acts),
    )


def show(plan: HistoryPlan) -> list[Failure]:
    """Run a history and print it; return what it breaks."""
    print(f"  dialect: {plan.dialect.differing() or 'friendly'}")
    for one in (*plan.campaigns, *plan.waits, *plan.acts, *plan.odd):
        print(f"  {one}")
    print(f"  maintenance {plan.maintenance}, other use {plan.other_use}, {plan.fillers} fillers")

    def log(at: float, mode: str, *what: object) -> None:
        texts = [str(getattr(one, "content", one))[:400] for one in what if one not in ("", {})]
        print(f"  {at:9.2f} {mode}: {' '.join(texts)}")

    return check(plan, log).failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.waits", description=__doc__)
    parser.add_argument("--histories", type=int, default=500, help="number of histories")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", choices=BUNDLES, default="mixed", help="which dialects to draw")
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the history of one seed")
    options = parser.parse_args()
    if options.replay is not None:
        return int(bool(show(draw_history(options.replay, options.bundle))))
    began, summary = time.monotonic(), Summary()
    first = options.seed * 1_000_000_000
    for seed in range(first, first + options.histories):
        summary.add(run_wait_seed(seed, options.bundle))
    requests = sum(number * times for number, times in summary.requests.items())
    held, refused, broken = (
        sum(1 for key in summary.counts if key[2] == how) for how in ("held", "refused", "broken")
    )
    rate = requests / (time.monotonic() - began)
    print(f"{summary.histories:,} histories of waits, {requests:,} requests, {rate:,.0f} a second")
    print(f"cells held {held}, refused {refused}, broken {broken}")
    for kind, number in summary.kinds.most_common():
        seed, bundle = summary.first[kind]
        print(f"BROKEN {kind[1]} in {number}")
        print(f"  python -m tests.simulation.waits --replay {seed} --bundle {bundle}")
    return 1 if summary.first else 0


if __name__ == "__main__":
    sys.exit(main())
