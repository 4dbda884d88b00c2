"""Shared by all tests: a separate Airflow home, and a sandbox."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Airflow reads its configuration when it is first imported, so this comes first.
_HOME = Path(tempfile.mkdtemp(prefix="engagevoice-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
(_HOME / "dags").mkdir()
os.environ |= {
    "AIRFLOW_HOME": str(_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(_HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__CORE__FERNET_KEY": "",
    # Separate tests cover the rate limits; all others together would exceed them.
    "AIRFLOW__ENGAGEVOICE__BUDGETS": "off",
    "XDG_CACHE_HOME": str(_HOME / "cache"),
}
# The first worker of pytest-xdist runs a real Airflow, whose processes must be in time.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    os.nice(5)

from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials
from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.connections import jwt_connection

#: Tests that start a scheduler, a triggerer, an API server and workers, and wait for them: each queue of
#: them runs on one worker, one after the other.
_QUEUES = (
    ("tests/airflow/real/",),
    (
        "tests/faults/test_triggerer_kill.py",
        "tests/benchmarks/fleet/",
        "tests/airflow/test_many_waits.py",
        "tests/integration/polling/test_many_drained.py",
    ),
)
#: Where each version of Airflow has its secrets masker.
_MASKERS = (
    "airflow._shared.secrets_masker.secrets_masker",
    "airflow.sdk._shared.secrets_masker.secrets_masker",
    "airflow.sdk.execution_time.secrets_masker",
    "airflow.utils.log.secrets_masker",
)


def _queue_of(nodeid: str) -> int:
    """Return the number of the queue that a test is in; the number of queues if it is in none."""
    found = (index for index, queue in enumerate(_QUEUES) if nodeid.startswith(queue))
    return next(found, len(_QUEUES))


class _FewRealAirflows(LoadFileScheduling):
    """Run each file on one worker, and each queue of long waits, while the other tests use the processors.

    More at once would take the processors from each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        queue = _queue_of(nodeid)
        return super()._split_scope(nodeid) if queue == len(_QUEUES) else _QUEUES[queue][0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _FewRealAirflows | None:
    """Return what distributes the tests for ``--dist loadfile``."""
    return _FewRealAirflows(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark cases of tests with ``few(count)`` as slow and repeated, except ``count``, evenly spaced.

    The tests that start an Airflow come first, because they take the longest.
    """
    items.sort(key=lambda item: _queue_of(item.nodeid))
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("few"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_one in cases.values():
        quick = [one for one in of_one if not one.get_closest_marker("slow")]
        (count,) = of_one[0].get_closest_marker("few").args
        kept = {index * len(quick) // count for index in range(count)}
        for index, item in enumerate(quick):
            if index not in kept:
                item.add_marker(pytest.mark.slow)
                item.add_marker(pytest.mark.repeated)


@pytest.fixture(scope="session")
def _server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.fixture
def sandbox(_server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """A sandbox in its initial state, without limits, and the default connection to it."""
    _server.reset()
    reset_shared_state()
    shutil.rmtree(_HOME / "cache", ignore_errors=True)
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(_server.url))
    return _server


@pytest.fixture
def client_settings(sandbox: SandboxServer) -> ClientSettings:
    """Settings of a client that signs in to the sandbox by JWT."""
    return ClientSettings.build(
        host=sandbox.url,
        rc_server=sandbox.url,
        credentials=Credentials(
            client_id=credentials.CLIENT_ID,
            client_secret=credentials.CLIENT_SECRET,
            jwt_token=credentials.JWT,
        ),
        budgets="off",
    )


@pytest.fixture
def after_each(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call ``act`` whenever the sandbox has handled a matching request, before its response is sent."""

    def after_each(method: str, path: str, act: Callable[[], object]) -> None:
        log = sandbox.backend.log
        add = log.add

        def add_and_act(record: RequestRecord) -> None:
            add(record)
            if record.method == method and re.search(path, record.path):
                act()

        monkeypatch.setattr(log, "add", add_and_act)

    return after_each


@pytest.fixture
def after_first(after_each: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Call ``act`` once the sandbox has handled the first matching request; fails if there was none."""
    waiting: list[Callable[[], object]] = []

    def act_once() -> None:
        if waiting:
            waiting.pop()()

    def after_first(method: str, path: str, act: Callable[[], object]) -> None:
        waiting.append(act)
        after_each(method, path, act_once)

    yield after_first
    assert not waiting


@pytest.fixture(autouse=True)
def _keep_log_levels() -> Iterator[None]:
    """Restore the root logger, which Airflow's task runner configures again."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(autouse=True)
def _forget_masks() -> Iterator[None]:
    """Forget the secrets that Airflow masks: with thousands of tokens every log line takes seconds."""
    yield
    for name in _MASKERS:
        if name in sys.modules:
            masker = sys.modules[name]._secrets_masker()
            masker.patterns, masker.replacer = set(), None
