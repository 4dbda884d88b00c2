"""The rate limits that the probe keeps, and those that follow from what the server has answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS, RateLimitShares

LIMIT_HEADER: Final = "x-rate-limit-limit"
WINDOW_HEADER: Final = "x-rate-limit-window"

#: What the headers of answers say: a number of requests, by rate limit and by the seconds of its window.
Stated = Mapping[tuple[str, float], float]


def read_rate(headers: Mapping[str, str]) -> tuple[float, float] | None:
    """Return the seconds of a window and the requests that it allows, None without such headers."""
    try:
        seconds, requests = float(headers[WINDOW_HEADER]), float(headers[LIMIT_HEADER])
    except (KeyError, ValueError):
        return None
    return (seconds, requests) if math.isfinite(seconds) and 0 < requests < math.inf else None


def within_limits(budgets: RateLimitShares) -> RateLimitShares:
    """Return the shares of a connection, with the documented limits where it has switched them off."""
    shares = {name: share or 1.0 for name, share in budgets.shares.items()}
    return RateLimitShares(shares, budgets.share or 1.0)


def suggested_budgets(stated: Stated, current: RateLimitShares) -> str:
    """Return ``budgets`` that keep the limits that the server states, where these are lower than documented.

    :param current: the shares that the connection has; they are kept where they are lower
    :return: empty if the connection keeps them already
    """
    lower: dict[str, float] = {}
    for (name, seconds), requests in stated.items():
        for rate in RATE_LIMITS[name].rates:
            share = requests / rate.permits
            if rate.seconds == seconds and share < min(1.0, lower.get(name, 1.0)):
                lower[name] = share
    shares = {name: share for name, share in lower.items() if share < current.shares.get(name, current.share)}
    if not shares:
        return ""
    parts = [] if current.share == 1 else [_written(current.share)]
    parts += [f"{name}={_written(share)}" for name, share in sorted({**current.shares, **shares}.items())]
    return ", ".join(parts)


def _written(share: float) -> str:
    # Rounded down, and never to nothing, which no connection takes.
    return f"{max(1, math.floor(share * 1000 + 1e-6)) / 10:g}%" if share else "off"
