"""A sandbox for all tests of this folder, reset before each; and one with other settings on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, SandboxSettings

Start = Callable[..., SandboxServer]
Load = Callable[..., httpx.Response]
Found = Callable[..., list[Any]]
API = f"/voice/api/v1/admin/accounts/{DEFAULT_ACCOUNT.account_id}"


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.fixture
def sandbox(shared_sandbox: SandboxServer) -> SandboxServer:
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sandbox with these settings; it is stopped after the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(SandboxServer(SandboxSettings(**settings)))


@pytest.fixture(scope="session")
def shared_clients(shared_sandbox: SandboxServer) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    token = {"X-Auth-Token": credentials.API_TOKEN}
    with (
        httpx.Client(base_url=shared_sandbox.url, timeout=5) as web,
        httpx.Client(base_url=shared_sandbox.url + API, headers=token, timeout=5) as api,
    ):
        yield web, api


@pytest.fixture
def web(sandbox: SandboxServer, shared_clients: tuple[httpx.Client, httpx.Client]) -> httpx.Client:
    """Sends without a token."""
    return shared_clients[0]


@pytest.fixture
def api(sandbox: SandboxServer, shared_clients: tuple[httpx.Client, httpx.Client]) -> httpx.Client:
    """Sends to the demo account, with the permanent token."""
    return shared_clients[1]


@pytest.fixture
def body() -> dict[str, Any]:
    """The request of the vendor's sample."""
    return {
        "isActive": 1,
        "campaignName": "My Predictive Campaign",
        "campaignDesc": "A test predictive campaign",
        "startDate": "2020-05-26T07:00:00.000+0000",
        "endDate": "2025-05-26T07:00:00.000+0000",
        "maxRingTime": 30,
        "maxRingTimeTransfer": 60,
        "callerId": "4155550123",
        "dialLoadedOrder": 0,
    }


@pytest.fixture
def campaign(api: httpx.Client, body: dict[str, Any]) -> int:
    """A campaign without leads that is not scrubbed."""
    created = api.post(f"/dialGroups/{seed.MY_NEW_DIAL_GROUP_ID}/campaigns", json=body)
    return int(created.json()["campaignId"])


@pytest.fixture
def load(api: httpx.Client, campaign: int) -> Load:
    """Load leads into the campaign, with other options than the usual ones on request."""

    def load(*leads: Any, into: int = campaign, **options: Any) -> httpx.Response:
        request = {
            "description": "Renewals",
            "dialPriority": "NORMAL",
            "duplicateHandling": "RETAIN_ALL",
            "listState": "ACTIVE",
            "timeZoneOption": "NOT_APPLICABLE",
            "uploadLeads": leads,
            **options,
        }
        return api.post(f"/campaigns/{into}/leadLoader/direct", json=request)

    return load


@pytest.fixture
def found(api: httpx.Client) -> Found:
    """Search leads; return the values of one field, ``externId`` if no other is asked for."""

    def found(shown: str = "externId", **criteria: Any) -> list[Any]:
        answer = api.post("/campaignLeads/leadSearch", params={"maxRows": 1000}, json=criteria)
        assert answer.status_code == 200, answer.text
        return [row[shown] for row in answer.json()]

    return found
