"""Signing in: the RingCentral token endpoint, the exchange, refresh, direct and legacy logins."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox.access import backend_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import OAuthError, Problem, bad_request, unauthorized
from airflow_provider_engagevoice.sandbox.reading import Parameters
from airflow_provider_engagevoice.sandbox.routes_accounts import account_views
from airflow_provider_engagevoice.sandbox.tokens import RINGCENTRAL_SECONDS

router = APIRouter()
legacy_router = APIRouter()

_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REFRESH_SECONDS: Final = 604800


def _same(given: str | None, expected: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode(), expected.encode())


def _client_is_known(request: Request, backend: Backend) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else None
    except (binascii.Error, UnicodeDecodeError):
        return False
    known = backend.settings.credentials
    return _same(given, f"{known.client_id}:{known.client_secret}")


@router.post("/restapi/oauth/token")
async def ringcentral_token(request: Request, given: Parameters) -> JSONResponse:
    """RingCentral's own sign-in: the JWT and the password grant."""
    backend = backend_of(request)
    known = backend.settings.credentials
    if not _client_is_known(request, backend):
        raise OAuthError(401, "invalid_client", "Invalid client credentials")
    grant = given.get("grant_type", "")
    if grant == _JWT_GRANT:
        if not _same(given.get("assertion"), known.jwt):
            raise OAuthError(400, "invalid_grant", "The assertion is invalid")
    elif grant == "password":
        right = (
            _same(given.get("username"), known.username)
            and _same(given.get("extension", known.extension), known.extension)
            and _same(given.get("password"), known.password)
        )
        if not right:
            raise OAuthError(400, "invalid_grant", "Invalid resource owner credentials.")
    else:
        raise OAuthError(400, "unsupported_grant_type", "Unsupported grant type")
    return JSONResponse(
        {
            "access_token": backend.tokens.ringcentral(),
            "token_type": "bearer",
            "expires_in": int(RINGCENTRAL_SECONDS),
            "refresh_token": secrets.token_urlsafe(48),
            "refresh_token_expires_in": _REFRESH_SECONDS,
            "scope": "ReadAccounts",
            "owner_id": "101",
            "endpoint_id": secrets.token_urlsafe(16),
        }
    )


def _signed_in(backend: Backend, *, with_refresh: bool) -> JSONResponse:
    """Answer with the vendor's ``AccessTokenUserDetails``."""
    main = backend.settings.main_account
    details: dict[str, Any] = {
        "accessToken": backend.tokens.access(backend.settings.token_seconds),
        "refreshToken": backend.tokens.refresh() if with_refresh else None,
        "tokenType": "Bearer",
        "platformId": backend.settings.credentials.platform_id,
        "mainAccountId": main.account_id,
        "adminId": 101,
        "ssoLogin": False,
        "isAdminPasswordReset": False,
        "agentDetails": [],
    }
    return JSONResponse(details)


@router.post("/api/auth/login/rc/accesstoken")
async def exchange(request: Request, given: Parameters) -> JSONResponse:
    """Exchange a RingCentral token for one of Engage Voice."""
    backend = backend_of(request)
    backend.exchange.spend("exchange")
    token = given.get("rcAccessToken")
    if not token or given.get("rcTokenType", "").lower() != "bearer":
        problems = [
            Problem(name, "is required") for name in ("rcAccessToken", "rcTokenType") if not given.get(name)
        ]
        raise bad_request(problems or [Problem("rcTokenType", "must be Bearer", given["rcTokenType"])])
    backend.tokens.check(token, ("ringcentral",))
    return _signed_in(backend, with_refresh=given.get("includeRefresh", "").lower() == "true")


@router.post("/api/auth/login/admin")
async def direct_login(request: Request, given: Parameters) -> JSONResponse:
    """Sign in with a user of Engage Voice itself."""
    backend = backend_of(request)
    backend.exchange.spend("exchange")
    known = backend.settings.credentials
    missing = [name for name in ("username", "password", "platformId") if not given.get(name)]
    if missing:
        raise bad_request([Problem(name, "is required") for name in missing])
    if not (
        _same(given["username"], known.direct_username)
        and _same(given["password"], known.direct_password)
        and _same(given["platformId"], known.platform_id)
    ):
        raise unauthorized("User name, password or platform is wrong.")
    return _signed_in(backend, with_refresh=True)


@router.post("/api/auth/token/refresh")
async def refresh(request: Request, given: Parameters) -> JSONResponse:
    """Renew: a new access token and a new refresh token; the old refresh token is used up."""
    backend = backend_of(request)
    backend.exchange.spend("exchange")
    token = given.get("refresh_token")
    if not token:
        raise bad_request([Problem("refresh_token", "is required")])
    backend.tokens.use_up_refresh(token)
    return _signed_in(backend, with_refresh=True)


@legacy_router.post("/auth/login")
async def legacy_login(request: Request, given: Parameters) -> JSONResponse:
    """Sign in at the legacy portal; answers the vendor's ``UserLoginView``."""
    backend = backend_of(request)
    known = backend.settings.credentials
    if not (
        _same(given.get("username"), known.direct_username)
        and _same(given.get("password"), known.direct_password)
    ):
        raise unauthorized("User name or password is wrong.")
    stay = given.get("stayLoggedIn", "").lower() == "true"
    return JSONResponse(
        {
            "authToken": backend.tokens.legacy(stay_logged_in=stay),
            "platformHost": request.url.netloc,
            "accounts": account_views(backend.settings),
            "user": {"userId": 101, "userName": known.direct_username, "enabled": True, "roles": []},
        }
    )
