"""Settings of a client: server, limits, credentials, and the sign-in flow that these fit."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.rate_limits import RateLimit, RateLimitShares
from airflow_provider_engagevoice.client.redaction import (
    UNESCAPES,
    basic_credentials,
    forms_of,
    join_lines,
    pattern_of,
)
from airflow_provider_engagevoice.exceptions import InvalidConnectionError

DEFAULT_HOST = "https://ringcx.ringcentral.com"
DEFAULT_LEGACY_HOST = "https://portal.vacd.biz"
DEFAULT_RC_SERVER = "https://platform.ringcentral.com"
DEFAULT_WATCH_INTERVAL = 60.0
LEGACY_HOSTS = frozenset({"portal.vacd.biz", "portal.virtualacd.biz"})

#: Tokens that are redacted: a server repeats one that it was sent just before. Days of them would be many.
_LATEST_TOKENS = 8
#: Escapes within escapes that are looked into.
_LAYERS = 4


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
        """Return every secret in its usual forms: plain, and escaped for a URL, a page or JSON."""
        return list(dict.fromkeys(form for secret in self.plain_secrets() for form in forms_of(secret)))

    def plain_secrets(self) -> list[str]:
        """Return every secret, and each pair of name and password as a Basic header has it."""
        plain = [self.client_secret, self.jwt_token, self.password, self.api_token]
        return [
            *filter(None, plain),
            *basic_credentials(self.client_id, self.client_secret),
            *basic_credentials(self.username, self.password),
        ]


class Redactor:
    """Remove secrets, and the latest tokens, from the server's texts."""

    def __init__(self, credentials: Credentials) -> None:
        self._patterns: dict[str, re.Pattern[str] | None] = dict.fromkeys(credentials.plain_secrets())
        self._tokens: dict[str, None] = {}

    def add(self, token: str) -> None:
        """Redact ``token`` from now on, until many others have followed."""
        if token and (token in self._tokens or token not in self._patterns):
            self._tokens.pop(token, None)
            self._tokens[token] = None
            self._patterns.setdefault(token, None)
            if len(self._tokens) > _LATEST_TOKENS:
                oldest = next(iter(self._tokens))
                del self._tokens[oldest], self._patterns[oldest]

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``, however it is escaped.

        If it shows only in the text with its lines joined, or unescaped, that one is returned.
        """
        if not self._patterns:
            return text
        shown, joined = self._hide(text), join_lines(text)
        if joined != text:
            hidden = self._hide(joined)
            if len(joined) - len(hidden) > len(text) - len(shown):
                shown = hidden
        opened = shown
        for _ in range(_LAYERS):
            before = opened
            for unescape in UNESCAPES:
                unescaped = unescape(opened)
                if unescaped != opened:
                    opened = self._hide(unescaped)
                    if opened != unescaped:
                        shown = opened
            if opened == before:
                break
        return shown

    def _hide(self, text: str) -> str:
        for secret in sorted(self._patterns, key=len, reverse=True):
            pattern = self._patterns[secret]
            if pattern is None:
                pattern = self._patterns[secret] = re.compile(pattern_of(secret))
            text = pattern.sub("***", text)
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


#: "a stable User-Agent: name/version", as the vendor asks.
USER_AGENT = f"airflow-provider-engagevoice/{__version__}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds: of connecting, of each read, and of a whole call."""

    connect: float = 10.0
    read: float = 30.0
    call: float = 60.0

    def for_httpx(self) -> httpx.Timeout:
        """Return the timeouts httpx enforces; the clients enforce ``call``."""
        return httpx.Timeout(self.read, connect=self.connect)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Server, credentials and limits of a client.

    :param base_url: scheme, host and port, such as ``https://ringcx.ringcentral.com``
    :param api_root: path of the API: ``/voice/api/v1``, on legacy portals ``/api/v1``
    :param rc_server: RingCentral's server, for the first request of a RingCentral sign-in
    :param account_id: id of the sub-account; empty for the only one the user can see
    :param timezone: IANA time zone of dates without an offset; empty for none
    :param connection_id: id of the Airflow connection; empty for none
    :param budgets: share of each rate limit to use
    :param copy_nested: whether the server takes a source's own rows, such as dispositions, in a create
    :param watch_interval: longest time between two polls for watchers of campaigns, in seconds
    """

    base_url: str
    api_root: str
    rc_server: str
    sign_in: SignIn
    credentials: Credentials
    account_id: str = ""
    timezone: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)
    connection_id: str = ""
    budgets: RateLimitShares = field(default_factory=RateLimitShares)
    copy_nested: bool = False
    watch_interval: float = DEFAULT_WATCH_INTERVAL

    @classmethod
    def build(
        cls,
        *,
        credentials: Credentials,
        host: str = "",
        sign_in: str = "",
        rc_server: str = "",
        account_id: str = "",
        timezone: str = "",
        timeouts: Timeouts | None = None,
        connection_id: str = "",
        budgets: str = "",
        copy_nested: bool = False,
        allow_http: bool = False,
        watch_interval: str = "",
    ) -> Self:
        """Validate the fields of a connection and fill in the vendor's defaults.

        :param budgets: see :meth:`RateLimitShares.read`
        :param allow_http: whether a host other than this machine may be reached without TLS
        :param watch_interval: seconds, at least 1
        :raises InvalidConnectionError: if a host, ``budgets``, ``watch_interval`` or a token is invalid, or
            the credentials fit no sign-in flow or several
        """
        token = credentials.api_token
        if not (token.isascii() and token.isprintable()):
            raise InvalidConnectionError("api_token has characters that no token has; paste it again")
        flow = choose_sign_in(sign_in, credentials, _base_url("host", host or DEFAULT_HOST))
        default = DEFAULT_LEGACY_HOST if flow is SignIn.LEGACY else DEFAULT_HOST
        base_url = _base_url("host", host or default)
        rc_server = _base_url("rc_server", rc_server or DEFAULT_RC_SERVER)
        if not allow_http:
            _check_encrypted("host", base_url)
            _check_encrypted("rc_server", rc_server)
        legacy = flow is SignIn.LEGACY or urlsplit(base_url).hostname in LEGACY_HOSTS
        return cls(
            base_url=base_url,
            api_root="/api/v1" if legacy else "/voice/api/v1",
            rc_server=rc_server,
            sign_in=flow,
            credentials=credentials,
            account_id=account_id,
            timezone=timezone,
            timeouts=timeouts or Timeouts(),
            connection_id=connection_id,
            budgets=RateLimitShares.read(budgets),
            copy_nested=copy_nested,
            watch_interval=_seconds("watch_interval", watch_interval) or DEFAULT_WATCH_INTERVAL,
        )

    @property
    def token_key(self) -> str:
        """Store key of the tokens of these credentials; it changes with any of them."""
        values = [str(getattr(self.credentials, item.name)) for item in fields(self.credentials)]
        return fingerprint(self.connection_id, self.base_url, self.rc_server, self.sign_in, *values)

    def exchange_key(self, limit: RateLimit) -> str:
        """Return the store key that counts the sign-ins of one app, or of one user without an app."""
        principal = self.credentials.client_id or self.credentials.username
        return fingerprint("exchange", self.base_url, self.sign_in, principal, limit.name)

    def rate_limit_key(self, limit: RateLimit, account_id: str) -> str:
        """Return the store key that counts the requests to one sub-account, with any credentials.

        :param account_id: empty while unknown; then the requests with these credentials are counted
        """
        return fingerprint("requests", self.base_url, account_id or self.token_key, limit.name)


def _seconds(name: str, text: str) -> float:
    if not text:
        return 0.0
    if re.fullmatch(r"\d{1,5}(\.\d+)?", text, re.ASCII) and float(text) >= 1:
        return float(text)
    raise InvalidConnectionError(f"{name}={text!r} is not usable: write seconds, at least 1, such as 60")


#: Paths in older vendor documents, which users copy along with the host.
_KNOWN_PATHS = ("", "/voice", "/voice/api/v1", "/api/v1")


def _base_url(name: str, value: str) -> str:
    """Return ``scheme://host[:port]`` of a host field, whose scheme may be omitted."""
    shown_value = "***" if "@" in value else repr(value)
    expected = f"{name}={shown_value} is not usable: write a host such as {DEFAULT_HOST}"
    parts = _split(value.strip())
    if parts is None or parts.scheme not in ("http", "https"):
        raise InvalidConnectionError(expected)
    host, port = parts.hostname or "", parts.port
    labels = host.removesuffix(".").split(".")
    if (
        not host.isprintable()
        or any(mark in host for mark in " _%\\")
        or not all(0 < len(label) < 64 for label in labels)
    ):
        raise InvalidConnectionError(expected)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidConnectionError(f"{expected}, without user, query or fragment")
    if parts.path.rstrip("/") not in _KNOWN_PATHS:
        raise InvalidConnectionError(f"{expected}, without a path")
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{shown}:{port}" if port else shown, "", "", ""))


def _check_encrypted(name: str, url: str) -> None:
    """Raise for a plain HTTP URL of another machine: it would get secrets and tokens in clear."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidConnectionError(
            f"{name}={url!r} would send secrets without encryption: write https://, or set allow_http=true"
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or its address."""
    host = host.removesuffix(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult | None:
    # Exceptions stay inside: their text would repeat the value, a password included.
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return parts if parts.port != 0 else None
    except ValueError:
        return None
