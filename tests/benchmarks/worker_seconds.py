"""What the same waits cost the workers of a real Airflow with each sensor, and how late they end."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from tests.benchmarks.table import Table
from tests.benchmarks.triggerer.separate import http_connection
from tests.benchmarks.triggerer.world import World, sandbox_process, waits
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow

DAG_FILE = Path(__file__).parent / "dags" / "same_wait.py"
SENSORS = ("from_trigger", "engagevoice", "http", "date_time", "sdk")
#: Waits of each sensor in the DAG. The SDK signs in at every poke, and five sign-ins a minute are allowed.
EACH = 3
POKE_INTERVAL = 60.0
#: Seconds from the start of the run to the opening: not a multiple of the poke interval.
_OPENS_AFTER = 90.0
_ENDED = ("success", "failed", "upstream_failed", "skipped")
_FINISHED = re.compile(
    r"Workload finished.* duration=(?P<seconds>\S+) .*final_state=(?P<state>\S+) .*workload_id=(?P<id>\S+)"
)
#: These end on the triggerer; the others on a worker, which logs it a moment after the task has ended.
_WITHOUT_LAST_PROCESS = ("from_trigger", "engagevoice")


@dataclass(frozen=True)
class Cost:
    """The cost of one sensor's waits.

    :ivar succeeded: number of successful waits
    :ivar seconds: from the start of each worker process to its end, sorted
    :ivar late: seconds from the opening to the task's end, sorted
    :ivar requests: of all of them; None if they share another sensor's requests
    """

    succeeded: int
    seconds: list[float]
    late: list[float]
    requests: int | None


def measure() -> dict[str, Cost]:
    """Run the DAG once; return the cost by sensor."""
    with (
        tempfile.TemporaryDirectory(prefix="engagevoice-waits-") as name,
        sandbox_process(Path(name)) as sandbox,
    ):
        # The provider has a permanent token here, so that every sign-in in the sandbox's log is the SDK's.
        own = {"api_token": API_TOKEN, "account_id": ACCOUNT_ID}
        connection = json.dumps({"conn_type": "engagevoice", "host": sandbox.url, "extra": own})
        world = World(sandbox.database)
        world.add_groups(1)
        more = {
            "SAME_WAIT_POKE_INTERVAL": str(POKE_INTERVAL),
            "AIRFLOW_CONN_SANDBOX_HTTP": http_connection(sandbox.url),
            "AIRFLOW_CONN_SANDBOX_JWT": jwt_connection(sandbox.url),
        }
        with real_airflow(connection, [DAG_FILE], more=more) as airflow:
            airflow.unpause("same_wait")
            opens_at = datetime.now(UTC) + timedelta(seconds=_OPENS_AFTER)
            made = waits(EACH * len(SENSORS), 1, opens_at, EACH * len(SENSORS), POKE_INTERVAL)
            by_sensor = {sensor: made[index :: len(SENSORS)] for index, sensor in enumerate(SENSORS)}
            for sensor, some in by_sensor.items():
                if sensor != "http":
                    world.add_campaigns(some)
            conf = {
                "account": ACCOUNT_ID,
                "dial_group": made[0].dial_group_id,
                "opens_at": opens_at.isoformat(),
                "campaigns": {
                    sensor: [one.campaign_id for one in some] for sensor, some in by_sensor.items()
                },
            }
            run_id = airflow.trigger("same_wait", conf)
            time.sleep((opens_at - datetime.now(UTC)).total_seconds())
            world.add_campaigns(by_sensor["http"])
            tasks = airflow.wait_until("end of the waits", lambda: _ended(airflow, run_id), 150)
            spent = airflow.wait_until("last worker logs", lambda: _seconds_by_task(airflow, tasks), 30)
            costs = _costs(tasks, opens_at, spent)
        requests = sandbox.requests()
        world.close()
    # Sign-ins are the SDK's, and lists are this provider's, shared by both of its sensors.
    ids = {
        str(one.campaign_id): "engagevoice" if sensor == "from_trigger" else sensor
        for sensor, some in by_sensor.items()
        for one in some
    }
    group = f"/dialGroups/{made[0].dial_group_id}/campaigns"
    counted = dict.fromkeys(SENSORS, 0)
    for one in requests:
        path = one["path"].partition("?")[0]
        number = path.rpartition("/")[2]
        sensor = ids.get(number) or ("engagevoice" if path.endswith(group) else "sdk")
        counted[sensor] += 1
    shared = {"from_trigger": None}
    return {sensor: replace(cost, requests=(counted | shared)[sensor]) for sensor, cost in costs.items()}


def _ended(airflow: RealAirflow, run_id: str) -> list[dict[str, Any]] | None:
    found = airflow.get(f"dags/same_wait/dagRuns/{run_id}/taskInstances") or {"task_instances": []}
    tasks: list[dict[str, Any]] = found["task_instances"]
    return tasks if tasks and all(one["state"] in _ENDED for one in tasks) else None


def _seconds_by_task(airflow: RealAirflow, tasks: list[dict[str, Any]]) -> dict[str, list[float]] | None:
    """Return the seconds of each worker process by task; None until the last ones are in the log."""
    spent: defaultdict[str, list[float]] = defaultdict(list)
    last = {}
    for found in _FINISHED.finditer((airflow.home / "services.log").read_text(errors="replace")):
        spent[found["id"]].append(float(found["seconds"]))
        last[found["id"]] = found["state"]
    in_workers = [one for one in tasks if not one["task_id"].startswith(_WITHOUT_LAST_PROCESS)]
    return spent if all(last.get(one["id"]) == one["state"] for one in in_workers) else None


def _costs(tasks: list[dict[str, Any]], opens_at: datetime, spent: dict[str, list[float]]) -> dict[str, Cost]:
    costs = {}
    for sensor in SENSORS:
        own = [one for one in tasks if one["task_id"].startswith(f"{sensor}_")]
        processes = [seconds for one in own for seconds in spent.get(one["id"], ())]
        ends = [datetime.fromisoformat(one["end_date"]) for one in own if one["state"] == "success"]
        late = sorted((end - opens_at).total_seconds() for end in ends)
        costs[sensor] = Cost(len(ends), sorted(processes), late, 0)
    return costs


def print_table(costs: dict[str, Cost]) -> None:
    """Print the measurements, and what follows from them for 1,000 waits of an hour."""
    print(
        f"\n{EACH} waits of {_OPENS_AFTER:.0f} s with each sensor in a real Airflow, poke interval"
        f" {POKE_INTERVAL:.0f} s, LocalExecutor"
    )
    head = ("ended", "processes", "worker s", "median s", "requests", "late p50 s", "late max s")
    table = Table(28, *((name, 12) for name in head))
    print(table.head("sensor"))
    for sensor, cost in costs.items():
        cells = (
            f"{cost.succeeded} of {EACH}",
            f"{len(cost.seconds)}",
            f"{sum(cost.seconds):.2f}",
            f"{statistics.median(cost.seconds or [0]):.2f}",
            "as below" if cost.requests is None else f"{cost.requests}",
            *([f"{statistics.median(cost.late):.1f}", f"{cost.late[-1]:.1f}"] if cost.late else "--"),
        )
        print(table.row(_NAMES[sensor], cells))
    sdk, pokes = costs["sdk"], 1000 * 3600 / POKE_INTERVAL
    assert sdk.requests is not None
    print(
        f"computed from that, not measured: 1,000 waits of an hour with the SDK are {pokes:,.0f} pokes,"
        f" {pokes * statistics.median(sdk.seconds) / 3600:,.1f} worker hours,"
        f" {pokes * sdk.requests / len(sdk.seconds):,.0f} requests"
    )


_NAMES = {
    "from_trigger": "this provider, from trigger",
    "engagevoice": "this provider, deferrable",
    "http": "HttpSensor, deferrable",
    "date_time": "DateTimeSensorAsync",
    "sdk": "PythonSensor + SDK",
}
