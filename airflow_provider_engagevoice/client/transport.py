"""What both clients pass to httpx: certificates, a proxy, a timeout of the whole call, and a log filter."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import ssl
from contextvars import ContextVar
from functools import lru_cache
from http.cookiejar import CookieJar
from importlib.util import find_spec
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpcore
import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.settings import is_loopback, is_sign_in
from airflow_provider_engagevoice.exceptions import InvalidConnectionError, shown_path

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
