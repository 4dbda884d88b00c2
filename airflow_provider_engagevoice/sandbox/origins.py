"""Requests that the page and the control API refuse: those that another site makes a browser send."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def why_foreign(headers: Mapping[str, str], listens_on: str) -> str | None:
    """Return why a request is refused, or None.

    On loopback, a name other than ``localhost`` is one that another site has pointed to this machine.

    :param headers: headers of the request, with names in lower case
    :param listens_on: the sandbox's host
    """
    host = headers.get("host", "")
    if is_loopback(listens_on) and not _is_local(_hostname(f"//{host}"), listens_on):
        return f"Host {host!r} is not this machine."
    origin, own = headers.get("origin"), host.lower()
    if origin is not None and origin.lower() not in (f"http://{own}", f"https://{own}"):
        return f"Origin {origin!r} is another site."
    return None


def is_loopback(host: str) -> bool:
    """Return whether a listener on the host is reachable only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_local(host: str, listens_on: str) -> bool:
    return host == listens_on or host.endswith(".localhost") or is_loopback(host)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
