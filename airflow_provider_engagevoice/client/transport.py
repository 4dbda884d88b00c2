"""What both engines give to httpx: trust, a bound on the whole call, and logs without passwords."""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any

import httpx

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


class BoundedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response body that must be complete by a deadline, however steadily it drips."""

    def __init__(
        self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, deadline: float, request: httpx.Request
    ) -> None:
        self._stream = stream
        self._deadline = deadline
        self._request = request

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            raise httpx.ReadTimeout("the whole call took too long", request=self._request)

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx.SyncByteStream)
        for chunk in self._stream:
            self._check()
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        async for chunk in self._stream:
            self._check()
            yield chunk

    def close(self) -> None:
        if isinstance(self._stream, httpx.SyncByteStream):
            self._stream.close()

    async def aclose(self) -> None:
        if isinstance(self._stream, httpx.AsyncByteStream):
            await self._stream.aclose()


class CallBound:
    """httpx event hooks that hold each request, sign-ins included, to ``seconds`` in all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def started(self, request: httpx.Request) -> None:
        """Note when the call began."""
        request.extensions["deadline"] = time.monotonic() + self._seconds

    def answered(self, response: httpx.Response) -> None:
        """Bound the body by what is left, and forget where a redirect leads: it is not followed."""
        # httpx would read the address all the same, and fail on one that is none.
        if response.has_redirect_location:
            del response.headers["location"]
        deadline = response.request.extensions["deadline"]
        response.stream = BoundedStream(response.stream, deadline, response.request)

    async def astarted(self, request: httpx.Request) -> None:
        """As :meth:`started`."""
        self.started(request)

    async def aanswered(self, response: httpx.Response) -> None:
        """As :meth:`answered`."""
        self.answered(response)


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
