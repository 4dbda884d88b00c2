"""The command-line program."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import TOKEN

COMMAND = [sys.executable, "-m", "airflow_provider_engagevoice.sandbox"]
HOLIDAY = (
    f"/voice/api/v1/admin/accounts/~/dialGroups/{seed.OUTBOUND_RENEWALS_ID}"
    f"/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}"
)


@contextmanager
def running(*arguments: str, stop: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """Run the program; yield the URL that it prints."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(
            r"Engage Voice sandbox \(not the real RingCentral\) listening on (http://127\.0\.0\.1:\d+)\n",
            line,
        )
        assert match, line
        yield match[1]
        process.send_signal(stop)
        out, err = process.communicate(timeout=10)
        assert (out, err) == ("", "")
    finally:
        process.kill()
        process.wait()


def test_database_survives_restarts(tmp_path: Path) -> None:
    database = ("--db", str(tmp_path / "sandbox.db"))
    with running(*database) as url:
        clone = httpx.post(f"{url}{HOLIDAY}/clone?newCampaignName=Kept", headers=TOKEN).json()
        minted = httpx.post(f"{url}/voice/api/v1/admin/token", headers=TOKEN).text
        assert httpx.delete(f"{url}{HOLIDAY}", headers=TOKEN).status_code == 200
    for stop in (signal.SIGKILL, signal.SIGINT):
        with running(*database, "--no-limits", stop=stop) as url:
            assert httpx.get(f"{url}{HOLIDAY}", headers=TOKEN).status_code == 404
            path = HOLIDAY.replace(str(seed.HOLIDAY_RENEWALS_2025_ID), str(clone["campaignId"]))
            assert httpx.get(f"{url}{path}", headers={"X-Auth-Token": minted}).json() == clone
            assert [entry["op"] for entry in httpx.get(f"{url}/sandbox/history").json()] == [
                "clone",
                "delete",
            ]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, **environment},
    )


def test_port_in_use(sandbox: SandboxServer) -> None:
    port = sandbox.url.rpartition(":")[2]
    result = run("--port", port)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert result.stderr.count("\n") == 1


def test_unusable_database_or_port(tmp_path: Path) -> None:
    no_database = run("--port", "0", "--db", str(tmp_path / "missing" / "sandbox.db"))
    assert no_database.returncode == 1
    assert no_database.stderr.startswith(f"Cannot use the database {tmp_path}")
    no_port = run("--port", "99999")
    assert no_port.returncode == 1
    assert no_port.stderr.startswith("Cannot listen on 127.0.0.1:99999: ")
    assert (no_database.stderr + no_port.stderr).count("\n") == 2


def test_dialer_rate() -> None:
    with running("--dialer-rate", "2.5") as url:
        assert httpx.get(f"{url}/sandbox/dialer").json()["rate"] == 2.5
    wrong = run("--port", "0", "--dialer-rate", "-1")
    assert wrong.returncode == 2
    assert "argument --dialer-rate: invalid" in wrong.stderr


def test_missing_packages() -> None:
    hide = (
        "import sys; sys.modules['uvicorn'] = None; import runpy; runpy.run_module({!r}, run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", hide.format("airflow_provider_engagevoice.sandbox"), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "pip install airflow-provider-engagevoice[sandbox]" in result.stderr


def test_warning_if_not_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        result = run("--host", "0.0.0.0", "--port", str(taken.getsockname()[1]))
    assert result.stderr.startswith("Warning: on 0.0.0.0 other machines can reach the sandbox")


def test_constants_are_imported_without_the_server() -> None:
    code = (
        "import sys, airflow_provider_engagevoice.sandbox.credentials,"
        " airflow_provider_engagevoice.sandbox.settings;"
        " sys.exit(bool({'fastapi', 'uvicorn', 'airflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_print_connection_prints_json_alone_and_ends() -> None:
    done = run("--port", "8090", "--print-connection")
    assert done.returncode == 0
    connection = json.loads(done.stdout)
    assert connection["host"] == "http://127.0.0.1:8090"
    login = {"client_id", "client_secret", "jwt_token", "rc_server", "account_id", "timezone"}
    assert set(connection["extra"]) == login


def test_dialect() -> None:
    with running("--dialect", "likely", "--dialect", "create_answer=echo") as url:
        dialect = httpx.get(f"{url}/sandbox/dialect").json()
    assert (dialect["cap"], dialect["create_answer"]) == ("100", "echo")
    failed = run("--port", "0", "--dialect", "create_answer=nothing")
    assert failed.returncode == 2
    assert "must be one of stored, echo" in failed.stderr
