"""A complete Airflow with a temporary home: scheduler, triggerer, DAG processor, API server, workers."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt
import psutil

from tests.support.child import Child, free_ports, stop_all

T = TypeVar("T")


class RealAirflow:
    """The API of a running Airflow 3.

    :param env: environment of all its processes
    :param parts: its processes
    """

    def __init__(self, env: Mapping[str, str], parts: list[Child]) -> None:
        self.url = env["AIRFLOW__API__BASE_URL"]
        self._env = env
        self._parts = parts
        self._http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        self._tokens: dict[str, str] = {}

    @property
    def home(self) -> Path:
        """The folder of all its files, including logs."""
        return self._parts[0].log.parent

    def wait_until(self, what: str, poll: Callable[[], T | None], seconds: float, *, every: float = 0.5) -> T:
        """Call ``poll`` until it returns a value other than None; return that value.

        :param seconds: timeout
        :param every: seconds between calls
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for part in self._parts:
                part.check(f"waiting for {what}")
            with suppress(httpx.TransportError):
                if (found := poll()) is not None:
                    return found
            time.sleep(every)
        raise TimeoutError(f"no {what} within {seconds:.0f} s; end of the logs:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of each log."""
        lines = max(10, 40 // len(self._parts))
        return "\n".join(f"--- {part.name}\n{part.tail(lines)}" for part in self._parts)

    def get(self, path: str) -> dict[str, Any] | None:
        """Send a GET to the API; return None if it fails."""
        response = self._http.get(f"/api/v2/{path}")
        return response.json() if response.is_success else None

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Send a request to the API until the server takes it: SQLite allows only one writer at a time."""

        def send() -> httpx.Response | None:
            response = self._http.request(method, f"/api/v2/{path}", json=body, headers=headers)
            return None if response.is_server_error else response

        return self.wait_until(f"answer to {method} {path}", send, 60)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a POST to the API."""
        self._send("POST", path, body).raise_for_status()

    def patch(self, path: str, body: Mapping[str, Any], *, user: str) -> httpx.Response:
        """Send a PATCH to the API as a user."""
        token = self._token_of(user) if self._has_users else self._token_of_admin(user)
        return self._send("PATCH", path, body, Authorization=f"Bearer {token}")

    @property
    def _has_users(self) -> bool:
        return self._env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"

    def _token_of(self, user: str) -> str:
        """Sign in, once, with the password that Airflow has given a user."""
        if user not in self._tokens:
            passwords = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
            body = {"username": user, "password": passwords[user]}
            answer = self._http.post("/auth/token", json=body).raise_for_status()
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]

    def _token_of_admin(self, user: str) -> str:
        """Return the token that is given without a password, for another name."""
        token = self._http.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False}) | {"sub": user}
        algorithm = jwt.get_unverified_header(token)["alg"]
        return jwt.encode(claims, self._env["AIRFLOW__API_AUTH__JWT_SECRET"], algorithm)

    def kill_triggerer(self) -> None:
        """Kill the triggerer and its runner, to simulate a crash."""
        family = [psutil.Process(part.process.pid) for part in self._parts]
        family += [child for process in family for child in process.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                if "triggerer" in " ".join(process.cmdline()):
                    process.kill()
        self._parts[:] = [part for part in self._parts if part.name != "triggerer"]

    def start_triggerer(self) -> None:
        """Start another triggerer, which takes over the triggers once the killed one is known to be dead."""
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        part = Child("triggerer", command, self.home / "triggerer.log", env=self._env)
        part.start()
        self._parts.append(part)

    def sign_in(self) -> None:
        """Get a token, and wait until scheduler and triggerer are healthy."""

        def token() -> str | None:
            # Without users, it signs in everyone as an administrator.
            response = self._http.get("/auth/token")
            if response.status_code == 403 and self._has_users:
                return self._token_of("admin")
            return response.json().get("access_token") if response.is_success else None

        self._http.headers["Authorization"] = f"Bearer {self.wait_until('API server', token, 180)}"

        def healthy() -> bool | None:
            health = self.get("monitor/health") or {}
            parts = [health.get(name, {}).get("status") for name in ("scheduler", "triggerer")]
            return True if parts == ["healthy", "healthy"] else None

        self.wait_until("scheduler and triggerer", healthy, 90)

    def unpause(self, dag_id: str) -> None:
        """Wait until a DAG is parsed, and unpause it."""
        self.wait_until(f"DAG {dag_id}", lambda: self.get(f"dags/{dag_id}"), 60)
        self._send("PATCH", f"dags/{dag_id}", {"is_paused": False}).raise_for_status()

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Trigger a DAG manually, without a logical date; return the run id."""
        self.unpause(dag_id)
        body = {"logical_date": None, "conf": conf}
        response = self._send("POST", f"dags/{dag_id}/dagRuns", body).raise_for_status()
        return str(response.json()["dag_run_id"])

    def mark_failed(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Mark a task instance as failed."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self._send("PATCH", path, {"new_state": "failed"}).raise_for_status()

    def clear(self, dag_id: str, run_id: str, *task_ids: str) -> None:
        """Clear task instances of a run; all unless some are named."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
        if task_ids:
            body["task_ids"] = list(task_ids)
        self.post(f"dags/{dag_id}/clearTaskInstances", body)

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run as failed and delete it."""
        path = f"dags/{dag_id}/dagRuns/{run_id}"
        self._send("PATCH", path, {"state": "failed"}).raise_for_status()
        self._send("DELETE", path).raise_for_status()

    def states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Return the state of each task."""
        found = self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances") or {"task_instances": []}
        return {task["task_id"]: task["state"] for task in found["task_instances"]}

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return a task instance."""
        return self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}") or {"end_date": None}

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return the XCom value returned by a task."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        entry = self.get(path)
        value = None if entry is None else entry["value"]
        return json.loads(value) if isinstance(value, str) else value

    def follow(
        self, dag_id: str, run_id: str, report: Callable[[str], None], seconds: float
    ) -> tuple[set[str], list[str]]:
        """Report the task states of a run until it ends; print the logs of failed tasks.

        :param seconds: timeout
        :return: the tasks that were deferred, and a problem for each task that did not succeed
        """
        reported: dict[str, str | None] = {}
        deferred: set[str] = set()

        def ended() -> bool | None:
            for task, state in self.states(dag_id, run_id).items():
                if state != reported.get(task) and state in ("deferred", "success", "failed", "up_for_retry"):
                    report(f"  {task}: {state}")
                if state == "deferred":
                    deferred.add(task)
                reported[task] = state
            run = self.get(f"dags/{dag_id}/dagRuns/{run_id}") or {}
            return True if run.get("state") in ("success", "failed") else None

        self.wait_until("end of the run", ended, seconds)
        states = self.states(dag_id, run_id)
        for task, state in states.items():
            if state == "failed":
                print(f"log of {task}:\n{self.log_of(dag_id, run_id, task)}")
        problems = [f"task {task} is {state}" for task, state in states.items() if state != "success"]
        return deferred, problems

    def end_of(self, dag_id: str, run_id: str, seconds: float) -> dict[str, str | None]:
        """Wait until a run has ended; return the state of each task."""

        def poll() -> bool | None:
            run = self.get(f"dags/{dag_id}/dagRuns/{run_id}") or {}
            return True if run.get("state") in ("success", "failed") else None

        self.wait_until(f"end of {dag_id}, {run_id}", poll, seconds)
        return self.states(dag_id, run_id)

    def last_log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return the log of the last attempt of a task, as JSON."""
        attempt = self.task(dag_id, run_id, task_id)["try_number"]
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        return json.dumps(self.get(path))

    def log_of(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return the last lines of a task's log."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/1"
        lines = (self.get(path) or {}).get("content", [])
        return "\n".join(str(line) for line in lines[-30:])


@contextmanager
def real_airflow(
    connection: str,
    dags: list[Path],
    *,
    schedules: bool = False,
    users: Sequence[str] = (),
    more: Mapping[str, str] | None = None,
) -> Iterator[RealAirflow]:
    """Start Airflow, wait until it is ready, and stop it with all its children at the end.

    :param connection: JSON of ``engagevoice_default``
    :param dags: DAG files
    :param schedules: whether DAGs run on their schedules; False for manual runs only
    :param users: names of users of Airflow who may act on DAGs; without them, everyone is an administrator
    :param more: additional environment variables
    """
    with tempfile.TemporaryDirectory(prefix="engagevoice-airflow-") as folder:
        home = Path(folder)
        env = environment(home, connection, dags) | dict(more or {})
        env["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] = str(schedules)
        if users:
            env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] = "False"
            roles = ["admin:admin", *(f"{user}:user" for user in users)]
            env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = ",".join(roles)
        command = [sys.executable, "-m", "airflow", "standalone"]
        parts = [Child("airflow", command, home / "services.log", env=env)]
        try:
            parts[0].start()
            airflow = RealAirflow(env, parts)
            airflow.sign_in()
            yield airflow
        finally:
            # At once: it would take seconds to end in order, and nothing of it is kept.
            stop_all(parts, signal.SIGKILL)


def environment(home: Path, connection: str, dags: Sequence[Path]) -> dict[str, str]:
    """Create the home of an Airflow; return the environment of its processes.

    :param home: empty folder
    :param connection: JSON of ``engagevoice_default``
    :param dags: DAG files
    """
    (home / "dags").mkdir()
    for dag in dags:
        (home / "dags" / dag.name).write_text(dag.read_text())
    api, worker_log, triggerer_log = free_ports(3)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # The output is read while the processes run.
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "XDG_CACHE_HOME": str(home / "cache"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT": connection,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{api}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggerer_log),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_log),
        # The API server may be slow at first, and the machine busy.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    }
