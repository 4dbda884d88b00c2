"""Credentials of a connection, and the sign-in flow that they fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from enum import StrEnum
from urllib.parse import quote, quote_plus, urlsplit

from airflow_provider_engagevoice.exceptions import InvalidConnectionError

DEFAULT_HOST = "https://ringcx.ringcentral.com"
DEFAULT_LEGACY_HOST = "https://portal.vacd.biz"
DEFAULT_RC_SERVER = "https://platform.ringcentral.com"
LEGACY_HOSTS = frozenset({"portal.vacd.biz", "portal.virtualacd.biz"})


class SignIn(StrEnum):
    """The documented ways to sign in; the values are those of the connection's ``sign_in`` field."""

    RINGCENTRAL_JWT = "ringcentral_jwt"
    RINGCENTRAL_PASSWORD = "ringcentral_password"
    ENGAGE = "engage"
    LEGACY = "legacy"
    API_TOKEN = "api_token"


def is_sign_in(path: str) -> bool:
    """Return whether a URL path belongs to a sign-in, whose query may contain a password."""
    return path.startswith(("/api/auth/", "/restapi/oauth/")) or path.endswith("/auth/login")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a connection; empty strings are omitted fields."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    jwt_token: str = field(default="", repr=False)
    username: str = ""
    extension: str = ""
    password: str = field(default="", repr=False)
    platform_id: str = ""
    api_token: str = field(default="", repr=False)

    def given(self) -> set[str]:
        """Return the names of the fields that are not empty."""
        return {item.name for item in fields(self) if getattr(self, item.name)}

    def secrets(self) -> list[str]:
        """Return every secret, plain and as encoded in a URL or a form."""
        plain = [self.client_secret, self.jwt_token, self.password, self.api_token]
        forms = [
            form
            for secret in plain
            if secret
            for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
        ]
        return list(dict.fromkeys(forms))


class Redactor:
    """Remove secrets, and tokens obtained since, from the server's texts."""

    def __init__(self, credentials: Credentials) -> None:
        self._secrets = set(credentials.secrets())

    def add(self, secret: str) -> None:
        """Redact ``secret`` from now on."""
        if secret:
            self._secrets.add(secret)

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


#: Required and optional fields of each flow.
_FIELDS: dict[SignIn, tuple[frozenset[str], frozenset[str]]] = {
    SignIn.RINGCENTRAL_JWT: (frozenset({"client_id", "client_secret", "jwt_token"}), frozenset()),
    SignIn.RINGCENTRAL_PASSWORD: (
        frozenset({"client_id", "client_secret", "username", "password"}),
        frozenset({"extension"}),
    ),
    SignIn.ENGAGE: (frozenset({"username", "password"}), frozenset({"platform_id"})),
    SignIn.LEGACY: (frozenset({"username", "password"}), frozenset()),
    SignIn.API_TOKEN: (frozenset({"api_token"}), frozenset()),
}


def choose_sign_in(sign_in: str, credentials: Credentials, host: str) -> SignIn:
    """Return the flow that ``sign_in`` names, or the only one that the credentials fit.

    :param sign_in: the connection's ``sign_in`` field; if empty, the credentials decide
    :param host: the connection's host; a user name and password alone mean the legacy flow on a legacy
        portal and Engage direct elsewhere
    :raises InvalidConnectionError: if fields are missing or in conflict; the message names them
    """
    given = credentials.given()
    if sign_in:
        if sign_in not in list(SignIn):
            raise InvalidConnectionError(f"sign_in={sign_in!r} is not one of {', '.join(SignIn)}")
        flow = SignIn(sign_in)
    else:
        flow = _infer(given, host)
    required, optional = _FIELDS[flow]
    missing = required - given
    surplus = given - required - optional
    if missing:
        raise InvalidConnectionError(f"sign-in {flow} needs {_names(required)}; missing: {_names(missing)}")
    if surplus:
        raise InvalidConnectionError(
            f"sign-in {flow} takes {_names(required | optional)}; in conflict with it: {_names(surplus)}"
        )
    return flow


def _infer(given: set[str], host: str) -> SignIn:
    if not given:
        raise InvalidConnectionError(
            "no credentials: give client_id, client_secret and jwt_token (the usual way), "
            "or those of another flow"
        )
    distinctive = {
        "jwt_token": SignIn.RINGCENTRAL_JWT,
        "api_token": SignIn.API_TOKEN,
        "platform_id": SignIn.ENGAGE,
    }
    flows = {flow for name, flow in distinctive.items() if name in given}
    if "username" in given or "password" in given:
        if "client_id" in given or "client_secret" in given or "extension" in given:
            flows.add(SignIn.RINGCENTRAL_PASSWORD)
        elif urlsplit(host).hostname in LEGACY_HOSTS:
            flows.add(SignIn.LEGACY)
        else:
            flows.add(SignIn.ENGAGE)
    if not flows:
        flows.add(SignIn.RINGCENTRAL_JWT)
    if len(flows) > 1:
        raise InvalidConnectionError(
            f"the credentials fit several sign-in flows ({', '.join(sorted(flows))}); fields given: "
            f"{_names(given)}. Remove the fields of the other flows, or set sign_in"
        )
    return flows.pop()


def _names(names: set[str] | frozenset[str]) -> str:
    # Connections call the user name login; all other fields have the same name.
    return ", ".join("login" if name == "username" else name for name in sorted(names))


def fingerprint(*parts: str) -> str:
    """Return a one-way digest of ``parts``."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
