"""Everything a client has to know before it can send anything."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from airflow_provider_engagevoice import __version__
from airflow_provider_engagevoice.client.credentials import (
    DEFAULT_HOST,
    DEFAULT_LEGACY_HOST,
    DEFAULT_RC_SERVER,
    LEGACY_HOSTS,
    Credentials,
    SignIn,
    choose_sign_in,
    fingerprint,
)
from airflow_provider_engagevoice.client.rate_limits import Budget, BudgetPlan
from airflow_provider_engagevoice.exceptions import InvalidConnectionError

#: "a stable User-Agent: name/version", as the vendor asks.
USER_AGENT = f"airflow-provider-engagevoice/{__version__}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds in seconds: on making a connection, on silence while reading, on one whole call."""

    connect: float = 10.0
    read: float = 30.0
    call: float = 60.0

    def for_httpx(self) -> httpx.Timeout:
        """Return the bounds httpx itself can hold; ``call`` is held by the engines."""
        return httpx.Timeout(self.read, connect=self.connect)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where to connect, as whom, and with which bounds.

    :param base_url: scheme, host and port, such as ``https://ringcx.ringcentral.com``
    :param api_root: path under which the API lies: ``/voice/api/v1``, on legacy portals ``/api/v1``
    :param rc_server: RingCentral's own server, where the first half of a RingCentral sign-in happens
    :param account_id: the sub-account; empty for the only one the user can see
    :param timezone: IANA zone in which dates without an offset are read; empty for none
    :param connection_id: id of the connection these come from, empty for none
    :param budgets: how much of each request budget to use
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
    budgets: BudgetPlan = field(default_factory=BudgetPlan)

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
    ) -> Self:
        """Check what a connection holds and fill in the vendor's defaults.

        :param budgets: see :meth:`BudgetPlan.read`
        :raises InvalidConnectionError: for a bad host or budget, or credentials that fit no flow or several
        """
        token = credentials.api_token
        if not (token.isascii() and token.isprintable()):
            raise InvalidConnectionError("api_token has characters that no token has; paste it anew")
        flow = choose_sign_in(sign_in, credentials, _base_url("host", host or DEFAULT_HOST))
        default = DEFAULT_LEGACY_HOST if flow is SignIn.LEGACY else DEFAULT_HOST
        base_url = _base_url("host", host or default)
        legacy = flow is SignIn.LEGACY or urlsplit(base_url).hostname in LEGACY_HOSTS
        return cls(
            base_url=base_url,
            api_root="/api/v1" if legacy else "/voice/api/v1",
            rc_server=_base_url("rc_server", rc_server or DEFAULT_RC_SERVER),
            sign_in=flow,
            credentials=credentials,
            account_id=account_id,
            timezone=timezone,
            timeouts=timeouts or Timeouts(),
            connection_id=connection_id,
            budgets=BudgetPlan.read(budgets),
        )

    @property
    def token_key(self) -> str:
        """Key under which tokens of these credentials are kept; changing any of them changes it."""
        values = [str(getattr(self.credentials, item.name)) for item in fields(self.credentials)]
        return fingerprint(self.connection_id, self.base_url, self.rc_server, self.sign_in, *values)

    def exchange_key(self, budget: Budget) -> str:
        """Key under which sign-ins are counted: those of one app, or of one user where there is no app."""
        who = self.credentials.client_id or self.credentials.username
        return fingerprint("exchange", self.base_url, self.sign_in, who, budget.name)

    def budget_key(self, budget: Budget, account_id: str) -> str:
        """Key under which requests are counted: those of one sub-account, by whoever sends them.

        :param account_id: empty while it is not known; then those of these credentials
        """
        return fingerprint("requests", self.base_url, account_id or self.token_key, budget.name)


#: Paths users copy from older texts of the vendor along with the host.
_KNOWN_PATHS = ("", "/voice", "/voice/api/v1", "/api/v1")


def _base_url(name: str, value: str) -> str:
    """Return ``scheme://host[:port]`` of what a user wrote, with or without a scheme."""
    shown_value = "***" if "@" in value else repr(value)
    expected = f"{name}={shown_value} is not usable: write a host such as {DEFAULT_HOST}"
    parts = _split(value.strip())
    if parts is None or parts.scheme not in ("http", "https"):
        raise InvalidConnectionError(expected)
    host, port = parts.hostname or "", parts.port
    labels = host.removesuffix(".").split(".")
    if any(mark in host for mark in " _%\\") or not all(0 < len(label) < 64 for label in labels):
        raise InvalidConnectionError(expected)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidConnectionError(f"{expected}, without user, query or fragment")
    if parts.path.rstrip("/") not in _KNOWN_PATHS:
        raise InvalidConnectionError(f"{expected}, without a path")
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{shown}:{port}" if port else shown, "", "", ""))


def _split(text: str) -> SplitResult | None:
    # No exception leaves this function: its text would repeat what was given, a password included.
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return parts if parts.port != 0 else None
    except ValueError:
        return None
