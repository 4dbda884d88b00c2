"""What both engines give to httpx: trust, a bound on the whole call, and logs without passwords."""

from __future__ import annotations

import logging
import os
import ssl
from contextvars import ContextVar
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any, cast

import httpcore
import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.credentials import is_sign_in
from airflow_provider_engagevoice.exceptions import InvalidConnectionError

_BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trust() -> ssl.SSLContext:
    """Return what to verify servers by, made once for each setting of the environment.

    OpenSSL's own variables, which httpx reads too, come before those that users of requests and curl expect.

    :raises InvalidConnectionError: naming a variable whose file or folder cannot be read
    """
    for name in _BUNDLES:
        if value := os.environ.get(name):
            try:
                return _context(value)
            except OSError as error:
                raise InvalidConnectionError(
                    f"{name}={value!r} cannot be read as certificates: {error}"
                ) from None
    return _context("")


@lru_cache(maxsize=8)
def _context(bundle: str) -> ssl.SSLContext:
    if not bundle:
        return httpx.create_ssl_context(trust_env=False)
    if os.path.isdir(bundle):
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


class NoCookies(CookieJar):
    """Keeps none: they mean nothing to this API, and a malformed one would break every later request."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


_TOO_LONG = "the whole call took too long"
#: When the call that is being made must be over, by ``clock.monotonic``; each thread and task has its own.
_DEADLINE: ContextVar[float] = ContextVar("engagevoice_deadline", default=float("inf"))


class CallBound:
    """httpx event hooks that hold each request, sign-ins included, to ``seconds`` in all.

    httpx bounds each read. A server that drips keeps every read short, so each gets what is left of the call,
    while the head of an answer is read as well as in its body.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def started(self, request: httpx.Request) -> None:
        """Note when the call must be over."""
        _DEADLINE.set(clock.monotonic() + self._seconds)
        request.extensions["trace"] = _bound_reads

    async def astarted(self, request: httpx.Request) -> None:
        """As :meth:`started`."""
        _DEADLINE.set(clock.monotonic() + self._seconds)
        request.extensions["trace"] = _abound_reads


def forget_redirect(response: httpx.Response) -> None:
    """Forget where a redirect leads: it is not followed, and httpx fails on an address that is none."""
    if response.has_redirect_location:
        del response.headers["location"]


async def aforget_redirect(response: httpx.Response) -> None:
    """As :func:`forget_redirect`."""
    forget_redirect(response)


def _is_new_stream(event: str) -> bool:
    return event.endswith(("connect_tcp.complete", "start_tls.complete"))


def _bound_reads(event: str, info: dict[str, Any]) -> None:
    """Bound the reads of a connection that was just made (httpx's ``trace`` extension)."""
    if not _is_new_stream(event):
        return
    stream = info["return_value"]
    unbounded = stream.read

    def read(max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return cast("bytes", unbounded(max_bytes, timeout=_left(timeout)))
        except httpcore.ReadTimeout as error:
            raise _timed_out(error) from None

    stream.read = read


async def _abound_reads(event: str, info: dict[str, Any]) -> None:
    if not _is_new_stream(event):
        return
    stream = info["return_value"]
    unbounded = stream.read

    async def read(max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return cast("bytes", await unbounded(max_bytes, timeout=_left(timeout)))
        except httpcore.ReadTimeout as error:
            raise _timed_out(error) from None

    stream.read = read


def _left(timeout: float | None) -> float:
    left = _DEADLINE.get() - clock.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout(_TOO_LONG)
    return left if timeout is None else min(timeout, left)


def _timed_out(error: httpcore.ReadTimeout) -> httpcore.ReadTimeout:
    return error if clock.monotonic() < _DEADLINE.get() else httpcore.ReadTimeout(_TOO_LONG)


class _SignInQueries(logging.Filter):
    """Take the query off sign-in URLs in httpx's own log lines: Engage direct puts the password there."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                value.copy_with(query=None)
                if isinstance(value, httpx.URL) and is_sign_in(value.path)
                else value
                for value in record.args
            )
        return True


_FILTER = _SignInQueries()


def quiet_sign_in_logs() -> None:
    """Install the filter on httpx's logger; doing so again changes nothing."""
    logging.getLogger("httpx").addFilter(_FILTER)
