"""The vendor's Python SDK works with the sandbox, with the code of the document's samples.

The SDK does not pin its dependencies, so it runs in a separate virtual environment: the one whose Python is
``ENGAGEVOICE_SDK_PYTHON``, or one that is created and kept in pytest's cache.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_engagevoice.sandbox.credentials import Credentials
from airflow_provider_engagevoice.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

REQUIREMENTS = ("ringcentral_engage_voice==0.3.2", "ringcentral==0.9.2", "pydash==8.1.0")
SAMPLE = Path(__file__).with_name("vendor_sdk_sample.py")


@pytest.fixture(scope="module")
def sdk_python(pytestconfig: pytest.Config) -> str:
    given = os.environ.get("ENGAGEVOICE_SDK_PYTHON")
    if given:
        return given
    assert pytestconfig.cache is not None
    home = pytestconfig.cache.mkdir("engagevoice-sdk") / f"{sys.version_info[0]}.{sys.version_info[1]}"
    python, complete = home / "bin/python", home / "complete"
    with home.with_name("lock").open("w") as lock:
        # Workers of one run share the cache.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_text() != " ".join(REQUIREMENTS):
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
            complete.write_text(" ".join(REQUIREMENTS))
    return str(python)


@pytest.mark.parametrize("flow", ["password", "jwt", "legacy"])
def test_samples_of_the_vendor(sdk_python: str, sandbox: SandboxServer, flow: str) -> None:
    result = subprocess.run(
        [sdk_python, str(SAMPLE), sandbox.url, flow, json.dumps(asdict(Credentials()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    output: dict[str, Any] = json.loads(result.stdout)
    created, cloned = output["created"], output["cloned"]
    assert (created["campaignId"], created["isActive"]) == (136785, 0)
    assert cloned == {**created, "campaignId": 136786, "campaignName": "My New Predictive Campaign"}
    assert output["refreshed"] == (None if flow == "legacy" else 2)
    assert [entry.op for entry in sandbox.history()] == ["create", "clone"]
    paths = {
        record.path.partition("/dialGroups")[0] for record in sandbox.requests() if "admin" in record.path
    }
    assert paths == {("/api" if flow == "legacy" else "/voice/api") + "/v1/admin/accounts/{accountId}"}
