"""Run the example ``seasonal_rollout`` in a real Airflow against the sandbox, and print the results.

The campaigns' windows open some seconds after the run starts, so the sensors wait. The exit code is 0 only if
all checks pass.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_ID = "seasonal_rollout"
EXAMPLE = Path(__file__).parents[1] / "example_dags" / f"{DAG_ID}.py"
ZONE = ZoneInfo("America/Los_Angeles")
OPENS_AFTER = timedelta(seconds=30)
WAITS = ("create_opened", "clone_opened")
#: Maximum delay between the opening of a window and the end of its sensor.
MAX_DELAY = timedelta(seconds=5)


def main() -> int:
    """Run the demo and return the exit code."""
    started = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    with SandboxServer() as sandbox:
        report(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}")
        report("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(jwt_connection(sandbox.url), [EXAMPLE]) as airflow:
            opens = (datetime.now(UTC) + OPENS_AFTER).replace(microsecond=0)
            conf = {
                "campaign_start": opens.isoformat(),
                "campaign_end": (opens + timedelta(days=30)).isoformat(),
            }
            run_id = airflow.trigger(DAG_ID, conf)
            report(f"triggered {DAG_ID} ({run_id}); the campaigns open at {_local(opens)}")
            deferred, problems = airflow.follow(DAG_ID, run_id, report, 110)
            problems += _check(airflow, run_id, deferred, sandbox)
    report("all checks passed" if not problems else "FAILED: " + "; ".join(problems))
    return 1 if problems else 0


def _check(airflow: RealAirflow, run_id: str, deferred: set[str], sandbox: SandboxServer) -> list[str]:
    """Print the result of each campaign; return the problems."""
    problems = [f"{task} was not deferred" for task in WAITS if task not in deferred]
    stored = {row["campaignId"]: row for row in sandbox.store.all_campaigns()}
    for task, sensor in (("create", WAITS[0]), ("clone", WAITS[1])):
        campaign = airflow.xcom(DAG_ID, run_id, task)
        ended = airflow.task(DAG_ID, run_id, sensor)["end_date"]
        if campaign is None or ended is None:
            problems.append(f"{task} returned nothing, or {sensor} has not ended")
            continue
        start, end = datetime.fromisoformat(campaign["start"]), datetime.fromisoformat(campaign["end"])
        fired = datetime.fromisoformat(ended)
        delay = fired - start
        how = "created" if task == "create" else "cloned from 'Holiday Renewals 2025'"
        print(f"\n  campaign {campaign['campaign_id']} {campaign['campaign_name']!r}: {how}")
        print(f"    window  {_local(start)} to {_local(end)}")
        print(f"            {start:%Y-%m-%d %H:%M:%S} UTC to {end:%Y-%m-%d %H:%M:%S} UTC")
        print(f"    sensor  fired at {_local(fired)}, {delay.total_seconds():.2f} s after the opening")
        if campaign["outcome"] != "created":
            problems.append(f"{task} has outcome {campaign['outcome']}")
        if not timedelta(0) <= delay <= MAX_DELAY:
            problems.append(f"{sensor} fired {delay.total_seconds():.3f} s after the opening")
        if stored.get(campaign["campaign_id"], {}).get("isActive") != 1:
            problems.append(f"campaign {campaign['campaign_id']} is not active")
    counters = sandbox.counters()
    sent = sum(counters["routes"].values())
    print(f"\n  requests to Engage Voice: {sent}, sign-ins: {counters['exchanges']}\n")
    return problems


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(ZONE):%Y-%m-%d %H:%M:%S %Z}"


if __name__ == "__main__":
    sys.exit(main())
