"""Waits for a permit: their log lines, their bounds, and the event loop during them."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts, list_countries
from airflow_provider_engagevoice.client.rate_limits import RateLimit, RateLimitShares
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.sign_in import EXCHANGE_PATH
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    NoAnswerError,
    RateLimitedError,
    UnreachableError,
)
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.stores import Rate
from tests.integration.stores.jobs import run, shared_state_at, use
from tests.support.child import free_ports
from tests.support.clients import received, sign_ins
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of
from tests.support.virtual_time import InMemorySandbox, VirtualTime

SHORT = RateLimit("provisioning", (Rate(3, 1.5),), margin=0.0)
#: Longer than a request waits.
LONG = RateLimit("provisioning", (Rate(1, 1200.0),), margin=0.0)
EXCHANGE = RateLimit("token_exchange", (Rate(5, 2.0),), margin=0.0)


@pytest.fixture(scope="module")
def _in_memory() -> Iterator[InMemorySandbox]:
    server = InMemorySandbox(SandboxSettings(limits=False))
    yield server
    server.backend.close()


@pytest.fixture
def sandbox(request, sandbox, _in_memory) -> Iterator[SandboxServer]:
    """Time is virtual, and the server in this thread, unless a Redis server counts by its own clock."""
    if "redis" in request.node.callspec.params.values():
        yield sandbox
        return
    _in_memory.reset()
    with _in_memory.in_use(VirtualTime(time.time())):
        yield _in_memory


@pytest.fixture
def counting(settings, all_budgets):
    """Settings of a client that keeps the rate limits."""
    return dataclasses.replace(settings, budgets=all_budgets)


def listing(limit):
    return dataclasses.replace(list_accounts(), rate_limit=limit)


def send(how, settings, token_store, limit, *, deadline=None, limits=None, times=1):
    """Send ``times`` requests on one client; return the seconds they took."""
    shared_state = shared_state_at(token_store) if isinstance(token_store, str) else token_store
    options = {"shared_state": shared_state, "deadline": deadline, "limits": limits}
    began = clock.monotonic()
    if how == "sync":
        with EngageVoiceClient(settings, **options) as client:
            for _ in range(times):
                client.run(listing(limit))
    else:

        async def main() -> None:
            async with AsyncEngageVoiceClient(settings, **options) as client:
                for _ in range(times):
                    await client.run(listing(limit))

        run(main())
    return clock.monotonic() - began


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
@pytest.mark.few(1)
def test_a_wait_is_logged_at_its_start_and_its_end(sandbox, counting, token_store, how, caplog) -> None:
    caplog.set_level(logging.INFO, "airflow_provider_engagevoice")
    took = send(how, counting, token_store, SHORT, times=4)
    assert took > 1.4
    lines = [record.getMessage() for record in caplog.records if record.msg.startswith("rate limit")]
    assert len(lines) == 2
    assert lines[0].startswith("rate limit provisioning (3 in 1.5 s): waiting at least ")
    assert lines[0].endswith(" s to send GET admin/accounts")
    assert lines[1].startswith("rate limit provisioning: waited ")
    assert len(received(sandbox, "GET")) == 4


@both
@pytest.mark.parametrize("store", ["memory", "files"])
def test_a_wait_of_an_hour(sandbox, counting, tmp_path, how, store) -> None:
    token_store = "memory" if store == "memory" else f"file://{tmp_path / 'shared'}"
    hourly = RateLimit("provisioning", (Rate(2, 3600.0),), margin=0.0)
    took = send(how, counting, token_store, hourly, limits=RetryLimits(rate_limit_seconds=9000), times=5)
    assert 7200 <= took < 7210
    assert len(received(sandbox, "GET")) == 5


@both
@pytest.mark.few(2)
def test_a_wait_beyond_the_deadline_is_not_started(sandbox, counting, token_store, how) -> None:
    shared_state = shared_state_at(token_store)
    send(how, counting, shared_state, LONG)
    before = len(sandbox.requests())
    deadline = clock.now() + timedelta(seconds=60)
    with pytest.raises(RateLimitedError, match="the task times out before; not sent") as caught:
        send(
            how, counting, shared_state, LONG, deadline=deadline, limits=RetryLimits(rate_limit_seconds=9000)
        )
    assert "provisioning (1 in 1200 s)" in str(caught.value)
    assert (caught.value.status, caught.value.method, caught.value.retryable) == (None, "GET", True)
    assert caught.value.retry_after == pytest.approx(1200, abs=60)
    with pytest.raises(RateLimitedError, match="that is too long; not sent"):
        send(how, counting, shared_state, LONG)
    assert len(sandbox.requests()) == before


@both
@pytest.mark.parametrize("plan", ["off", "provisioning=off"])
@pytest.mark.few(2)
def test_switched_off(counting, token_store, how, plan) -> None:
    free = dataclasses.replace(counting, budgets=RateLimitShares.read(plan))
    send(how, free, token_store, LONG, times=5)


@both
@pytest.mark.few(2)
def test_lowered(counting, token_store, how) -> None:
    limit = RateLimit("provisioning", (Rate(10, 1200.0),), margin=0.0)
    lowered = dataclasses.replace(counting, budgets=RateLimitShares.read("provisioning=20%"))
    shared_state = shared_state_at(token_store)
    send(how, lowered, shared_state, limit, times=2)
    with pytest.raises(RateLimitedError, match="not sent"):
        send(how, lowered, shared_state, limit)


def test_each_account_has_its_own_rate_limit(counting, shared) -> None:
    one, two = (dataclasses.replace(counting, account_id=account) for account in ("99990000", "88880000"))
    countries = dataclasses.replace(list_countries(), rate_limit=LONG)
    with EngageVoiceClient(one, shared_state=shared_state_at(shared)) as client:
        client.run(countries)
        with pytest.raises(RateLimitedError, match="not sent"):
            client.run(countries)
    with (
        EngageVoiceClient(two, shared_state=shared_state_at(shared)) as client,
        pytest.raises(ApiError, match="status 40"),
    ):
        client.run(countries)
    other_user = dataclasses.replace(one, connection_id="another")
    with (
        EngageVoiceClient(other_user, shared_state=shared_state_at(shared)) as client,
        pytest.raises(RateLimitedError, match="not sent"),
    ):
        client.run(countries)


def test_an_exceeded_rate_limit_does_not_block_the_event_loop(counting, token_store) -> None:
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(clock.monotonic())
            await asyncio.sleep(0.01)

    async def main() -> None:
        ticker = asyncio.create_task(tick())
        async with AsyncEngageVoiceClient(counting, shared_state=shared_state_at(token_store)) as client:
            for _ in range(3):
                await client.run(listing(SHORT))
            before = len(ticks)
            await client.run(listing(SHORT))
            assert len(ticks) - before > 20
        ticker.cancel()

    run(main())


@both
@pytest.mark.few(1)
def test_the_sixth_sign_in_of_an_app_waits_for_a_permit(
    sandbox, counting, shared, how, monkeypatch, caplog
) -> None:
    caplog.set_level(logging.INFO, "airflow_provider_engagevoice")
    monkeypatch.setattr("airflow_provider_engagevoice.client.auth.TOKEN_EXCHANGE", EXCHANGE)
    shared_state = shared_state_at(shared)
    began = clock.monotonic()
    for number in range(6):
        one = dataclasses.replace(counting, connection_id=f"number {number}")
        send(how, one, shared_state, SHORT if number == 0 else RateLimit("users", (Rate(1000, 60.0),)))
        if number == 4:
            five = clock.monotonic() - began
    took = clock.monotonic() - began
    assert sign_ins(sandbox).count("accesstoken 200") == 6
    waits = [record.getMessage() for record in caplog.records if "waiting at least" in record.msg]
    if five < 0.8:  # else the machine was so slow that the window has passed
        assert took > 1.9
        assert len(waits) == 1
        assert "token_exchange (5 in 2 s)" in waits[0]
        assert waits[0].endswith(" POST /api/auth/login")


def test_a_sign_in_that_would_wait_too_long_is_not_started(sandbox, counting, shared, monkeypatch) -> None:
    monkeypatch.setattr(
        "airflow_provider_engagevoice.client.auth.TOKEN_EXCHANGE",
        RateLimit("token_exchange", (Rate(1, 600.0),), margin=0.0),
    )
    shared_state = shared_state_at(shared)
    send("sync", dataclasses.replace(counting, connection_id="first"), shared_state, SHORT)
    before = len(sandbox.requests())
    second = dataclasses.replace(counting, connection_id="second")
    for how in ("sync", "async"):
        with pytest.raises(RateLimitedError, match=r"token_exchange .* that is too long; not sent"):
            send(how, second, shared_state, SHORT, limits=RetryLimits(tries=1))
    assert len(sandbox.requests()) == before


@both
def test_a_sign_in_that_reaches_no_server_takes_no_permit(how, tmp_path, all_budgets) -> None:
    (port,) = free_ports(1)
    free = settings_of("ringcentral_jwt", f"http://127.0.0.1:{port}", account_id=ACCOUNT_ID)
    nowhere = dataclasses.replace(free, budgets=all_budgets)
    shared_state, once = shared_state_at(f"file://{tmp_path / 'shared'}"), RetryLimits(tries=1)
    for _ in range(7):
        soon = clock.now() + timedelta(seconds=30)
        with pytest.raises(UnreachableError):
            send(how, nowhere, shared_state, SHORT, limits=once, deadline=soon)


def test_only_what_was_never_sent_gives_a_permit_back(tmp_path) -> None:
    nowhere = settings_of("ringcentral_jwt", "http://127.0.0.1:9", account_id=ACCOUNT_ID)
    with EngageVoiceClient(nowhere, shared_state=shared_state_at("memory")) as client:
        for kind, path, unused in (
            (UnreachableError, "/restapi/oauth/token", True),
            (UnreachableError, "/api/auth/token/refresh", True),
            (UnreachableError, EXCHANGE_PATH, False),
            (UnreachableError, "/api/v1/admin/accounts", False),
            (NoAnswerError, "/restapi/oauth/token", False),
        ):
            error = kind("x", method="POST", path=path)
            assert (client._auth.unused_permit(error) is not None) is unused, (kind, path)


def test_a_429_of_the_exchange_pauses_the_others(sandbox, counting, shared) -> None:
    sandbox.add_fault("status", path="accesstoken$", status=429, headers={"Retry-After": "500"})
    first, second = (dataclasses.replace(counting, connection_id=name) for name in ("first", "second"))
    once = RetryLimits(tries=1)
    assert use(first, shared, limits=once).outcome == "RateLimitedError"
    before = len(sandbox.requests())
    found = use(second, shared, limits=once)
    assert found.outcome == "RateLimitedError"
    assert "not sent" in found.message
    assert len(sandbox.requests()) == before
