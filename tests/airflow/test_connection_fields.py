"""How the fields of a connection are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_engagevoice.client.settings import Credentials
from airflow_provider_engagevoice.exceptions import InvalidConnectionError
from airflow_provider_engagevoice.hooks.engagevoice import read_connection
from tests.support.flows import given

WRONG = {
    "nothing": ({}, r"no credentials: give client_id, client_secret and jwt_token"),
    "no jwt": ({"client_id": "a", "client_secret": "b"}, r"ringcentral_jwt needs .*; missing: jwt_token$"),
    "jwt alone": ({"jwt_token": "a"}, r"missing: client_id, client_secret$"),
    "no password": ({"username": "me"}, r"engage needs password, login; missing: password$"),
    "no login": ({"password": "x"}, r"missing: login$"),
    "no client": (
        {"username": "a", "password": "b", "extension": "1"},
        r"missing: client_id, client_secret$",
    ),
    "jwt and password": (
        given("ringcentral_jwt") | {"username": "me", "password": "x"},
        r"several .*\(ringcentral_jwt, ringcentral_password\); fields given: .*jwt_token.*password.*login",
    ),
    "jwt and token": (given("ringcentral_jwt") | given("api_token"), r"\(api_token, ringcentral_jwt\)"),
    "token and user": (given("api_token") | given("engage"), r"\(api_token, engage\)"),
    "other flow named": (
        {"sign_in": "api_token", **given("ringcentral_jwt")},
        r"sign-in api_token needs api_token; missing: api_token$",
    ),
    "too much": (
        {"sign_in": "ringcentral_jwt", **given("ringcentral_jwt"), **given("api_token")},
        r"takes client_id, client_secret, jwt_token; in conflict with it: api_token$",
    ),
    "no such flow": (
        {"sign_in": "jwt", **given("ringcentral_jwt")},
        r"sign_in='jwt' is not one of ringcentral_jwt, ",
    ),
    "unknown": (
        given("ringcentral_jwt") | {"client_secrt": "x"},
        r"unknown field 'client_secrt'; nearest: 'client_secret'",
    ),
    "not text": (given("ringcentral_jwt") | {"account_id": ["1"]}, r"extra field 'account_id' must be text"),
    "truth": (given("ringcentral_jwt") | {"account_id": True}, r"extra field 'account_id' must be text"),
    "zone": (
        given("ringcentral_jwt") | {"timezone": "America/Los_Angles"},
        r"nearest: 'America/Los_Angeles'",
    ),
    "server": (given("ringcentral_jwt") | {"rc_server": "ftp://x"}, r"rc_server='ftp://x' is not usable"),
}


def settings(sign_in: str = "", host: str = "", **values: str) -> Any:
    login, password = values.pop("username", None), values.pop("password", None)
    made = Connection(
        conn_id="mine",
        conn_type="engagevoice",
        host=host,
        login=login,
        password=password,
        extra=json.dumps({"sign_in": sign_in, **values}),
    )
    return read_connection(made, made.extra_dejson).settings


@pytest.mark.parametrize(
    ("flow", "host", "base", "root"),
    [
        ("ringcentral_jwt", "", "https://ringcx.ringcentral.com", "/voice/api/v1"),
        ("ringcentral_password", "", "https://ringcx.ringcentral.com", "/voice/api/v1"),
        ("engage", "engage.ringcentral.com/voice", "https://engage.ringcentral.com", "/voice/api/v1"),
        ("legacy", "portal.vacd.biz", "https://portal.vacd.biz", "/api/v1"),
        ("legacy", "https://portal.virtualacd.biz/api/v1/", "https://portal.virtualacd.biz", "/api/v1"),
        ("api_token", "", "https://ringcx.ringcentral.com", "/voice/api/v1"),
        ("api_token", "portal.vacd.biz", "https://portal.vacd.biz", "/api/v1"),
    ],
)
def test_the_flow_follows_from_the_credentials(flow, host, base, root) -> None:
    inferred = settings(host=host, **given(flow))
    assert (inferred.sign_in, inferred.base_url, inferred.api_root) == (flow, base, root)
    assert inferred.rc_server == "https://platform.ringcentral.com"
    assert settings(sign_in=flow, host=host, **given(flow)) == inferred
    assert inferred.credentials == Credentials(**given(flow))


def test_jwt_is_still_read_without_jwt_token() -> None:
    fields = given("ringcentral_jwt")
    token = fields.pop("jwt_token")
    assert settings(**fields, jwt=token).credentials.jwt_token == token
    assert settings(**fields, jwt=token, jwt_token="").credentials.jwt_token == token
    assert settings(**fields, jwt="another", jwt_token=token).credentials.jwt_token == token


def test_a_user_and_a_password_mean_engage_unless_the_portal_is_legacy() -> None:
    assert settings(username="me", password="secret").sign_in == "engage"
    legacy = settings(sign_in="legacy", username="me", password="secret")
    assert legacy.base_url == "https://portal.vacd.biz"


@pytest.mark.parametrize("case", WRONG)
def test_a_connection_that_fits_no_flow_names_the_fields(case) -> None:
    values, message = WRONG[case]
    with pytest.raises(InvalidConnectionError, match=message) as caught:
        settings(**values)
    assert str(caught.value).startswith("connection 'mine': ")


@pytest.mark.parametrize(
    "host",
    [
        "ftp://ringcx.ringcentral.com",
        "https://",
        "http://:8080",
        "two words.example.com",
        "ringcx.ringcentral.com/admin",
        "ringcx.ringcentral.com?x=1",
        "ringcx.ringcentral.com#x",
        "https://me:pass@ringcx.ringcentral.com",
        "ringcx.ringcentral.com:port",
        "ringcx.ringcentral.com:99999",
        "https://[::1",
        "ringcx..ringcentral.com",
        f"{'a' * 64}.example.com",
    ],
)
def test_a_bad_host_is_rejected_before_anything_is_sent(host) -> None:
    with pytest.raises(InvalidConnectionError, match=r"host=.* is not usable") as caught:
        settings(host=host, **given("ringcentral_jwt"))
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("text", ["two\nlines", "zero\u200bwidth", "“quoted”", "töken"])
def test_an_api_token_that_no_header_can_carry_is_rejected(text) -> None:
    with pytest.raises(InvalidConnectionError, match="api_token") as caught:
        settings(api_token=text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "share"),
    [(0.5, 0.5), (False, 0.0), ("off", 0.0), ("50%", 0.5), (1, 1.0)],
)
def test_budgets_may_be_a_number_or_the_off_of_yaml(value, share) -> None:
    assert settings(**given("api_token"), budgets=value).budgets.share == share


@pytest.mark.parametrize("field", ["client_secret", "jwt_token", "api_token", "token_store"])
@pytest.mark.parametrize("value", [83, 1e5, -1, 0])
def test_a_number_as_a_secret_is_refused(field, value) -> None:
    with pytest.raises(InvalidConnectionError, match=f"{field}.* write it as JSON text, in quotes"):
        settings(**{field: value})


@pytest.mark.parametrize(("field", "value"), [("budgets", True), ("account_id", True), ("account_id", 1.5)])
def test_other_values_are_refused(field, value) -> None:
    with pytest.raises(InvalidConnectionError, match=f"{field}.* must be text"):
        settings(**given("api_token"), **{field: value})


def test_the_watch_interval_is_read_in_seconds() -> None:
    assert settings(**given("api_token")).watch_interval == 60
    assert settings(**given("api_token"), watch_interval="2.5").watch_interval == 2.5
    for text in ("0", "-1", "soon", "0.5"):
        with pytest.raises(InvalidConnectionError, match=f"watch_interval='{text}'.* at least 1"):
            settings(**given("api_token"), watch_interval=text)
