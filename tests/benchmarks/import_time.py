"""The time that importing operators and sensors adds once Airflow's DAG processor is loaded.

Every parse of a DAG file takes it. Each figure is the least CPU time of fresh processes, since what else runs
on the machine can only add to it; the providers alternate, so that all are measured under the same load.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

OURS, STANDARD = "airflow-provider-engagevoice", "standard"
PROVIDERS = {
    OURS: [
        "airflow_provider_engagevoice.operators.campaigns",
        "airflow_provider_engagevoice.sensors.campaign_window",
    ],
    STANDARD: [
        "airflow.providers.standard.operators.bash",
        "airflow.providers.standard.sensors.date_time",
    ],
    "airbyte": [
        "airflow.providers.airbyte.operators.airbyte",
        "airflow.providers.airbyte.sensors.airbyte",
    ],
    "http": ["airflow.providers.http.operators.http", "airflow.providers.http.sensors.http"],
    "dbt-cloud": ["airflow.providers.dbt.cloud.operators.dbt", "airflow.providers.dbt.cloud.sensors.dbt"],
}
ROUNDS = 21
#: Of the other providers, which are far from ours.
FEW_ROUNDS = 3
GOAL_MS = 10.0
#: Times the standard provider's.
GOAL_RATIO = 1.3

_PROBE = """
import sys, time
import airflow.dag_processing.processor
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
began = time.process_time()
for module in sys.argv[1:]:
    __import__(module)
print((time.process_time() - began) * 1000)
"""


def measure(modules: list[str]) -> float:
    """Return the milliseconds that importing ``modules`` takes in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-c", _PROBE, *modules]
    # Modules are compiled, as in an installed package.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> int:
    """Print a table; return 1 if a goal is missed."""
    for modules in PROVIDERS.values():
        measure(modules)
    taken: dict[str, list[float]] = {name: [] for name in PROVIDERS}
    for number in range(ROUNDS):
        for name in PROVIDERS if number < FEW_ROUNDS else (OURS, STANDARD):
            taken[name].append(measure(PROVIDERS[name]))
    least = {name: min(times) for name, times in taken.items()}
    ours = least[OURS]
    print(f"{'import added after Airflow (ms)':34} {'least':>8} {'median':>8} {'ours is':>10}")
    for name, times in taken.items():
        print(f"{name:34} {least[name]:8.1f} {statistics.median(times):8.1f} {ours / least[name]:9.2f}x")
    met = ours <= GOAL_MS and ours <= GOAL_RATIO * least[STANDARD]
    print(
        f"goal: at most {GOAL_MS:.0f} ms and {GOAL_RATIO} times the standard provider's; "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
