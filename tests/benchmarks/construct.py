"""The time to construct operators, which is spent at every parse of a DAG file.

50 operators are constructed in a fresh process in which Airflow's DAG processor and both modules of operators
are loaded: ours, with literal arguments that are all checked, or the HTTP provider's. The two alternate. Each
figure is the least CPU time of ten processes, since what else runs on the machine can only add to it; imports
at first use count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 10
GOAL = 1.5
OURS, HTTP = "EngageVoiceCreateCampaignOperator", "HttpOperator"

_PROBE = """
import gc, sys, time
import airflow.dag_processing.processor
from airflow.sdk import DAG
from airflow.providers.http.operators.http import HttpOperator
from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator

ARGUMENTS = {
    "HttpOperator": dict(
        endpoint="/renewals",
        method="POST",
        data={"days": 30},
        headers={"Content-Type": "application/json"},
        http_conn_id="http_default",
        log_response=True,
    ),
    "EngageVoiceCreateCampaignOperator": dict(
        dial_group="Outbound Renewals",
        campaign_name="Holiday Renewals",
        campaign_start="2099-11-01",
        campaign_end="2099-12-24",
        caller_id="4155550123",
        timezone="America/Los_Angeles",
        is_active=1,
        schedule={"mon-fri": "08:00-21:00", "sat": None},
        settings={"maxRingTime": 30},
        if_exists="update",
        enforce_active=False,
    ),
}
[name] = sys.argv[1:]
gc.collect()
with DAG("constructed", schedule=None):
    began = time.process_time()
    for number in range(50):
        globals()[name](task_id=f"{name}_{number}", **ARGUMENTS[name])
    print((time.process_time() - began) * 1000)
"""


def measure(name: str) -> float:
    """Return the milliseconds that 50 operators take in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-c", _PROBE, name]
    # Modules are compiled, as in an installed package.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> int:
    """Print a table; return 1 if the goal is missed."""
    measure(OURS), measure(HTTP)
    rounds = [(measure(OURS), measure(HTTP)) for _ in range(ROUNDS)]
    ours, http = zip(*rounds, strict=True)
    print(f"{'50 operators constructed (ms)':36} {'least':>8} {'median':>8}")
    for name, times in ((OURS, ours), (HTTP, http)):
        print(f"{name:36} {min(times):8.1f} {statistics.median(times):8.1f}")
    ratio = min(ours) / min(http)
    print(f"ratio: {ratio:.2f}; goal: at most {GOAL}; {'met' if ratio <= GOAL else 'MISSED'}")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
