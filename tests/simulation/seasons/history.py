"""Run one history of seasons, and sum up many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.dialects import cells
from tests.simulation.history import Cell, Result, Summary, kinds_of, listening, median
from tests.simulation.seasons.actors import SeasonAttempt
from tests.simulation.seasons.draw import draw_history
from tests.simulation.seasons.plans import SeasonHistory
from tests.simulation.seasons.world import SeasonWorld

TITLES = {
    "a": "one campaign of a name, nothing unfinished",
    "b": "its dates, or it cannot dial",
    "c": "nothing else, and no change by others, is written",
    "d": "a pause stands",
    "e": "what is taken back is as before, or others have changed it; a pause pauses all",
    "f": "the record is so, or the campaign is named",
    "g": "it succeeds",
}
_WRITTEN = ("created", "cloned", "updated")


@dataclass(slots=True)
class SeasonResult(Result):
    """How one history went.

    :ivar costs: requests for campaigns of their own, by outcome, in applies that nothing has disturbed; and
        the number of these campaigns
    """

    costs: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class SeasonSummary(Summary):
    """Many histories.

    :ivar promises: by promise and how it went
    """

    promises: Counter[tuple[str, str]] = field(default_factory=Counter)
    costs: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        Summary.add(self, result)
        assert isinstance(result, SeasonResult)
        self.costs.update(result.costs)
        for how in ("held", "refused", "broken"):
            self.promises.update((promise, how) for promise in {one for _, one in getattr(result, how)})

    def merge(self, other: Summary) -> None:
        Summary.merge(self, other)
        assert isinstance(other, SeasonSummary)
        self.costs.update(other.costs)
        self.promises.update(other.promises)

    def table(self) -> str:
        """Return how the promises went, as Markdown."""
        lines = ["| promise | held | refused | broken |", "|---|---|---|---|"]
        for promise, title in TITLES.items():
            counts = [f"{self.promises[promise, how]:,}" for how in ("held", "refused", "broken")]
            lines.append(f"| ({promise}) {title} | {' | '.join(counts)} |")
        return "\n".join(lines)

    def figures(self, seconds: float, workers: int) -> str:
        """Return the figures of a run."""
        requests = sum(number * times for number, times in self.requests.items())
        rate = requests / seconds / workers if seconds else 0.0
        lines = [
            f"{self.histories:,} histories, {requests:,} requests, {rate:,.0f} requests a second on one core",
            f"medians per history: {median(self.requests)} requests, {median(self.attempts)} attempts, "
            f"{median(self.others)} other actors",
        ]
        for outcome in _WRITTEN:
            if number := self.costs[f"{outcome} campaigns"]:
                own = self.costs[f"{outcome} requests"] / number
                lines.append(f"requests per {outcome} campaign, of {number:,}: {own:.2f}")
        if number := self.costs["applies"]:
            lists = self.costs["list requests"] / number
            lines.append(f"requests for lists per apply, of {number:,}, and dial group: {lists:.1f}")
        for what, times in sorted(self.windows.items()):
            lines.append(f"changes by people between our read and our write, (unavoidable) {what}: {times}")
        return "\n".join(lines)


def run_history(plan: SeasonHistory, log: Callable[..., None] | None = None) -> SeasonWorld:
    """Run a history to its end."""
    world = SeasonWorld(plan, log)
    with listening(world):
        world.run()
    return world


def run_seed(seed: int, bundle: str) -> SeasonResult:
    """Run the history of a seed."""
    world = run_history(draw_history(seed, bundle))
    promises = world.promises
    consulted = [cell for cell in cells(world.plan.dialect) if cell[0] in world.vendor.consulted]
    broken = {promise for promise, _, _ in promises.failures}
    allowed = list(dict.fromkeys(cell for _, found in promises.refused for cell in found))
    held: list[tuple[Cell, str]] = []
    refused: list[tuple[Cell, str]] = []
    failed: list[tuple[Cell, str]] = []
    for promise in TITLES:
        if promise in broken:
            failed += [(cell, promise) for cell in consulted]
        elif promise == "g" and promises.refused:
            refused += [(cell, promise) for cell in allowed]
        elif promise in promises.risked:
            held += [(cell, promise) for cell in consulted]
    tasks = [*(one.planning for one in world.rollouts), *world.applies, *world.others]
    attempts = [attempt for task in tasks for attempt in task.attempts]
    others = len(world.others) + len(world.plan.people) + sum(one.disowned for one in attempts)
    return SeasonResult(
        seed=seed,
        bundle=bundle,
        kinds=kinds_of(promises),
        held=held,
        refused=refused,
        broken=failed,
        windows=dict(promises.windows),
        exposure={},
        requests=sum(task.requests for task in tasks),
        attempts=len(attempts),
        others=others,
        costs=_costs(world),
    )


def _costs(world: SeasonWorld) -> Counter[str]:
    """Return the requests of applies whose first attempt has done all, if nobody has disturbed it."""
    costs: Counter[str] = Counter()
    if world.plan.people or world.others or world.plan.faults or len(world.rollouts[0].applies) > 1:
        return costs
    for apply in world.applies:
        if apply.rollout.plan.kind != "season":
            continue
        if apply.state != "success" or any(one.number for one in apply.attempts):
            continue
        record = apply.rollout.records().load(apply.result.record)
        changes = record.changes.values()
        outcomes = {one.campaign_id: one.outcome for one in changes if one.campaign_id is not None}
        sources = {one.source for one in apply.season_plan.campaigns if one.source}
        costs["applies"] += len({one.dial_group_id for one in apply.season_plan.campaigns})
        costs.update(f"{one} campaigns" for one in outcomes.values())
        for attempt in apply.attempts:
            costs.update(f"{one} requests" for one in _requests(attempt, outcomes, sources))
    return costs


def _requests(attempt: SeasonAttempt, outcomes: dict[int, str], sources: set[int]) -> list[str]:
    found = []
    for sent in attempt.sent:
        if sent.row is None:
            found.append("created" if sent.method == "POST" else "list")
        elif sent.row in sources:
            found.append("cloned")
        else:
            found.append(outcomes.get(sent.row, "other"))
    return found
