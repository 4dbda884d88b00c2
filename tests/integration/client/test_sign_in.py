"""Every sign-in flow against the sandbox, and the life of its token."""

from __future__ import annotations

import dataclasses
import time

import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import (
    create_dial_group,
    list_accounts,
    list_dial_groups,
)
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import (
    SharedState,
    open_shared_state,
    reset_shared_state,
)
from airflow_provider_engagevoice.exceptions import AuthenticationError, PageAnswerError, RateLimitedError
from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import Budget
from tests.support.clients import received, sign_ins
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import FLOWS, RENEWABLE, settings_of

every_flow = pytest.mark.parametrize("flow", FLOWS)
renewable = pytest.mark.parametrize("flow", RENEWABLE)

SIGN_INS = {
    "ringcentral_jwt": ["token 200", "accesstoken 200"],
    "ringcentral_password": ["token 200", "accesstoken 200"],
    "engage": ["admin 200"],
    "legacy": ["login 200"],
    "api_token": [],
}
NEW_SIGN_IN = {flow: ["refresh 401", *SIGN_INS[flow]] for flow in RENEWABLE}


def make_stale(settings: ClientSettings, shared_state: SharedState | None = None) -> None:
    """Make the token due for renewal, while the server still accepts it."""
    tokens = (shared_state or open_shared_state()).tokens
    token = tokens.known(settings.token_key)
    assert token is not None
    tokens.save(settings.token_key, dataclasses.replace(token, expires_at=time.monotonic() + 20))


def expire(sandbox: SandboxServer, settings: ClientSettings) -> None:
    """Expire the token on the server without the client's knowledge."""
    token = open_shared_state().tokens.known(settings.token_key)
    assert token is not None
    sandbox.backend.tokens.expire(token.value)


@every_flow
def test_each_flow_signs_in_once_and_works(sandbox, run, flow) -> None:
    settings = settings_of(flow, sandbox.url)
    assert settings.sign_in == flow
    for _ in range(3):
        (account,) = run(settings, list_accounts())
        assert account.accountId == ACCOUNT_ID
    assert sign_ins(sandbox) == SIGN_INS[flow]
    assert sandbox.counters()["exchanges"] == (1 if flow in RENEWABLE else 0)


@every_flow
def test_other_credentials_never_get_the_token(sandbox, run, flow) -> None:
    run(settings_of(flow, sandbox.url), list_accounts())
    secret = {"ringcentral_jwt": "jwt_token", "api_token": "api_token"}.get(flow, "password")
    other = settings_of(flow, sandbox.url, **{secret: "another"})
    with pytest.raises(AuthenticationError) as caught:
        run(other, list_accounts())
    assert caught.value.status in (400, 401)


@renewable
def test_a_token_is_renewed_before_it_expires(sandbox, run, flow) -> None:
    settings = settings_of(flow, sandbox.url)
    run(settings, list_accounts())
    for _ in range(2):  # the second time by the refresh token of the first renewal
        make_stale(settings)
        run(settings, list_accounts())
    assert sign_ins(sandbox) == [*SIGN_INS[flow], "refresh 200", "refresh 200"]
    assert received(sandbox, "GET") == ["GET 200 /voice/api/v1/admin/accounts"] * 3


@renewable
def test_an_expired_refresh_token_costs_one_new_sign_in(sandbox, run, flow) -> None:
    settings = settings_of(flow, sandbox.url)
    run(settings, list_accounts())
    make_stale(settings)
    sandbox.backend.tokens.revoke_refresh()
    run(settings, list_accounts())
    assert sign_ins(sandbox) == SIGN_INS[flow] + NEW_SIGN_IN[flow]
    run(settings, list_accounts())
    assert sign_ins(sandbox) == SIGN_INS[flow] + NEW_SIGN_IN[flow]


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_a_renewal_with_a_lost_response_is_retried(sandbox, run, client_settings, fault) -> None:
    run(client_settings, list_accounts())
    make_stale(client_settings)
    sandbox.add_fault(fault, path="refresh$")
    run(client_settings, list_accounts())
    assert sign_ins(sandbox)[-2:] == SIGN_INS["ringcentral_jwt"]
    assert sandbox.counters()["exchanges"] <= 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_renewal_that_is_refused_costs_one_new_sign_in(sandbox, run, client_settings, status) -> None:
    run(client_settings, list_accounts())
    make_stale(client_settings)
    sandbox.add_fault("status", path="refresh$", status=status, times=99)
    run(client_settings, list_accounts())
    assert sandbox.faults()[0].struck == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 2


