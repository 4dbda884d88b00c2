"""The two engines: each sends any request and runs any procedure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Self, TypeVar

import httpx
from tenacity import AsyncRetrying, Retrying

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.auth import EngageVoiceAuth, Masks
from airflow_provider_engagevoice.client.credentials import Redactor, is_sign_in
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Idempotency, Procedure, Request, adrive, drive
from airflow_provider_engagevoice.client.responses import (
    ClockSkewMonitor,
    doubt,
    error_of_transport,
    read_answer,
)
from airflow_provider_engagevoice.client.retry import Call, RetryLimits
from airflow_provider_engagevoice.client.settings import USER_AGENT, ClientSettings
from airflow_provider_engagevoice.client.shared_state import SharedState, open_shared_state
from airflow_provider_engagevoice.client.transport import (
    CallBound,
    NoCookies,
    aforget_redirect,
    forget_redirect,
    quiet_sign_in_logs,
    trust,
)
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    EngageVoiceError,
    InvalidConnectionError,
    OutdatedError,
    RateLimitedError,
)
from airflow_provider_engagevoice.models.dial_group import Account
from airflow_provider_engagevoice.stores.base import Rate

T = TypeVar("T")

_ACCOUNT_ID = "{accountId}"


def find_account() -> Procedure[Account]:
    """Return the only sub-account the user can see.

    :raises InvalidConnectionError: when there are several, naming them, or none
    """
    accounts = yield from list_accounts()
    if len(accounts) == 1:
        return accounts[0]
    if not accounts:
        raise InvalidConnectionError("the user can see no account; ask for access in Engage Voice")
    choices = ", ".join(f"{account.accountId} ({account.accountName})" for account in accounts)
    raise InvalidConnectionError(f"account_id is not set and the user can see several accounts: {choices}")


@contextmanager
def _environment_checked() -> Iterator[None]:
    """Turn what httpx makes of a bad proxy variable into a typed error; its text may hold a password."""
    try:
        yield
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        if isinstance(error, EngageVoiceError):
            raise
        problem = type(error).__name__
    else:
        return
    raise InvalidConnectionError(
        f"a proxy variable of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is not usable ({problem})"
    )


@lru_cache(maxsize=1024)
def _parsed(url: str, query: tuple[tuple[str, str | int], ...]) -> httpx.URL:
    # To parse an address takes httpx longer than counting a request takes; waits read the same ones again.
    return httpx.URL(url, params=dict(query) or None)


def _refuse_outdated(request: Request[Any]) -> None:
    if request.is_outdated():
        raise OutdatedError(
            "the wait was too long to write what was read before it",
            method=request.method,
            path=request.path,
        )


class _BaseClient:
    """What both engines share: everything but the sending."""

    def __init__(
        self,
        settings: ClientSettings,
        limits: RetryLimits | None,
        shared_state: SharedState | None,
        deadline: datetime | None,
    ) -> None:
        self.settings = settings
        self._limits = limits or RetryLimits()
        self.shared_state = shared_state or open_shared_state()
        self._rate_limiter = self.shared_state.rate_limiter
        self._deadline = float("inf")
        if deadline is not None:
            self._deadline = clock.monotonic() + (deadline - clock.now()).total_seconds()
        self._account_id = settings.account_id
        self._redact = Redactor(settings.credentials)
        self._clocks = ClockSkewMonitor()
        self._budgets: dict[tuple[str, str], tuple[str, tuple[Rate, ...]]] = {}
        quiet_sign_in_logs()

    def _url(self, request: Request[Any]) -> httpx.URL:
        path = request.path.replace(_ACCOUNT_ID, self._account_id)
        return _parsed(
            f"{self.settings.base_url}{self.settings.api_root}/{path}", tuple(request.query.items())
        )

    def _needs_account(self, request: Request[Any]) -> bool:
        return _ACCOUNT_ID in request.path and not self._account_id

    def _call(self, request: Request[Any]) -> Call:
        return Call(self._limits, request.idempotency, self._deadline)

    def _turn(self, request: Request[Any]) -> PermitRequest:
        budget, account_id = request.budget, self._account_id if _ACCOUNT_ID in request.path else ""
        known = self._budgets.get((budget.name, account_id))
        if known is None:
            settings = self.settings
            known = settings.budget_key(budget, account_id), settings.budgets.rates(budget)
            self._budgets[budget.name, account_id] = known
        key, rates = known
        return PermitRequest(
            key, budget, rates, self._limits.seconds, self._deadline, request.method, request.path
        )

    def _http_options(self, masks: Masks) -> dict[str, Any]:
        return {
            "auth": EngageVoiceAuth(self.settings, self.shared_state, masks, self._redact, self._deadline),
            "timeout": self.settings.timeouts.for_httpx(),
            "headers": {"User-Agent": USER_AGENT, "Accept": "application/json, text/plain"},
            "verify": trust(),
            "cookies": NoCookies(),
        }

    def _http_request(self, http: httpx.Client | httpx.AsyncClient, request: Request[Any]) -> httpx.Request:
        content = request.content
        if request.body is not None:
            # httpx's own encoding refuses what a server may have stored: half a surrogate pair, NaN.
            content = json.dumps(request.body).encode()
        headers = None if content is None else {"Content-Type": request.content_type}
        return http.build_request(request.method, self._url(request), content=content, headers=headers)

    def _read(self, request: Request[T], response: httpx.Response) -> T:
        self._clocks.look(response)
        try:
            return read_answer(request, response, response.request.url.path, self._redact)
        except ApiError as error:
            raise doubt(error, request.idempotency) from None

    def _transport_error(self, request: Request[Any], error: httpx.RequestError) -> ApiError:
        path = error.request.url.path
        idempotency = Idempotency.SAFE if is_sign_in(path) else request.idempotency
        return error_of_transport(error, error.request.method, path, idempotency)


class EngageVoiceClient(_BaseClient, SyncMethods):
    """The sync engine. Use it as a context manager, or close it.

    :param shared_state: where tokens and budgets are shared; this process's memory where left out
    :param deadline: when whoever waits for results gives up; no wait is begun that ends later
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        limits: RetryLimits | None = None,
        shared_state: SharedState | None = None,
        masks: Masks | None = None,
        deadline: datetime | None = None,
    ) -> None:
        super().__init__(settings, limits, shared_state, deadline)
        bound = CallBound(settings.timeouts.call)
        hooks: dict[str, Any] = {"request": [bound.started], "response": [forget_redirect]}
        with _environment_checked():
            self._http = httpx.Client(event_hooks=hooks, **self._http_options(masks or Masks()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result.

        :raises ApiError: of the type that fits, after the retries its idempotency rule allows
        """
        return drive(procedure, self._send)

    def account_id(self) -> str:
        """Return the sub-account in use: the connection's, else the only one the user can see."""
        if not self._account_id:
            self._account_id = self.run(find_account()).accountId
        return self._account_id

    def _send(self, request: Request[T]) -> T:
        if self._needs_account(request):
            self.account_id()
        call = self._call(request)
        try:
            # Most requests need one try, and what decides on more costs as much as half of the client.
            return self._send_once(request, call)
        except EngageVoiceError as error:
            call.failed(error)
        result: T = Retrying(sleep=clock.sleep, **call.options())(self._send_again, request, call)
        return result

    def _send_again(self, request: Request[T], call: Call) -> T:
        call.raise_failure()
        return self._send_once(request, call)

    def _send_once(self, request: Request[T], call: Call) -> T:
        call.tries += 1
        turn = self._turn(request)
        call.queued += self._rate_limiter.wait(turn)
        _refuse_outdated(request)
        try:
            return self._exchange(request)
        except RateLimitedError as error:
            if is_sign_in(error.path):
                raise
            call.heed(error)
            self._rate_limiter.pause(turn, error.retry_after or 0.0)
            raise

    def _exchange(self, request: Request[T]) -> T:
        try:
            response = self._http.send(self._http_request(self._http, request))
        except httpx.RequestError as error:
            raise self._transport_error(request, error) from None
        return self._read(request, response)


class AsyncEngageVoiceClient(_BaseClient, AsyncMethods):
    """The async engine. Use it as an async context manager, or close it.

    :param shared_state: as for :class:`EngageVoiceClient`, and so is ``deadline``
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        limits: RetryLimits | None = None,
        shared_state: SharedState | None = None,
        masks: Masks | None = None,
        deadline: datetime | None = None,
    ) -> None:
        super().__init__(settings, limits, shared_state, deadline)
        self._finding_account = asyncio.Lock()
        bound = CallBound(settings.timeouts.call)
        hooks: dict[str, Any] = {"request": [bound.astarted], "response": [aforget_redirect]}
        with _environment_checked():
            self._http = httpx.AsyncClient(event_hooks=hooks, **self._http_options(masks or Masks()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result.

        :raises ApiError: of the type that fits, after the retries its idempotency rule allows
        """
        return await adrive(procedure, self._send)

    async def account_id(self) -> str:
        """Return the sub-account in use: the connection's, else the only one the user can see."""
        async with self._finding_account:
            if not self._account_id:
                self._account_id = (await self.run(find_account())).accountId
        return self._account_id

    async def _send(self, request: Request[T]) -> T:
        if self._needs_account(request):
            await self.account_id()
        call = self._call(request)
        try:
            return await self._send_once(request, call)
        except EngageVoiceError as error:
            call.failed(error)
        result: T = await AsyncRetrying(**call.options())(self._send_again, request, call)
        return result

    async def _send_again(self, request: Request[T], call: Call) -> T:
        call.raise_failure()
        return await self._send_once(request, call)

    async def _send_once(self, request: Request[T], call: Call) -> T:
        call.tries += 1
        turn = self._turn(request)
        call.queued += await self._rate_limiter.wait_async(turn)
        _refuse_outdated(request)
        try:
            return await self._exchange(request)
        except RateLimitedError as error:
            if is_sign_in(error.path):
                raise
            call.heed(error)
            await self._rate_limiter.pause_async(turn, error.retry_after or 0.0)
            raise

    async def _exchange(self, request: Request[T]) -> T:
        try:
            response = await self._http.send(self._http_request(self._http, request))
        except httpx.RequestError as error:
            raise self._transport_error(request, error) from None
        return self._read(request, response)
