"""What both clients pass to httpx: certificates, a proxy, a timeout of the whole call, a log filter, bounds.

httpx reads and decompresses a whole body, so that an endless one, or a small compressed one, could fill the
memory. An event hook of both clients replaces the stream of each response by one that counts.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from functools import lru_cache
from http.cookiejar import CookieJar
from importlib.util import find_spec
from typing import Any, Final, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpcore
import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.settings import is_loopback, is_sign_in
from airflow_provider_engagevoice.exceptions import InvalidConnectionError, TooLargeError, shown_path

_BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trust() -> ssl.SSLContext:
    """Return the SSL context, cached per setting of the environment.

    OpenSSL's own variables, which httpx reads too, take precedence over those of requests and curl.

    :raises InvalidConnectionError: if the file or folder of a variable cannot be read
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
    """Keep no cookies: this API has none, and a malformed one would break every later request."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


_TOO_LONG = "the whole call took too long"
#: Deadline of the current call, by ``clock.monotonic``, of each thread and task.
_DEADLINE: ContextVar[float] = ContextVar("engagevoice_deadline", default=float("inf"))


#: Extension of a request with its own timeout of the whole call, in seconds.
CALL_SECONDS = "engagevoice_call_seconds"


class CallTimeout:
    """httpx event hooks that limit each request, sign-ins included, to ``seconds`` in total.

    The read timeout of httpx applies to each read, and a slow server can keep every read short. So
    each read of the headers and the body times out with the call.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def started(self, request: httpx.Request) -> None:
        """Set the deadline of the call."""
        _DEADLINE.set(clock.monotonic() + request.extensions.get(CALL_SECONDS, self._seconds))
        request.extensions["trace"] = _limit_reads

    async def astarted(self, request: httpx.Request) -> None:
        """Do as :meth:`started`."""
        _DEADLINE.set(clock.monotonic() + request.extensions.get(CALL_SECONDS, self._seconds))
        request.extensions["trace"] = _alimit_reads


def drop_redirect(response: httpx.Response) -> None:
    """Drop the location of a redirect: it is not followed, and httpx fails on an invalid one."""
    if response.has_redirect_location:
        del response.headers["location"]


async def adrop_redirect(response: httpx.Response) -> None:
    """Do as :func:`drop_redirect`."""
    drop_redirect(response)


def _is_new_stream(event: str) -> bool:
    return event.endswith(("connect_tcp.complete", "start_tls.complete"))


