"""Stateless helpers of the tests."""

from __future__ import annotations

import json

from airflow_provider_engagevoice.sandbox import credentials

ACCOUNT_ID = "99990000"


def jwt_connection(url: str, **extra: object) -> str:
    """Return the JSON of a connection to the sandbox that signs in by JWT."""
    fields = {
        "client_id": credentials.CLIENT_ID,
        "client_secret": credentials.CLIENT_SECRET,
        "jwt_token": credentials.JWT,
        "rc_server": url,
        "account_id": ACCOUNT_ID,
        "timezone": "America/Los_Angeles",
    }
    return json.dumps({"conn_type": "engagevoice", "host": url, "extra": fields | extra})
