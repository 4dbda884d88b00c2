"""Run one history of a load; ``python -m tests.simulation.leads`` runs many."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from tests.simulation.leads.dialects import REFUSABLE, VALUES
from tests.simulation.leads.plan import LoadPlan, draw_plan, simpler
from tests.simulation.leads.promises import LATE, PROMISES, Kind, broken
from tests.simulation.leads.world import LoadWorld


def run_plan(plan: LoadPlan, log: Callable[..., None] | None = None) -> LoadWorld:
    """Run a plan to its end."""
    world = LoadWorld(plan, log)
    world.run()
    return world


def run_seed(seed: int, bundle: str) -> tuple[LoadWorld, list[Kind]]:
    """Run the history of a seed; return it, and what it breaks."""
    world = run_plan(draw_plan(seed, bundle))
    return world, broken(world)


def shrink(plan: LoadPlan, kind: Kind) -> LoadPlan:
    """Return the smallest plan found that breaks the same."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in simpler(plan):
            if kind in broken(run_plan(candidate)):
                plan, smaller = candidate, True
                break
    return plan


def show(plan: LoadPlan) -> list[Kind]:
    """Print a history; return what it breaks."""
    print(f"  dialect: {plan.dialect.differing() or 'friendly'}\n  {plan}")

    def log(at: float, actor: object, *what: object) -> None:
        print(f"  {at:9.2f} {actor}: {' '.join(str(one) for one in what if one != '')}")

    return broken(run_plan(plan, log))


#: Histories in which a promise could have been broken, for a cell to count.
ENOUGH = 100


class Summary:
    """Many histories.

    :ivar cells: how often a promise held, was broken, or the task was refused, by dialect point and value
    """

    def __init__(self) -> None:
        self.histories = self.requests = self.attempts = self.doubts = self.late = self.opt_outs = 0
        self.cells: Counter[tuple[str, str, str, str]] = Counter()
        self.first: dict[Kind, tuple[int, str]] = {}
        self.kinds: Counter[Kind] = Counter()

    def add(self, seed: int, bundle: str) -> None:
        """Run a history and add it."""
        world, all_kinds = run_seed(seed, bundle)
        kinds = [kind for kind in all_kinds if kind[0] != LATE]
        self.late += len(all_kinds) - len(kinds)
        self.histories += 1
        self.requests += world.requests
        self.attempts += len(world.attempts)
        self.opt_outs += world.opt_out is not None
        last = world.attempts[-1]
        self.doubts += last.decisions.state.counts.reconciled
        is_refused = last.error is not None
        # What a history without an opt-out, or without a success, cannot break.
        idle = {"d": world.opt_out is None, "e": last.error is not None}
        for promise in PROMISES:
            if idle.get(promise):
                continue
            is_broken = any(kind[0] == promise for kind in kinds)
            how = "broken" if is_broken else "refused" if is_refused and promise == "g" else "held"
            for point in VALUES:
                self.cells[point, getattr(world.plan.dialect, point), promise, how] += 1
        for kind in kinds:
            self.kinds[kind] += 1
            self.first.setdefault(kind, (seed, bundle))

    def merge(self, other: Summary) -> None:
        """Add other histories."""
        for name in ("histories", "requests", "attempts", "doubts", "late", "opt_outs"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cells += other.cells
        self.kinds += other.kinds
        for kind, seed in other.first.items():
            self.first.setdefault(kind, seed)

    def table(self) -> str:
        """Return the cells as Markdown."""
        lines = [f"| dialect | value | {' | '.join(f'({one}) {PROMISES[one]}' for one in PROMISES)} |"]
        lines.append("|---|---|" + "---|" * len(PROMISES))
        for point, values in VALUES.items():
            for value in values:
                cells = " | ".join(self._cell(point, value, promise) for promise in PROMISES)
                star = " *" if (point, value) in REFUSABLE else ""
                lines.append(f"| {point.replace('_', ' ')} | {value}{star} | {cells} |")
        return "\n".join(lines)

    def _cell(self, point: str, value: str, promise: str) -> str:
        counts = {how: self.cells[point, value, promise, how] for how in ("held", "refused", "broken")}
        if not counts["broken"] and sum(counts.values()) < ENOUGH:
            return "-"
        return ", ".join(f"{how} {number:,}" for how, number in counts.items() if number)

    def failures(self, most: int = 20) -> None:
        """Print the smallest history of each failure."""
        for kind in list(self.first)[:most]:
            seed, bundle = self.first[kind]
            print(f"\nBROKEN ({kind[0]}) {kind[1]}, in {self.kinds[kind]} histories")
            print(f"  python -m tests.simulation.leads --replay {seed} --bundle {bundle}")
            show(shrink(draw_plan(seed, bundle), kind))
        sys.stdout.flush()
