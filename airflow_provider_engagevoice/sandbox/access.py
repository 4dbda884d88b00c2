"""Who may do what: reading the token of a request, and finding the account its path means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Path, Request

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import access_denied, unauthorized
from airflow_provider_engagevoice.sandbox.settings import COUNT, SEARCH, SandboxAccount

_OWN_ACCOUNT: Final = ("~", "{accountId}")
"""What stands for "mine": the vendor's PHP sample writes the first, its Python kit sends the second."""

Id = Annotated[int, Path(ge=0, le=2**31 - 1)]
"""An id in a path: the vendor's are 32 bits wide."""


def backend_of(request: Request) -> Backend:
    """Return the backend of the application that serves the request."""
    return cast(Backend, request.app.state.backend)


def request_id_of(request: Request) -> str:
    """Return the id under which the request is logged."""
    return str(request.state.request_id)


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of an ``Authorization: Bearer`` header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def token_of(headers: Mapping[str, str]) -> str | None:
    """Return the token of a request, by whichever header (in lower case) it came."""
    return headers.get("x-auth-token") or bearer(headers)


async def signed_in(request: Request) -> Backend:
    """Check the token: a Bearer one under ``/voice/`` alone, ``X-Auth-Token`` everywhere."""
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
    """Check the token and spend one request of the main account."""
    main = backend.settings.main_account.account_id
    request.state.account_id = main
    backend.provisioning.spend(main)
    return backend


async def account(
    request: Request, account_id: str, backend: Annotated[Backend, Depends(signed_in)]
) -> SandboxAccount:
    """Return the sub-account of the path and spend one request of it; 403 for one the user does not have."""
    found = _account_of(request, account_id, backend)
    backend.provisioning.spend(found.account_id)
    return found


def spending(budget: str) -> Callable[..., Awaitable[SandboxAccount]]:
    """Return what finds the sub-account of the path and spends one request of one of its lead budgets."""

    async def account_of(
        request: Request, account_id: str, backend: Annotated[Backend, Depends(signed_in)]
    ) -> SandboxAccount:
        found = _account_of(request, account_id, backend)
        backend.lead_meters[budget].spend(found.account_id)
        return found

    return account_of


async def searching(
    request: Request,
    account_id: str,
    backend: Annotated[Backend, Depends(signed_in)],
    count: bool = False,
) -> SandboxAccount:
    """Return the sub-account of the path, having spent of the budget of searches, or of that of counts."""
    found = _account_of(request, account_id, backend)
    backend.lead_meters[COUNT if count else SEARCH].spend(found.account_id)
    return found


def _account_of(request: Request, account_id: str, backend: Backend) -> SandboxAccount:
    accounts = {each.account_id: each for each in backend.settings.accounts}
    wanted = backend.settings.accounts[0].account_id if account_id in _OWN_ACCOUNT else account_id
    if wanted not in accounts:
        raise access_denied()
    request.state.account_id = wanted
    return accounts[wanted]


SignedIn = Annotated[Backend, Depends(signed_in)]
MainAccount = Annotated[Backend, Depends(of_main_account)]
Account = Annotated[SandboxAccount, Depends(account)]
JsonObject = dict[str, Any]
