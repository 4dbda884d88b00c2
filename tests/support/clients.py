"""Run a procedure on either client, and list the requests the sandbox received."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Protocol

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.request import Procedure, Request
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.sandbox.server import SandboxServer

QUICK = RetryLimits(tries=3, first_wait=0.01, longest_wait=0.02)


class Run(Protocol):
    def __call__(
        self,
        settings: ClientSettings,
        procedure: Procedure[Any] | Request[Any],
        *,
        shared_state: SharedState | None = ...,
        limits: RetryLimits = ...,
    ) -> Any: ...


def run_sync(
    settings: ClientSettings,
    procedure: Procedure[Any] | Request[Any],
    *,
    shared_state: SharedState | None = None,
    limits: RetryLimits = QUICK,
) -> Any:
    """Run it on a new sync client."""
    with EngageVoiceClient(settings, limits=limits, shared_state=shared_state) as client:
        return client.run(procedure)


def run_async(
    settings: ClientSettings,
    procedure: Procedure[Any] | Request[Any],
    *,
    shared_state: SharedState | None = None,
    limits: RetryLimits = QUICK,
) -> Any:
    """Run it on a new async client."""

    async def main() -> Any:
        async with AsyncEngageVoiceClient(settings, limits=limits, shared_state=shared_state) as client:
            return await client.run(procedure)

    return asyncio.run(main())


CLIENTS: dict[str, Run] = {"sync": run_sync, "async": run_async}


def received(sandbox: SandboxServer, method: str = "", path: str = "") -> list[str]:
    """Return the requests that match, oldest first, as ``GET 200 /path``; without queries."""
    return [
        f"{one.method} {one.status} {one.path.partition('?')[0]}"
        for one in sandbox.requests()
        if (not method or one.method == method) and re.search(path, one.path.partition("?")[0])
    ]


def sign_ins(sandbox: SandboxServer) -> list[str]:
    """Return the sign-in requests, as ``accesstoken 200``."""
    found = [line.split() for line in received(sandbox, "POST", r"^/restapi/|/auth/")]
    return [f"{path.rpartition('/')[2]} {status}" for _, status, path in found]
