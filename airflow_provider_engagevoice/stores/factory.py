"""Open the store that ``token_store`` of a connection names; the memory of a process is one."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from pyrate_limiter import InMemoryBucket

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import InvalidConnectionError, NoHomeError, TokenStoreError
from airflow_provider_engagevoice.stores import Rate, Store
from airflow_provider_engagevoice.stores.files import FileStore, acquire, default_directory, library_rates


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

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        with self._guard:
            if (bucket := self._buckets.get((key, rates))) is not None:
                bucket.leak(int(clock.monotonic() * 1000))
                del bucket.items[:1]

    def pause(self, key: str, seconds: float) -> None:
        with self._guard:
            until = clock.monotonic() + seconds
            self._paused_until[key] = max(until, self._paused_until.get(key, 0.0))


#: The default: files, or the memory of each process where no file can be written.
DEFAULT_TOKEN_STORE = "file, memory"
_SCHEMES = ("file", "memory", "redis", "rediss", "unix")
_EXPECTED = (
    "write file, file:///directory, memory or a Redis URL (redis://host:6379/0); "
    "several, separated by commas, are tried in order (a comma in a password is %2C)"
)


def open_store(token_store: str) -> Store:
    """Return the store that ``token_store`` names; for several, one that uses the first that works.

    :raises InvalidConnectionError: if ``token_store`` is not one of the documented forms
    """
    parts = [part.strip() for part in token_store.split(",")]
    for part in parts:
        if part.partition(":")[0] not in _SCHEMES:
            # It may be the rest of a password that contains a comma.
            shown = "***" if "://" in token_store or "@" in token_store else repr(part)
            raise InvalidConnectionError(f"token_store has {shown}: {_EXPECTED}")
    stores: list[Store] = []
    for part in parts:
        try:
            stores.append(_open(part))
        except NoHomeError as error:
            if len(parts) == 1:
                raise
            log.warning("%s; using the next store", error)
    return stores[0] if len(stores) == 1 else FallbackStore(stores)


def passwords(token_store: str) -> list[str]:
    """Return the passwords of Redis URLs in ``token_store``, as written and decoded, to be masked."""
    secrets: list[str] = []
    for part in token_store.split(","):
        try:
            url = urlsplit(part.strip())
        except ValueError:
            continue
        if url.password:
            secrets += [url.password, unquote(url.password)]
        secrets += parse_qs(url.query).get("password", [])
    return secrets


def _open(text: str) -> Store:
    scheme, colon, _ = text.partition(":")
    match scheme:
        case "memory" if not colon:
            return MemoryStore()
        case "file" if not colon:
            return FileStore(default_directory())
        case "file":
            parts = urlsplit(text)
            directory = Path(unquote(parts.path))
            if not parts.netloc and directory.is_absolute() and directory != Path("/"):
                return FileStore(directory)
        case "redis" | "rediss" | "unix" if colon:
            from airflow_provider_engagevoice.stores.redis import RedisStore

            return RedisStore(text)
    shown = f"{scheme}:***" if colon else repr(text)
    raise InvalidConnectionError(f"token_store has {shown}: {_EXPECTED}")


log = logging.getLogger(__name__)

T = TypeVar("T")

#: A store that failed is tried again after this long.
_RETRY_AFTER_SECONDS = 60.0


class FallbackStore(Store):
    """Use the first of ``stores`` that works; log a warning at each fallback to a later one."""

    def __init__(self, stores: list[Store]) -> None:
        self._stores = stores
        self._failed_at = [float("-inf")] * len(stores)
        self.label = ", else ".join(store.label for store in stores)

    def read(self, key: str) -> tuple[bytes, float] | None:
        return self._try(lambda store: store.read(key))

    def write(self, key: str, value: bytes, seconds: float) -> None:
        self._try(lambda store: store.write(key, value, seconds))

    @contextmanager
    def lock(self, key: str, seconds: float) -> Iterator[None]:
        with ExitStack() as held:
            self._try(lambda store: held.enter_context(store.lock(key, seconds)))
            yield

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        return self._try(lambda store: store.acquire(key, rates))

    def acquire_nowait(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        return self._try(lambda store: store.acquire_nowait(key, rates))

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        self._try(lambda store: store.give_back(key, rates))

    def pause(self, key: str, seconds: float) -> None:
        self._try(lambda store: store.pause(key, seconds))
        for store in self._stores:
            if isinstance(store, MemoryStore):
                # It may be in use soon, if the first one stops to work.
                store.pause(key, seconds)

    def _try(self, operation: Callable[[Store], T]) -> T:
        last = self._stores[-1]
        for index, store in enumerate(self._stores[:-1]):
            if clock.monotonic() < self._failed_at[index] + _RETRY_AFTER_SECONDS:
                continue
            try:
                return operation(store)
            except TokenStoreError as error:
                self._failed_at[index] = clock.monotonic()
                log.warning("%s; using %s instead", error, self._stores[index + 1].label)
        return operation(last)
