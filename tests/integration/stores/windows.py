"""Counting permits in sliding windows, from when each was asked for and had."""

from __future__ import annotations

from airflow_provider_engagevoice.stores.base import Rate


def too_many(had: list[tuple[float, float]], rates: tuple[Rate, ...]) -> list[str]:
    """Return where more permits were had than a window allows.

    A permit was counted at some instant between when it was asked for and when it was had. So of any
    ``permits + 1`` in a row the last was had no sooner than a window after the first was asked for.
    """
    asked = sorted(one for one, _ in had)
    got = sorted(one for _, one in had)
    return [
        f"{rate}: {rate.permits + 1} in {got[first + rate.permits] - asked[first]:.4f} s"
        for rate in rates
        for first in range(len(had) - rate.permits)
        if got[first + rate.permits] - asked[first] < rate.seconds - 0.0015
    ]
