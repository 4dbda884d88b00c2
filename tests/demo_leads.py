"""Run the examples that load leads in a real Airflow against the sandbox, and print the results.

``lead_lists`` uploads a do-not-call file, and loads a workbook for two campaigns and a folder partitioned by
state. ``lead_etl_rollout`` extracts customers from SQLite and Parquet, loads them into a new campaign, waits
for its window, monitors the dialing until all leads are called, and writes back their results. The exit code
is 0 only if all checks pass.
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
from tests.support.lists import PARTNERS, REGIONS, write_lists
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_ID = "lead_etl_rollout"
LISTS = "lead_lists"
EXAMPLES = [Path(__file__).parents[1] / "example_dags" / f"{name}.py" for name in (LISTS, DAG_ID)]
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
        write_lists(folder)
        sandbox.set_dialer(rate=CALLS_PER_SECOND, minute_seconds=0.05)
        report(f"Engage Voice sandbox (not the real RingCentral) at {sandbox.url}, {CUSTOMERS} customers")
        report("starting Airflow: scheduler, triggerer, DAG processor, API server")
        with real_airflow(jwt_connection(sandbox.url), EXAMPLES) as airflow:
            lists_run = airflow.trigger(LISTS, {"storage": f"file://{folder}"})
            report(f"triggered {LISTS} ({lists_run}): a workbook, and a folder partitioned by state")
            _, problems = airflow.follow(LISTS, lists_run, report, 240)
            problems += _check_lists(airflow, lists_run)
            opens = (datetime.now(UTC) + OPENS_AFTER).replace(microsecond=0)
            conf = {
                "database": str(database),
                "storage": f"file://{folder}",
                "campaign_start": opens.isoformat(),
                "hours": "00:00-23:59",
            }
            run_id = airflow.trigger(DAG_ID, conf)
            report(f"triggered {DAG_ID} ({run_id}); the campaign opens at {opens:%H:%M:%S} UTC")
            problems += airflow.follow(DAG_ID, run_id, report, 240)[1]
            problems += _check(airflow, run_id, database, sandbox)
    report("all checks passed" if not problems else "FAILED: " + "; ".join(problems))
    return 1 if problems else 0


def _check_lists(airflow: RealAirflow, run_id: str) -> list[str]:
    """Print what was loaded from the workbook and from the folder; return the problems."""
    uploaded, partners, regions = (
        airflow.xcom(LISTS, run_id, task) or {} for task in ("do_not_call", "partners", "regions")
    )
    print(f"\n  do-not-call file  {uploaded}\n  workbook  {partners}\n  folder  {regions}\n")
    problems = []
    # One partner has opted out, and one has no number.
    counts = [partners.get(name) for name in ("inserted", "do_not_call", "rejected")]
    if counts != [PARTNERS - 2, 1, 1] or len(partners["campaigns"]) != 2:
        problems.append(f"workbook: {counts}, expected {[PARTNERS - 2, 1, 1]} in 2 campaigns")
    if regions.get("inserted") != sum(REGIONS.values()):
        problems.append(f"folder: {regions.get('inserted')} leads, expected {sum(REGIONS.values())}")
    return problems


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
