"""An Engage Voice with any number of campaigns, written to its database and not through its API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sys import executable
from typing import Any

import httpx

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.database import Database
from airflow_provider_engagevoice.sandbox.leads.store import LeadStore
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.store import Store
from airflow_provider_engagevoice.sandbox.validation import campaign_fields, dial_group_fields
from tests.benchmarks.triggerer.kinds import WindowWait
from tests.support.child import Child, free_ports
from tests.support.connections import ACCOUNT_ID

FIRST_GROUP = 300_000
FIRST_CAMPAIGN = 400_000
_LASTS = timedelta(days=30)


class World:
    """The sandbox's database file.

    :param path: SQLite file, which the sandbox's process opens too
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(str(path))
        self._store = Store(self._database)

    def add_groups(self, count: int) -> None:
        """Add empty dial groups."""
        with self._database.transaction():
            for number in range(count):
                fields = dial_group_fields({"dialGroupName": f"Waits {number:02d}", "dialMode": "PREDICTIVE"})
                self._store.add_dial_group(ACCOUNT_ID, fields, FIRST_GROUP + number)

    def add_campaigns(self, waits: Sequence[WindowWait]) -> None:
        """Add the active campaigns that are waited for."""
        template = campaign_fields(
            {
                "campaignName": "Wait for me",
                "startDate": format_vendor_date(datetime.now(UTC)),
                "endDate": format_vendor_date(datetime.now(UTC) + _LASTS),
                "callerId": "4155550123",
                "isActive": 1,
            }
        )
        with self._database.transaction():
            for wait in waits:
                own = {
                    "campaignName": f"Wait for me {wait.campaign_id}",
                    "startDate": format_vendor_date(wait.opens_at),
                    "endDate": format_vendor_date(wait.opens_at + _LASTS),
                }
                self._store.seed_campaign(ACCOUNT_ID, wait.dial_group_id, template | own, wait.campaign_id)

    def add_leads(self, waits: Sequence[WindowWait]) -> None:
        """Add a lead to call to each campaign."""
        store = LeadStore(self._database)
        now = int(time.time() * 1000)
        with self._database.transaction():
            for wait in waits:
                fields = {
                    "campaignId": wait.campaign_id,
                    "listDesc": "Wait for me",
                    "listState": "ACTIVE",
                    "dialPriority": "NORMAL",
                    "duplicateHandling": "RETAIN_ALL",
                    "timeZoneOption": "NOT_APPLICABLE",
                    "uploadDate": now,
                }
                lead = {"externId": "L0", "leadPhone": "4155550100"}
                store.add_leads(wait.campaign_id, store.add_list(fields), [lead], now, 0)

    def drain(self, waits: Sequence[WindowWait]) -> None:
        """Mark all leads of these campaigns as called, at one instant."""
        ids = json.dumps([wait.campaign_id for wait in waits])
        self._database.change(
            "UPDATE leads SET leadState = 'COMPLETE' WHERE campaignId IN (SELECT value FROM json_each(?))",
            (ids,),
        )

    def delete(self, wait: WindowWait) -> None:
        """Delete a campaign, as a user does."""
        self._store.delete_campaign(ACCOUNT_ID, wait.dial_group_id, wait.campaign_id, request_id="")

    def postpone(self, waits: Sequence[WindowWait], opens_at: datetime) -> None:
        """Postpone the opening of windows, as a user does."""
        for wait in waits:
            row = self._store.campaign(ACCOUNT_ID, wait.dial_group_id, wait.campaign_id)
            fields = {**row, "startDate": format_vendor_date(opens_at)}
            self._store.replace_campaign(
                ACCOUNT_ID, wait.dial_group_id, wait.campaign_id, fields, request_id=""
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def waits(
    count: int, groups: int, opens_at: datetime, opening: int, poke_interval: float
) -> list[WindowWait]:
    """Return waits spread evenly over dial groups; the first ``opening`` of them open at one instant.

    :param poke_interval: seconds
    """
    far = opens_at + timedelta(days=30)
    return [
        WindowWait(
            campaign_id=FIRST_CAMPAIGN + number,
            dial_group_id=FIRST_GROUP + number % groups,
            opens_at=opens_at if number < opening else far,
            opens_soon=number < opening,
            poke_interval=poke_interval,
        )
        for number in range(count)
    ]


def sharing_campaigns(waits: Sequence[WindowWait]) -> list[WindowWait]:
    """Return the same waits, with one campaign per dial group."""
    first: dict[int, int] = {}
    return [
        replace(wait, campaign_id=first.setdefault(wait.dial_group_id, wait.campaign_id)) for wait in waits
    ]


class SandboxProcess(Child):
    """A sandbox with the vendor's limits, in a separate process.

    :ivar url: base URL
    :ivar database: its SQLite file
    """

    def __init__(self, folder: Path) -> None:
        self.database = folder / "sandbox.db"
        # Created here: two processes that open a new file at once would conflict.
        Backend(SandboxSettings(db=str(self.database))).close()
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        module = "airflow_provider_engagevoice.sandbox"
        command = [executable, "-m", module, "--port", str(port), "--db", str(self.database)]
        super().__init__("sandbox", command, folder / "sandbox.log")

    def requests(self) -> list[dict[str, Any]]:
        """Return all requests received, oldest first.

        :raises RuntimeError: if there were more than the sandbox keeps
        """
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            kept: list[dict[str, Any]] = client.get("/sandbox/requests", params={"limit": 10_000}).json()
            came = sum(client.get("/sandbox/counters").json()["statuses"].values())
        if came != len(kept):
            raise RuntimeError(f"{came} requests were received, of which the sandbox kept {len(kept)}")
        return kept


@contextmanager
def sandbox_process(folder: Path) -> Iterator[SandboxProcess]:
    """Run a sandbox.

    :param folder: existing folder for its database and its log
    """
    process = SandboxProcess(folder)
    process.start()
    try:
        process.wait_ready(lambda: "listening" in process.log.read_text())
        yield process
    finally:
        process.stop()
