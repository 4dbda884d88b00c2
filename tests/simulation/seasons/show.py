"""Print a history of seasons, and make one that fails smaller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.dialects import Dialect
from tests.simulation.history import Kind, kinds_of
from tests.simulation.plans import SOURCE, AttemptPlan
from tests.simulation.report import plain, text
from tests.simulation.seasons.history import run_history
from tests.simulation.seasons.plans import RolloutPlan, SeasonHistory, SeasonTaskPlan


def show(plan: SeasonHistory) -> list[Kind]:
    """Run a history and print it; return what it breaks."""
    print(f"  dialect: {plan.dialect.differing() or 'friendly'}")
    for season in plan.seasons:
        print(f"  season, waves after {season.after} s")
        for wanted in season.campaigns:
            print(f"    {plain(wanted)}")
    for rollout in plan.rollouts:
        print(f"  rollout of version {rollout.version} at {rollout.start}, later: {rollout.is_later}")
        for apply in rollout.applies:
            print(f"    {plain(apply)}")
    for one in (*plan.campaigns, *plan.tasks, *plan.people, *plan.faults):
        print(f"  {plain(one)}")
    for name in ("maintenance", "other_use", "fillers"):
        if getattr(plan, name):
            print(f"  {name}: {getattr(plan, name)}")

    def log(at: float, actor: object, *what: object) -> None:
        print(f"  {at:9.2f} {actor}: {' '.join(text(one) for one in what if one not in ('', None, {}))}")

    return kinds_of(run_history(plan, log).promises)


def shrink(plan: SeasonHistory, kind: Kind) -> SeasonHistory:
    """Return the smallest history found that still fails in the same way."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(plan):
            if kind in kinds_of(run_history(candidate).promises):
                plan, smaller = candidate, True
                break
    return plan


def _without(items: tuple[object, ...], index: int) -> tuple[object, ...]:
    return items[:index] + items[index + 1 :]


def _candidates(plan: SeasonHistory) -> Iterator[SeasonHistory]:
    for name in ("people", "tasks", "faults", "other_use", "maintenance"):
        for index in range(len(items := getattr(plan, name))):
            yield replace(plan, **{name: _without(items, index)})
    if len(plan.rollouts) > 1:
        yield replace(plan, rollouts=plan.rollouts[:1])
    for index, season in enumerate(plan.seasons):
        for number in range(len(season.campaigns)):
            if len(season.campaigns) > 1:
                fewer = replace(season, campaigns=_without(season.campaigns, number))
                yield replace(plan, seasons=(*plan.seasons[:index], fewer, *plan.seasons[index + 1 :]))
    for index, campaign in enumerate(plan.campaigns):
        if campaign.name != SOURCE:
            yield replace(plan, campaigns=_without(plan.campaigns, index))
    if plan.fillers:
        yield replace(plan, fillers=0)
    for point in plan.dialect.differing():
        yield replace(plan, dialect=replace(plan.dialect, **{point: getattr(Dialect(), point)}))
    for index, rollout in enumerate(plan.rollouts):
        for simpler in _rollouts(rollout):
            yield replace(plan, rollouts=(*plan.rollouts[:index], simpler, *plan.rollouts[index + 1 :]))


def _rollouts(rollout: RolloutPlan) -> Iterator[RolloutPlan]:
    if len(rollout.applies) > 1:
        yield replace(rollout, applies=rollout.applies[:1])
    for index, apply in enumerate(rollout.applies):
        for simpler in _applies(apply):
            yield replace(rollout, applies=(*rollout.applies[:index], simpler, *rollout.applies[index + 1 :]))


def _applies(apply: SeasonTaskPlan) -> Iterator[SeasonTaskPlan]:
    for name, simple in (("own_permits", False), ("share", "100%"), ("delay", 0.5)):
        if getattr(apply, name) != simple:
            yield replace(apply, **{name: simple})
    for index, attempt in enumerate(apply.attempts):
        for simpler in _attempts(attempt):
            yield replace(apply, attempts=(*apply.attempts[:index], simpler, *apply.attempts[index + 1 :]))


def _attempts(attempt: AttemptPlan) -> Iterator[AttemptPlan]:
    if attempt.end:
        yield replace(attempt, end="", at=0)
    for name, simple in (("killed_at_end", False), ("skew", 0.0), ("pace", 0.1)):
        if getattr(attempt, name) != simple:
            yield replace(attempt, **{name: simple})
