"""Settings of a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from airflow_provider_engagevoice.sandbox.credentials import Credentials
from airflow_provider_engagevoice.sandbox.dialects import DEFAULT, Dialect


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """A sub-account.

    :param time_zone: IANA name, used for daily dialing hours (not documented by the vendor); the API does not
        return it
    """

    account_id: str
    name: str
    time_zone: str = "America/Los_Angeles"


MAIN_ACCOUNT = SandboxAccount("44440000", "Demo Contact Center")
DEFAULT_ACCOUNT = SandboxAccount("99990000", "Demo Sales Floor")


@dataclass(frozen=True, slots=True)
class Budget:
    """A rate limit: at most ``limit`` requests in any window of ``seconds``."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DialerSettings:
    """Settings of the simulated dialer.

    :param rate: calls per second, across all campaigns; 0 disables the dialer
    :param abandon_share: share of answered calls for which no agent is available
    :param minute_seconds: seconds that stand for one minute of a campaign's ``passDelayMin``
    """

    rate: float = 0.0
    abandon_share: float = 0.02
    minute_seconds: float = 0.1

    def __post_init__(self) -> None:
        for name, maximum in (("rate", 10_000), ("abandon_share", 1), ("minute_seconds", 60)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= maximum:
                raise ValueError(f"{name}={value!r}: must be a number from 0 to {maximum}")


DIRECT: Final = "leadLoader/direct"
PREVIEW: Final = "leadLoader/preview"
PROCESS: Final = "leadLoader/process"
SEARCH: Final = "leadSearch"
COUNT: Final = "leadSearch?count=true"
BY_PHONE: Final = "leadSearchByPhoneList"
ACTIONS: Final = "campaignLeads/actions"
LEAD_UPDATE: Final = "campaignLeads/{leadId}"
REAL_TIME: Final = "realTimeData"

LEAD_BUDGETS: Final[Mapping[str, tuple[Budget, ...]]] = {
    DIRECT: (Budget(30, 10.0), Budget(120, 60.0)),
    PREVIEW: (Budget(12, 30.0), Budget(18, 60.0)),
    PROCESS: (Budget(9, 3.0), Budget(30, 30.0)),
    SEARCH: (Budget(15, 10.0), Budget(60, 30.0)),
    COUNT: (Budget(90, 10.0), Budget(180, 30.0)),
    BY_PHONE: (Budget(30, 10.0), Budget(120, 60.0)),
    ACTIONS: (Budget(30, 10.0), Budget(120, 60.0)),
    LEAD_UPDATE: (Budget(12, 3.0), Budget(150, 60.0)),
    REAL_TIME: (Budget(120, 60.0),),
}
"""The vendor's rate limits for leads, counted independently; all windows of one are enforced together.

The documents do not name the endpoint of the limit for searches by number; assumed is
``leadSearchByPhoneList``.
"""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """All settings of a sandbox.

    :param host: address to listen on; other machines can reach anything but loopback
    :param port: 0 selects a free port
    :param db: SQLite file that keeps the data across restarts; None for an in-memory database
    :param limits: reject requests over a rate limit with 429; they are counted either way
    :param token_seconds: lifetime of an access token; the vendor's is five minutes
    :param exchange: rate limit of sign-ins and refreshes together; the vendor's is 5 per minute
    :param provisioning: rate limit per account of all other requests; the vendor's is 120 per minute
    :param lead_budgets: rate limits per account of lead endpoints, with the keys of ``LEAD_BUDGETS``
    :param dialect: what the server does where the vendor's documents leave it open
    :param process_seconds: delay between the response of ``leadLoader/process`` and the loading of the file,
        during which its list is LOADING; 0 loads before responding. The vendor documents only the 202
    :param stored_phones: form in which ``leadPhone`` is stored: ``sent``, as it was sent; ``e164``; or
        ``national``, as it is dialed within the country (not documented by the vendor)
    :param persona_phones: labels of additional phones of a lead, by phone id, at the start
    :param default_max_rows: rows per page if ``maxRows`` is omitted
    :param max_rows_cap: maximum rows per page, regardless of ``maxRows``
    :param dialer: initial dialer settings; default: off
    :param accounts: sub-accounts of the user; ``~`` in a path stands for the first
    """

    host: str = "127.0.0.1"
    port: int = 0
    db: str | None = None
    limits: bool = True
    token_seconds: float = 300.0
    exchange: Budget = Budget(5, 60.0)
    provisioning: Budget = Budget(120, 60.0)
    lead_budgets: Mapping[str, tuple[Budget, ...]] = field(default_factory=lambda: dict(LEAD_BUDGETS))
    dialect: Dialect = DEFAULT
    process_seconds: float = 0.0
    stored_phones: Literal["sent", "e164", "national"] = "sent"
    persona_phones: Mapping[int, str] = field(default_factory=dict)
    default_max_rows: int = 100
    max_rows_cap: int = 1000
    dialer: DialerSettings = DialerSettings()
    main_account: SandboxAccount = MAIN_ACCOUNT
    accounts: tuple[SandboxAccount, ...] = (DEFAULT_ACCOUNT,)
    credentials: Credentials = field(default_factory=Credentials)
