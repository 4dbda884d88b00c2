"""Make a failing history smaller, as long as it fails in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.dialects import Dialect
from tests.simulation.history import Kind, kinds_of, run_plan
from tests.simulation.plans import SOURCE, AttemptPlan, Plan, TaskPlan

#: Plain values of what a task or an attempt may have.
_PLAIN_TASK = {
    "cleared": (),
    "share": "100%",
    "own_permits": False,
    "group": "id",
    "enforce_active": False,
    "ring_time": None,
    "by_id": False,
    "if_exists": "update",
    "name": "Renewals 2026",
    "start": 0.0,
    "has_store": True,
    "store_fails": 0.0,
    "copy_nested": False,
    "fails_incomplete": False,
}
_PLAIN_ATTEMPT = {"end": "", "at": 0, "killed_at_end": False, "skew": 0.0, "pace": 0.1, "delay": 5.0}


def shrink(plan: Plan, kind: Kind) -> Plan:
    """Return the smallest plan found that still fails in the same way."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(plan):
            if kind in kinds_of(run_plan(candidate).promises):
                plan, smaller = candidate, True
                break
    return plan


def _candidates(plan: Plan) -> Iterator[Plan]:
    for name in ("people", "faults", "other_use", "maintenance"):
        items = getattr(plan, name)
        for index in range(len(items)):
            yield replace(plan, **{name: items[:index] + items[index + 1 :]})
    if len(plan.tasks) > 1:
        for index in range(len(plan.tasks)):
            yield replace(plan, tasks=plan.tasks[:index] + plan.tasks[index + 1 :])
    for index, campaign in enumerate(plan.campaigns):
        if campaign.name != SOURCE:
            yield replace(plan, campaigns=plan.campaigns[:index] + plan.campaigns[index + 1 :])
    if plan.fillers:
        yield replace(plan, fillers=0)
        yield replace(plan, fillers=plan.fillers - 1)
    friendly = Dialect()
    for point in plan.dialect.differing():
        yield replace(plan, dialect=replace(plan.dialect, **{point: getattr(friendly, point)}))
    for index, task in enumerate(plan.tasks):
        for simpler in _simpler_tasks(task):
            yield replace(plan, tasks=(*plan.tasks[:index], simpler, *plan.tasks[index + 1 :]))


def _simpler_tasks(task: TaskPlan) -> Iterator[TaskPlan]:
    for name, plain in _PLAIN_TASK.items():
        if getattr(task, name) != plain:
            yield replace(task, **{name: plain})
    for runs in ("attempts", "cleared"):
        attempts = getattr(task, runs)
        for index, attempt in enumerate(attempts):
            for simpler in _simpler_attempts(attempt):
                yield replace(task, **{runs: (*attempts[:index], simpler, *attempts[index + 1 :])})


def _simpler_attempts(attempt: AttemptPlan) -> Iterator[AttemptPlan]:
    if attempt.end:
        yield replace(attempt, end="", at=0)
    for name, plain in _PLAIN_ATTEMPT.items():
        if name not in ("end", "at") and getattr(attempt, name) != plain:
            yield replace(attempt, **{name: plain})
