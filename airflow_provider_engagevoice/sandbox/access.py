"""Authentication, and resolution of the account in a request's path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Path, Request

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import access_denied, unauthorized
from airflow_provider_engagevoice.sandbox.settings import COUNT, SEARCH, SandboxAccount

_OWN_ACCOUNT: Final = ("~", "{accountId}")
"""Placeholders for the default account, as sent by the vendor's PHP sample and its Python SDK."""

Id = Annotated[int, Path(ge=0, le=2**31 - 1)]
"""An id in a path: the vendor's ids are 32-bit."""


def backend_of(request: Request) -> Backend:
    """Return the backend of the application that handles the request."""
    return cast(Backend, request.app.state.backend)


def request_id_of(request: Request) -> str:
    """Return the id under which the request is logged."""
    return str(request.state.request_id)


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of an ``Authorization: Bearer`` header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def token_of(headers: Mapping[str, str]) -> str | None:
    """Return the token of a request from either header; header names are in lower case."""
    return headers.get("x-auth-token") or bearer(headers)


async def signed_in(request: Request) -> Backend:
    """Check the token: Bearer only under ``/voice/``, ``X-Auth-Token`` on every path."""
    backend = backend_of(request)
    if "x-auth-token" in request.headers:
        backend.tokens.check(request.headers["x-auth-token"], ("legacy", "permanent"))
        return backend
    token = bearer(request.headers)
    if token is None or not request.url.path.startswith("/voice/"):
        raise unauthorized()
    backend.tokens.check(token, ("access",))
    return backend


async def of_main_account(request: Request, backend: Annotated[Backend, Depends(signed_in)]) -> Backend:
    """Check the token and count the request against the main account's rate limit."""
    main = backend.settings.main_account.account_id
    request.state.account_id = main
    backend.provisioning.acquire(main)
    return backend


async def account(
    request: Request, account_id: str, backend: Annotated[Backend, Depends(signed_in)]
) -> SandboxAccount:
    """Return the sub-account of the path and count the request; 403 if the user has no access to it."""
    found = _account_of(request, account_id, backend)
    backend.provisioning.acquire(found.account_id)
    return found


def rate_limited(budget: str) -> Callable[..., Awaitable[SandboxAccount]]:
    """Return a dependency that resolves the sub-account and counts the request against a lead rate limit."""

    async def account_of(
        request: Request, account_id: str, backend: Annotated[Backend, Depends(signed_in)]
    ) -> SandboxAccount:
        found = _account_of(request, account_id, backend)
        backend.lead_meters[budget].acquire(found.account_id)
        return found

    return account_of


async def search_account(
    request: Request,
    account_id: str,
    backend: Annotated[Backend, Depends(signed_in)],
    count: bool = False,
) -> SandboxAccount:
    """Return the sub-account and count the request against the rate limit of searches or of counts."""
    found = _account_of(request, account_id, backend)
    backend.lead_meters[COUNT if count else SEARCH].acquire(found.account_id)
    return found


def _account_of(request: Request, account_id: str, backend: Backend) -> SandboxAccount:
    accounts = {one.account_id: one for one in backend.settings.accounts}
    requested = backend.settings.accounts[0].account_id if account_id in _OWN_ACCOUNT else account_id
    if requested not in accounts:
        raise access_denied()
    request.state.account_id = requested
    return accounts[requested]


SignedIn = Annotated[Backend, Depends(signed_in)]
MainAccount = Annotated[Backend, Depends(of_main_account)]
Account = Annotated[SandboxAccount, Depends(account)]
JsonObject = dict[str, Any]
