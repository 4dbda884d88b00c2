"""Tokens, and how the processes of a fleet come by them one at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores.base import Store

log = logging.getLogger(__name__)

#: Lifetime of an access token: "5 minutes".
ACCESS_TOKEN_SECONDS = 300.0
#: Lifetime of a legacy token: one hour after its last use.
LEGACY_TOKEN_SECONDS = 3600.0
#: A token is renewed this long before it expires, so that none expires on the way.
RENEW_AHEAD_SECONDS = 45.0
#: The lifetime of a refresh token is not documented; one older than this is not tried.
_REFRESH_SECONDS = 86_400.0
#: Credentials that were refused are not tried again for so many seconds, by anybody.
REFUSED_SECONDS = 30.0
#: How long one process waits for another to sign in: longer than two calls may take.
LOCK_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token, the header it travels in, and when it dies.

    :param expires_at: seconds by ``clock.monotonic`` of this process; infinity for never
    :param refresh: the refresh token that belongs to it, empty for none; good for one use
    """

    value: str = field(repr=False)
    header: str = "Authorization"
    expires_at: float = float("inf")
    refresh: str = field(default="", repr=False)

    def is_fresh(self) -> bool:
        """Tell whether it will live for long enough to be used now."""
        return clock.monotonic() < self.expires_at - RENEW_AHEAD_SECONDS

    def header_value(self) -> str:
        """Return what the header carries."""
        return f"Bearer {self.value}" if self.header == "Authorization" else self.value


class Cipher(Protocol):
    """Encrypts what is kept outside of the process, as ``cryptography.fernet.Fernet`` does."""

    def encrypt(self, msg: bytes) -> bytes: ...

    def decrypt(self, msg: bytes) -> bytes: ...


class TokenStore:
    """Tokens by :attr:`ClientSettings.token_key`: in this process, and where it meets the others.

    :param cipher: encrypts what is kept outside of the process
    """

    def __init__(self, place: Store, cipher: Cipher | None = None) -> None:
        self._place = place
        self._cipher = cipher
        self._own: dict[str, Token] = {}
        self._async_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    def known(self, key: str) -> Token | None:
        """Return the token this process knows, fresh or not."""
        return self._own.get(key)

    def load(self, key: str) -> Token | None:
        """Return the token the place has, fresh or not, or else the one this process knows.

        :raises TokenStoreError: when the place does not work
        """
        found = self._place.read(key)
        token = None if found is None else self._open(*found)
        if token is not None:
            self._own[key] = token
        return self._own.get(key)

    def keep(self, key: str, token: Token) -> None:
        """Keep a token for this process and, if it dies one day, for the others."""
        self._own[key] = token
        lives = token.expires_at - clock.monotonic()
        if lives == float("inf"):
            return
        content = {"value": token.value, "header": token.header, "lives": lives, "refresh": token.refresh}
        sealed = self._encrypt(json.dumps(content).encode())
        try:
            self._place.write(key, sealed, _REFRESH_SECONDS if token.refresh else max(1.0, lives))
        except TokenStoreError as error:
            log.warning("%s; the new token serves this process alone", error)

    def refuse(self, key: str, reason: str) -> None:
        """Tell everybody that the credentials were refused."""
        try:
            self._place.write(_refused(key), self._encrypt(reason.encode()), REFUSED_SECONDS)
        except TokenStoreError as error:
            log.warning("%s; others will try the refused credentials again", error)

    def refusal(self, key: str) -> tuple[str, float] | None:
        """Return why the credentials were refused and how many seconds ago, if that was just now."""
        found = self._place.read(_refused(key))
        if found is None or (reason := self._decrypt(found[0])) is None:
            return None
        return reason.decode(), found[1]

    def lock(self, key: str, seconds: float) -> AbstractContextManager[None]:
        """Hold the lock that whoever renews ``key`` takes, after waiting at most so many seconds."""
        return self._place.hold(key, seconds)

    @asynccontextmanager
    async def async_lock(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Hold that lock on an event loop, which waits for others without being blocked.

        Coroutines of one loop queue up among themselves first, so that one thread at most waits.
        """
        ends_at = clock.monotonic() + seconds
        locks = self._async_locks.setdefault(asyncio.get_running_loop(), {})
        queue = locks.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(seconds):
                await queue.acquire()
        except TimeoutError:
            raise TokenStoreError(f"another coroutine has been signing in for {seconds:.0f} s") from None
        try:
            holder = _Holder(self._place.hold(key, ends_at - clock.monotonic()))
            try:
                await holder.acquired
                yield
            finally:
                holder.release()
        finally:
            queue.release()

    def _open(self, sealed: bytes, age: float) -> Token | None:
        content = self._decrypt(sealed)
        try:
            fields: dict[str, Any] = json.loads(content) if content is not None else {}
            expires_at = clock.monotonic() + float(fields["lives"]) - age
            value, header, refresh = (fields[name] for name in ("value", "header", "refresh"))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        if not all(isinstance(one, str) and one.isascii() for one in (value, header, refresh)):
            return None
        # What no header can carry was not written by this package.
        return Token(value, header, expires_at, refresh) if (value + header).isprintable() else None

    def _encrypt(self, content: bytes) -> bytes:
        return content if self._cipher is None else self._cipher.encrypt(content)

    def _decrypt(self, sealed: bytes) -> bytes | None:
        if self._cipher is None:
            return sealed
        try:
            return self._cipher.decrypt(sealed)
        except Exception:
            # Another key, or damaged: as if there were none. The library's error says no more.
            return None


def _refused(key: str) -> str:
    return f"{key}00"


class _Holder(threading.Thread):
    """Holds a lock for a coroutine: one thread takes it and gives it back, as locks want it.

    ``acquired`` is done when it is held; a coroutine that does not wait for it gives it back all the same.
    """

    def __init__(self, hold: AbstractContextManager[None]) -> None:
        super().__init__(name="engagevoice-token-lock", daemon=True)
        self._hold = hold
        self._done = threading.Event()
        self._loop = asyncio.get_running_loop()
        self.acquired: asyncio.Future[None] = self._loop.create_future()
        self.start()

    def run(self) -> None:
        try:
            with self._hold:
                self._tell(None)
                self._done.wait()
        except Exception as error:  # whatever it is, somebody waits to hear of it
            self._tell(error)

    def release(self) -> None:
        """Give the lock back, now or as soon as it comes."""
        self._done.set()

    def _tell(self, error: Exception | None) -> None:
        def tell() -> None:
            if self.acquired.done():
                return
            if error is None:
                self.acquired.set_result(None)
            else:
                self.acquired.set_exception(error)

        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(tell)
