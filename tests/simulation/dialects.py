"""Dialects of the simulated vendor: the sandbox's points of campaigns, drawn at random.

``docs/vendor-behavior.md`` says the same in plain words.
"""

from __future__ import annotations

from random import Random

from airflow_provider_engagevoice.sandbox.dialects import CAMPAIGN_VALUES, LIKELY, REFUSABLE, Dialect

__all__ = ["BUNDLES", "CAPS", "LIKELY", "REFUSABLE", "VALUES", "Dialect", "cells", "draw"]

VALUES = CAMPAIGN_VALUES
#: Rows of a page, as the server cuts it.
CAPS = {"none": 10_000, "100": 100, "16": 16, "99": 99}
BUNDLES = ("friendly", "likely", "hostile", "mixed")
_FEW_ODD = (1, 1, 2, 3)


def draw(bundle: str, random: Random) -> Dialect:
    """Draw a dialect of a bundle; ``mixed`` is mostly one of the others with few odd values, so that a
    failure has few possible causes."""
    if bundle == "friendly":
        return Dialect()
    if bundle == "likely":
        return _likely(random)
    if bundle == "hostile":
        return Dialect(**{name: random.choice(values) for name, values in VALUES.items()})
    if bundle != "mixed":
        raise ValueError(f"no bundle {bundle!r}; choose one of {', '.join(BUNDLES)}")
    if random.random() < 0.15:
        return draw("hostile", random)
    base = _likely(random) if random.random() < 0.4 else Dialect()
    odd = random.sample(list(VALUES), random.choice(_FEW_ODD))
    return base.with_values({name: random.choice(VALUES[name]) for name in odd})


def _likely(random: Random) -> Dialect:
    return Dialect(**{name: random.choice(values) for name, values in LIKELY.items()})


def cells(dialect: Dialect) -> list[tuple[str, str]]:
    """Return the points of a dialect with their values."""
    return [(name, getattr(dialect, name)) for name in VALUES]
