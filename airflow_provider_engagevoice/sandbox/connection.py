"""The connection that Airflow needs to use a sandbox."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_engagevoice.sandbox.settings import SandboxSettings

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def connection_json(settings: SandboxSettings, url: str) -> str:
    """Return the connection as JSON, with the sandbox's own credentials.

    :param url: base URL at which Airflow reaches the sandbox
    """
    account, known = settings.accounts[0], settings.credentials
    extra: dict[str, object] = {
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "jwt_token": known.jwt,
        "rc_server": url,
        "account_id": account.account_id,
        "timezone": account.time_zone,
    }
    if urlsplit(url).hostname not in _LOOPBACK:
        extra["allow_http"] = True
    return json.dumps({"conn_type": "engagevoice", "host": url, "extra": extra})
