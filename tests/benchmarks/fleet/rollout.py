"""Rollouts: a sandbox with the vendor's limits, a distributed Airflow, and runs of DAGs."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.validation import dial_group_fields
from tests.benchmarks.fleet.distributed import distributed_airflow
from tests.benchmarks.fleet.figures import Figures, Requests, count
from tests.benchmarks.fleet.leaks import texts
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.real_airflow import RealAirflow
from tests.support.services import PostgresServer, RedisServer, postgres_server, redis_server
from tests.support.watch import MARKED, Watch, watching_tokens

#: The connection's ``token_store``; ``none`` omits it.
Store = Literal["file", "redis", "memory", "none"]
DAGS = Path(__file__).parent / "dags"
PROVIDER, SEASON, SDK = "fleet_create", "fleet_season", "fleet_sdk"


@dataclass(frozen=True)
class Size:
    """The size of a rollout.

    :ivar campaigns: number of campaigns, with a mapped task for each
    :ivar groups: dial groups they are spread over
    :ivar seconds: timeout of the run
    """

    campaigns: int = 500
    groups: int = 20
    seconds: float = 7200.0


@dataclass(frozen=True)
class Fleet:
    """A sandbox with the vendor's limits, and a distributed Airflow that uses it."""

    sandbox: SandboxServer
    requests: Requests
    watch: Watch
    airflow: RealAirflow
    database: PostgresServer
    redis: RedisServer

    def roll_out(self, dag_id: str, size: Size) -> Figures:
        """Run a DAG once, with dial groups of its own; requests are counted since the fleet started."""
        groups = _dial_groups(self.sandbox, dag_id, size.groups)
        run_id = self.airflow.trigger(dag_id, {"size": size.campaigns, "groups": groups})
        state = _follow(self.airflow, dag_id, run_id, self.requests, size.seconds)
        found = list(texts(self.airflow.home, self.database, self.redis))
        return count(
            _requested(size.campaigns, groups),
            requests=self.requests.all(),
            campaigns=self.sandbox.store.all_campaigns(),
            tasks=_tasks(self.database, dag_id, run_id),
            run_state=state,
            searched=len(found),
            secrets=sum(bool(self.watch.leaks(content)) for _, content in found),
        )


@contextmanager
def fleet(*dag_ids: str, store: Store, workers: int = 2, processes: int = 4) -> Iterator[Fleet]:
    """Start a distributed Airflow that has these DAGs.

    :param store: where the provider's processes share tokens and rate limits
    :param processes: concurrent tasks of each of the ``workers``
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engagevoice-services-")))
        sandbox = stack.enter_context(SandboxServer(SandboxSettings(credentials=MARKED)))
        watch = stack.enter_context(watching_tokens(sandbox))
        redis = stack.enter_context(redis_server(folder))
        database = stack.enter_context(postgres_server(folder))
        airflow = stack.enter_context(
            distributed_airflow(
                jwt_connection(
                    sandbox.url,
                    client_id=MARKED.client_id,
                    client_secret=MARKED.client_secret,
                    jwt_token=MARKED.jwt,
                    **_shared(store, redis),
                ),
                [DAGS / f"{dag_id}.py" for dag_id in dag_ids],
                database=database,
                broker=redis,
                workers=workers,
                processes=processes,
            )
        )
        yield Fleet(sandbox, Requests(sandbox), watch, airflow, database, redis)


def _dial_groups(sandbox: SandboxServer, dag_id: str, number: int) -> dict[str, int]:
    """Return the ids of ``number`` new dial groups by name; creating them takes no request."""
    fields = [
        dial_group_fields({"dialGroupName": f"{dag_id} {index:02d}", "dialMode": "PREDICTIVE"})
        for index in range(number)
    ]
    made = [sandbox.store.add_dial_group(ACCOUNT_ID, one) for one in fields]
    return {group["dialGroupName"]: group["dialGroupId"] for group in made}


def _shared(store: Store, redis: RedisServer) -> dict[str, str]:
    """Return the connection's extra field; database 0 of the Redis has Celery's queue."""
    match store:
        case "none":
            return {}
        case "redis":
            return {"token_store": redis.database(1)}
        case _:
            return {"token_store": store}


def _requested(number: int, groups: dict[str, int]) -> list[tuple[int, str]]:
    """Return dial group and name of each campaign, as the DAGs create them."""
    names = sorted(groups)
    return [(groups[names[index % len(names)]], f"Fleet {index:04d}") for index in range(number)]


def _follow(airflow: RealAirflow, dag_id: str, run_id: str, requests: Requests, seconds: float) -> str:
    """Return the final state of a run, or ``timed out``."""

    def ended() -> str | None:
        requests.poll()
        run = airflow.get(f"dags/{dag_id}/dagRuns/{run_id}") or {}
        return run["state"] if run.get("state") in ("success", "failed") else None

    try:
        return airflow.wait_until("end of the run", ended, seconds, every=1.0)
    except TimeoutError:
        return "timed out"


def _tasks(database: PostgresServer, dag_id: str, run_id: str) -> Counter[tuple[str | None, int]]:
    """Return the number of tasks of a run, by state and number of attempts."""
    import psycopg

    query = (
        "select state, try_number, count(*) from task_instance"
        " where dag_id = %s and run_id = %s group by state, try_number"
    )
    with psycopg.connect(database.dsn) as connection:
        rows = connection.execute(query, (dag_id, run_id)).fetchall()
    return Counter({(state, tries): number for state, tries, number in rows})
