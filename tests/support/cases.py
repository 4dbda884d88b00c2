"""How many generated cases the property tests try."""

from __future__ import annotations

import os


def cases(count: int) -> int:
    """Return a number of cases; with ``ENGAGEVOICE_QUICK``, as ``make test`` sets it, a fifth of it."""
    return min(count, max(20, count // 5)) if os.environ.get("ENGAGEVOICE_QUICK") else count
