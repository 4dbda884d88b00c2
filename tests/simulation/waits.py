"""Histories of waits: the same people and the same server in all four modes.

(e) a wait ends when the truth says so, says the same in every mode, and no odd answer or row ends it
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.simulation.dialects import BUNDLES, cells
from tests.simulation.history import Result, Summary
from tests.simulation.waits_modes import MODES, run_mode
from tests.simulation.waits_plan import HistoryPlan, draw_history
from tests.simulation.waits_truth import Truth, is_allowed

PROMISE = "e"
#: What was broken, and how.
Failure = tuple[str, str]


def check(plan: HistoryPlan, log: Callable[..., None] | None = None) -> tuple[list[Failure], set[str], int]:
    """Run a history in every mode; return what is broken, the points consulted, and the requests."""
    truths = [Truth(plan, wait) for wait in plan.waits]
    failures: list[Failure] = []
    consulted: set[str] = set()
    requests = 0
    for mode in MODES:
        side, ends = run_mode(plan, mode, log)
        consulted |= side.vendor.consulted
        requests += side.requests
        for truth, (kind, at, message) in zip(truths, ends, strict=True):
            allowed = truth.allowed()
            side.note("ENDS", kind, at, message)
            if not is_allowed((kind, at), allowed):
                wait = truth.wait
                due = " or ".join(sorted({kind for one in allowed for kind in one.kinds}))
                detail = f"{kind} at {at:.1f} {message}, but allowed {allowed}, of {truth.stretches}"
                when = " at another time" if any(kind in one.kinds for one in allowed) else f", not {due}"
                failures.append((f"{mode}: by {wait.by} it ends as {kind}{when}", detail))
                side.note("BROKEN", detail)
    return failures, consulted, requests


def run_wait_seed(seed: int, bundle: str) -> Result:
    """Run the history of waits of a seed."""
    plan = draw_history(seed, bundle)
    failures, consulted, requests = check(plan)
    truths = [Truth(plan, wait) for wait in plan.waits]
    allowed = list(dict.fromkeys(cell for truth in truths for cell in truth.may_fail))
    found = [(cell, PROMISE) for cell in cells(plan.dialect) if cell[0] in consulted]
    is_refused = bool(failures) and bool(allowed)
    risked = any(len(truth.stretches) > 1 for truth in truths)
    return Result(
        seed,
        bundle,
        [] if is_refused else list(dict.fromkeys((PROMISE, kind) for kind, _ in failures)),
        found if risked and not failures else [],
        [(cell, PROMISE) for cell in allowed] if is_refused else [],
        found if failures and not is_refused else [],
        {},
        {},
        requests,
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

    return check(plan, log)[0]


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
