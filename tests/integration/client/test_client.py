"""Both clients: every method, the account, and the timeouts of a call."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import socket
import threading
import time
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    create_campaign,
    get_campaign,
    list_accounts,
    list_countries,
    list_dial_groups,
)
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import Timeouts
from airflow_provider_engagevoice.exceptions import (
    EngageVoiceError,
    InvalidConnectionError,
    NoAnswerError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    UnreachableError,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from tests.integration.client.lead_calls import LEAD_CALLS, SPARE_TAG
from tests.integration.client.servers import raw_server, unused_address
from tests.support.clients import QUICK, received
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

GROUP, CAMPAIGN = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
BODY = {
    "campaignName": "New",
    "callerId": "4155550123",
    "startDate": "2099-07-01T07:00:00.000+0000",
    "endDate": "2099-08-01T07:00:00.000+0000",
}
GROUP_BODY = {"dialGroupName": "New group", "dialMode": "PREVIEW"}

#: Per method: its arguments, a check of its result, and its last request.
CALLS: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "list_accounts": ((), lambda found: found[0].accountId == ACCOUNT_ID, "GET admin/accounts"),
    "list_countries": (
        (),
        lambda found: "USA" in {one.countryId for one in found},
        "GET …/countries/available",
    ),
    "list_dial_groups": ((), lambda found: len(found) == 3, "GET …/dialGroups"),
    "list_dial_groups_with_campaigns": (
        (),
        lambda found: [len(group.children()) for group in found] == [0, 1, 0],
        "GET …/dialGroups/withChildren",
    ),
    "find_dial_group": (
        ("Outbound Renewals",),
        lambda found: found.dialGroupId == GROUP,
        "GET …/dialGroups",
    ),
    "get_dial_group": (
        (GROUP,),
        lambda found: found.dialGroupName == "Outbound Renewals",
        f"GET …/dialGroups/{GROUP}",
    ),
    "create_dial_group": (
        (GROUP_BODY,),
        lambda made: (made.dialGroupId, made.dialGroupName) == (115804, "New group"),
        "POST …/dialGroups",
    ),
    "update_dial_group": (
        (GROUP, GROUP_BODY),
        lambda stored: (stored.dialGroupId, stored.dialGroupName) == (GROUP, "New group"),
        f"PUT …/dialGroups/{GROUP}",
    ),
    "delete_dial_group": (
        (seed.WINBACK_ID,),
        lambda nothing: nothing is None,
        f"DELETE …/dialGroups/{seed.WINBACK_ID}",
    ),
    "list_campaigns": (
        (GROUP,),
        lambda found: [one.campaignId for one in found] == [CAMPAIGN],
        f"GET …/dialGroups/{GROUP}/campaigns",
    ),
    "find_campaign": (
        ("Holiday Renewals 2025",),
        lambda found: (found.dial_group_id, found.campaign_id) == (GROUP, CAMPAIGN),
        f"GET …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}",
    ),
    "get_campaign": (
        (GROUP, CAMPAIGN),
        lambda found: found.campaignName == "Holiday Renewals 2025",
        f"GET …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}",
    ),
    "create_campaign": (
        (GROUP, BODY),
        lambda made: (made.campaignId, made.campaignName) == (136785, "New"),
        f"POST …/dialGroups/{GROUP}/campaigns",
    ),
    "update_campaign": (
        (GROUP, CAMPAIGN, BODY),
        lambda stored: (stored.campaignId, stored.campaignName) == (CAMPAIGN, "New"),
        f"PUT …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}",
    ),
    "delete_campaign": (
        (GROUP, CAMPAIGN),
        lambda nothing: nothing is None,
        f"DELETE …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}",
    ),
    "clone_campaign": (
        (GROUP, CAMPAIGN, "A & B=C + ünï %20"),
        lambda made: (made.campaignId, made.campaignName) == (136785, "A & B=C + ünï %20"),
        f"POST …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}/clone",
    ),
    "clear_campaign_cache": (
        (GROUP, CAMPAIGN),
        lambda done: done is True,
        f"POST …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}/clearCache",
    ),
    "list_campaign_lists": (
        (GROUP, CAMPAIGN),
        lambda found: found == [],
        f"GET …/dialGroups/{GROUP}/campaigns/{CAMPAIGN}/lists",
    ),
    **LEAD_CALLS,
}


def methods(bound: type) -> set[str]:
    return {name for name in vars(bound) if not name.startswith("_")} - {"run"}


def test_every_method_is_on_both_clients_and_has_its_call() -> None:
    assert methods(SyncMethods) == methods(AsyncMethods) == set(CALLS)
    for name in CALLS:
        assert inspect.signature(getattr(EngageVoiceClient, name)) == inspect.signature(
            getattr(AsyncEngageVoiceClient, name)
        )
        assert getattr(EngageVoiceClient, name).__doc__


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.few(17)
def test_every_method_works(sandbox, client_settings, kind, name) -> None:
    arguments, right, last = CALLS[name]
    sandbox.backend.dnc.add_tag(ACCOUNT_ID, SPARE_TAG)
    if callable(arguments):
        arguments = arguments(sandbox)

    async def call() -> Any:
        async with AsyncEngageVoiceClient(client_settings, limits=QUICK) as client:
            return await getattr(client, name)(*arguments)

    if kind == "async":
        result = asyncio.run(call())
    else:
        with EngageVoiceClient(client_settings, limits=QUICK) as client:
            result = getattr(client, name)(*arguments)
    assert right(result), result
    method, _, path = received(sandbox)[-1].split()
    assert f"{method} {path}" == last.replace("…", f"admin/accounts/{ACCOUNT_ID}").replace(
        "admin", "/voice/api/v1/admin"
    ).replace(" admin", " ")


def test_a_legacy_client_uses_the_paths_of_the_portal(sandbox, run) -> None:
    run(settings_of("legacy", sandbox.url), list_dial_groups())
    assert [line.split()[2] for line in received(sandbox)] == [
        "/api/v1/auth/login",
        "/api/v1/admin/accounts",
        # The default page, which is page 1, and page 2, which is empty.
        *[f"/api/v1/admin/accounts/{ACCOUNT_ID}/dialGroups"] * 3,
    ]


def test_the_only_account_is_found_once(sandbox, run, client_settings) -> None:
    def twice() -> Procedure[None]:
        yield from list_dial_groups()
        yield from list_countries()

    run(client_settings, twice())
    assert len(received(sandbox, path="/accounts$")) == 1


@pytest.mark.parametrize(
    ("accounts", "message"),
    [
        (
            (SandboxAccount("1001", "North"), SandboxAccount("1002", "South")),
            r"account_id is not set .*: 1001 \(North\), 1002 \(South\)",
        ),
    ],
)
def test_one_of_several_accounts_must_be_chosen(start, run, accounts, message) -> None:
    sandbox = start(limits=False, accounts=accounts)
    with pytest.raises(InvalidConnectionError, match=message):
        run(settings_of("api_token", sandbox.url), list_dial_groups())
    chosen = settings_of("api_token", sandbox.url, account_id="1002")
    assert run(chosen, list_dial_groups()) == []
    (path,) = {line.split()[2] for line in received(sandbox, path="/dialGroups$")}
    assert path == "/voice/api/v1/admin/accounts/1002/dialGroups"


def test_a_user_without_accounts_is_an_error(sandbox, run, client_settings) -> None:
    sandbox.add_fault("status", path="/accounts$", status=200, body="[]")
    with pytest.raises(InvalidConnectionError, match="the user can see no account"):
        run(client_settings, list_dial_groups())


def test_a_procedure_may_catch_an_error_and_continue(sandbox, run, client_settings) -> None:
    def careful() -> Procedure[str]:
        try:
            yield from get_campaign(GROUP, 1)
        except ResourceNotFoundError:
            return (yield from get_campaign(GROUP, CAMPAIGN)).campaignName
        return "found"

    assert run(client_settings, careful()) == "Holiday Renewals 2025"


# Timeouts of a call.


def bounded(settings: Any, **timeouts: float) -> Any:
    return dataclasses.replace(
        settings, account_id=ACCOUNT_ID, timeouts=Timeouts(**({"connect": 2.0} | timeouts))
    )


ONCE = RetryLimits(tries=1)


@pytest.mark.parametrize(("flow", "path"), [("api_token", "/accounts$"), ("legacy", "/auth/login$")])
@pytest.mark.few(1)
def test_a_slow_response_is_limited_by_the_timeout_of_the_call(sandbox, run, flow, path) -> None:
    sandbox.add_fault("slow_drip", path=path, seconds=20)
    settings = bounded(settings_of(flow, sandbox.url), read=5, call=0.3)
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="the whole call took too long"):
        run(settings, list_accounts(), limits=ONCE)
    assert 0.2 < time.monotonic() - began < 2


def test_a_create_that_times_out_has_an_unknown_outcome(sandbox, run) -> None:
    sandbox.add_fault("slow_drip", method="POST", seconds=20)
    settings = bounded(settings_of("api_token", sandbox.url), read=5, call=0.3)
    with pytest.raises(OutcomeUnknownError, match="the whole call took too long"):
        run(settings, create_campaign(GROUP, BODY))
    assert len(received(sandbox, "POST")) == 1


@pytest.mark.few(1)
def test_a_request_may_have_a_longer_timeout_of_its_own(sandbox, run) -> None:
    sandbox.add_fault("delay", path="/accounts$", seconds=0.6, times=1)
    settings = bounded(settings_of("api_token", sandbox.url), read=0.1, call=0.1)
    patient = dataclasses.replace(list_accounts(), seconds=5.0)
    assert run(settings, patient, limits=ONCE)


def test_silence_is_limited_by_the_read_timeout(run) -> None:
    with raw_server(lambda connection, ending: ending.wait(10)) as url:
        settings = bounded(settings_of("api_token", url), read=0.2, call=5)
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="ReadTimeout") as caught:
            run(settings, list_accounts(), limits=ONCE)
        assert time.monotonic() - began < 2
    assert (caught.value.method, caught.value.status) == ("GET", None)


def test_a_refused_connection_is_retried_even_for_a_create(run, caplog) -> None:
    settings = bounded(settings_of("api_token", unused_address()))
    with pytest.raises(UnreachableError, match="no connection") as caught:
        run(settings, create_campaign(GROUP, BODY))
    assert (caught.value.status, caught.value.retryable) == (None, True)
    assert [
        record.getMessage().rpartition(" (")[2] for record in caplog.records if "retrying" in record.msg
    ] == [
        "attempt 2)",
        "attempt 3)",
    ]


@pytest.mark.parametrize(
    "host", ["https://nobody.invalid", "http://a..b", f"http://{'a' * 64}.invalid", "http://.invalid"]
)
def test_a_name_that_does_not_resolve(run, host) -> None:
    with pytest.raises(EngageVoiceError, match=r"(?i)no connection|not usable"):
        run(bounded(settings_of("api_token", host)), list_accounts(), limits=ONCE)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 64, b""])
def test_a_server_that_does_not_speak_http(run, greeting) -> None:
    def talk(connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(greeting)

    with raw_server(talk) as url, pytest.raises(NoAnswerError, match="RemoteProtocolError"):
        run(bounded(settings_of("api_token", url)), list_accounts(), limits=ONCE)
