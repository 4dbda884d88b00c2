"""A sandbox in a separate process that accepts leads without limits, and lists to load into it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sys import executable
from typing import Any

import httpx

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.leads.loading.loader import RECONCILE_AFTER
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from tests.support.child import Child, free_ports
from tests.support.connections import ACCOUNT_ID

_AREAS = (415, 212, 213, 312)
_SANDBOX = "airflow_provider_engagevoice.sandbox"
_ON_A_SHARED_CLOCK = f"""
import sys
from pathlib import Path
from airflow_provider_engagevoice import clock
from {_SANDBOX}.__main__ import main
from tests.support.clocks import SharedClock

with clock.use(SharedClock(Path(sys.argv.pop(1)))):
    sys.exit(main())
"""
HEADER = "externId,leadPhone,firstName,lastName,email,city,state,zip"


def row(number: int) -> str:
    """Return a line of a list; numbers up to 3 million have distinct phones."""
    phone = f"{_AREAS[number // 790_000]}{2_100_000 + number % 790_000}"
    return (
        f"C-{number:07d},{phone},Ada{number},Lovelace{number % 977},ada{number}@example.com,"
        f"San Francisco,CA,{94_000 + number % 1000}"
    )


class LeadWorld(Child):
    """The sandbox, its campaigns and its requests.

    :ivar folder: for all files
    :ivar url: base URL
    :ivar clock: file of the clock that the sandbox shares with attempts, so that these can skip its lags;
        empty for that of the machine
    :ivar reconcile_after: of loads, in seconds
    """

    def __init__(self, folder: Path, *, limits: bool, process_seconds: float, dialect: str) -> None:
        self.folder = folder
        self._database = folder / "sandbox.db"
        port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{port}"
        self.reconcile_after = RECONCILE_AFTER if dialect else 0.2
        self.clock = str(folder / "clock") if dialect else ""
        program = ["-c", _ON_A_SHARED_CLOCK, self.clock] if self.clock else ["-m", _SANDBOX]
        command = [executable, *program, "--port", str(port), "--db", str(self._database)]
        command += ["--process-seconds", str(process_seconds), *(["--dialect", dialect] if dialect else [])]
        super().__init__("sandbox", [*command, *([] if limits else ["--no-limits"])], folder / "sandbox.log")
        self._http = httpx.Client(
            base_url=self.url, trust_env=False, timeout=60, headers={"X-Auth-Token": API_TOKEN}
        )

    def csv(self, rows: int) -> Path:
        """Write a list of leads."""
        path = self.folder / f"leads-{rows}.csv"
        with path.open("w") as file:
            file.write(f"{HEADER}\n")
            file.writelines(f"{row(number)}\n" for number in range(rows))
        return path

    def add_campaign(self) -> int:
        """Create a campaign, and return its id."""
        now = datetime.now(UTC)
        body = {
            "campaignName": f"Load {time.time_ns()}",
            "startDate": format_vendor_date(now),
            "endDate": format_vendor_date(now + timedelta(days=7)),
            "callerId": "4155550123",
        }
        path = f"/voice/api/v1/admin/accounts/{ACCOUNT_ID}/dialGroups/{seed.WINBACK_ID}/campaigns"
        self._http.post(path, json=body).raise_for_status()
        with closing(sqlite3.connect(self._database)) as database:
            ((newest,),) = database.execute("SELECT max(id) FROM campaigns")
        return int(newest)

    def stored(self, campaign_id: int) -> list[str]:
        """Return the externId of each lead of a campaign."""
        with closing(sqlite3.connect(self._database)) as database:
            rows = database.execute("SELECT externId FROM leads WHERE campaignId = ?", (campaign_id,))
            return [one for (one,) in rows]

    def fault(self, **fault: Any) -> None:
        """Inject a fault."""
        self._http.post("/sandbox/faults", json=fault).raise_for_status()

    def struck(self, faults: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
        """Return the number of requests struck by each fault."""
        planned = self._http.get("/sandbox/faults").json()
        return {
            label: sum(
                one["struck"]
                for one in planned
                if (one["kind"], one.get("status")) == (fault["kind"], fault.get("status"))
            )
            for label, fault in faults.items()
        }

    def loads(self, since: float) -> list[tuple[float, int | None]]:
        """Return the time, in seconds since 1970, and status of each request to load leads."""
        kept = self._http.get("/sandbox/requests", params={"limit": 10_000}).json()
        loads = [one for one in kept if "leadLoader/direct" in one["path"] and one["time"] >= since]
        return [(one["time"], one["status"]) for one in loads]

    def sent(self) -> int:
        """Return the number of requests to load leads."""
        return self._came("leadLoader/direct") + self._came("leadLoader/process")

    def searched(self) -> int:
        """Return the number of searches."""
        return self._came("leadSearch")

    def _came(self, word: str) -> int:
        routes = self._http.get("/sandbox/counters").json()["routes"]
        return sum(count for route, count in routes.items() if word in route)


@contextmanager
def lead_world(
    folder: Path, *, limits: bool = False, process_seconds: float = 0.0, dialect: str = ""
) -> Iterator[LeadWorld]:
    """Run the sandbox.

    :param folder: existing folder
    :param process_seconds: delay from the response until a file is loaded
    :param dialect: a bundle of the server; empty for that of the sandbox
    """
    world = LeadWorld(folder, limits=limits, process_seconds=process_seconds, dialect=dialect)
    world.start()
    try:
        world.wait_ready(lambda: "listening" in world.log.read_text())
        yield world
    finally:
        world.stop()
