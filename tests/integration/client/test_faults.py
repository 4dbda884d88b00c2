"""Every fault of the sandbox with a read, a replacement, a deletion and a create."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import (
    create_campaign,
    delete_campaign,
    get_campaign,
    list_accounts,
    update_campaign,
)
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.client.settings import Timeouts
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    NoAnswerError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    ServerError,
    UnexpectedAnswerError,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.faults import KINDS
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.clients import received, run_sync, sign_ins
from tests.support.connections import ACCOUNT_ID

GROUP, CAMPAIGN = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
BODY = {
    "campaignName": "Changed",
    "callerId": "4155550123",
    "startDate": "2099-07-01T07:00:00.000+0000",
    "endDate": "2099-08-01T07:00:00.000+0000",
}
METHODS = ("GET", "PUT", "DELETE", "POST")

#: The request is executed, and its response never arrives completely.
LOST = ("drop_answer", "truncate", "long_delay", "long_drip")
#: The request is executed, and its response is empty.
EMPTY = ("empty",)
#: The request is not executed, but the client cannot know.
UNHEARD = ("reset", "html", "status")
#: The fault has no effect on the result.
HARMLESS = ("delay", "slow_drip", "wrong_content_type", "expire_token", "revoke_refresh")

EVERY = (*LOST, *EMPTY, *UNHEARD, *HARMLESS)
ERRORS: dict[str, type[ApiError]] = {"status": ServerError, "html": UnexpectedAnswerError} | dict.fromkeys(
    EMPTY, UnexpectedAnswerError
)


def request(method: str) -> Request[Any]:
    return {
        "GET": get_campaign(GROUP, CAMPAIGN),
        "PUT": update_campaign(GROUP, CAMPAIGN, BODY),
        "DELETE": delete_campaign(GROUP, CAMPAIGN),
        "POST": create_campaign(GROUP, BODY),
    }[method]


def add(sandbox: SandboxServer, fault: str, method: str, times: int = 1) -> None:
    kind = {"long_delay": "delay", "long_drip": "slow_drip"}.get(fault, fault)
    seconds = 0.5 if fault.startswith("long") else 0.02
    sandbox.add_fault(kind, method=method, path="/campaigns", seconds=seconds, status=500, times=times)


def sent(sandbox: SandboxServer, method: str) -> int:
    return len(received(sandbox, method, "/campaigns"))


def names(sandbox: SandboxServer) -> list[str]:
    return [row["campaignName"] for row in sandbox.store.campaigns(ACCOUNT_ID, GROUP)]


@pytest.fixture
def settings(request, client_settings, wait_for_requests):
    """Settings of a client, with short timeouts for a long fault."""
    with_account = dataclasses.replace(client_settings, account_id=ACCOUNT_ID)
    if not request.node.callspec.params.get("fault", "").startswith("long"):
        return with_account
    run_sync(with_account, list_accounts())
    return dataclasses.replace(with_account, timeouts=Timeouts(connect=2, read=0.2, call=0.2))


def test_every_fault_has_its_test() -> None:
    assert set(KINDS) <= set(EVERY)


@pytest.mark.parametrize("fault", HARMLESS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.few(8)
def test_faults_without_effect(sandbox, run, settings, fault, method) -> None:
    add(sandbox, fault, method)
    run(settings, request(method))
    assert sandbox.faults()[0].struck == 1
    assert sent(sandbox, method) == (2 if fault == "expire_token" else 1)
    expected = {"PUT": ["Changed"], "DELETE": [], "POST": ["Changed", "Holiday Renewals 2025"]}
    assert sorted(names(sandbox)) == expected.get(method, ["Holiday Renewals 2025"])


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        *(("PUT", fault) for fault in (*LOST, *EMPTY, *UNHEARD)),
        *(("GET", fault) for fault in ("drop_answer", "truncate", *EMPTY, *UNHEARD)),
    ],
)
@pytest.mark.few(6)
def test_a_read_and_a_replacement_are_retried(
    sandbox, run, settings, wait_for_requests, fault, method
) -> None:
    add(sandbox, fault, method)
    campaign = run(settings, request(method))
    assert campaign.campaignId == CAMPAIGN
    wait_for_requests(2, "/campaigns")
    assert sent(sandbox, method) == 2
    assert names(sandbox) == (["Changed"] if method == "PUT" else ["Holiday Renewals 2025"])


@pytest.mark.parametrize("fault", [*LOST, *UNHEARD])
@pytest.mark.few(3)
def test_a_deletion_is_retried(sandbox, run, settings, wait_for_requests, fault) -> None:
    add(sandbox, fault, "DELETE")
    if fault in UNHEARD or fault == "long_delay":
        run(settings, request("DELETE"))
    else:
        with pytest.raises(ResourceNotFoundError):
            run(settings, request("DELETE"))
    assert names(sandbox) == []
    wait_for_requests(2, "/campaigns")
    assert sent(sandbox, "DELETE") == 2


def test_a_deletion_may_have_an_empty_response(sandbox, run, settings) -> None:
    add(sandbox, "empty", "DELETE")
    run(settings, request("DELETE"))
    assert names(sandbox) == []
    assert sent(sandbox, "DELETE") == 1


@pytest.mark.parametrize("fault", [*LOST, *EMPTY, *UNHEARD])
@pytest.mark.few(3)
def test_a_create_is_never_retried(sandbox, run, settings, wait_for_requests, fault) -> None:
    add(sandbox, fault, "POST")
    with pytest.raises(OutcomeUnknownError) as caught:
        run(settings, request("POST"))
    error = caught.value
    assert error.method == "POST"
    assert error.path.endswith(f"/accounts/{ACCOUNT_ID}/dialGroups/{GROUP}/campaigns")
    assert error.status == {"status": 500, "html": 200, "empty": 200}.get(fault)
    assert error.retryable
    wait_for_requests(1, "/campaigns")
    assert sent(sandbox, "POST") == 1
    made = [] if fault in UNHEARD else ["Changed"]
    assert sorted(names(sandbox)) == [*made, "Holiday Renewals 2025"]


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "long_drip", *EMPTY, *UNHEARD])
@pytest.mark.few(3)
def test_retries_end(sandbox, run, settings, wait_for_requests, fault) -> None:
    add(sandbox, fault, "PUT", times=99)
    with pytest.raises(ERRORS.get(fault, NoAnswerError)) as caught:
        run(settings, request("PUT"))
    assert caught.value.method == "PUT"
    assert caught.value.path.endswith(f"/campaigns/{CAMPAIGN}")
    wait_for_requests(3, "/campaigns")
    assert sent(sandbox, "PUT") == 3


def test_a_token_that_expires_on_every_request_is_not_renewed_forever(sandbox, run, settings) -> None:
    add(sandbox, "expire_token", "POST", times=99)
    with pytest.raises(AuthenticationError, match="Jwt is expired"):
        run(settings, request("POST"))
    assert sent(sandbox, "POST") == 2
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]
    assert names(sandbox) == ["Holiday Renewals 2025"]


@pytest.mark.parametrize("method", METHODS)
def test_an_exceeded_rate_limit_is_waited_for(sandbox, run, settings, fake_clock, method) -> None:
    sandbox.add_fault("status", method=method, path="/campaigns", status=429, body='"rate"', times=2)
    run(settings, request(method))
    assert sent(sandbox, method) == 3
    assert all(60 < seconds < 61 for seconds in fake_clock.sleeps)
    assert sorted(names(sandbox)) == {
        "PUT": ["Changed"],
        "DELETE": [],
        "POST": ["Changed", "Holiday Renewals 2025"],
    }.get(method, ["Holiday Renewals 2025"])
