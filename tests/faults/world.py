"""The sandbox of the kill runs, the campaigns in it, and the tasks that create one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import DEFAULT, Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.faults.forking import CLOCK, Ended, ForkServer, Process
from tests.faults.instants import Instants
from tests.faults.verdict import Json, Wanted
from tests.support.clocks import SharedClock
from tests.support.connections import ACCOUNT_ID, jwt_connection

NAME = "Holiday Renewals 2090"
GROUP = "Outbound Renewals"
SOURCE = "Last season"
DIALECT = replace(DEFAULT, create_state="as sent")
_MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _day(days: int) -> str:
    return format_vendor_date(_MIDNIGHT + timedelta(days=days))


WANTED = Wanted(
    NAME,
    {
        "campaignName": NAME,
        "isActive": 1,
        "startDate": _day(40),
        "endDate": _day(70),
        "callerId": "4155550199",
        "maxRingTime": 25,
        **dict.fromkeys(("monSched", "tueSched", "wedSched", "thuSched", "friSched"), "09001700"),
        "satSched": "00000000",
        "sunSched": "00000000",
    },
)
_INSIDE = {"startDate": _day(-30), "endDate": _day(30)}
_OVER = {"startDate": _day(-400), "endDate": _day(-370)}
#: Sources of a clone. The first is read and copied; the vendor's own clone copies the others.
SOURCES: Mapping[str, Json] = {
    "active, its dates include now": {"isActive": 1, **_INSIDE},
    "inactive, its dates include now": {"isActive": 0, **_INSIDE},
    "inactive, in the past": {"isActive": 0, **_OVER},
    "active, in the past": {"isActive": 1, **_OVER},
}
_ARGUMENTS = {
    "task_id": "make",
    "dial_group": GROUP,
    "campaign_name": NAME,
    "campaign_start": WANTED.fields["startDate"],
    "campaign_end": WANTED.fields["endDate"],
    "caller_id": WANTED.fields["callerId"],
    "is_active": 1,
    "schedule": {"mon-fri": "09:00-17:00"},
    "settings": {"maxRingTime": 25},
}


@dataclass(frozen=True, slots=True)
class Work:
    """What a task does: create a campaign, or clone a source of one kind."""

    source: str | None = None

    @property
    def kind(self) -> str:
        """``create`` or ``clone``."""
        return "create" if self.source is None else "clone"

    @property
    def task(self) -> tuple[str, Mapping[str, Any]]:
        """The operator and its arguments."""
        if self.source is None:
            return "EngageVoiceCreateCampaignOperator", _ARGUMENTS
        return "EngageVoiceCloneCampaignOperator", {**_ARGUMENTS, "source_campaign": SOURCE}


class World:
    """A sandbox without limits, and attempts on its campaigns. A context manager.

    :param dialect: default: that of the sandbox, but a create stores the requested state
    """

    def __init__(self, dialect: Dialect = DIALECT) -> None:
        self._forks = ForkServer()
        self._sandbox = SandboxServer(SandboxSettings(limits=False, dialect=dialect))
        self._http = httpx.Client(trust_env=False)
        self._closing = ExitStack()
        self._runs = 0

    def __enter__(self) -> World:
        # The fork server starts first: the processes it forks share nothing with the sandbox.
        self._closing.enter_context(self._forks)
        self._clock_file = self._forks.folder("clock") / "skipped"
        self._closing.enter_context(clock.use(SharedClock(self._clock_file)))
        self._closing.enter_context(self._sandbox)
        self._closing.enter_context(self._http)
        self.instants = Instants(self._sandbox)
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.close()

    @property
    def sandbox(self) -> SandboxServer:
        """The sandbox."""
        return self._sandbox

    def begin(self, work: Work) -> dict[int, Json]:
        """Reset, with no process signed in; return the existing campaigns."""
        self._runs += 1
        self._sandbox.reset()
        self._work = work
        if work.source is not None:
            (last_season,) = self._sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)
            source = {**last_season, "campaignName": SOURCE, **SOURCES[work.source]}
            self._sandbox.store.seed_campaign(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, source)
        return {campaign["campaignId"]: campaign for campaign in self._sandbox.store.all_campaigns()}

    def start(self) -> Process:
        """Start an attempt; all attempts of a run share the state stored on a worker's disk."""
        environment = {
            "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT": jwt_connection(self._sandbox.url),
            "XDG_CACHE_HOME": str(self._forks.folder(f"cache-{self._runs}")),
            CLOCK: str(self._clock_file),
        }
        return self._forks.start(*self._work.task, environment)

    def end(self, process: Process) -> Ended:
        """Wait for an attempt, and until the sandbox has handled everything it sent.

        A request that the server handles only after the next attempt has ended could undo its work: the API
        cannot mark a request as out of date. In practice attempts are minutes apart.
        """
        ended = self._forks.end(process)
        for _ in range(2):
            self._http.get(f"{self._sandbox.url}/sandbox/counters").raise_for_status()
        self.instants.wait_until_all_is_handled()
        return ended

    def let_time_pass(self) -> None:
        """Let a minute pass, so that the sandbox has carried out what it does later."""
        clock.sleep(60.0)
        self._sandbox.backend.later.run_due()
