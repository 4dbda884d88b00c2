"""Sign-in: RingCentral token endpoint, token exchange, refresh, direct and legacy logins."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from airflow_provider_engagevoice.sandbox import agents
from airflow_provider_engagevoice.sandbox.access import backend_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import OAuthError, Problem, bad_request, unauthorized
from airflow_provider_engagevoice.sandbox.reading import SignInParameters
from airflow_provider_engagevoice.sandbox.routes_accounts import account_views
from airflow_provider_engagevoice.sandbox.tokens import RINGCENTRAL_SECONDS

router = APIRouter()
legacy_router = APIRouter()

_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REFRESH_SECONDS: Final = 604800


def _matches(value: str | None, expected: str) -> bool:
    return value is not None and secrets.compare_digest(value.encode(), expected.encode())


def _valid_client(request: Request, backend: Backend) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        credentials = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else None
    except (binascii.Error, UnicodeDecodeError):
        return False
    known = backend.settings.credentials
    return _matches(credentials, f"{known.client_id}:{known.client_secret}")


def _user_of(parameters: Mapping[str, str]) -> tuple[str, str]:
    """Return user name and extension of a password grant.

    The vendor's JavaScript SDK sends the extension in the user name, after an asterisk, and its PHP wrapper
    encodes the user name twice.
    """
    username, _, extension = unquote(parameters.get("username", "")).partition("*")
    return username, parameters.get("extension") or extension


@router.post("/restapi/oauth/token")
async def ringcentral_token(request: Request, parameters: SignInParameters) -> JSONResponse:
    """Sign in to RingCentral with the JWT or the password grant, or renew its token."""
    backend = backend_of(request)
    known = backend.settings.credentials
    if not _valid_client(request, backend):
        raise OAuthError(401, "invalid_client", "Invalid client credentials")
    grant = parameters.get("grant_type", "")
    if grant == _JWT_GRANT:
        if not _matches(parameters.get("assertion"), known.jwt):
            raise OAuthError(400, "invalid_grant", "The assertion is invalid")
    elif grant == "password":
        username, extension = _user_of(parameters)
        valid = (
            _matches(username, known.username)
            and _matches(extension or known.extension, known.extension)
            and _matches(parameters.get("password"), known.password)
        )
        if not valid:
            raise OAuthError(400, "invalid_grant", "Invalid resource owner credentials.")
    elif grant == "refresh_token":
        if not backend.tokens.use_up_ringcentral_refresh(parameters.get("refresh_token", "")):
            raise OAuthError(400, "invalid_grant", "Token not found")
    else:
        raise OAuthError(400, "unsupported_grant_type", "Unsupported grant type")
    return JSONResponse(
        {
            "access_token": backend.tokens.ringcentral(),
            "token_type": "bearer",
            "expires_in": int(RINGCENTRAL_SECONDS),
            "refresh_token": backend.tokens.ringcentral_refresh(_REFRESH_SECONDS),
            "refresh_token_expires_in": _REFRESH_SECONDS,
            "scope": "ReadAccounts",
            "owner_id": "101",
            "endpoint_id": secrets.token_urlsafe(16),
        }
    )


def _refresh_seconds(backend: Backend) -> float | None:
    lifetimes = {"hours": 4 * 3600.0, "a day": 86_400.0, "for ever": None}
    return lifetimes.get(backend.dialect.refresh_token, backend.settings.token_seconds)


def _token_response(backend: Backend, *, with_refresh: bool) -> JSONResponse:
    """Return the vendor's ``AccessTokenUserDetails``."""
    main = backend.settings.main_account
    details: dict[str, Any] = {
        "accessToken": backend.tokens.access(backend.settings.token_seconds),
        "refreshToken": backend.tokens.refresh(_refresh_seconds(backend)) if with_refresh else None,
        "tokenType": "Bearer",
        "platformId": backend.settings.credentials.platform_id,
        "mainAccountId": main.account_id,
        "adminId": 101,
        "ssoLogin": False,
        "isAdminPasswordReset": False,
        "agentDetails": [
            {
                "agentId": agents.AGENTS[0]["agentId"],
                "accountId": account.account_id,
                "accountName": account.name,
                "agentType": "AGENT",
                "username": agents.AGENTS[0]["username"],
                "email": agents.AGENTS[0]["email"],
                "firstName": agents.AGENTS[0]["firstName"],
                "lastName": agents.AGENTS[0]["lastName"],
            }
            for account in backend.settings.accounts
        ],
    }
    return JSONResponse(details)


@router.post("/api/auth/login/rc/accesstoken")
async def exchange(request: Request, parameters: SignInParameters) -> JSONResponse:
    """Exchange a RingCentral token for an Engage Voice token."""
    backend = backend_of(request)
    backend.exchange.acquire("exchange")
    token = parameters.get("rcAccessToken")
    if not token:
        raise bad_request([Problem("rcAccessToken", "is required")])
    if parameters.get("rcTokenType", "Bearer").lower() != "bearer":
        raise bad_request([Problem("rcTokenType", "must be Bearer", parameters["rcTokenType"])])
    backend.tokens.check(token, ("ringcentral",))
    return _token_response(backend, with_refresh=parameters.get("includeRefresh", "").lower() == "true")


@router.post("/api/auth/login/admin")
async def direct_login(request: Request, parameters: SignInParameters) -> JSONResponse:
    """Sign in as an Engage Voice user."""
    backend = backend_of(request)
    backend.exchange.acquire("exchange")
    known = backend.settings.credentials
    missing = [name for name in ("username", "password", "platformId") if not parameters.get(name)]
    if missing:
        raise bad_request([Problem(name, "is required") for name in missing])
    if not (
        _matches(parameters["username"], known.direct_username)
        and _matches(parameters["password"], known.direct_password)
        and _matches(parameters["platformId"], known.platform_id)
    ):
        raise unauthorized("Invalid username, password or platform.")
    return _token_response(backend, with_refresh=True)


@router.post("/api/auth/token/refresh")
async def refresh(request: Request, parameters: SignInParameters) -> JSONResponse:
    """Issue a new access token and a new refresh token; the old refresh token becomes invalid."""
    backend = backend_of(request)
    backend.exchange.acquire("exchange")
    token = parameters.get("refresh_token")
    if not token:
        raise bad_request([Problem("refresh_token", "is required")])
    backend.tokens.use_up_refresh(token)
    return _token_response(backend, with_refresh=True)


@legacy_router.post("/auth/login")
async def legacy_login(request: Request, parameters: SignInParameters) -> JSONResponse:
    """Sign in to the legacy portal; return the vendor's ``UserLoginView``."""
    backend = backend_of(request)
    known = backend.settings.credentials
    if not (
        _matches(parameters.get("username"), known.direct_username)
        and _matches(parameters.get("password"), known.direct_password)
    ):
        raise unauthorized("Invalid username or password.")
    stay = parameters.get("stayLoggedIn", "").lower() == "true"
    return JSONResponse(
        {
            "authToken": backend.tokens.legacy(stay_logged_in=stay),
            "platformHost": request.url.netloc,
            "accounts": account_views(backend.settings),
            "user": {"userId": 101, "userName": known.direct_username, "enabled": True, "roles": []},
        }
    )
