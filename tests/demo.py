"""Run the example ``seasonal_rollout`` in a real Airflow against a local Engage Voice; say what happened.

The campaigns' window opens some seconds after the run has begun, so that the wait is seen. It ends by itself;
the exit code is 0 only if all of it happened.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_ID = "seasonal_rollout"
EXAMPLE = Path(__file__).parents[1] / "example_dags" / f"{DAG_ID}.py"
ZONE = ZoneInfo("America/Los_Angeles")
OPENS_AFTER = timedelta(seconds=30)
WAITS = ("create_opened", "clone_opened")
#: How late a wait may end and still count as having woken at the opening.
LATEST = timedelta(seconds=5)


def main() -> int:
    """Run the demo and return the exit code."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    with SandboxServer() as sandbox:
        say(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}")
        say("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(jwt_connection(sandbox.url), [EXAMPLE]) as airflow:
            opens = (datetime.now(UTC) + OPENS_AFTER).replace(microsecond=0)
            conf = {
                "campaign_start": opens.isoformat(),
                "campaign_end": (opens + timedelta(days=30)).isoformat(),
            }
            run_id = airflow.trigger(DAG_ID, conf)
            say(f"started {DAG_ID} ({run_id}); its campaigns open at {_local(opens)}")
            deferred = _follow(airflow, run_id, say)
            problems = _summarise(airflow, run_id, deferred, sandbox)
    say("all of it happened" if not problems else "NOT all of it happened: " + "; ".join(problems))
    return 1 if problems else 0


def _follow(airflow: RealAirflow, run_id: str, say: Any) -> set[str]:
    """Follow the run to its end; return the tasks that were seen deferred."""
    before: dict[str, str | None] = {}

    def ended() -> bool | None:
        for task, state in airflow.states(DAG_ID, run_id).items():
            if state != before.get(task):
                before[task] = state
                if state in ("deferred", "success", "failed", "up_for_retry"):
                    say(f"  {task}: {state}")
                if state == "deferred":
                    deferred.add(task)
        run = airflow.get(f"dags/{DAG_ID}/dagRuns/{run_id}") or {}
        return True if run.get("state") in ("success", "failed") else None

    deferred: set[str] = set()
    airflow.wait_until("end of the run", ended, 110)
    return deferred


def _summarise(airflow: RealAirflow, run_id: str, deferred: set[str], sandbox: SandboxServer) -> list[str]:
    """Print what became of each campaign; return what did not happen as it should."""
    states = airflow.states(DAG_ID, run_id)
    problems = [f"task {task} is {state}" for task, state in states.items() if state != "success"]
    problems += [f"{task} was not seen deferred" for task in WAITS if task not in deferred]
    for task, state in states.items():
        if state == "failed":
            print(f"log of {task}:\n{airflow.log_of(DAG_ID, run_id, task)}")
    stored = {row["campaignId"]: row for row in sandbox.store.all_campaigns()}
    for made, waited in (("create", WAITS[0]), ("clone", WAITS[1])):
        campaign = airflow.xcom(DAG_ID, run_id, made)
        ended = airflow.task(DAG_ID, run_id, waited)["end_date"]
        if campaign is None or ended is None:
            problems.append(f"{made} made nothing, or {waited} has not ended")
            continue
        start, end = datetime.fromisoformat(campaign["start"]), datetime.fromisoformat(campaign["end"])
        fired = datetime.fromisoformat(ended)
        late = fired - start
        how = "created" if made == "create" else "cloned from 'Holiday Renewals 2025'"
        print(f"\n  campaign {campaign['campaign_id']} {campaign['campaign_name']!r}: {how}")
        print(f"    window  {_local(start)} to {_local(end)}")
        print(f"            {start:%Y-%m-%d %H:%M:%S} UTC to {end:%Y-%m-%d %H:%M:%S} UTC")
        print(f"    sensor  fired at {_local(fired)}, {late.total_seconds():.2f} s after the opening")
        if campaign["outcome"] != "created":
            problems.append(f"{made} ended {campaign['outcome']}")
        if not timedelta(0) <= late <= LATEST:
            problems.append(f"{waited} fired {late.total_seconds():.3f} s after the opening")
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
