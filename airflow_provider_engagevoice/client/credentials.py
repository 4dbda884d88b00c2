"""Which of the five sign-in flows a set of credentials means, and where it signs in."""

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
    """Tell whether a URL path is one of signing in; its query may hold a password."""
    return path.startswith(("/api/auth/", "/restapi/oauth/")) or path.endswith("/auth/login")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection holds to sign in with. Empty strings are fields left empty."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    jwt_token: str = field(default="", repr=False)
    username: str = ""
    extension: str = ""
    password: str = field(default="", repr=False)
    platform_id: str = ""
    api_token: str = field(default="", repr=False)

    def given(self) -> set[str]:
        """Return the names of the fields that are filled in."""
        return {item.name for item in fields(self) if getattr(self, item.name)}

    def secrets(self) -> list[str]:
        """Return every secret, also in the forms it takes inside a URL or a form."""
        plain = [self.client_secret, self.jwt_token, self.password, self.api_token]
        forms = [
            form
            for secret in plain
            if secret
            for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
        ]
        return list(dict.fromkeys(forms))


class Redactor:
    """Take secrets, and the tokens met on the way, out of texts of a server."""

    def __init__(self, credentials: Credentials) -> None:
        self._secrets = set(credentials.secrets())

    def add(self, secret: str) -> None:
        """Redact this one from now on."""
        if secret:
            self._secrets.add(secret)

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


#: Per flow: the fields it cannot do without, then those it also takes.
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


def choose_sign_in(asked: str, credentials: Credentials, host: str) -> SignIn:
    """Return the flow that is asked for, or the only one the credentials fit.

    :param asked: value of the connection's ``sign_in`` field, empty to let the credentials decide
    :param host: the connection's host; a user name and password alone mean the legacy flow on a legacy
        portal and Engage direct elsewhere
    :raises InvalidConnectionError: naming the fields that are missing or in conflict
    """
    given = credentials.given()
    if asked:
        if asked not in list(SignIn):
            raise InvalidConnectionError(f"sign_in={asked!r} is not one of {', '.join(SignIn)}")
        flow = SignIn(asked)
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
    marks = {
        "jwt_token": SignIn.RINGCENTRAL_JWT,
        "api_token": SignIn.API_TOKEN,
        "platform_id": SignIn.ENGAGE,
    }
    found = {flow for name, flow in marks.items() if name in given}
    if "username" in given or "password" in given:
        if "client_id" in given or "client_secret" in given or "extension" in given:
            found.add(SignIn.RINGCENTRAL_PASSWORD)
        elif urlsplit(host).hostname in LEGACY_HOSTS:
            found.add(SignIn.LEGACY)
        else:
            found.add(SignIn.ENGAGE)
    if not found:
        found.add(SignIn.RINGCENTRAL_JWT)
    if len(found) > 1:
        raise InvalidConnectionError(
            f"the credentials fit several sign-in flows ({', '.join(sorted(found))}); fields given: "
            f"{_names(given)}. Remove those of the others, or set sign_in"
        )
    return found.pop()


def _names(names: set[str] | frozenset[str]) -> str:
    # On a connection the user name is called its login; all others have the same name there.
    return ", ".join("login" if name == "username" else name for name in sorted(names))


def fingerprint(*parts: str) -> str:
    """Return a digest that changes with any of ``parts`` and from which none can be read."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