@pytest.mark.parametrize("flow", [*RENEWABLE, "legacy"])
def test_a_token_refused_by_the_server_is_replaced_once(sandbox, run, flow) -> None:
    settings = settings_of(flow, sandbox.url)
    run(settings, list_accounts())
    expire(sandbox, settings)
    (account,) = run(settings, list_accounts())
    assert account.accountId == ACCOUNT_ID
    replaced = SIGN_INS[flow] if flow == "legacy" else ["refresh 200"]
    assert sign_ins(sandbox) == SIGN_INS[flow] + replaced
    assert [line.split()[1] for line in received(sandbox, "GET")] == ["200", "401", "200"]


def test_jwt_is_expired_in_the_middle_of_a_procedure(sandbox, run, client_settings) -> None:
    sandbox.add_fault("expire_token", path="/dialGroups$")
    assert len(run(client_settings, list_dial_groups())) == 3
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]


@every_flow
@pytest.mark.parametrize("body", ["Jwt is expired", '{"generalMessage": "no"}', ""])
def test_a_token_that_is_always_refused_fails_at_once(sandbox, run, flow, body) -> None:
    sandbox.add_fault("status", path="/admin/accounts$", status=401, body=body, times=99)
    with pytest.raises(AuthenticationError) as caught:
        run(settings_of(flow, sandbox.url), list_accounts())
    assert (caught.value.status, caught.value.retryable) == (401, False)
    assert sandbox.faults()[0].struck == (1 if flow == "api_token" else 2)
    assert len(sign_ins(sandbox)) == len(SIGN_INS[flow]) + {"legacy": 1, "api_token": 0}.get(flow, 1)


@pytest.mark.parametrize(
    ("flow", "path", "status"),
    [
        ("ringcentral_jwt", "oauth/token$", 400),
        ("ringcentral_jwt", "accesstoken$", 401),
        ("ringcentral_password", "accesstoken$", 403),
        ("engage", "login/admin$", 401),
        ("legacy", "auth/login$", 401),
    ],
)
def test_a_refused_sign_in_is_not_retried(sandbox, run, flow, path, status) -> None:
    sandbox.add_fault("status", path=path, status=status, times=99, body='{"generalMessage": "locked out"}')
    with pytest.raises(AuthenticationError, match=f"sign-in {flow} was refused: .*locked out") as caught:
        run(settings_of(flow, sandbox.url), list_accounts())
    assert sandbox.faults()[0].struck == 1
    assert received(sandbox, "GET") == []
    error = caught.value
    assert (error.method, error.status, error.retryable) == ("POST", status, False)
    assert error.path in received(sandbox, "POST")[-1]


@pytest.mark.parametrize("fault", ["drop_answer", "reset", "truncate", "html", "empty", "status"])
@pytest.mark.parametrize("path", ["oauth/token$", "accesstoken$"])
def test_a_failed_sign_in_is_retried_before_a_create(sandbox, run, client_settings, fault, path) -> None:
    sandbox.add_fault(fault, path=path, status=503)
    group = run(client_settings, create_dial_group({"dialGroupName": "New", "dialMode": "PREVIEW"}))
    assert group.dialGroupName == "New"
    assert len(received(sandbox, "POST", "/dialGroups$")) == 1
    assert sandbox.faults()[0].struck == 1


