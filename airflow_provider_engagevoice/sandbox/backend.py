"""Everything behind the routes of one sandbox."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.faults import FaultBook
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.request_log import RequestLog
from airflow_provider_engagevoice.sandbox.seed import seed
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.store import Store
from airflow_provider_engagevoice.sandbox.tokens import Tokens


class Backend:
    """The state of a sandbox. A new or empty database gets the world of the first start."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.database = Database(settings.db)
        self.store = Store(self.database)
        self.tokens = Tokens(self.database)
        self.exchange = Meter(settings.exchange, "auth", enforced=settings.limits)
        self.provisioning = Meter(settings.provisioning, "medium", enforced=settings.limits)
        self.faults = FaultBook()
        self.log = RequestLog()
        with self.database.transaction():
            if not self.database.rows("SELECT 1 FROM sqlite_sequence LIMIT 1"):
                self._seed()

    def reset(self) -> None:
        """Go back to the world of the first start; faults, logs, counters and sign-ins are forgotten."""
        with self.database.transaction():
            self.database.clear()
            self._seed()
        self.faults.clear()
        self.log.clear()
        self.exchange.clear()
        self.provisioning.clear()

    def counters(self) -> dict[str, Any]:
        """Return what ``GET /sandbox/counters`` shows."""
        return {
            "exchanges_in_window": sum(self.exchange.spent().values()),
            "exchanges": self.exchange.total,
            "provisioning_in_window": self.provisioning.spent(),
            "refused": {"exchange": self.exchange.refused, "provisioning": self.provisioning.refused},
            "statuses": self.log.statuses(),
            "routes": self.log.routes(),
        }

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _seed(self) -> None:
        seed(self.store, self.settings)
        self.tokens.permanent(self.settings.credentials.api_token)
