"""The credentials of every sign-in flow of a sandbox, as a connection and as settings."""

from __future__ import annotations

import json

from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials, Timeouts
from airflow_provider_engagevoice.sandbox.credentials import Credentials as SandboxCredentials

KNOWN = SandboxCredentials()

#: Per flow: field of the client's credentials → field of the sandbox's.
_FIELDS = {
    "ringcentral_jwt": {"client_id": "client_id", "client_secret": "client_secret", "jwt_token": "jwt"},
    "ringcentral_password": {
        "client_id": "client_id",
        "client_secret": "client_secret",
        "username": "username",
        "extension": "extension",
        "password": "password",
    },
    "engage": {
        "username": "direct_username",
        "password": "direct_password",
        "platform_id": "platform_id",
    },
    "legacy": {"username": "direct_username", "password": "direct_password"},
    "api_token": {"api_token": "api_token"},
}
FLOWS = tuple(_FIELDS)
#: Flows with an access token that can be renewed.
RENEWABLE = ("ringcentral_jwt", "ringcentral_password", "engage")


def given(flow: str, known: SandboxCredentials = KNOWN) -> dict[str, str]:
    """Return the credentials of a flow by the client's names."""
    return {name: getattr(known, source) for name, source in _FIELDS[flow].items()}


def connection_fields(flow: str, url: str, known: SandboxCredentials = KNOWN, **extra: object) -> dict:
    """Return the fields of a connection; ``sign_in`` is omitted if the credentials imply it."""
    values = given(flow, known)
    login, password = values.pop("username", None), values.pop("password", None)
    explicit = {"sign_in": "legacy"} if flow == "legacy" else {}
    return {
        "conn_type": "engagevoice",
        "host": url,
        "login": login,
        "password": password,
        "extra": {**values, "rc_server": url, **explicit, **extra},
    }


def connection(flow: str, url: str, known: SandboxCredentials = KNOWN, **extra: object) -> str:
    """Return the JSON of a connection."""
    return json.dumps(connection_fields(flow, url, known, **extra))


def settings_of(
    flow: str,
    url: str,
    known: SandboxCredentials = KNOWN,
    *,
    account_id: str = "",
    timeouts: Timeouts | None = None,
    budgets: str = "off",
    **changes: str,
) -> ClientSettings:
    """Return settings; ``changes`` replace credentials, and no ``budgets`` are the documented ones."""
    return ClientSettings.build(
        host=url,
        rc_server=url,
        sign_in="legacy" if flow == "legacy" else "",
        account_id=account_id,
        timeouts=timeouts,
        credentials=Credentials(**(given(flow, known) | changes)),
        budgets=budgets,
    )
