"""What the tests of the client share: both clients, and the requests the sandbox received."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.integration.client.certificates import Authority
from tests.support.clients import CLIENTS, Run, received
from tests.support.clocks import FakeClock, pauses_skipped


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _environment(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, and one authority: loading all public ones takes most of a test's time."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))


@pytest.fixture(params=CLIENTS)
def run(request: pytest.FixtureRequest) -> Run:
    """Run a procedure or a request on a new client of each kind."""
    return CLIENTS[request.param]


@pytest.fixture
def fake_clock() -> Iterator[FakeClock]:
    """A clock on which the pauses of both clients take no time."""
    with pauses_skipped(FakeClock(time.time())) as fake:
        yield fake


@pytest.fixture
def start() -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with these settings, stopped after the test."""
    reset_shared_state()
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(SandboxServer(SandboxSettings(**settings)))


@pytest.fixture
def wait_for_requests(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Wait until ``count`` requests to a path were executed, including those whose client has left."""
    log, arrived = sandbox.backend.log, threading.Condition()
    add = log.add

    def add_and_tell(record: Any) -> None:
        with arrived:
            add(record)
            arrived.notify_all()

    monkeypatch.setattr(log, "add", add_and_tell)

    def wait(count: int, path: str = "") -> None:
        with arrived:
            assert arrived.wait_for(lambda: len(received(sandbox, path=path)) >= count, timeout=10)

    return wait
