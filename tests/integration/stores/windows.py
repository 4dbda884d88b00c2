"""Count permits in sliding windows, by the times of their requests and grants."""

from __future__ import annotations

from airflow_provider_engagevoice.stores import Rate


def too_many(times: list[tuple[float, float]], rates: tuple[Rate, ...]) -> list[str]:
    """Return the windows with more permits than allowed.

    A permit was counted at some instant between its request and its grant. So of any ``permits + 1`` in a
    row, the last must be granted no sooner than a window after the first was requested.
    """
    requested = sorted(one for one, _ in times)
    granted = sorted(one for _, one in times)
    return [
        f"{rate}: {rate.permits + 1} in {granted[first + rate.permits] - requested[first]:.4f} s"
        for rate in rates
        for first in range(len(times) - rate.permits)
        if granted[first + rate.permits] - requested[first] < rate.seconds - 0.0015
    ]
