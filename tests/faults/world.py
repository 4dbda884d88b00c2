"""The sandbox of the kill runs, the campaigns in it, and the tasks that are to make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.faults.forking import Ended, ForkServer, Process
from tests.faults.instants import Instants
from tests.faults.verdict import Asked, Json
from tests.support.connections import ACCOUNT_ID, jwt_connection

NAME = "Holiday Renewals 2090"
GROUP = "Outbound Renewals"
SOURCE = "Last season"
_MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _day(days: int) -> str:
    return format_vendor_date(_MIDNIGHT + timedelta(days=days))


ASKED = Asked(
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
#: Sources of a clone. The first is read and copied; the vendor's own clone makes the others.
SOURCES: Mapping[str, Json] = {
    "active, its dates include now": {"isActive": 1, **_INSIDE},
    "inactive, its dates include now": {"isActive": 0, **_INSIDE},
    "inactive, long over": {"isActive": 0, **_OVER},
    "active, long over": {"isActive": 1, **_OVER},
}
_ARGUMENTS = {
    "task_id": "make",
    "dial_group": GROUP,
    "campaign_name": NAME,
    "campaign_start": ASKED.fields["startDate"],
    "campaign_end": ASKED.fields["endDate"],
    "caller_id": ASKED.fields["callerId"],
    "is_active": 1,
    "schedule": {"mon-fri": "09:00-17:00"},
    "settings": {"maxRingTime": 25},
}


@dataclass(frozen=True, slots=True)
class Work:
    """What a task is to do: create, or clone a source of one kind."""

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
        return "EngageVoiceCloneCampaignOperator", {**_ARGUMENTS, "source": SOURCE}


class World:
    """A sandbox without limits, where a create stores the state asked for, and attempts at its campaigns.

    A context manager.
    """

    def __init__(self) -> None:
        self._forks = ForkServer()
        self._sandbox = SandboxServer(SandboxSettings(limits=False, activate_on_create=True))
        self._http = httpx.Client(trust_env=False)
        self._runs = 0

    def __enter__(self) -> World:
        # The forking server comes first: what it forks knows nothing of the sandbox.
        self._forks.__enter__()
        self._sandbox.start()
        self.instants = Instants(self._sandbox)
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()
        self._sandbox.stop()
        self._forks.__exit__(*exc)

    @property
    def sandbox(self) -> SandboxServer:
        """The sandbox."""
        return self._sandbox

    def begin(self, work: Work) -> dict[int, Json]:
        """Start anew, nobody being signed in; return the campaigns there are."""
        self._runs += 1
        self._sandbox.reset()
        self._work = work
        if work.source is not None:
            (last_season,) = self._sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)
            source = {**last_season, "campaignName": SOURCE, **SOURCES[work.source]}
            self._sandbox.store.seed_campaign(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID, source)
        return {campaign["campaignId"]: campaign for campaign in self._sandbox.store.all_campaigns()}

    def start(self) -> Process:
        """Start an attempt at the work; all attempts of a run share what a worker's disk keeps for them."""
        environment = {
            "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT": jwt_connection(self._sandbox.url),
            "XDG_CACHE_HOME": str(self._forks.folder(f"cache-{self._runs}")),
        }
        return self._forks.start(*self._work.task, environment)

    def end(self, process: Process) -> Ended:
        """Wait for an attempt, and until the sandbox has handled all that it had sent.

        A request that the server takes up only after the next attempt is through could undo it: the API has
        no way to tell a server that a request is out of date. Attempts are minutes apart.
        """
        ended = self._forks.end(process)
        for _ in range(2):
            self._http.get(f"{self._sandbox.url}/sandbox/counters").raise_for_status()
        self.instants.wait_until_all_is_handled()
        return ended
