"""The fields of a connection: one table for the form's metadata, the hook's widgets and its parser.

Imports no Airflow, because Airflow reads it at startup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONNECTION_TYPE = "engagevoice"
HOOK_CLASS = "airflow_provider_engagevoice.hooks.engagevoice.EngageVoiceHook"
HOOK_NAME = "RingCentral Engage Voice"


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """One field of the connection's extra.

    :param secret: shown as a password and masked in logs
    :param choices: values of a dropdown; empty for free text
    """

    name: str
    label: str
    description: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    placeholder: str = ""


EXTRA_FIELDS = (
    ConnectionField(
        "sign_in",
        "Sign-in",
        "How to sign in. Default: inferred from the credentials.",
        choices=("ringcentral_jwt", "ringcentral_password", "engage", "legacy", "api_token"),
    ),
    ConnectionField("client_id", "Client ID", "RingCentral app: client id (JWT and password sign-in)."),
    ConnectionField("client_secret", "Client secret", "RingCentral app: client secret.", secret=True),
    ConnectionField("jwt_token", "JWT", "RingCentral JWT credential of the user.", secret=True),
    ConnectionField("extension", "Extension", "RingCentral extension (password sign-in).", placeholder="101"),
    ConnectionField("platform_id", "Platform ID", "Engage direct sign-in: platform id, if any."),
    ConnectionField("api_token", "API token", "Permanent API token, sent as X-Auth-Token.", secret=True),
    ConnectionField(
        "account_id",
        "Account ID",
        "Id of the sub-account. Default: the only one the user can see.",
        placeholder="99990001",
    ),
    ConnectionField(
        "timezone",
        "Account time zone",
        "IANA time zone of dates without an offset.",
        placeholder="America/Los_Angeles",
    ),
    ConnectionField(
        "watch_interval",
        "Watch interval",
        "Longest time between two polls of campaign_window_asset(), in seconds. Default: 60.",
        placeholder="60",
    ),
    ConnectionField(
        "rc_server",
        "RingCentral server",
        "Server of the RingCentral sign-in.",
        placeholder="https://platform.ringcentral.com",
    ),
    ConnectionField(
        "token_store",
        "Token store",
        "Where processes share tokens and rate limits: file, file:///directory, memory or a Redis URL; "
        "several, separated by commas, are tried in order. Default: [engagevoice] token_store.",
        secret=True,
    ),
    ConnectionField(
        "token_store_plain",
        "Store tokens unencrypted",
        "true: share tokens between processes even if Airflow has no Fernet key. Default: without a key, "
        "each process keeps its own.",
        choices=("true", "false"),
    ),
    ConnectionField(
        "allow_http",
        "Allow plain HTTP",
        "true: send secrets without encryption to an http:// host that is not this machine.",
        choices=("true", "false"),
    ),
    ConnectionField(
        "budgets",
        "Rate limits",
        "Share of the vendor's rate limits to use: 50%, off, or provisioning=50%, token_exchange=off. "
        "Default: [engagevoice] budgets.",
        placeholder="100%",
    ),
    ConnectionField(
        "copy_nested",
        "Copy nested rows",
        "Whether the server takes a source's own rows, such as dispositions, in the body of a create. "
        "Default: false.",
        choices=("true", "false"),
    ),
)

#: Former name → name. A former name is read when the extra lacks the new one.
RENAMED_FIELDS = {"jwt": "jwt_token"}
HIDDEN_FIELDS = ("schema", "extra")
RELABELING = {"host": "Engage Voice host", "login": "User name", "password": "Password"}
PLACEHOLDERS = {
    "host": "https://ringcx.ringcentral.com",
    "login": "only for password, Engage and legacy sign-in",
    "password": "only for password, Engage and legacy sign-in",
} | {field.name: field.placeholder for field in EXTRA_FIELDS if field.placeholder}


def ui_field_behaviour() -> dict[str, Any]:
    """Return the standard fields that the form hides and relabels, and the placeholders."""
    return {
        "hidden-fields": list(HIDDEN_FIELDS),
        "relabeling": dict(RELABELING),
        "placeholders": dict(PLACEHOLDERS),
    }


def conn_fields() -> dict[str, dict[str, Any]]:
    """Return the extra fields in the format of Airflow 3.2 and later."""
    return {
        field.name: {"label": field.label, "description": field.description, "schema": _schema(field)}
        for field in EXTRA_FIELDS
    }


def _schema(field: ConnectionField) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if field.secret:
        schema["format"] = "password"
    if field.choices:
        schema["enum"] = list(field.choices)
    return schema