@pytest.mark.parametrize(("value", "seconds"), [("1", 60), ("90", 90), (None, 60)])
@pytest.mark.few(2)
def test_an_exceeded_exchange_limit_is_waited_for(sandbox, run, fake_clock, value, seconds) -> None:
    """At least for its window, and however often."""
    headers = {} if value is None else {"Retry-After": value}
    sandbox.add_fault("status", path="accesstoken$", status=429, headers=headers, times=7)
    settings = settings_of("ringcentral_jwt", sandbox.url)
    assert len(run(settings, list_accounts(), shared_state=SharedState())) == 1
    assert sign_ins(sandbox).count("accesstoken 429") == 7
    assert all(seconds < pause < seconds + 1 for pause in fake_clock.sleeps)


def test_an_exchange_limit_that_the_sandbox_keeps(start, run, fake_clock) -> None:
    sandbox = start(exchange=Budget(1, 1.0))
    settings = settings_of("ringcentral_jwt", sandbox.url)
    run(settings, list_accounts(), shared_state=SharedState())
    fake_clock.call_later(60.0, sandbox.reset)
    run(settings, list_accounts(), shared_state=SharedState())
    assert sum(fake_clock.sleeps) > 60
    # The sandbox was reset after its refusal.
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200"]


def test_a_wait_beyond_the_time_limit_is_not_started(sandbox, run, client_settings, fake_clock) -> None:
    sandbox.add_fault("status", path="accesstoken$", status=429, headers={"Retry-After": "1000"}, times=99)
    with pytest.raises(RateLimitedError, match="token_exchange") as caught:
        run(client_settings, list_accounts())
    assert fake_clock.sleeps == []
    assert (caught.value.retry_after, caught.value.retryable) == (1000, True)
    assert sandbox.faults()[0].struck == 1


@pytest.mark.parametrize("status", [200, 403, 404, 405])
@pytest.mark.parametrize("path", ["oauth/token$", "accesstoken$"])
@pytest.mark.few(4)
def test_a_page_instead_of_a_sign_in_is_no_refusal(sandbox, run, client_settings, path, status) -> None:
    sandbox.add_fault("status", path=path, status=status, body="<html>", content_type="text/html", times=2)
    assert len(run(client_settings, list_accounts())) == 1
    assert sandbox.faults()[0].struck == 2
    reset_shared_state()
    sandbox.add_fault("status", path=path, status=status, body="<html>", content_type="text/html", times=99)
    with pytest.raises(PageAnswerError):
        run(client_settings, list_accounts())


@renewable
def test_credentials_revoked_while_signed_in(sandbox, run, flow, monkeypatch) -> None:
    settings = settings_of(flow, sandbox.url)
    run(settings, list_accounts())
    others = credentials.Credentials(client_secret="new", direct_password="new")
    world = dataclasses.replace(sandbox.backend.settings, credentials=others)
    monkeypatch.setattr(sandbox.backend, "settings", world)
    sandbox.backend.tokens.revoke_refresh()
    expire(sandbox, settings)
    before = len(sandbox.requests())
    with pytest.raises(AuthenticationError, match="was refused"):
        run(settings, list_accounts())
    assert len(sandbox.requests()) - before == 3  # the request, one renewal, one sign-in


def test_an_api_token_that_was_removed(sandbox, run) -> None:
    settings = settings_of("api_token", sandbox.url)
    run(settings, list_accounts())
    sandbox.backend.tokens.delete_permanent(credentials.API_TOKEN)
    before = len(sandbox.requests())
    with pytest.raises(AuthenticationError, match="API token was refused"):
        run(settings, list_accounts())
    assert len(sandbox.requests()) - before == 1


def test_a_short_lived_token_is_renewed_when_it_is_refused(start, run) -> None:
    sandbox = start(limits=False, token_seconds=0.0)
    settings = settings_of("ringcentral_jwt", sandbox.url)
    with pytest.raises(AuthenticationError, match="Jwt is expired"):
        run(settings, list_accounts())
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200", "refresh 200"]
