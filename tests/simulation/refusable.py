"""The cells of the dialect that allow a task to end with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.dialects import REFUSABLE
from tests.simulation.rows import PRECISION

if TYPE_CHECKING:
    from tests.simulation.actors import Task

_SECOND = 1000
#: Seconds of a maintenance that a task outlasts.
_MINUTES = 150.0


def refusable_cells(task: Task) -> list[tuple[str, str]]:
    """Return the cells of the dialect that allow this task to be refused: those that it has met."""
    dialect = task.world.plan.dialect
    return [
        cell for cell in sorted(REFUSABLE) if getattr(dialect, cell[0]) == cell[1] and _is_met(task, *cell)
    ]


def _is_met(task: Task, point: str, value: str) -> bool:
    world = task.world
    match point:
        case "names":
            return not task.is_kept
        case "date_precision":
            return any(wanted % PRECISION[value] >= _SECOND for wanted in task.dates.values())
        case "order":
            return world.vendor.has_pages
        case "maintenance_length":
            lengths = [end - begin for begin, end in world.plan.maintenance]
            return "maintenance" in world.vendor.consulted and max(lengths) > _MINUTES
        case "create_answer":
            return _has_sent(task, "POST")
        case "delete":
            return _has_sent(task, "DELETE")
        case "list_shows":
            return "list_shows" in world.vendor.consulted
    raise ValueError(f"nothing says when {point} is met")


def _has_sent(task: Task, method: str) -> bool:
    return any(sent.method == method for attempt in task.attempts for sent in attempt.sent)
