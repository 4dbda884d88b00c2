"""Routes of accounts, their countries, and permanent API tokens."""

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
    """List all sub-accounts; the sandbox's user has access to all of them."""
    return JSONResponse(account_views(backend.settings))


@router.get("/admin/accounts/{account_id}/countries/available")
async def countries(account: Account) -> JSONResponse:
    """List the countries available to campaigns."""
    return JSONResponse([dict(country) for country in defaults.COUNTRIES])


@router.get("/admin/token")
async def list_tokens(backend: MainAccount) -> JSONResponse:
    """List the user's permanent tokens."""
    return JSONResponse(backend.tokens.permanent_tokens())


@router.post("/admin/token")
async def create_token(backend: MainAccount) -> PlainTextResponse:
    """Create a new permanent token."""
    return PlainTextResponse(backend.tokens.permanent())


@router.delete("/admin/token/{token}")
async def delete_token(request: Request, token: str) -> PlainTextResponse:
    """Delete a permanent token; as with the vendor, this does not require a sign-in."""
    return PlainTextResponse("true" if backend_of(request).tokens.delete_permanent(token) else "false")
