"""A store for all processes that reach a Redis server."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import InvalidConnectionError, TokenStoreError
from airflow_provider_engagevoice.stores import Rate, Store

_PREFIX = "engagevoice"
#: Timeout of connecting and of reading a response.
_TIMEOUT_SECONDS = 5.0
#: A lock expires this long after its process died.
_LEASE_SECONDS = 4.0
_HEARTBEAT_SECONDS = 1.0
#: In the errors of scripts, which have no type of their own.
_NO_RIGHT = r"no permission|can't run this command"
#: Acquires a permit and returns 0, or returns milliseconds until one may be free, and 1 if a pause ends then.
#: One script reads the clock, counts and writes: with the clock read before it, permits acquired in
#: between would not count.
_ACQUIRE = """
local permits, pause = KEYS[1], KEYS[2]
local left = redis.call('PTTL', pause)
if left > 0 then return {left, 1} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Permits of the future were acquired before the clock was set back.
redis.call('ZREMRANGEBYSCORE', permits, now + 1000, '+inf')
local wait, longest = 0, 0
for i = 2, #ARGV, 2 do
    local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    longest = math.max(longest, window)
    local nth = redis.call('ZRANGE', permits, -limit, -limit, 'WITHSCORES')
    if nth[2] then wait = math.max(wait, nth[2] + window + 1 - now) end
end
if wait > 0 then return {wait, 0} end
redis.call('ZREMRANGEBYSCORE', permits, '-inf', now - longest - 1)
redis.call('ZADD', permits, now, ARGV[1])
redis.call('PEXPIRE', permits, longest + 1)
return {0, 0}
"""


class RedisStore(Store):
    """A store in a database of a Redis server, by the server's clock.

    :param url: ``redis://[[user]:password@]host[:port][/database]``, ``rediss://…`` or ``unix://…``
    :raises InvalidConnectionError: if the URL is invalid or the ``redis`` package is missing
    """

    def __init__(self, url: str) -> None:
        self.label = _without_password(url)
        if self.label.endswith("://***"):
            raise InvalidConnectionError(
                f"token_store={self.label!r} is not usable: write redis://host:6379/0, and in a password "
                "%40 for @, %2F for /, %23 for #, %3F for ? and %2C for a comma"
            )
        #: Ends of pauses by key, by ``clock.monotonic``: a server that restarts empty forgets them.
        self._paused_until: dict[str, float] = {}
        try:
            import redis
        except ImportError:
            raise InvalidConnectionError(
                "token_store is a Redis URL, but the package redis is not installed: "
                "pip install 'airflow-provider-engagevoice[redis]'"
            ) from None
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                health_check_interval=30,
            )
            # The library checks options of the URL only when it makes a connection.
            pool = self._redis.connection_pool
            pool.connection_class(**pool.connection_kwargs)
        except (ValueError, TypeError) as error:
            problem = type(error).__name__
        else:
            self._error = redis.RedisError
            self._refusals = (
                redis.AuthenticationError,
                redis.exceptions.AuthorizationError,
                redis.exceptions.NoPermissionError,
            )
            # The library loads the script again after a restart of the server.
            self._acquire = self._redis.register_script(_ACQUIRE)
            return
        raise InvalidConnectionError(
            f"token_store={self.label!r} is not usable ({problem}): write redis://host:6379/0"
        )

    def read(self, key: str) -> tuple[bytes, float] | None:
        name = f"{_PREFIX}:value:{key}"
        with self._errors_typed():
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
        with self._errors_typed():
            self._redis.set(f"{_PREFIX}:value:{key}", b"%d\n" % milliseconds + value, px=milliseconds)

    @contextmanager
    def lock(self, key: str, seconds: float) -> Iterator[None]:
        lock = self._redis.lock(
            f"{_PREFIX}:lock:{key}",
            timeout=_LEASE_SECONDS,
            sleep=0.05,
            blocking_timeout=max(0.0, seconds),
            thread_local=False,
        )
        with self._errors_typed():
            if not lock.acquire():
                raise TokenStoreError(
                    f"{self.label}: another process has been signing in for {seconds:.0f} s"
                )
        done = threading.Event()
        heartbeat = threading.Thread(target=self._extend, args=(lock, done), daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            done.set()
            heartbeat.join()
            # A lock that has expired may belong to another process by now.
            with suppress(self._error):
                lock.release()

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        left = self._paused_until.get(key, 0.0) - clock.monotonic()
        if left > 0:
            return left
        keys = [f"{_PREFIX}:permits:{key}", f"{_PREFIX}:pause:{key}"]
        windows = [number for rate in rates for number in (rate.permits, round(rate.seconds * 1000))]
        with self._errors_typed():
            milliseconds, is_pause = self._acquire(keys, [uuid.uuid4().hex, *windows])
        if is_pause:
            self._remember(key, milliseconds / 1000)
        return float(milliseconds) / 1000

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        with self._errors_typed():
            self._redis.zpopmin(f"{_PREFIX}:permits:{key}")

    def pause(self, key: str, seconds: float) -> None:
        self._remember(key, seconds)
        name, milliseconds = f"{_PREFIX}:pause:{key}", max(1, round(seconds * 1000))
        with self._errors_typed():
            if self._redis.pttl(name) < milliseconds:
                self._redis.set(name, 1, px=milliseconds)

    def _remember(self, key: str, seconds: float) -> None:
        until = clock.monotonic() + seconds
        self._paused_until[key] = max(until, self._paused_until.get(key, 0.0))

    def _extend(self, lock: Any, done: threading.Event) -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            with suppress(self._error):
                lock.extend(_LEASE_SECONDS, replace_ttl=True)

    @contextmanager
    def _errors_typed(self) -> Iterator[None]:
        try:
            yield
        except (self._error, UnicodeError) as error:  # UnicodeError: an invalid host name
            refused = isinstance(error, self._refusals) or re.search(_NO_RIGHT, str(error)) is not None
            hint = "; check its user, password and ACL" if refused else ""
            raise TokenStoreError(
                f"{self.label} does not work ({type(error).__name__}: {error}){hint}", retryable=not refused
            ) from None


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{url.partition(':')[0]}://***"
    if "@" in parts.path + parts.query + parts.fragment or not (parts.hostname or parts.scheme == "unix"):
        # The rest of a password that is not percent-encoded.
        return f"{parts.scheme}://***"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
