"""Proxies of the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``."""

from __future__ import annotations

import ipaddress
import os
import re
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from airflow_provider_engagevoice.client.settings import is_loopback
from airflow_provider_engagevoice.exceptions import InvalidConnectionError


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
