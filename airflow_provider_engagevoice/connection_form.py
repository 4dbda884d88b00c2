"""The connection's fields, in one table: metadata for the form, the hook's widgets and the reader.

Imports nothing, because Airflow reads it at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONNECTION_TYPE = "engagevoice"
HOOK_CLASS = "airflow_provider_engagevoice.hooks.engagevoice.EngageVoiceHook"
HOOK_NAME = "RingCentral Engage Voice"


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """One field that is kept in the connection's extra.

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
        "How to sign in. Left empty, it follows from the credentials given.",
        choices=("ringcentral_jwt", "ringcentral_password", "engage", "legacy", "api_token"),
    ),
    ConnectionField("client_id", "Client ID", "RingCentral app: client id (JWT and password sign-in)."),
    ConnectionField("client_secret", "Client secret", "RingCentral app: client secret.", secret=True),
    ConnectionField("jwt_token", "JWT", "RingCentral JWT credential of the user.", secret=True),
    ConnectionField("extension", "Extension", "RingCentral extension (password sign-in).", placeholder="101"),
    ConnectionField("platform_id", "Platform ID", "Engage direct sign-in: platform id, if there is one."),
    ConnectionField("api_token", "API token", "Permanent API token, sent as X-Auth-Token.", secret=True),
    ConnectionField(
        "account_id",
        "Account ID",
        "Sub-account to work on. Left empty, the only one the user can see.",
        placeholder="99990001",
    ),
    ConnectionField(
        "timezone",
        "Account time zone",
        "IANA zone in which dates without an offset are read.",
        placeholder="America/Los_Angeles",
    ),
    ConnectionField(
        "rc_server",
        "RingCentral server",
        "Where RingCentral sign-in happens.",
        placeholder="https://platform.ringcentral.com",
    ),
    ConnectionField(
        "token_store",
        "Token store",
        "Where processes share tokens and request budgets: file, file:///directory, memory or a Redis URL; "
        "several, separated by commas, are tried in order. Left empty: [engagevoice] token_store.",
        secret=True,
    ),
    ConnectionField(
        "budgets",
        "Request budgets",
        "How much of the vendor's rate limits to use: 50%, off, or provisioning=50%, token_exchange=off. "
        "Left empty: [engagevoice] budgets.",
        placeholder="100%",
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
    """Return which standard fields the form hides, renames and fills with examples."""
    return {
        "hidden-fields": list(HIDDEN_FIELDS),
        "relabeling": dict(RELABELING),
        "placeholders": dict(PLACEHOLDERS),
    }


def conn_fields() -> dict[str, dict[str, Any]]:
    """Return the extra fields as Airflow 3.2 and later build the form from."""
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
