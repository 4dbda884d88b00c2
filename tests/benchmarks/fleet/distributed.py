"""An Airflow as in production: PostgreSQL, Redis, Celery workers, every component in a separate process."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.support.child import Child, stop_all
from tests.support.real_airflow import RealAirflow, environment
from tests.support.services import PostgresServer, RedisServer

#: The packages of requirements.txt, by the names they are imported by.
_NEEDED = ("airflow.providers.celery", "asyncpg", "celery", "psycopg", "psycopg2", "redis")


def missing_packages() -> list[str]:
    """Return the Python packages for a distributed Airflow that are missing."""
    return [name for name in _NEEDED if find_spec(name) is None]


@contextmanager
def distributed_airflow(
    connection: str,
    dags: Sequence[Path],
    *,
    database: PostgresServer,
    broker: RedisServer,
    workers: int = 2,
    processes: int = 4,
) -> Iterator[RealAirflow]:
    """Start a distributed Airflow, wait until it is ready, and stop all of it at the end.

    :param connection: JSON of ``engagevoice_default``
    :param dags: DAG files
    :param database: for the metadata and Celery's results
    :param broker: its database 0 has Celery's queue
    :param workers: Celery workers
    :param processes: concurrent tasks per worker
    """
    with tempfile.TemporaryDirectory(prefix="engagevoice-fleet-") as folder:
        home = Path(folder)
        env = environment(home, connection, dags) | {
            "AIRFLOW__CELERY__BROKER_URL": broker.database(0),
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database.url}",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__PARALLELISM": str(4 * workers * processes),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.url,
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }

        def part(name: str, *arguments: str) -> Child:
            return Child(name, [sys.executable, "-m", "airflow", *arguments], home / f"{name}.log", env=env)

        parts = [part(name, name) for name in ("api-server", "scheduler", "dag-processor", "triggerer")]
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            options = ["-c", str(processes), "-H", f"{name}@%h", "--pid", str(home / f"{name}.pid")]
            parts.append(part(name, "celery", "worker", "--skip-serve-logs", *options))
        _migrate(env)
        try:
            for one in parts:
                one.start()
            airflow = RealAirflow(env, parts)
            airflow.sign_in()
            yield airflow
        finally:
            stop_all(parts)


def _migrate(env: dict[str, str]) -> None:
    """Create the tables, before the components start and all try to."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    made = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"airflow db migrate failed with {made.returncode}:\n{made.stdout}{made.stderr}")
