"""A sandbox shared by the tests of this directory, reset before each; and sandboxes with other settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, SandboxSettings
from tests.support.clocks import ShiftedClock

Speak = Callable[..., None]
Start = Callable[..., SandboxServer]
Load = Callable[..., httpx.Response]
Found = Callable[..., list[Any]]
Json = dict[str, Any]
API = f"/voice/api/v1/admin/accounts/{DEFAULT_ACCOUNT.account_id}"
CAMPAIGNS = f"/dialGroups/{seed.MY_NEW_DIAL_GROUP_ID}/campaigns"
GROUP = seed.MY_NEW_DIAL_GROUP_ID
TOKEN = {"X-Auth-Token": credentials.API_TOKEN}
ALL_DAY = {f"{day}Sched": "00002400" for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")}
#: The required options of a load request.
LOAD_OPTIONS = {
    "dialPriority": "NORMAL",
    "duplicateHandling": "RETAIN_ALL",
    "timeZoneOption": "NOT_APPLICABLE",
}


def api_client(server: SandboxServer) -> httpx.Client:
    """Return a client of the default account, with the permanent token."""
    return httpx.Client(base_url=server.url + API, headers=TOKEN, timeout=5)


def direct_login(web: httpx.Client, **changes: str) -> httpx.Response:
    """Sign in with the Engage direct login."""
    parameters = {
        "username": credentials.DIRECT_USERNAME,
        "password": credentials.DIRECT_PASSWORD,
        "platformId": credentials.PLATFORM_ID,
    }
    return web.post("/api/auth/login/admin", params={**parameters, **changes})


def attributes(response: httpx.Response) -> list[str]:
    """Return the attributes of the validation errors of a 400."""
    assert response.status_code == 400, response.text
    return [problem["attributeName"] for problem in response.json()["validationErrors"]]


def names(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    return [row["campaignName"] for row in response.json()]


def create(api: httpx.Client, body: Json, name: str = "", **changes: Any) -> httpx.Response:
    named = {"campaignName": name} if name else {}
    return api.post(CAMPAIGNS, json={**body, **named, **changes})


def stored(sandbox: SandboxServer) -> list[Json]:
    return sandbox.store.campaigns(DEFAULT_ACCOUNT.account_id, GROUP)


def path_of(campaign: Json) -> str:
    return f"{CAMPAIGNS}/{campaign['campaignId']}"


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
    """Start a sandbox with other settings; it is stopped after the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(SandboxServer(SandboxSettings(**settings)))


@pytest.fixture(scope="session")
def shared_clients(shared_sandbox: SandboxServer) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with httpx.Client(base_url=shared_sandbox.url, timeout=5) as web, api_client(shared_sandbox) as api:
        yield web, api


@pytest.fixture
def web(sandbox: SandboxServer, shared_clients: tuple[httpx.Client, httpx.Client]) -> httpx.Client:
    """A client without a token."""
    return shared_clients[0]


@pytest.fixture
def api(sandbox: SandboxServer, shared_clients: tuple[httpx.Client, httpx.Client]) -> httpx.Client:
    """A client of the default account, with the permanent token."""
    return shared_clients[1]


@pytest.fixture
def body() -> Json:
    """The request body of the vendor's sample."""
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
def campaign(api: httpx.Client, body: Json) -> int:
    """The id of a campaign without leads and without do-not-call scrubbing."""
    return int(api.post(CAMPAIGNS, json=body).json()["campaignId"])


@pytest.fixture
def load(api: httpx.Client, campaign: int) -> Load:
    """Load leads into the campaign, with the given options in addition to the defaults."""

    def load(*leads: Any, into: int = campaign, **options: Any) -> httpx.Response:
        named = {"description": "Renewals", "listState": "ACTIVE", "uploadLeads": leads}
        request = {**LOAD_OPTIONS, **named, **options}
        return api.post(f"/campaigns/{into}/leadLoader/direct", json=request)

    return load


@pytest.fixture
def found(api: httpx.Client) -> Found:
    """Search leads; return the values of one field."""

    def found(field: str = "externId", **criteria: Any) -> list[Any]:
        response = api.post("/campaignLeads/leadSearch", params={"maxRows": 1000}, json=criteria)
        assert response.status_code == 200, response.text
        return [row[field] for row in response.json()]

    return found


@pytest.fixture
def speak(sandbox: SandboxServer) -> Speak:
    """Change the shared sandbox's dialect, from the friendly one."""

    def speak(**values: str) -> None:
        sandbox.backend.dialect = Dialect(**values)

    return speak


@pytest.fixture
def ahead() -> Iterator[ShiftedClock]:
    """A clock to set ahead."""
    with clock.use(shifted := ShiftedClock()):
        yield shifted
