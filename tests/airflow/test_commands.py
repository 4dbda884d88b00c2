"""The season command and the probe find the connections of Airflow's database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session

from airflow_provider_engagevoice.hooks.supervisor import find_connections_of_database
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.client.servers import unused_address
from tests.integration.seasons.test_command_line import LAST_DAY, TEXT, plan_arguments
from tests.support.connections import jwt_connection

CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


@pytest.fixture
def stored() -> Iterator[dict[str, str]]:
    """Connections to put into the database: JSON by id. They are removed at the end."""
    connections: dict[str, str] = {}
    yield connections
    with create_session() as session:
        for row in session.query(Connection).filter(Connection.conn_id.in_(connections)):
            session.delete(row)


def run(command: str, *arguments: str, folder: Path, **environment: str) -> tuple[int, str, list[str]]:
    """Run a command in a process; return its exit code, its output and the lines of its errors."""
    inherited = {name: value for name, value in os.environ.items() if name != CONTEXT}
    done = subprocess.run(
        [sys.executable, "-m", f"airflow_provider_engagevoice.{command}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr.splitlines()


def store(conn_id: str, text: str, stored: dict[str, str]) -> None:
    stored[conn_id] = text
    with create_session() as session:
        session.add(Connection.from_json(text, conn_id))


@pytest.mark.slow
def test_a_season_is_planned_with_a_connection_of_the_database(
    sandbox: SandboxServer, stored: dict[str, str], tmp_path: Path
) -> None:
    store("in_database", jwt_connection(sandbox.url, token_store="memory"), stored)
    (tmp_path / "s.season.yaml").write_text(TEXT)
    arguments = plan_arguments(*LAST_DAY, "--conn-id", "in_database")
    code, out, errors = run("seasons", *arguments, folder=tmp_path)
    assert (code, "create    Winback / Renewals west" in out) == (2, True), errors


@pytest.mark.slow
def test_the_probe_finds_a_connection_of_the_database_and_that_of_the_environment_first(
    stored: dict[str, str], tmp_path: Path
) -> None:
    there, elsewhere = unused_address(), unused_address()
    store("in_database", jwt_connection(there, token_store="memory"), stored)
    given = ("--conn-id", "in_database")
    code, _, errors = run("probe", *given, folder=tmp_path)
    assert code == 1
    assert f"no connection to {there}" in errors[-1]
    other = jwt_connection(elsewhere, token_store="memory")
    _, _, errors = run("probe", *given, folder=tmp_path, AIRFLOW_CONN_IN_DATABASE=other)
    assert f"no connection to {elsewhere}" in errors[-1]


@pytest.mark.slow
def test_a_connection_that_is_nowhere_is_one_line(tmp_path: Path) -> None:
    code, _, errors = run("probe", "--conn-id", "no_such", folder=tmp_path)
    assert code == 1
    assert errors[-1].startswith("The probe ended: engagevoice_conn_id='no_such': no such connection; ")


@pytest.mark.parametrize(("role", "kept"), [(None, "server"), ("client", "client"), ("server", "server")])
def test_a_process_keeps_the_role_that_airflow_has_given_it(
    monkeypatch: pytest.MonkeyPatch, role: str | None, kept: str
) -> None:
    monkeypatch.setenv(CONTEXT, role or "")
    if role is None:
        monkeypatch.delenv(CONTEXT)
    find_connections_of_database()
    assert os.environ[CONTEXT] == kept
