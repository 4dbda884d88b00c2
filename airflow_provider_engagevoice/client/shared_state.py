"""What clients of all processes share in a store: rate limits, and tokens, which one at a time obtains."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import RateLimiter
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores import Store
from airflow_provider_engagevoice.stores.factory import open_store

log = logging.getLogger(__name__)

#: Lifetime of an access token: "5 minutes".
ACCESS_TOKEN_SECONDS = 300.0
#: Lifetime of a legacy token: one hour after its last use.
LEGACY_TOKEN_SECONDS = 3600.0
#: A token is renewed this long before it expires, so that none expires in transit.
RENEW_AHEAD_SECONDS = 45.0
#: The lifetime of a refresh token is not documented; one older than this is not tried.
_REFRESH_SECONDS = 86_400.0
#: Seconds for which no process tries refused credentials again.
REFUSED_SECONDS = 30.0
#: Seconds one process waits for another to sign in: longer than two calls may take.
LOCK_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its header and its expiry.

    :param expires_at: instant of this process's ``clock.monotonic``; infinity for never
    :param refresh: its refresh token, valid for one use; empty for none
    """

    value: str = field(repr=False)
    header: str = "Authorization"
    expires_at: float = float("inf")
    refresh: str = field(default="", repr=False)

    def is_fresh(self) -> bool:
        """Return whether it is valid for long enough to be used now."""
        return clock.monotonic() < self.expires_at - RENEW_AHEAD_SECONDS

    def header_value(self) -> str:
        """Return the value of the header."""
        return f"Bearer {self.value}" if self.header == "Authorization" else self.value


class Cipher(Protocol):
    """Encrypt stored values; ``cryptography.fernet.Fernet`` does."""

    def encrypt(self, msg: bytes) -> bytes: ...

    def decrypt(self, msg: bytes) -> bytes: ...


