"""Every store, and a Redis server for all tests of this folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from airflow_provider_engagevoice.client.rate_limits import RateLimitShares
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.child import free_ports
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of
from tests.support.services import RedisServer, missing_programs
from tests.support.services import redis_server as run_redis

STORES = (
    "memory",
    "files",
    pytest.param("redis", marks=pytest.mark.slow),
    pytest.param("fallback", marks=pytest.mark.slow),
)
#: Those that several processes can share.
SHARED = STORES[1:]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _needs_redis(request: pytest.FixtureRequest) -> None:
    callspec = getattr(request.node, "callspec", None)
    if callspec and re.search("redis|fallback", str(callspec.params)):
        pytest.importorskip("redis")


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if "redis-server" in missing_programs():
        pytest.skip("redis-server is not installed")
    with run_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    """An empty Redis server; a test that kills its server starts its own."""
    _redis.client.flushall()
    return _redis


def text_of(store: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """Return how ``token_store`` names a store."""
    files = f"file://{folder / 'shared'}"
    if store == "redis":
        return str(request.getfixturevalue("redis_server").url)
    return {
        "memory": "memory",
        "files": files,
        "fallback": f"redis://127.0.0.1:{free_ports(1)[0]}/0, {files}",
    }[store]


@pytest.fixture(params=STORES)
def token_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each store, as ``token_store`` names it."""
    return text_of(request.param, tmp_path, request)


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each store that several processes share, as ``token_store`` names it."""
    return text_of(request.param, tmp_path, request)


@pytest.fixture
def files(tmp_path: Path) -> str:
    """A directory, as ``token_store`` names it."""
    return f"file://{tmp_path / 'shared'}"


@pytest.fixture
def settings(sandbox) -> ClientSettings:
    """Settings of a client that signs in by JWT, without rate limits."""
    return settings_of("ringcentral_jwt", sandbox.url, account_id=ACCOUNT_ID)


@pytest.fixture
def all_budgets() -> RateLimitShares:
    """All documented rate limits."""
    return RateLimitShares()


@pytest.fixture
def start() -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with these settings, stopped after the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(SandboxServer(SandboxSettings(**settings)))
