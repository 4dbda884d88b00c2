"""How many generated cases the property tests try, and how long simulations draw histories."""

from __future__ import annotations

import os


def cases(count: int) -> int:
    """Return a number of cases; with ``ENGAGEVOICE_QUICK``, as ``make test`` sets it, a fifth of it."""
    return min(count, max(20, count // 5)) if os.environ.get("ENGAGEVOICE_QUICK") else count


def drawing_seconds(count: float) -> float:
    """Return the seconds that a simulation runs; with ``ENGAGEVOICE_QUICK`` a quarter of them."""
    return count / 4 if os.environ.get("ENGAGEVOICE_QUICK") else count
