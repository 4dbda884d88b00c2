"""Many clients of one process that need a token at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import open_shared_state
from airflow_provider_engagevoice.exceptions import AuthenticationError
from tests.integration.client.test_sign_in import SIGN_INS, expire, make_stale
from tests.support.clients import QUICK, run_sync, sign_ins
from tests.support.flows import settings_of

MANY = 20
Together = Callable[[ClientSettings], list[Any]]


def in_threads(settings: ClientSettings) -> list[Any]:
    barrier = threading.Barrier(MANY)

    def one(_: int) -> Any:
        barrier.wait()
        return run_sync(settings, list_accounts())

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


async def all_of(coroutines: Iterable[Awaitable[Any]]) -> list[Any]:
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def in_coroutines_of_one_client(settings: ClientSettings) -> list[Any]:
    async def main() -> list[Any]:
        async with AsyncEngageVoiceClient(settings, limits=QUICK) as client:
            return await all_of(client.list_accounts() for _ in range(MANY))

    return asyncio.run(main())


def in_coroutines_of_many_clients(settings: ClientSettings) -> list[Any]:
    async def one() -> Any:
        async with AsyncEngageVoiceClient(settings, limits=QUICK) as client:
            return await client.list_accounts()

    async def main() -> list[Any]:
        return await all_of(one() for _ in range(MANY))

    return asyncio.run(main())


@pytest.fixture(params=[in_threads, in_coroutines_of_one_client, in_coroutines_of_many_clients])
def together(request: pytest.FixtureRequest) -> Together:
    """List the accounts twenty times concurrently."""
    return request.param


@pytest.mark.parametrize(
    ("flow", "path"),
    [("ringcentral_jwt", "accesstoken$"), ("engage", "login/admin$"), ("legacy", "auth/login$")],
)
@pytest.mark.few(2)
def test_one_signs_in_and_the_others_wait(sandbox, together, flow, path) -> None:
    sandbox.add_fault("delay", path=path, seconds=0.1)
    results = together(settings_of(flow, sandbox.url))
    assert [len(accounts) for accounts in results] == [1] * MANY
    assert sign_ins(sandbox) == SIGN_INS[flow]


def test_one_renews_and_the_others_wait(sandbox, together, client_settings) -> None:
    run_sync(client_settings, list_accounts())
    make_stale(client_settings)
    sandbox.add_fault("delay", path="refresh$", seconds=0.1)
    assert len(together(client_settings)) == MANY
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]


def test_one_replaces_a_token_refused_to_all(sandbox, together, client_settings) -> None:
    run_sync(client_settings, list_accounts())
    expire(sandbox, client_settings)
    sandbox.add_fault("delay", path="refresh$", seconds=0.1)
    assert len(together(client_settings)) == MANY
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]


def test_the_others_continue_after_a_failed_sign_in(sandbox, together, client_settings) -> None:
    sandbox.add_fault("drop_answer", path="accesstoken$")
    assert len(together(client_settings)) == MANY
    assert len(sign_ins(sandbox)) == 4


def test_the_others_continue_after_a_cancelled_sign_in(sandbox, client_settings, wait_for_requests) -> None:
    sandbox.add_fault("delay", path="accesstoken$", seconds=0.2)

    async def main() -> list[Any]:
        async with AsyncEngageVoiceClient(client_settings, limits=QUICK) as client:
            first = asyncio.create_task(client.list_accounts())
            while not sandbox.faults()[0].struck:
                await asyncio.sleep(0)
            second = asyncio.create_task(client.list_accounts())
            await asyncio.sleep(0)
            first.cancel()
            with suppress(asyncio.CancelledError):
                await first
            return await asyncio.wait_for(second, 5)

    assert len(asyncio.run(main())) == 1
    wait_for_requests(2, "accesstoken$")
    assert sorted(sign_ins(sandbox)) == sorted(SIGN_INS["ringcentral_jwt"] * 2)


def test_wrong_credentials_do_not_lock_the_account(sandbox, together) -> None:
    wrong = settings_of("ringcentral_jwt", sandbox.url, jwt_token="wrong")
    with pytest.raises(AuthenticationError, match="assertion is invalid"):
        together(wrong)
    assert open_shared_state().tokens.known(wrong.token_key) is None
    assert len(together(settings_of("ringcentral_jwt", sandbox.url))) == MANY


def test_a_thread_and_an_event_loop_share_one_sign_in(sandbox, client_settings) -> None:
    sandbox.add_fault("delay", path="accesstoken$", seconds=0.1)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(how, client_settings) for how in (in_coroutines_of_one_client, in_threads)]
        assert [len(one.result()) for one in both] == [MANY, MANY]
    assert sandbox.counters()["exchanges"] == 1
