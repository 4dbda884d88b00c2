"""Run one history, and sum up many."""

from __future__ import annotations

import ast
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from pprint import pformat

from tests.simulation.dialects import cells
from tests.simulation.draw import draw_plan
from tests.simulation.plans import Plan
from tests.simulation.promises import PROMISES, Promises
from tests.simulation.world import World

Cell = tuple[str, str]
#: A promise, and what kind of thing broke it.
Kind = tuple[str, str]

_COUNTERS = ("counts", "kinds", "windows", "requests", "attempts", "others")


@dataclass(slots=True)
class Result:
    """How one history went.

    :ivar kinds: what was broken
    :ivar requests: number of requests; so are ``attempts`` and ``others``, actors beside the first task
    """

    seed: int
    bundle: str
    kinds: list[Kind]
    held: list[tuple[Cell, str]]
    refused: list[tuple[Cell, str]]
    broken: list[tuple[Cell, str]]
    windows: dict[str, int]
    exposure: dict[str, float]
    requests: int
    attempts: int
    others: int


@dataclass(slots=True)
class Summary:
    """Many histories.

    :ivar counts: by cell, promise and how it went
    :ivar first: the lowest seed of each kind of failure, with its bundle
    :ivar seeds: all seeds of failures, with their bundles
    :ivar seconds: processor time
    """

    histories: int = 0
    counts: Counter[tuple[Cell, str, str]] = field(default_factory=Counter)
    kinds: Counter[Kind] = field(default_factory=Counter)
    first: dict[Kind, tuple[int, str]] = field(default_factory=dict)
    seeds: set[tuple[int, str]] = field(default_factory=set)
    windows: Counter[str] = field(default_factory=Counter)
    exposure: dict[str, float] = field(default_factory=dict)
    requests: Counter[int] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    others: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @classmethod
    def load(cls, path: Path) -> Summary:
        """Return the summary that a run has saved; an empty one if there is no such file."""
        if not path.exists():
            return cls()
        saved = ast.literal_eval(path.read_text())
        counters = {name: Counter(saved.pop(name)) for name in _COUNTERS}
        return cls(**saved, **counters)

    def save(self, path: Path) -> None:
        """Save it completely, or not at all."""
        saved = {one.name: getattr(self, one.name) for one in fields(self)}
        text = pformat(saved | {name: dict(saved[name]) for name in _COUNTERS}, width=110)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)

    def add(self, result: Result) -> None:
        """Add a history."""
        self.histories += 1
        for how in ("held", "refused", "broken"):
            for cell, promise in getattr(result, how):
                self.counts[cell, promise, how] += 1
        for kind in result.kinds:
            self.kinds[kind] += 1
            found = result.seed, result.bundle
            self.seeds.add(found)
            self.first[kind] = min(self.first.get(kind, found), found)
        self.windows.update(result.windows)
        for what, minutes in result.exposure.items():
            self.exposure[what] = max(self.exposure.get(what, 0.0), minutes)
        self.requests[result.requests] += 1
        self.attempts[result.attempts] += 1
        self.others[result.others] += 1

    def merge(self, other: Summary) -> None:
        """Add the histories of another summary."""
        self.histories += other.histories
        self.seconds += other.seconds
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.seeds |= other.seeds
        for kind, found in other.first.items():
            self.first[kind] = min(self.first.get(kind, found), found)
        for what, minutes in other.exposure.items():
            self.exposure[what] = max(self.exposure.get(what, 0.0), minutes)


def median(counts: Counter[int]) -> int:
    """Return the median of numbers, given how often each occurs."""
    left = sum(counts.values()) / 2
    for number in sorted(counts):
        left -= counts[number]
        if left <= 0:
            return number
    return 0


class _Warnings(logging.Handler):
    """Hands warnings of the procedures to the attempt that runs, and drops the rest: logging takes time."""

    world: World | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.world is not None and self.world.running is not None and record.name.startswith(_CAMPAIGNS):
            self.world.running.warnings.append(record.getMessage())


_PACKAGE = logging.getLogger("airflow_provider_engagevoice")
_CAMPAIGNS = "airflow_provider_engagevoice.campaigns"
_WARNINGS = _Warnings()


@contextmanager
def listening(world: World) -> Iterator[None]:
    """Hand warnings to the attempts of a world."""
    level, propagate = _PACKAGE.level, _PACKAGE.propagate
    _PACKAGE.setLevel(logging.WARNING)
    _PACKAGE.propagate = False
    _PACKAGE.addHandler(_WARNINGS)
    _WARNINGS.world = world
    try:
        yield
    finally:
        _WARNINGS.world = None
        _PACKAGE.removeHandler(_WARNINGS)
        _PACKAGE.setLevel(level)
        _PACKAGE.propagate = propagate


def run_plan(plan: Plan, log: Callable[..., None] | None = None) -> World:
    """Run a history to its end."""
    world = World(plan, log)
    with listening(world):
        world.run()
    return world


def kinds_of(promises: Promises) -> list[Kind]:
    """Return what was broken, without numbers and names."""
    return list(dict.fromkeys((promise, kind) for promise, kind, _ in promises.failures))


def run_seed(seed: int, bundle: str) -> Result:
    """Run the history of a seed."""
    world = run_plan(draw_plan(seed, bundle))
    promises = world.promises
    consulted = [
        cell
        for cell in cells(world.plan.dialect)
        if cell[0] in world.vendor.consulted
        or cell[0] in _ALWAYS_CONSULTED
        or cell == ("maintenance", "none")
    ]
    broken = {promise for promise, _, _ in promises.failures}
    allowed = list(dict.fromkeys(cell for _, found in promises.refused for cell in found))
    held, refused, failed = [], [], []
    for promise in PROMISES:
        if promise in broken:
            failed += [(cell, promise) for cell in consulted]
        elif promise == "g" and promises.refused:
            refused += [(cell, promise) for cell in allowed]
        elif promise in promises.risked:
            held += [(cell, promise) for cell in consulted]
    people = sum(1 for _ in world.plan.people)
    return Result(
        seed,
        bundle,
        kinds_of(promises),
        held,
        refused,
        failed,
        dict(promises.windows),
        promises.exposure,
        sum(task.requests for task in world.tasks),
        sum(len(task.attempts) for task in world.tasks),
        people + len(world.tasks) - 1 + sum(one.disowned for task in world.tasks for one in task.attempts),
    )


#: Points that make a difference without any request.
_ALWAYS_CONSULTED = ("day_hours_zone", "end_date")
