"""A store for the threads of one process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from pyrate_limiter import InMemoryBucket

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores.base import Rate, Store
from airflow_provider_engagevoice.stores.sqlite_permits import acquire, library_rates


class MemoryStore(Store):
    """A store in the memory of this process."""

    label = "memory"

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._values: dict[str, tuple[bytes, float, float]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._buckets: dict[tuple[str, tuple[Rate, ...]], InMemoryBucket] = {}
        self._paused_until: dict[str, float] = {}

    def read(self, key: str) -> tuple[bytes, float] | None:
        value, written, expires_at = self._values.get(key, (b"", 0.0, 0.0))
        now = clock.monotonic()
        return (value, now - written) if now < expires_at else None

    def write(self, key: str, value: bytes, seconds: float) -> None:
        now = clock.monotonic()
        self._values[key] = (value, now, now + seconds)

    @contextmanager
    def lock(self, key: str, seconds: float) -> Iterator[None]:
        with self._guard:
            lock = self._locks[key]
        if not lock.acquire(timeout=max(0.0, seconds)):
            raise TokenStoreError(f"another thread has been signing in for {seconds:.0f} s")
        try:
            yield
        finally:
            lock.release()

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        with self._guard:
            now = clock.monotonic()
            if (left := self._paused_until.get(key, 0.0) - now) > 0:
                return left
            if (key, rates) not in self._buckets:
                self._buckets[key, rates] = InMemoryBucket(library_rates(rates))
            bucket = self._buckets[key, rates]
            milliseconds = int(now * 1000)
            bucket.leak(milliseconds)
            return acquire(bucket, milliseconds)

    def acquire_nowait(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        return self.acquire(key, rates)

    def pause(self, key: str, seconds: float) -> None:
        with self._guard:
            until = clock.monotonic() + seconds
            self._paused_until[key] = max(until, self._paused_until.get(key, 0.0))
