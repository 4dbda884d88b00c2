"""Accounts, their countries, and permanent API tokens."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from airflow_provider_engagevoice.sandbox import defaults
from airflow_provider_engagevoice.sandbox.access import Account, MainAccount, backend_of
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings

router = APIRouter()


def account_views(settings: SandboxSettings) -> list[dict[str, Any]]:
    """Return the sub-accounts as the vendor's ``AccountView``."""
    main = settings.main_account
    return [
        {
            "accountId": account.account_id,
            "accountName": account.name,
            "mainAccountId": main.account_id,
            "mainAccountName": main.name,
            "enableInbound": True,
            "enableOutbound": True,
            "enable247Dialing": False,
            "tcpaSafeMode": False,
            "rcAccountAccess": "ENABLED",
        }
        for account in settings.accounts
    ]


@router.get("/admin/accounts")
async def accounts(backend: MainAccount) -> JSONResponse:
    """All sub-accounts: the one user of the sandbox may see them all."""
    return JSONResponse(account_views(backend.settings))


@router.get("/admin/accounts/{account_id}/countries/available")
async def countries(account: Account) -> JSONResponse:
    """The countries a campaign may be for."""
    return JSONResponse([dict(country) for country in defaults.COUNTRIES])


@router.get("/admin/token")
async def list_tokens(backend: MainAccount) -> JSONResponse:
    """The permanent tokens of the user."""
    return JSONResponse(backend.tokens.permanent_tokens())


@router.post("/admin/token")
async def mint_token(backend: MainAccount) -> PlainTextResponse:
    """Another permanent token, each time."""
    return PlainTextResponse(backend.tokens.permanent())


@router.delete("/admin/token/{token}")
async def delete_token(request: Request, token: str) -> PlainTextResponse:
    """Remove a permanent token: the vendor lets whoever knows it do so, signed in or not."""
    return PlainTextResponse("true" if backend_of(request).tokens.delete_permanent(token) else "false")
