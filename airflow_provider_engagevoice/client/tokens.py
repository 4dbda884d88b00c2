"""Tokens, and where this process keeps them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

#: Lifetime of an access token: "5 minutes".
ACCESS_TOKEN_SECONDS = 300.0
#: Lifetime of a legacy token: one hour after its last use.
LEGACY_TOKEN_SECONDS = 3600.0
#: A token is renewed this long before it expires, so that none expires on the way.
RENEW_AHEAD_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token, the header it travels in, and when it dies.

    :param expires_at: seconds since the epoch by this machine's clock; infinity for never
    :param refresh: the refresh token that belongs to it, empty for none; good for one use
    """

    value: str = field(repr=False)
    header: str = "Authorization"
    expires_at: float = float("inf")
    refresh: str = field(default="", repr=False)

    def is_fresh(self) -> bool:
        """Tell whether it will live for long enough to be used now."""
        return time.time() < self.expires_at - RENEW_AHEAD_SECONDS

    def header_value(self) -> str:
        """Return what the header carries."""
        return f"Bearer {self.value}" if self.header == "Authorization" else self.value


class TokenCache:
    """The tokens of this process, by :attr:`ClientSettings.token_key`, with a lock for each key.

    The lock lets one user of a key sign in while the others wait for its token: threads through
    :meth:`lock`, coroutines through :meth:`async_lock`.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._async_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    def get(self, key: str) -> Token | None:
        """Return the token kept under ``key``, fresh or not."""
        return self._tokens.get(key)

    def put(self, key: str, token: Token) -> None:
        """Keep ``token`` under ``key``."""
        self._tokens[key] = token

    def clear(self) -> None:
        """Forget every token."""
        self._tokens.clear()

    def lock(self, key: str) -> threading.Lock:
        """Return the lock that threads renewing ``key`` take."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    @asynccontextmanager
    async def async_lock(self, key: str) -> AsyncIterator[None]:
        """Hold the lock of ``key`` on an event loop, which waits for threads without being blocked.

        Coroutines of one loop queue up among themselves first, so that at most one of them waits in a
        thread of the loop's pool, which other things (such as looking up names) need too.
        """
        locks = self._async_locks.setdefault(asyncio.get_running_loop(), {})
        async with locks.setdefault(key, asyncio.Lock()):
            lock = self.lock(key)
            await _acquire(lock)
            try:
                yield
            finally:
                lock.release()


async def _acquire(lock: threading.Lock) -> None:
    if lock.acquire(blocking=False):
        return
    waiting = asyncio.ensure_future(asyncio.to_thread(lock.acquire))
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # The thread goes on waiting; what it gets then is given back.
        waiting.add_done_callback(lambda done: lock.release())
        raise


#: Shared by every client of the process.
PROCESS_TOKENS = TokenCache()
