"""Waits in virtual time, on a server in the same thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.polling.hub import PollerHub
from airflow_provider_engagevoice.polling.window_poll import WindowPoll, WindowWait
from airflow_provider_engagevoice.polling.windows import Goal
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.connections import ACCOUNT_ID
from tests.support.virtual_time import InMemorySandbox, VirtualTime
from tests.unit.polling.people import Days

GROUP = seed.OUTBOUND_RENEWALS_ID


class World:
    """Campaigns in the server's store, and the polls of them."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self._template = sandbox.store.campaigns(ACCOUNT_ID, GROUP)[0]

    def add(self, start: float, end: float = 3600, *, active: int = 1, group: int = GROUP) -> int:
        """Add a campaign whose dates are given in seconds from now, and return its id."""
        now = clock.now()
        dates = {
            "startDate": format_vendor_date(now + timedelta(seconds=start)),
            "endDate": format_vendor_date(now + timedelta(seconds=end)),
        }
        row = {**self._template, **dates, "isActive": active}
        row = self.sandbox.store.add_campaign(ACCOUNT_ID, group, row, op="create", request_id="")
        return int(row["campaignId"])

    def change(self, campaign_id: int, group: int = GROUP, **fields: object) -> None:
        """Edit a campaign, as a user does."""
        row = self.row(campaign_id, group)
        self.sandbox.store.replace_campaign(ACCOUNT_ID, group, campaign_id, {**row, **fields}, request_id="")

    def delete(self, campaign_id: int, group: int = GROUP) -> None:
        """Delete a campaign, as a user does."""
        self.sandbox.store.delete_campaign(ACCOUNT_ID, group, campaign_id, request_id="")

    def row(self, campaign_id: int, group: int = GROUP) -> dict[str, Any]:
        """Return a campaign as it is stored."""
        return self.sandbox.store.campaign(ACCOUNT_ID, group, campaign_id)

    def polls(self, group: int = GROUP) -> list[float]:
        """Return when a dial group's campaigns were listed, in seconds since the epoch: their first pages."""
        return first_pages(self.sandbox, rf"/{group}/campaigns(\?|$)")


def first_pages(sandbox: SandboxServer, path: str) -> list[float]:
    """Return when ``path`` was read, in seconds since the epoch; of lists only their first pages."""
    return [
        one.time
        for one in sandbox.requests()
        if one.method == "GET" and re.search(path, one.path) and "page=" not in one.path
    ]


@pytest.fixture(scope="session")
def _server() -> Iterator[InMemorySandbox]:
    server = InMemorySandbox(SandboxSettings(limits=False))
    server._app = Days(server._app)
    yield server
    server.backend.close()


@pytest.fixture
def virtual() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def sandbox(_server: InMemorySandbox, virtual: VirtualTime) -> Iterator[SandboxServer]:
    """A sandbox in its first state, in this thread and in virtual time."""
    _server.reset()
    _server._app.clear()
    reset_shared_state()
    with _server.in_use(virtual):
        yield _server


@pytest.fixture
def world(sandbox: SandboxServer) -> World:
    return World(sandbox)


@pytest.fixture
def days(_server: InMemorySandbox, sandbox: SandboxServer) -> Days:
    """What happens while a test waits."""
    days: Days = _server._app
    return days


@pytest.fixture
def open_hub(client_settings: Any) -> Callable[..., Any]:
    """Open a hub, as an async context manager."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[PollerHub]:
        async def connect() -> AsyncEngageVoiceClient:
            return AsyncEngageVoiceClient(
                changes.get("settings", client_settings), limits=RetryLimits(tries=1)
            )

        hub = PollerHub(changes.get("connect", connect))
        try:
            yield hub
        finally:
            await hub.close()

    return opened


def wait_for(
    campaign_id: int, *, poke: float = 300, goal: Goal = Goal.OPEN, timeout: float = 600, **more: Any
) -> WindowWait:
    """Return a wait that times out after ``timeout`` seconds."""
    deadline = clock.now() + timedelta(seconds=timeout)
    return WindowWait(campaign_id, goal, more.pop("zone", None), poke, deadline, **more)


async def ended(
    hub: PollerHub, wait: WindowWait, group: int = GROUP
) -> tuple[WindowPoll | None, datetime, list[Any]]:
    """Return the poll that ended a wait (None at the deadline), when it ended, and all updates before."""
    updates: list[Any] = []
    with hub.polling_for(wait, group):
        while True:
            update = await asyncio.wait_for(wait.next_update(), 60)
            if update is None or (
                isinstance(update, WindowPoll) and (update.verdict.reached or update.verdict.unreachable)
            ):
                return update, clock.now(), updates
            updates.append(update)
