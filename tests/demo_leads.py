"""Run the example ``lead_etl_rollout`` in a real Airflow against the sandbox, and print the results.

The DAG extracts customers from SQLite and Parquet, loads them into a new campaign, waits for its window,
monitors the dialing until all leads are called, and writes back their results. The exit code is 0 only if all
checks pass.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import jwt_connection
from tests.support.customers import results, write_customers
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_ID = "lead_etl_rollout"
EXAMPLE = Path(__file__).parents[1] / "example_dags" / f"{DAG_ID}.py"
CUSTOMERS = 1_000
OPENS_AFTER = timedelta(seconds=40)
CALLS_PER_SECOND = 100.0


def main() -> int:
    """Run the demo and return the exit code."""
    started = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    with SandboxServer() as sandbox, tempfile.TemporaryDirectory(prefix="engagevoice-leads-") as name:
        folder = Path(name)
        database = write_customers(folder, CUSTOMERS)
        sandbox.set_dialer(rate=CALLS_PER_SECOND, minute_seconds=0.05)
        report(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}, {CUSTOMERS} customers")
        report("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(jwt_connection(sandbox.url), [EXAMPLE]) as airflow:
            opens = (datetime.now(UTC) + OPENS_AFTER).replace(microsecond=0)
            conf = {
                "database": str(database),
                "storage": f"file://{folder}",
                "campaign_start": opens.isoformat(),
                "hours": "00:00-23:59",
            }
            run_id = airflow.trigger(DAG_ID, conf)
            report(f"triggered {DAG_ID} ({run_id}); the campaign opens at {opens:%H:%M:%S} UTC")
            _, problems = airflow.follow(DAG_ID, run_id, report, 240)
            problems += _check(airflow, run_id, database, sandbox)
    report("all checks passed" if not problems else "FAILED: " + "; ".join(problems))
    return 1 if problems else 0


def _check(airflow: RealAirflow, run_id: str, database: Path, sandbox: SandboxServer) -> list[str]:
    """Print the results of the customers; return the problems."""
    problems = []
    loaded = airflow.xcom(DAG_ID, run_id, "load") or {}
    outcomes = Counter(results(database))
    print(f"\n  loaded  {loaded}")
    print(f"  results {dict(outcomes.most_common())}\n")
    # 1% have opted out, and 1% have no number.
    expected = CUSTOMERS * 98 // 100
    if loaded.get("inserted") != expected or loaded.get("rejected") != CUSTOMERS // 100:
        problems.append(f"{loaded.get('inserted')} leads inserted, expected {expected}")
    if outcomes[None] != CUSTOMERS - expected:
        problems.append(f"{outcomes[None]} customers without a result, expected {CUSTOMERS - expected}")
    if rejected := sum(request.status == 429 for request in sandbox.requests()):
        problems.append(f"{rejected} responses 429")
    return problems


if __name__ == "__main__":
    sys.exit(main())
