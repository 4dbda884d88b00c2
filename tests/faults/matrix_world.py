"""The environment of a matrix cell: a server with marked secrets, a token store, and a client."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings, Timeouts
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.validation import campaign_fields
from tests.faults.relay import Relay
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of
from tests.support.services import RedisServer
from tests.support.watch import MARKED

GROUP = seed.OUTBOUND_RENEWALS_ID
SOURCE = seed.HOLIDAY_RENEWALS_2025_ID
NAME = "Made in the matrix"
PREPARED = "Prepared"
#: Easy to recognize in any output.
REDIS_PASSWORD = "Q7redisK2"
SEAL_KEY = Fernet.generate_key()

#: While a fault lasts time-outs are short; afterwards they are the defaults.
BRIEF = RetryLimits(tries=3, seconds=2.5, first_wait=0.1, longest_wait=0.2)
PATIENT = RetryLimits(tries=8, seconds=30, first_wait=0.1, longest_wait=1.0)
#: Sign-ins that never reach the server count, too; other tests cover waiting a minute for the sixth.
_BUDGETS = RateLimitShares.read("token_exchange=off")
BRIEF_TIMEOUTS = Timeouts(connect=2, read=0.6, call=0.8)


@dataclass
class World:
    """The environment of one cell.

    :ivar token_store: where tokens and rate limits are shared
    :ivar patient: whether time-outs and retries are the defaults, not short
    :ivar prepared: a campaign that dials now, and ends later than the dates requested for others
    :ivar source: the campaign that is cloned
    :ivar texts: all output: error texts, results, arguments of triggers
    """

    sandbox: SandboxServer
    relay: Relay
    folder: Path
    redis: RedisServer | None
    token_store: str = ""
    host: str = ""
    patient: bool = False
    texts: list[str] = field(default_factory=list)
    prepared: int = 0
    source: int = SOURCE
    start: str = ""
    end: str = ""
    prepared_start: str = ""
    prepared_end: str = ""

    def reset(self) -> None:
        """Reset: no process has signed in, and there is one campaign to change."""
        self.sandbox.reset()
        self.relay.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self.token_store = self.files
        self.host = self.relay.url
        self.patient = False
        self.texts = []
        now = datetime.now(UTC).replace(microsecond=0)
        # A day's margin, so that a clock that is wrong by minutes is not the same as a closed window.
        self.start, self.end, self.prepared_start, self.prepared_end = (
            format_vendor_date(now + timedelta(days=days)) for days in (-1, 30, -2, 60)
        )
        fields = campaign_fields(
            {
                "campaignName": PREPARED,
                "isActive": 1,
                "startDate": self.prepared_start,
                "endDate": self.prepared_end,
                "callerId": "4155550123",
                "campaignDesc": "before",
            }
        )
        self.prepared = self.sandbox.store.seed_campaign(ACCOUNT_ID, GROUP, fields)["campaignId"]

    @property
    def files(self) -> str:
        """The cell's directory, as ``token_store`` names it."""
        return f"file://{self.folder}/shared"

    @property
    def settings(self) -> ClientSettings:
        """Settings with marked credentials, the documented rate limits and short time-outs."""
        timeouts = Timeouts() if self.patient else BRIEF_TIMEOUTS
        made = settings_of("ringcentral_jwt", self.host, MARKED, account_id=ACCOUNT_ID, timeouts=timeouts)
        return dataclasses.replace(made, rc_server=self.relay.url, budgets=_BUDGETS)

    @property
    def limits(self) -> RetryLimits:
        """The current retry limits of a request."""
        return PATIENT if self.patient else BRIEF

    def shared_state(self) -> SharedState:
        """Open the shared state, as a new process does."""
        return SharedState(self.token_store, Fernet(SEAL_KEY))

    def campaigns(self) -> list[dict[str, Any]]:
        """Return the campaigns of the dial group."""
        return self.sandbox.store.campaigns(ACCOUNT_ID, GROUP)

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the campaigns with this name."""
        return [row for row in self.campaigns() if row["campaignName"] == name]

    def unfinished(self) -> list[str]:
        """Return the names of unfinished campaigns."""
        return [row["campaignName"] for row in self.campaigns() if "[unfinished" in row["campaignName"]]
