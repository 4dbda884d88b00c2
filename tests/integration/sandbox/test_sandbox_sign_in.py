"""Every documented sign-in flow, and the expiry and revocation of tokens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import direct_login

ACCOUNTS = "/voice/api/v1/admin/accounts"
JWT_GRANT = {
    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "assertion": credentials.JWT,
}
PASSWORD_GRANT = {
    "grant_type": "password",
    "username": credentials.USERNAME,
    "extension": credentials.EXTENSION,
    "password": credentials.PASSWORD,
}
CLIENT = (credentials.CLIENT_ID, credentials.CLIENT_SECRET)


def exchange(web: httpx.Client, grant: dict[str, str] = JWT_GRANT) -> dict[str, Any]:
    ringcentral = web.post("/restapi/oauth/token", data=grant, auth=CLIENT)
    assert ringcentral.status_code == 200, ringcentral.text
    response = web.post(
        "/api/auth/login/rc/accesstoken",
        params={"includeRefresh": "true"},
        data={"rcAccessToken": ringcentral.json()["access_token"], "rcTokenType": "Bearer"},
    )
    assert response.status_code == 200, response.text
    details: dict[str, Any] = response.json()
    return details


def with_bearer(web: httpx.Client, token: str, path: str = ACCOUNTS) -> httpx.Response:
    return web.get(path, headers={"Authorization": f"Bearer {token}"})


def refresh(web: httpx.Client, token: str) -> httpx.Response:
    return web.post("/api/auth/token/refresh", data={"refresh_token": token})


@pytest.mark.parametrize("grant", [JWT_GRANT, PASSWORD_GRANT], ids=["jwt", "password"])
def test_ringcentral_grant_then_exchange(web: httpx.Client, grant: dict[str, str]) -> None:
    details = exchange(web, grant)
    assert details["tokenType"] == "Bearer"
    assert len(details["accessToken"].split(".")) == 3
    (account,) = with_bearer(web, details["accessToken"]).json()
    assert (account["accountId"], account["mainAccountId"]) == ("99990000", "44440000")


def test_exchange_accepts_the_query_and_omits_the_refresh_token_by_default(web: httpx.Client) -> None:
    token = web.post("/restapi/oauth/token", data=JWT_GRANT, auth=CLIENT).json()["access_token"]
    response = web.post(
        "/api/auth/login/rc/accesstoken", params={"rcAccessToken": token, "rcTokenType": "Bearer"}
    )
    assert response.json()["refreshToken"] is None


@pytest.mark.parametrize(
    ("grant", "auth", "status", "error"),
    [
        ({**JWT_GRANT, "assertion": "other"}, CLIENT, 400, "invalid_grant"),
        ({**PASSWORD_GRANT, "password": "other"}, CLIENT, 400, "invalid_grant"),
        ({**PASSWORD_GRANT, "extension": "102"}, CLIENT, 400, "invalid_grant"),
        ({"grant_type": "magic"}, CLIENT, 400, "unsupported_grant_type"),
        (JWT_GRANT, (credentials.CLIENT_ID, "other"), 401, "invalid_client"),
    ],
)
def test_ringcentral_errors(
    web: httpx.Client, grant: dict[str, str], auth: tuple[str, str], status: int, error: str
) -> None:
    response = web.post("/restapi/oauth/token", data=grant, auth=auth)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


def test_exchange_rejects_an_unknown_ringcentral_token(web: httpx.Client) -> None:
    response = web.post(
        "/api/auth/login/rc/accesstoken", data={"rcAccessToken": "unknown", "rcTokenType": "Bearer"}
    )
    assert response.status_code == 401
    assert response.json()["generalMessage"]


def test_engage_direct(web: httpx.Client) -> None:
    response = direct_login(web)
    assert with_bearer(web, response.json()["accessToken"]).status_code == 200
    assert refresh(web, response.json()["refreshToken"]).status_code == 200
    assert direct_login(web, password="other").status_code == 401
    missing = direct_login(web, platformId="")
    assert missing.status_code == 400
    assert missing.json()["validationErrors"][0]["attributeName"] == "platformId"


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("prefix", ["/api/v1", "/voice/api/v1"])
def test_legacy_login(web: httpx.Client, as_form: bool, prefix: str) -> None:
    login = {"username": credentials.DIRECT_USERNAME, "password": credentials.DIRECT_PASSWORD}
    response = web.post(f"{prefix}/auth/login", **{"data" if as_form else "params": login})  # type: ignore[arg-type]
    token = response.json()["authToken"]
    for path in (ACCOUNTS, "/api/v1/admin/accounts"):
        assert web.get(path, headers={"X-Auth-Token": token}).status_code == 200
    assert web.post(f"{prefix}/auth/login", data={**login, "password": "other"}).status_code == 401


def test_legacy_tokens_are_extended_on_use(web: httpx.Client, sandbox: SandboxServer) -> None:
    login = {"username": credentials.DIRECT_USERNAME, "password": credentials.DIRECT_PASSWORD}
    token = web.post("/api/v1/auth/login", data=login).json()["authToken"]
    database = sandbox.backend.database
    database.change("UPDATE tokens SET expires = expires - 3590 WHERE token = ?", (token,))
    before = database.rows("SELECT expires FROM tokens WHERE token = ?", (token,))[0]["expires"]
    assert web.get("/api/v1/admin/accounts", headers={"X-Auth-Token": token}).status_code == 200
    after = database.rows("SELECT expires FROM tokens WHERE token = ?", (token,))[0]["expires"]
    assert after - before > 3580
    sandbox.backend.tokens.expire(token)
    assert web.get("/api/v1/admin/accounts", headers={"X-Auth-Token": token}).status_code == 401


def test_permanent_tokens(web: httpx.Client) -> None:
    path, headers = "/voice/api/v1/admin/token", {"X-Auth-Token": credentials.API_TOKEN}
    created = [web.post(path, headers=headers) for _ in range(2)]
    tokens = [response.text for response in created]
    assert created[0].headers["content-type"].startswith("text/plain")
    assert tokens[0].startswith("aws80:")
    assert web.get(path, headers=headers).json() == [credentials.API_TOKEN, *tokens]
    assert len(set(tokens)) == 2
    assert web.get(ACCOUNTS, headers={"X-Auth-Token": tokens[0]}).status_code == 200
    assert web.delete(f"{path}/{tokens[0]}", headers=headers).text == "true"
    assert web.get(ACCOUNTS, headers={"X-Auth-Token": tokens[0]}).status_code == 401
    assert web.delete(f"{path}/{tokens[0]}", headers=headers).text == "false"


def test_refresh_rotates(web: httpx.Client) -> None:
    first = exchange(web)
    second = refresh(web, first["refreshToken"]).json()
    assert second["refreshToken"] != first["refreshToken"]
    assert with_bearer(web, second["accessToken"]).status_code == 200
    reused = refresh(web, first["refreshToken"])
    assert reused.status_code == 401
    assert "expired" not in reused.text
    assert refresh(web, second["refreshToken"]).status_code == 200


def test_expired_and_unknown_tokens(web: httpx.Client, sandbox: SandboxServer) -> None:
    token = exchange(web)["accessToken"]
    sandbox.backend.tokens.expire(token)
    response = with_bearer(web, token)
    assert (response.status_code, response.text) == (401, "Jwt is expired")
    assert response.headers["content-type"].startswith("text/plain")
    for headers in ({}, {"Authorization": "Bearer a.b.c"}, {"X-Auth-Token": token}):
        response = web.get(ACCOUNTS, headers=headers)
        assert response.status_code == 401
        assert response.json()["requestUri"] == ACCOUNTS


def test_legacy_paths_reject_bearer_tokens(web: httpx.Client) -> None:
    assert with_bearer(web, exchange(web)["accessToken"], "/api/v1/admin/accounts").status_code == 401


def test_token_lifetime_is_a_setting(start: Any) -> None:
    server = start(token_seconds=-1)
    with httpx.Client(base_url=server.url) as web:
        assert with_bearer(web, exchange(web)["accessToken"]).text == "Jwt is expired"
