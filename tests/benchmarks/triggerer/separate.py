"""A measurement in a fresh process, with a sandbox in another."""

from __future__ import annotations

import base64
import json
import secrets
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from tests.benchmarks.fleet.figures import SIGN_IN
from tests.benchmarks.triggerer.measure import Figures, Plan
from tests.benchmarks.triggerer.world import sandbox_process
from tests.support.child import Child
from tests.support.connections import jwt_connection
from tests.support.real_airflow import environment

#: Maximum seconds that a measurement takes in addition to those of its plan.
_BESIDE = 180.0


def carry_out(plan: Plan) -> Figures:
    """Return the figures of a plan.

    :raises RuntimeError: with the last lines of output, if the process fails
    """
    with tempfile.TemporaryDirectory(prefix="engagevoice-triggerer-") as name:
        folder = Path(name)
        for part in ("home", "logs"):
            (folder / part).mkdir()
        (folder / "plan.json").write_text(json.dumps(asdict(plan)))
        with sandbox_process(folder) as sandbox:
            env = environment(folder / "home", jwt_connection(sandbox.url), []) | {
                "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "AIRFLOW_CONN_SANDBOX_HTTP": http_connection(sandbox.url),
            }
            command = [sys.executable, "-m", "tests.benchmarks.triggerer", str(folder)]
            triggerer = Child("triggerer", command, folder / "triggerer.log", env=env)
            triggerer.start()
            try:
                triggerer.process.wait(plan.start + 2 * plan.quiet + plan.late + _BESIDE)
            finally:
                triggerer.stop()
            if triggerer.process.returncode:
                raise RuntimeError(f"the triggerer failed:\n{triggerer.tail()}")
            requests = sandbox.requests()
        figures = Figures.from_json(json.loads((folder / "figures.json").read_text()))
    times = [one["time"] for one in requests if not one["path"].startswith(SIGN_IN)]
    return replace(
        figures,
        first_requests=sum(figures.started_at <= one < figures.quiet_from for one in times),
        requests=sum(figures.quiet_from <= one < figures.quiet_to for one in times),
        opening_requests=sum(figures.quiet_to <= one for one in times),
        rejected=sum(one["status"] == 429 for one in requests),
    )


def http_connection(url: str) -> str:
    """Return the JSON of the sandbox as a connection of type ``http``, with a permanent token."""
    host, _, port = url.removeprefix("http://").partition(":")
    fields = {"conn_type": "http", "schema": "http", "host": host, "port": int(port)}
    return json.dumps(fields | {"extra": {"X-Auth-Token": API_TOKEN}})
