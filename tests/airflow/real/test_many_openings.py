"""Campaigns that open together, and the runs that a real scheduler on PostgreSQL makes of their events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.services import missing_programs, postgres_server

pytestmark = [
    pytest.mark.skipif(not airflow_version.startswith("3."), reason="Airflow 3 watches assets"),
    pytest.mark.slow,
]

GROUP = seed.OUTBOUND_RENEWALS_ID
DAG = Path(__file__).parents[1] / "dags" / "on_events.py"
CAMPAIGNS = 50


@pytest.fixture(scope="module")
def airflow(_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if "postgresql" in missing_programs():
        pytest.skip("postgresql is not installed")
    from tests.support.real_airflow import real_airflow

    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        more = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.url}
        connection = jwt_connection(_server.url, budgets="off", watch_interval=2)
        with real_airflow(connection, [DAG], schedules=True, more=more) as airflow:
            yield airflow


def seen(airflow: Any) -> Counter[int]:
    """Return how often each campaign is in an event that a run has consumed."""
    runs = (airflow.get("dags/on_opened/dagRuns?limit=100") or {}).get("dag_runs", [])
    events = [
        event
        for run in runs
        for event in (
            airflow.get(f"dags/on_opened/dagRuns/{run['dag_run_id']}/upstreamAssetEvents") or {}
        ).get("asset_events", [])
    ]
    return Counter(one["campaign_id"] for event in events for one in event["extra"]["payload"]["campaigns"])


def all_ended(airflow: Any) -> bool | None:
    """Return True once no run is queued or running."""
    runs = (airflow.get("dags/on_opened/dagRuns?limit=100") or {}).get("dag_runs", [])
    return True if all(run["state"] in ("success", "failed") for run in runs) else None


def test_runs_see_each_of_many_campaigns_that_open_within_a_second(sandbox, airflow) -> None:
    airflow.unpause("on_opened")

    def wait_for_poll() -> None:
        """Wait for a poll that begins now or later; each takes two requests, a page and an empty one."""
        wait_for(requests() + 4)

    def wait_for(count: int) -> None:
        airflow.wait_until("poll", lambda: requests() >= count or None, 60)

    def requests() -> int:
        return sum(f"/{GROUP}/campaigns" in one.path for one in sandbox.requests())

    # A watcher polls once before it reports any event.
    wait_for(2)
    (template, *_) = sandbox.store.campaigns(ACCOUNT_ID, GROUP)
    opens = datetime.now(UTC) + timedelta(seconds=8)
    end = format_vendor_date(opens + timedelta(days=1))
    ids = []
    for number in range(CAMPAIGNS):
        start = format_vendor_date(opens + timedelta(seconds=number / CAMPAIGNS))
        row = {
            **template,
            "startDate": start,
            "endDate": end,
            "campaignName": f"Opens {number}",
            "isActive": 1,
        }
        ids.append(int(sandbox.store.seed_campaign(ACCOUNT_ID, GROUP, row)["campaignId"]))

    def all_seen() -> bool | None:
        return True if set(ids) <= seen(airflow).keys() else None

    try:
        airflow.wait_until("runs that have seen all campaigns", all_seen, 60)
    finally:
        print(f"seen: {len(seen(airflow))} of {CAMPAIGNS}")
    # What is reported twice is so at the next poll.
    wait_for_poll()
    airflow.wait_until("end of all runs", lambda: all_ended(airflow), 60)
    assert seen(airflow) == Counter(ids)
