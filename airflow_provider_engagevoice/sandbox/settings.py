"""How a sandbox behaves where the vendor's documents leave a choice, or where a test wants another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_engagevoice.sandbox.credentials import Credentials


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """A sub-account.

    :param time_zone: IANA name. The API never tells it; the page uses it to show hours, and to read the
        day windows of campaigns, whose zone the vendor does not document.
    """

    account_id: str
    name: str
    time_zone: str = "America/Los_Angeles"


MAIN_ACCOUNT = SandboxAccount("44440000", "Demo Contact Center")
DEFAULT_ACCOUNT = SandboxAccount("99990000", "Demo Sales Floor")


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit`` requests in any ``seconds``."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DialerSettings:
    """How the dialer of the sandbox dials.

    :param rate: calls a second, of all campaigns together; 0 dials nobody
    :param abandon_share: share of the calls that are answered for which there is no agent
    :param minute_seconds: how long a minute of a campaign's ``passDelayMin`` lasts
    """

    rate: float = 0.0
    abandon_share: float = 0.02
    minute_seconds: float = 0.1

    def __post_init__(self) -> None:
        for name, most in (("rate", 10_000), ("abandon_share", 1), ("minute_seconds", 60)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise ValueError(f"{name}={value!r}: must be a number from 0 to {most}")


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
"""The vendor's budgets for leads: all windows of one hold at once, and none spends of another.

Its documents name a budget for searches by number without naming the endpoint; chosen here is
``leadSearchByPhoneList``.
"""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Everything a sandbox can be told.

    :param host: address to listen on; anything but loopback is reachable by others
    :param port: 0 picks a free one
    :param db: SQLite file that survives a restart; None keeps all in memory
    :param limits: refuse requests over their budget with 429; they are counted either way
    :param token_seconds: life of an access token; the vendor's is five minutes
    :param exchange: budget of sign-ins and refreshes together; the vendor allows 5 a minute
    :param provisioning: budget per account of everything else; the vendor's for provisioning is 120 a minute
    :param lead_budgets: budgets per account of what concerns leads, under the names of ``LEAD_BUDGETS``
    :param clone_endpoint: False answers 404 to clone, as the vendor's current API files know no such endpoint
    :param activate_on_create: False stores ``isActive`` 0 whatever a create asks for, as in the vendor's
        sample, where a request for 1 is answered with 0; True stores what was asked
    :param process_seconds: from the answer to ``leadLoader/process`` to the leads of the file; in between its
        list is LOADING. The vendor answers 202 and says no more; 0 loads them before the answer
    :param persona_phones: labels of the further phones that leads may have, by their ids
    :param default_max_rows: rows of a list page when ``maxRows`` is not given
    :param max_rows_cap: most rows a list page has, whatever ``maxRows`` says
    :param first_page: number of the first page, which the vendor does not document; lower ones mean it too
    :param dialer: how the dialer dials from the start: not at all
    :param accounts: the sub-accounts the user sees, the first being the one that ``~`` means
    """

    host: str = "127.0.0.1"
    port: int = 0
    db: str | None = None
    limits: bool = True
    token_seconds: float = 300.0
    exchange: Budget = Budget(5, 60.0)
    provisioning: Budget = Budget(120, 60.0)
    lead_budgets: Mapping[str, tuple[Budget, ...]] = field(default_factory=lambda: dict(LEAD_BUDGETS))
    clone_endpoint: bool = True
    activate_on_create: bool = False
    process_seconds: float = 0.0
    persona_phones: Mapping[int, str] = field(default_factory=dict)
    default_max_rows: int = 100
    max_rows_cap: int = 1000
    first_page: int = 1
    dialer: DialerSettings = DialerSettings()
    main_account: SandboxAccount = MAIN_ACCOUNT
    accounts: tuple[SandboxAccount, ...] = (DEFAULT_ACCOUNT,)
    credentials: Credentials = field(default_factory=Credentials)
