"""The process that signs in is killed or cancelled, and the others continue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.stores.factory import open_store
from tests.integration.stores.crew import crew
from tests.integration.stores.jobs import shared_state_at, use
from tests.support.clients import sign_ins

#: The lock is released within a few seconds of the process's death; the rest is for a busy machine.
WITHIN = 6.0 + 6.0


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox per test: requests of processes killed in another test do not reach it."""
    reset_shared_state()
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.few(1)
def test_killed_while_signing_in(sandbox, settings, shared, how) -> None:
    sandbox.add_fault("delay", path="accesstoken$", seconds=60)
    with crew(1, use, settings, shared, how) as (first,), crew(3, use, settings, shared, how) as others:
        first.go()
        ends = time.monotonic() + 30
        while not sandbox.faults()[0].struck:
            assert time.monotonic() < ends
            time.sleep(0.01)
        for other in others:
            other.go()
        time.sleep(0.3)
        first.kill()
        killed = time.monotonic()
        assert [other.result().outcome for other in others] == [1, 1, 1]
        assert time.monotonic() - killed < WITHIN
    # The killed process had reached the exchange, whose response is still delayed.
    assert sign_ins(sandbox).count("accesstoken 200") == 1
    sandbox.clear_faults()


def test_killed_after_signing_in_before_saving(sandbox, settings, shared) -> None:
    """A refresh token is used up, and the new one is lost."""
    use(settings, shared)
    shared_state = shared_state_at(shared)
    token = shared_state.tokens.load(settings.token_key)
    assert token is not None
    sandbox.backend.tokens.use_up_refresh(token.refresh)
    sandbox.backend.tokens.expire(token.value)
    assert use(settings, shared).outcome == 1
    assert sign_ins(sandbox)[2:] == ["refresh 401", "token 200", "accesstoken 200"]


async def _ticks(ticks: list[float]) -> None:
    while True:
        ticks.append(time.monotonic())
        await asyncio.sleep(0.01)


def _longest_gap(ticks: list[float]) -> float:
    return max(after - before for before, after in pairwise(ticks))


def test_waiting_for_the_lock_does_not_block_the_event_loop(settings, shared) -> None:
    store, ticks = open_store(shared), []

    async def main() -> int:
        ticker = asyncio.create_task(_ticks(ticks))
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state_at(shared)) as client:
            with store.lock(settings.token_key, 5):
                listing = asyncio.create_task(client.list_accounts())
                await asyncio.sleep(2)
                assert not listing.done()
            accounts = await listing
        ticker.cancel()
        return len(accounts)

    assert asyncio.run(main()) == 1
    # A blocked loop would tick once before and once after the wait.
    assert len(ticks) > 40
    assert _longest_gap(ticks) < 1.5


@pytest.mark.parametrize("many", [1, 5])
@pytest.mark.few(1)
def test_cancelled_while_waiting_for_the_lock(sandbox, settings, shared, many) -> None:
    store = open_store(shared)

    async def main() -> None:
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state_at(shared)) as client:
            with store.lock(settings.token_key, 5):
                listing = [asyncio.create_task(client.list_accounts()) for _ in range(many)]
                await asyncio.sleep(0.5)
                for task in listing:
                    task.cancel()
                results = await asyncio.gather(*listing, return_exceptions=True)
                assert {type(result) for result in results} == {asyncio.CancelledError}
            assert len(await asyncio.wait_for(client.list_accounts(), 30)) == 1

    asyncio.run(main())
    assert use(settings, shared).outcome == 1
    with store.lock(settings.token_key, 5):
        pass
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200"]


def test_cancelled_while_signing_in(sandbox, settings, shared) -> None:
    sandbox.add_fault("delay", path="accesstoken$", seconds=60)

    async def main() -> None:
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state_at(shared)) as client:
            listing = asyncio.create_task(client.list_accounts())
            while not sandbox.faults()[0].struck:
                await asyncio.sleep(0.01)
            listing.cancel()
            with suppress(asyncio.CancelledError):
                await listing

    asyncio.run(main())
    began = time.monotonic()
    assert use(settings, shared).outcome == 1
    assert time.monotonic() - began < WITHIN


def test_a_loop_that_ends_leaves_no_lock(settings, shared) -> None:
    store = open_store(shared)

    async def main() -> None:
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state_at(shared)) as client:
            asyncio.create_task(client.list_accounts())  # noqa: RUF006
            await asyncio.sleep(0.3)

    with store.lock(settings.token_key, 5):
        asyncio.run(main())
    with store.lock(settings.token_key, 5):
        pass


def test_a_lock_that_is_never_released_is_an_error(settings, shared, monkeypatch) -> None:
    monkeypatch.setattr("airflow_provider_engagevoice.client.auth.LOCK_SECONDS", 0.3)
    once = RetryLimits(tries=1)
    with open_store(shared).lock(settings.token_key, 5):
        for how in ("sync", "async"):
            found = use(settings, shared, how, limits=once)
            assert found.outcome == "TokenStoreError"
            assert "another process has been signing in" in found.message
            assert found.seconds < 20


def test_a_queue_for_a_lock_that_is_never_released_waits_once(settings, shared, monkeypatch) -> None:
    """Not one after the other: each timeout counts from the start of its own wait."""
    monkeypatch.setattr("airflow_provider_engagevoice.client.auth.LOCK_SECONDS", 1.0)

    async def main() -> list[Any]:
        shared_state, once = shared_state_at(shared), RetryLimits(tries=1)
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state, limits=once) as client:
            return await asyncio.gather(*(client.list_accounts() for _ in range(8)), return_exceptions=True)

    with open_store(shared).lock(settings.token_key, 5):
        began = time.monotonic()
        found = asyncio.run(main())
        assert time.monotonic() - began < 4
    assert {type(one) for one in found} == {TokenStoreError}


def test_any_error_of_a_lock_reaches_the_caller(settings, files, monkeypatch) -> None:
    shared_state = shared_state_at(files)

    @contextmanager
    def lock(key: str, seconds: float) -> Iterator[None]:
        yield 1 / 0

    monkeypatch.setattr(shared_state.tokens._store, "lock", lock)

    async def main() -> None:
        async with AsyncEngageVoiceClient(settings, shared_state=shared_state) as client:
            await asyncio.wait_for(client.list_accounts(), 20)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
