"""How many generated cases the property tests try."""

from __future__ import annotations

import os

#: Set if tests marked slow are omitted.
QUICK = "ENGAGEVOICE_QUICK"


def cases(count: int) -> int:
    """Return a number of cases; a fifth of it if tests marked slow are omitted, as by ``make test``."""
    return max(20, count // 5) if QUICK in os.environ else count