def _limit_reads(event: str, info: dict[str, Any]) -> None:
    """Limit the reads of a new connection (httpx's ``trace`` extension)."""
    if not _is_new_stream(event):
        return
    stream = info["return_value"]
    unlimited = stream.read

    def read(max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return cast("bytes", unlimited(max_bytes, timeout=_remaining(timeout)))
        except httpcore.ReadTimeout as error:
            raise _timed_out(error) from None

    stream.read = read


async def _alimit_reads(event: str, info: dict[str, Any]) -> None:
    if not _is_new_stream(event):
        return
    stream = info["return_value"]
    unlimited = stream.read

    async def read(max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return cast("bytes", await unlimited(max_bytes, timeout=_remaining(timeout)))
        except httpcore.ReadTimeout as error:
            raise _timed_out(error) from None

    stream.read = read


def _remaining(timeout: float | None) -> float:
    remaining = _DEADLINE.get() - clock.monotonic()
    if remaining <= 0:
        raise httpcore.ReadTimeout(_TOO_LONG)
    return remaining if timeout is None else min(timeout, remaining)


def _timed_out(error: httpcore.ReadTimeout) -> httpcore.ReadTimeout:
    return error if clock.monotonic() < _DEADLINE.get() else httpcore.ReadTimeout(_TOO_LONG)


class _SecretsInUrls(logging.Filter):
    """Remove passwords and phones from URLs in httpx's log lines, and the server's text for its status.

    Engage direct has the password in the query of its sign-in, do-not-call requests a phone in their path.
    The text of a status line may be anything, such as the token that the request has.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and record.args:
            *args, last = (
                _without_secrets(value) if isinstance(value, httpx.URL) else value for value in record.args
            )
            if args and isinstance(status := args[-1], int):
                last = httpx.codes.get_reason_phrase(status)
            record.args = (*args, last)
        return True


def _without_secrets(url: httpx.URL) -> httpx.URL:
    if is_sign_in(url.path):
        return url.copy_with(query=None)
    return url.copy_with(path=shown_path(url.path)) if "/phones/" in url.path else url


_FILTER = _SecretsInUrls()


def filter_sign_in_logs() -> None:
    """Add the filter to httpx's logger; a second call has no effect."""
    logging.getLogger("httpx").addFilter(_FILTER)


def proxy_for(url: str) -> httpx.Proxy | None:
    """Return the proxy for requests to a server; None for none.

    httpx reads these variables too, but refuses IPv6 networks and brackets in ``NO_PROXY``.

    :param url: ``scheme://host[:port]``
    :raises InvalidConnectionError: if the address of the proxy is invalid; the message names the variable
    """
    parts = urlsplit(url)
    proxies = getproxies()
    name = parts.scheme if proxies.get(parts.scheme) else "all"
    address = proxies.get(name)
    if not address or _is_exempt(parts.hostname or "", proxies.get("no", "")):
        return None
    variable = f"{name}_proxy" if f"{name}_proxy" in os.environ else f"{name}_proxy".upper()
    expected = "write the address as http://proxy.example.com:3128"
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        # Its text would repeat the address, a password included.
        proxy = None
    if proxy is None:
        raise InvalidConnectionError(f"{variable} is not usable: {expected}")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise InvalidConnectionError(f"{variable}: a SOCKS proxy needs pip install 'httpx[socks]'")
    if parts.scheme == "http" and is_loopback(parts.hostname or "") and not is_loopback(proxy.url.host):
        # Without encryption, secrets stay on this machine.
        return None
    return proxy


def _is_exempt(host: str, no_proxy: str) -> bool:
    """Return whether ``NO_PROXY`` names a host: by its name, a parent domain, its address or a network."""
    for entry in filter(None, (part.strip().lower() for part in no_proxy.split(","))):
        if entry == "*":
            return True
        name = entry.rpartition("://")[2]
        bracketed = re.fullmatch(r"\[([^\]]*)\](/\d+|:\d+)?", name)
        if bracketed:
            mask = bracketed[2] or ""
            name = bracketed[1] + (mask if mask.startswith("/") else "")
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                return True
        except ValueError:
            if not bracketed and ":" in name:
                name = name.partition(":")[0]
            name = name.lstrip("*").lstrip(".")
            if name and (host == name or host.endswith(f".{name}")):
                return True
    return False


#: Extension of a request: bytes of the largest response that it may have.
MAX_BYTES: Final = "engagevoice_max_bytes"
#: Encodings that responses may have: those that can be decompressed in bounded pieces.
ACCEPT_ENCODING: Final = "gzip, deflate"

#: Largest response of a request without the extension: a sign-in.
_DEFAULT_BYTES: Final = 1 << 20
#: Bytes that are read of a response with a status other than 2xx: its status says enough.
_ERROR_BYTES: Final = 256 << 10
_PIECE: Final = 64 << 10


class BoundedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a response, decompressed, and ended by an error once it is too large."""

    def __init__(self, response: httpx.Response) -> None:
        self._stream: Any = response.stream
        self._request = response.request
        self._status = response.status_code
        self._is_cut = not response.is_success
        limit = int(response.request.extensions.get(MAX_BYTES, _DEFAULT_BYTES))
        self._limit = _ERROR_BYTES if self._is_cut else limit
        self._left = self._left_sent = self._limit
        self._decoder = _Decoder(response.headers.get("content-encoding", ""))

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield from self._pieces(chunk)
            if self._is_done:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for piece in self._pieces(chunk):
                yield piece
            if self._is_done:
                return

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def _is_done(self) -> bool:
        return self._is_cut and min(self._left, self._left_sent) <= 0

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        # What is sent may decompress to nothing.
        self._left_sent -= len(chunk)
        self._check()
        try:
            for piece in self._decoder.pieces(chunk):
                self._left -= len(piece)
                self._check()
                yield piece
                if self._is_done:
                    return
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=self._request) from None

    def _check(self) -> None:
        if min(self._left, self._left_sent) < 0 and not self._is_cut:
            raise TooLargeError(
                f"status {self._status}, and more than {self._limit:,} bytes",
                method=self._request.method,
                path=self._request.url.path,
                status=self._status,
            )


class _Decoder:
    """Decompresses ``gzip`` and ``deflate`` in pieces; another encoding is passed on as it is."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._bits = {
            "gzip": zlib.MAX_WBITS | 16,
            "x-gzip": zlib.MAX_WBITS | 16,
            "deflate": zlib.MAX_WBITS,
        }.get(encoding)
        self._inflate: Any = None

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk has, at most 64 KiB at a time."""
        if self._bits is None:
            yield chunk
            return
        if self._inflate is None:
            self._inflate = zlib.decompressobj(self._bits)
            if self._bits == zlib.MAX_WBITS and not _has_zlib_header(chunk):
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk and not self._inflate.eof:
            piece = self._inflate.decompress(chunk, _PIECE)
            chunk = self._inflate.unconsumed_tail
            if piece:
                yield piece


def _has_zlib_header(chunk: bytes) -> bool:
    """Return whether a ``deflate`` body has the header of RFC 1950; some servers send none."""
    return len(chunk) > 1 and chunk[0] & 0x0F == 8 and (chunk[0] << 8 | chunk[1]) % 31 == 0


def bound_body(response: httpx.Response) -> None:
    """Bound the body of a response: an event hook of the sync client."""
    response.stream = BoundedStream(response)
    # The stream decompresses; with these httpx would, too.
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)


async def abound_body(response: httpx.Response) -> None:
    """Do as :func:`bound_body`, in the async client."""
    bound_body(response)
