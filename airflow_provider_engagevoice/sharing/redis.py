"""Shared by every process that reaches a Redis server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from pyrate_limiter import RedisBucket

from airflow_provider_engagevoice.exceptions import InvalidConnectionError, TokenStoreError
from airflow_provider_engagevoice.sharing.buckets import counted, take
from airflow_provider_engagevoice.sharing.place import Place, Rate

_PREFIX = "engagevoice"
#: Seconds the server may take to connect and to answer.
_ANSWER_SECONDS = 5.0
#: A lock whose holder has died is free after so many seconds.
_LEASE_SECONDS = 4.0
_HEARTBEAT_SECONDS = 1.0
#: Every so many permits those that have left their windows are removed.
_LEAK_EVERY = 50


class RedisPlace(Place):
    """A database of a Redis server. Times are those of the server's clock.

    :param url: ``redis://[[user]:password@]host[:port][/database]``, ``rediss://…`` or ``unix://…``
    :raises InvalidConnectionError: for an URL that cannot be read, or without the ``redis`` package
    """

    def __init__(self, url: str) -> None:
        self.label = _without_password(url)
        try:
            import redis
        except ImportError:
            raise InvalidConnectionError(
                "token_store is a Redis URL and the package redis is not installed: "
                "pip install 'airflow-provider-engagevoice[redis]'"
            ) from None
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_timeout=_ANSWER_SECONDS,
                socket_connect_timeout=_ANSWER_SECONDS,
                health_check_interval=30,
            )
        except ValueError as error:
            problem = type(error).__name__
        else:
            self._error = redis.RedisError
            self._script_gone = redis.exceptions.NoScriptError
            self._buckets: dict[tuple[str, tuple[Rate, ...]], RedisBucket] = {}
            self._taken = 0
            return
        raise InvalidConnectionError(
            f"token_store={self.label!r} is not usable ({problem}): write redis://host:6379/0"
        )

    def read(self, key: str) -> tuple[bytes, float] | None:
        name = f"{_PREFIX}:value:{key}"
        with self._problems_told():
            pipeline = self._redis.pipeline()
            pipeline.get(name)
            pipeline.pttl(name)
            stored, left = pipeline.execute()
        if stored is None or left < 0:
            return None
        total, _, value = stored.partition(b"\n")
        return value, max(0.0, (int(total) - left) / 1000)

    def write(self, key: str, value: bytes, seconds: float) -> None:
        milliseconds = max(1, round(seconds * 1000))
        with self._problems_told():
            self._redis.set(f"{_PREFIX}:value:{key}", b"%d\n" % milliseconds + value, px=milliseconds)

    @contextmanager
    def hold(self, key: str, seconds: float) -> Iterator[None]:
        lock = self._redis.lock(
            f"{_PREFIX}:lock:{key}",
            timeout=_LEASE_SECONDS,
            sleep=0.05,
            blocking_timeout=max(0.0, seconds),
            thread_local=False,
        )
        with self._problems_told():
            if not lock.acquire():
                raise TokenStoreError(
                    f"{self.label}: another process has been signing in for {seconds:.0f} s"
                )
        done = threading.Event()
        heartbeat = threading.Thread(target=self._prolong, args=(lock, done), daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            done.set()
            heartbeat.join()
            # A lock that has lapsed is somebody else's by now.
            with suppress(self._error):
                lock.release()

    def take(self, key: str, rates: tuple[Rate, ...]) -> float:
        with self._problems_told():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.pttl(f"{_PREFIX}:pause:{key}")
            pipeline.time()
            left, (seconds, microseconds) = pipeline.execute()
            if left > 0:
                return float(left) / 1000
            now = seconds * 1000 + microseconds // 1000
            try:
                return self._take(key, rates, now)
            except self._script_gone:
                # The server was restarted and has lost what was loaded into it.
                self._buckets.clear()
                return self._take(key, rates, now)

    def pause(self, key: str, rates: tuple[Rate, ...], seconds: float) -> None:
        name, milliseconds = f"{_PREFIX}:pause:{key}", max(1, round(seconds * 1000))
        with self._problems_told():
            if self._redis.pttl(name) < milliseconds:
                self._redis.set(name, 1, px=milliseconds)

    def _take(self, key: str, rates: tuple[Rate, ...], now: int) -> float:
        name = f"{_PREFIX}:permits:{key}"
        bucket = self._buckets.get((key, rates))
        if bucket is None:
            made = RedisBucket.init(counted(rates), self._redis, name)
            assert isinstance(made, RedisBucket)
            bucket = self._buckets[key, rates] = made
        wait = take(bucket, now)
        if wait == 0:
            self._taken += 1
            self._redis.pexpire(name, round(max(rate.seconds for rate in rates) * 1000))
            if self._taken % _LEAK_EVERY == 0:
                bucket.leak(now)
        return wait

    def _prolong(self, lock: Any, done: threading.Event) -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            with suppress(self._error):
                lock.extend(_LEASE_SECONDS, replace_ttl=True)

    @contextmanager
    def _problems_told(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise TokenStoreError(f"{self.label} does not work ({type(error).__name__}: {error})") from None


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{url.partition(':')[0]}://***"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
