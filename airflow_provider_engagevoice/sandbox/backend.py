"""The state of one sandbox, used by all routes."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice.sandbox.calls import Calls
from airflow_provider_engagevoice.sandbox.campaigns import Campaigns
from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.dialer import Dialer
from airflow_provider_engagevoice.sandbox.faults import FaultBook
from airflow_provider_engagevoice.sandbox.later import Later
from airflow_provider_engagevoice.sandbox.leads.do_not_call import DoNotCall
from airflow_provider_engagevoice.sandbox.leads.search import LeadSearch
from airflow_provider_engagevoice.sandbox.leads.statistics import Statistics
from airflow_provider_engagevoice.sandbox.leads.store import LeadStore
from airflow_provider_engagevoice.sandbox.leads.uploads import Uploads
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.maintenance import Maintenance
from airflow_provider_engagevoice.sandbox.personas import PersonaPhones
from airflow_provider_engagevoice.sandbox.request_log import RequestLog
from airflow_provider_engagevoice.sandbox.seed import seed
from airflow_provider_engagevoice.sandbox.settings import Budget, SandboxSettings
from airflow_provider_engagevoice.sandbox.store import Store
from airflow_provider_engagevoice.sandbox.tokens import Tokens
from airflow_provider_engagevoice.sandbox.visibility import Visibility


class Backend:
    """The state of a sandbox. A new or empty database is filled with the initial data.

    :ivar dialect: the current dialect; at first that of the settings
    """

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.database = Database(settings.db)
        self.store = Store(self.database)
        self.leads = LeadStore(self.database)
        self.lead_search = LeadSearch(self.database)
        self.statistics = Statistics(self.database)
        self.dnc = DoNotCall(self.database)
        self.personas = PersonaPhones(self.database)
        self.uploads = Uploads()
        self.tokens = Tokens(self.database)
        self.dialect = settings.dialect
        self.later = Later()
        self.maintenance = Maintenance()
        self._visibility = Visibility()
        self.campaigns = Campaigns(self.store, lambda: self.dialect, self._visibility, self.later)
        self.exchange = self._meter(settings.exchange, "auth")
        self.provisioning = self._meter(settings.provisioning, "medium")
        self.lead_meters = {
            name: self._meter(budgets, name) for name, budgets in settings.lead_budgets.items()
        }
        self.faults = FaultBook()
        self.log = RequestLog()
        with self.database.transaction():
            if not self.database.rows("SELECT 1 FROM sqlite_sequence LIMIT 1"):
                self._seed()
        self.calls = Calls(self.database, settings.accounts, lambda: self.dialect)
        self.dialer = Dialer(self.calls, settings.dialer)

    def _meter(self, budgets: Budget | tuple[Budget, ...], group: str) -> Meter:
        return Meter(budgets, group, enforced=self.settings.limits, too_many=lambda: self.dialect.too_many)

    def reset(self) -> None:
        """Restore the initial data and dialect; clear faults, logs, counters and tokens."""
        self.dialer.configure(self.settings.dialer)
        self.dialect = self.settings.dialect
        self.later.clear()
        self.maintenance.end()
        self._visibility.clear()
        with self.database.transaction():
            self.database.clear()
            self._seed()
        self.uploads.clear()
        self.faults.clear()
        self.log.clear()
        for meter in (self.exchange, self.provisioning, *self.lead_meters.values()):
            meter.clear()

    def counters(self) -> dict[str, Any]:
        """Return the response of ``GET /sandbox/counters``."""
        return {
            "exchanges_in_window": sum(self.exchange.used().values()),
            "exchanges": self.exchange.total,
            "provisioning_in_window": self.provisioning.used(),
            "refused": {"exchange": self.exchange.refused, "provisioning": self.provisioning.refused},
            "lead_budgets": {name: meter.counters() for name, meter in self.lead_meters.items()},
            "statuses": self.log.statuses(),
            "routes": self.log.routes(),
        }

    def close(self) -> None:
        """Stop dialing and close the database."""
        self.dialer.stop()
        self.database.close()

    def _seed(self) -> None:
        seed(self.store, self.settings)
        self.tokens.permanent(self.settings.credentials.api_token)
        for account in self.settings.accounts:
            for phone_id, label in self.settings.persona_phones.items():
                self.personas.write(account.account_id, phone_id, label)
