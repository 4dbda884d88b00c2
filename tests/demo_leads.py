"""Run the example ``lead_etl_rollout`` in a real Airflow against a local Engage Voice, and report the result.

It extracts customers from SQLite and Parquet, loads them into a new campaign, waits for its window,
checks the abandon rate, waits until all leads are dialed, and writes back their results. The exit code is 0
only if all of it succeeded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import jwt_connection
from tests.support.customers import results, write_customers
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_ID = "lead_etl_rollout"
EXAMPLE = Path(__file__).parents[1] / "example_dags" / f"{DAG_ID}.py"
CUSTOMERS = 1_000
OPENS_AFTER = timedelta(seconds=40)
CALLS_A_SECOND = 100.0


def main() -> int:
    """Run the demo and return the exit code."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    with SandboxServer() as sandbox, tempfile.TemporaryDirectory(prefix="engagevoice-leads-") as name:
        folder = Path(name)
        database = write_customers(folder, CUSTOMERS)
        sandbox.set_dialer(rate=CALLS_A_SECOND, minute_seconds=0.05)
        say(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}, {CUSTOMERS} customers")
        say("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(jwt_connection(sandbox.url), [EXAMPLE]) as airflow:
            opens = (datetime.now(UTC) + OPENS_AFTER).replace(microsecond=0)
            conf = {
                "database": str(database),
                "storage": f"file://{folder}",
                "campaign_start": opens.isoformat(),
                "hours": "00:00-23:59",
            }
            run_id = airflow.trigger(DAG_ID, conf)
            say(f"started {DAG_ID} ({run_id}); its campaign opens at {opens:%H:%M:%S} UTC")
            _follow(airflow, run_id, say)
            problems = _summarise(airflow, run_id, database, sandbox)
    say("all of it happened" if not problems else "NOT all of it happened: " + "; ".join(problems))
    return 1 if problems else 0


def _follow(airflow: RealAirflow, run_id: str, say: Any) -> None:
    before: dict[str, str | None] = {}

    def ended() -> bool | None:
        for task, state in airflow.states(DAG_ID, run_id).items():
            if state != before.get(task):
                before[task] = state
                if state in ("deferred", "success", "failed", "up_for_retry"):
                    say(f"  {task}: {state}")
        run = airflow.get(f"dags/{DAG_ID}/dagRuns/{run_id}") or {}
        return True if run.get("state") in ("success", "failed") else None

    airflow.wait_until("end of the run", ended, 240)


def _summarise(airflow: RealAirflow, run_id: str, database: Path, sandbox: SandboxServer) -> list[str]:
    """Print what became of the customers; return what did not happen as it should."""
    states = airflow.states(DAG_ID, run_id)
    problems = [f"task {task} is {state}" for task, state in states.items() if state != "success"]
    for task, state in states.items():
        if state == "failed":
            print(f"log of {task}:\n{airflow.log_of(DAG_ID, run_id, task)}")
    loaded = airflow.xcom(DAG_ID, run_id, "load") or {}
    called = Counter(results(database))
    print(f"\n  loaded  {loaded}")
    print(f"  results {dict(called.most_common())}\n")
    # One in a hundred has opted out, and one has no number.
    expected = CUSTOMERS * 98 // 100
    if loaded.get("inserted") != expected or loaded.get("rejected") != CUSTOMERS // 100:
        problems.append(f"{loaded.get('inserted')} leads were loaded, not {expected}")
    if called[None] != CUSTOMERS - expected:
        problems.append(f"{called[None]} customers have no result, not {CUSTOMERS - expected}")
    if refused := sum(one.status == 429 for one in sandbox.requests()):
        problems.append(f"{refused} answers 429")
    return problems


if __name__ == "__main__":
    sys.exit(main())