class TokenStore:
    """Tokens by :attr:`ClientSettings.token_key`, in this process and in a shared store.

    :param cipher: encrypts stored tokens
    :param cipher_id: digest of its key, so that hosts with different keys do not replace each other's tokens
    :param in_memory: keep tokens in this process alone; locks and refusals are shared all the same
    """

    def __init__(
        self,
        store: Store,
        cipher: Cipher | None = None,
        cipher_id: str = "",
        *,
        in_memory: bool = False,
    ) -> None:
        self._store = store
        self._cipher = cipher
        self._cipher_id = cipher_id
        self._in_memory = in_memory
        self._own: dict[str, Token] = {}
        self._async_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    def known(self, key: str) -> Token | None:
        """Return this process's token, fresh or not."""
        return self._own.get(key)

    def load(self, key: str) -> Token | None:
        """Return the stored token, fresh or not, or else this process's own.

        :raises TokenStoreError: if the store does not work
        """
        found = None if self._in_memory else self._store.read(self._name(key))
        token = None if found is None else self._open(*found)
        if token is not None:
            self._own[key] = token
        return self._own.get(key)

    def save(self, key: str, token: Token) -> None:
        """Save a token in this process and, if it ever expires, in the store."""
        self._own[key] = token
        lifetime = token.expires_at - clock.monotonic()
        if lifetime == float("inf") or self._in_memory:
            return
        content = {"value": token.value, "header": token.header, "lives": lifetime, "refresh": token.refresh}
        sealed = self._encrypt(json.dumps(content).encode())
        try:
            self._store.write(
                self._name(key), sealed, _REFRESH_SECONDS if token.refresh else max(1.0, lifetime)
            )
        except TokenStoreError as error:
            log.warning("%s; only this process uses the new token", error)

    def save_refusal(self, key: str, reason: str) -> None:
        """Let other processes know that the credentials were refused."""
        try:
            self._store.write(_refused(self._name(key)), self._encrypt(reason.encode()), REFUSED_SECONDS)
        except TokenStoreError as error:
            log.warning("%s; other processes may try the refused credentials again", error)

    def refusal(self, key: str) -> tuple[str, float] | None:
        """Return why and how many seconds ago the credentials were refused, None if not recently."""
        found = self._store.read(_refused(self._name(key)))
        if found is None or (reason := self._decrypt(found[0])) is None:
            return None
        return reason.decode(), found[1]

    def lock(self, key: str, seconds: float) -> AbstractContextManager[None]:
        """Lock the renewal of ``key``, after waiting for the lock at most ``seconds``."""
        return self._store.lock(self._name(key), seconds)

    @asynccontextmanager
    async def async_lock(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Do as :meth:`lock` without blocking the event loop.

        Coroutines of one loop first queue for an asyncio lock, so that at most one thread waits.
        """
        deadline = clock.monotonic() + seconds
        locks = self._async_locks.setdefault(asyncio.get_running_loop(), {})
        queue = locks.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(seconds):
                await queue.acquire()
        except TimeoutError:
            raise TokenStoreError(f"another coroutine has been signing in for {seconds:.0f} s") from None
        try:
            thread = _LockThread(self._store.lock(self._name(key), deadline - clock.monotonic()))
            try:
                await thread.acquired
                yield
            finally:
                thread.release()
        finally:
            queue.release()

    def _name(self, key: str) -> str:
        return f"{key}{self._cipher_id}"

    def _open(self, sealed: bytes, age: float) -> Token | None:
        content = self._decrypt(sealed)
        try:
            fields: dict[str, Any] = json.loads(content) if content is not None else {}
            expires_at = clock.monotonic() + float(fields["lives"]) - age
            value, header, refresh = (fields[name] for name in ("value", "header", "refresh"))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        if not all(isinstance(text, str) and text.isascii() for text in (value, header, refresh)):
            return None
        # This package writes nothing that a header cannot hold.
        return Token(value, header, expires_at, refresh) if (value + header).isprintable() else None

    def _encrypt(self, content: bytes) -> bytes:
        return content if self._cipher is None else self._cipher.encrypt(content)

    def _decrypt(self, sealed: bytes) -> bytes | None:
        if self._cipher is None:
            return sealed
        try:
            return self._cipher.decrypt(sealed)
        except Exception:
            # Another key, or damaged: treated as absent. The library's error has no more detail.
            return None


def _refused(key: str) -> str:
    return f"{key}00"


class _LockThread(threading.Thread):
    """Hold a lock for a coroutine, because the thread that acquires a lock must release it.

    :ivar acquired: done once the lock is acquired or has failed
    """

    def __init__(self, lock: AbstractContextManager[None]) -> None:
        super().__init__(name="engagevoice-token-lock", daemon=True)
        self._lock = lock
        self._done = threading.Event()
        self._loop = asyncio.get_running_loop()
        self.acquired: asyncio.Future[None] = self._loop.create_future()
        self.start()

    def run(self) -> None:
        try:
            with self._lock:
                self._resolve(None)
                self._done.wait()
        except Exception as error:  # the coroutine awaits any outcome
            self._resolve(error)

    def release(self) -> None:
        """Release the lock, now or as soon as it is acquired."""
        self._done.set()

    def _resolve(self, error: Exception | None) -> None:
        def resolve() -> None:
            if self.acquired.done():
                return
            if error is None:
                self.acquired.set_result(None)
            else:
                self.acquired.set_exception(error)

        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(resolve)


class SharedState:
    """Tokens and rate limits in one store.

    :param token_store: see :func:`~airflow_provider_engagevoice.stores.factory.open_store`
    :param cipher: encrypts stored tokens
    :param cipher_id: digest of its key, hexadecimal
    :param tokens_in_memory: share rate limits, but keep tokens in this process
    """

    def __init__(
        self,
        token_store: str = "memory",
        cipher: Cipher | None = None,
        cipher_id: str = "",
        *,
        tokens_in_memory: bool = False,
    ) -> None:
        store = open_store(token_store)
        self.store = store
        self.label = store.label
        self.tokens = TokenStore(store, cipher, cipher_id, in_memory=tokens_in_memory)
        self.rate_limiter = RateLimiter(store)


_OPENED: dict[tuple[str, int, bool], SharedState] = {}


def open_shared_state(
    token_store: str = "memory",
    cipher: Cipher | None = None,
    cipher_id: str = "",
    *,
    tokens_in_memory: bool = False,
) -> SharedState:
    """Return this process's state for ``token_store``.

    :raises InvalidConnectionError: if ``token_store`` is invalid
    """
    key = (token_store, id(cipher), tokens_in_memory)
    if key not in _OPENED:
        _OPENED[key] = SharedState(token_store, cipher, cipher_id, tokens_in_memory=tokens_in_memory)
    return _OPENED[key]


def reset_shared_state() -> None:
    """Open each state again when it is next needed: connections and locks do not survive a fork."""
    _OPENED.clear()


os.register_at_fork(after_in_child=reset_shared_state)
