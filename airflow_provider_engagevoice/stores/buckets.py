"""Permits counted by pyrate-limiter."""

from __future__ import annotations

from pyrate_limiter import AbstractBucket, RateItem
from pyrate_limiter import Rate as LibraryRate

from airflow_provider_engagevoice.stores.base import Rate


def library_rates(rates: tuple[Rate, ...]) -> list[LibraryRate]:
    """Return ``rates`` as the library requires: longer windows have more permits, and each rate binds."""
    kept: list[Rate] = []
    for rate in sorted(rates, key=lambda rate: (rate.seconds, rate.permits)):
        while kept and kept[-1].permits >= rate.permits:
            kept.pop()
        if not kept or rate.permits / rate.seconds <= kept[-1].permits / kept[-1].seconds:
            kept.append(rate)
    return [LibraryRate(rate.permits, round(rate.seconds * 1000)) for rate in kept]


def acquire(bucket: AbstractBucket, now: int) -> float:
    """Acquire a permit and return 0, or return seconds until one may be free.

    :param now: milliseconds by the bucket's clock
    """
    item = RateItem("", now)
    if bucket.put(item):
        return 0.0
    wait = bucket.waiting(item)
    assert isinstance(wait, int)
    return max(wait, 1) / 1000
