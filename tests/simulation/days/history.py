"""Run histories of weeks with excluded dates, and sum them up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.days.draw import Weeks, draw_weeks
from tests.simulation.days.promises import TITLES, DayPromises
from tests.simulation.days.world import DaysWorld


@dataclass(slots=True)
class Summary:
    """Many histories.

    :ivar first: the first seed in which each promise was broken, and what has happened
    """

    histories: int = 0
    runs: int = 0
    told: int = 0
    held: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def add(self, seed: int, bundle: str) -> None:
        """Run the history of a seed."""
        world = DaysWorld(draw_weeks(seed, bundle))
        promises = world.run()
        self.histories += 1
        self.runs += len(world.ran)
        self.told += sum(one.is_told for one in world.ran)
        self.held.update(promises.held)
        for promise, what in promises.failures:
            self.broken[promise] += 1
            self.first.setdefault(promise, (seed, bundle, what))

    def table(self) -> str:
        """Return how the promises went, as Markdown."""
        lines = ["| promise | at stake | broken |", "|---|---|---|"]
        lines += [
            f"| ({promise}) {title} | {self.held[promise]:,} | {self.broken[promise]:,} |"
            for promise, title in TITLES.items()
        ]
        return "\n".join(lines)


def run_weeks(plan: Weeks) -> DayPromises:
    """Run one history to its end."""
    return DaysWorld(plan).run()
