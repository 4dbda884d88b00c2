"""The sync and the async client."""

from __future__ import annotations

import asyncio
import json
import ssl
from abc import abstractmethod
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Self, TypeVar

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.auth import SENT_AT_ONCE, EngageVoiceAuth, Masks
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from airflow_provider_engagevoice.client.methods import AsyncMethods, SyncMethods
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest, permit_steps
from airflow_provider_engagevoice.client.request import (
    Idempotency,
    Pause,
    Procedure,
    Request,
    Reserve,
    ServerTime,
    arun_steps,
    run_steps,
)
from airflow_provider_engagevoice.client.responses import (
    ClockSkewMonitor,
    error_of_transport,
    mark_unknown_outcome,
    read_response,
)
from airflow_provider_engagevoice.client.retry import (
    AccountStep,
    PermitPause,
    RequestSteps,
    RetryLimits,
    request_steps,
)
from airflow_provider_engagevoice.client.settings import USER_AGENT, ClientSettings, Redactor, is_sign_in
from airflow_provider_engagevoice.client.shared_state import SharedState, open_shared_state
from airflow_provider_engagevoice.client.transport import (
    ACCEPT_ENCODING,
    CALL_SECONDS,
    MAX_BYTES,
    CallTimeout,
    NoCookies,
    abound_body,
    adrop_redirect,
    bound_body,
    drop_redirect,
    filter_sign_in_logs,
    proxy_for,
    trust,
)
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    EngageVoiceError,
    InvalidConnectionError,
    TooLargeError,
)
from airflow_provider_engagevoice.models.campaign import Account
from airflow_provider_engagevoice.stores import Rate

T = TypeVar("T")

_ACCOUNT_ID = "{accountId}"


def find_account() -> Procedure[Account]:
    """Return the only sub-account the user can see.

    :raises InvalidConnectionError: if there is none, or several; the message names them
    """
    accounts = yield from list_accounts()
    if len(accounts) == 1:
        return accounts[0]
    if not accounts:
        raise InvalidConnectionError("the user can see no account; ask for access in Engage Voice")
    choices = ", ".join(f"{account.accountId} ({account.accountName})" for account in accounts)
    raise InvalidConnectionError(f"account_id is not set and the user can see several accounts: {choices}")


@lru_cache(maxsize=1024)
def _parsed(url: str, query: tuple[tuple[str, str | int], ...]) -> httpx.URL:
    # Parsing a URL takes httpx longer than acquiring a permit, and polling repeats the same URLs.
    return httpx.URL(url, params=dict(query) or None)


class _BaseClient:
    """All of a client but the sending.

    :param shared_state: tokens and rate limits; default: this process's memory
    :param masks: functions that mask each token obtained in logs
    :param deadline: instant at which the caller times out; a wait that would end later fails at once
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
        self.settings = settings
        self._limits = limits or RetryLimits()
        self.shared_state = shared_state or open_shared_state()
        self._rate_limiter = self.shared_state.rate_limiter
        self._deadline = float("inf")
        if deadline is not None:
            self._deadline = clock.monotonic() + (deadline - clock.now()).total_seconds()
        self._account_id = settings.account_id
        self._redact = Redactor(settings.credentials)
        self._clock_skew = ClockSkewMonitor()
        self._rates: dict[tuple[str, str], tuple[str, tuple[Rate, ...]]] = {}
        filter_sign_in_logs()
        self._open(CallTimeout(settings.timeouts.call), self._http_options(masks or Masks()))

    @abstractmethod
    def _open(self, timeout: CallTimeout, options: dict[str, Any]) -> None:
        """Make the httpx client."""

    @staticmethod
    @abstractmethod
    def _proxy_transport(
        proxy: httpx.Proxy, certificates: ssl.SSLContext
    ) -> httpx.BaseTransport | httpx.AsyncBaseTransport:
        """Return a transport through a proxy."""

    def _url(self, request: Request[Any]) -> httpx.URL:
        path = request.path.replace(_ACCOUNT_ID, self._account_id)
        return _parsed(
            f"{self.settings.base_url}{self.settings.api_root}/{path}", tuple(request.query.items())
        )

    def steps(self, procedure: Procedure[T] | Request[T]) -> RequestSteps[T]:
        """Return the steps that run a procedure: permits, pauses, and single requests."""
        flow = iter(procedure)
        try:
            step = next(flow)
            while True:
                try:
                    result = yield from self._steps_of(step)
                except EngageVoiceError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _steps_of(self, step: Request[Any] | Reserve | Pause | ServerTime) -> RequestSteps[Any]:
        if isinstance(step, ServerTime):
            return self._clock_skew.server_now()
        if isinstance(step, Pause):
            yield step
            return None
        request = step.request if isinstance(step, Reserve) else step
        if _ACCOUNT_ID in request.path and not self._account_id:
            yield AccountStep.FIND
        permit = self._permit(request)
        if isinstance(step, Reserve):
            return (yield from permit_steps(permit))
        return (yield from request_steps(request, self._limits, permit, partial(self._read, request)))

    def _permit(self, request: Request[Any]) -> PermitRequest:
        limit, account_id = request.rate_limit, self._account_id if _ACCOUNT_ID in request.path else ""
        cached = self._rates.get((limit.name, account_id))
        if cached is None:
            settings = self.settings
            cached = settings.rate_limit_key(limit, account_id), settings.budgets.rates(limit)
            self._rates[limit.name, account_id] = cached
        key, rates = cached
        return PermitRequest(
            key,
            limit,
            rates,
            self._limits.rate_limit_seconds,
            self._deadline,
            request.method,
            request.path,
        )

    def _http_options(self, masks: Masks) -> dict[str, Any]:
        mounts: dict[str, httpx.BaseTransport | httpx.AsyncBaseTransport] = {}
        certificates = trust()
        for url in (self.settings.base_url, self.settings.rc_server):
            if (proxy := proxy_for(url)) is not None:
                mounts[url] = self._proxy_transport(proxy, certificates)
        self._auth = EngageVoiceAuth(self.settings, self.shared_state, masks, self._redact, self._deadline)
        return {
            "auth": self._auth,
            "timeout": self.settings.timeouts.for_httpx(),
            "headers": {
                "User-Agent": USER_AGENT,
                "Accept": "application/json, text/plain",
                "Accept-Encoding": ACCEPT_ENCODING,
            },
            "verify": certificates,
            "trust_env": False,
            "mounts": mounts,
            "cookies": NoCookies(),
        }

    def _http_request(self, http: httpx.Client | httpx.AsyncClient, request: Request[Any]) -> httpx.Request:
        content = request.content
        if request.body is not None:
            # httpx's own encoding rejects values that a server may have stored: lone surrogates, NaN.
            content = json.dumps(request.body).encode()
        headers = None if content is None else {"Content-Type": request.content_type}
        extensions: dict[str, Any] = {MAX_BYTES: request.max_bytes}
        if request.after_read:
            extensions[SENT_AT_ONCE] = True
        options: dict[str, Any] = {}
        if request.seconds is not None:
            timeouts = self.settings.timeouts
            read = max(request.seconds, timeouts.read)
            options["timeout"] = replace(timeouts, read=read).for_httpx()
            extensions[CALL_SECONDS] = max(request.seconds, timeouts.call)
        url = self._url(request)
        return http.build_request(
            request.method, url, content=content, headers=headers, extensions=extensions, **options
        )

    def _read(self, request: Request[T], response: httpx.Response) -> T:
        self._clock_skew.check(response)
        try:
            return read_response(request, response, response.request.url.path, self._redact)
        except ApiError as error:
            raise mark_unknown_outcome(error, request.idempotency) from None

    def _too_large(self, request: Request[Any], error: TooLargeError) -> ApiError:
        return error if is_sign_in(error.path) else mark_unknown_outcome(error, request.idempotency)

    def _transport_error(self, request: Request[Any], error: httpx.RequestError) -> ApiError:
        url = error.request.url
        path, origin = url.path, f"{url.scheme}://{url.netloc.decode()}"
        idempotency = Idempotency.SAFE if is_sign_in(path) else request.idempotency
        return error_of_transport(
            error,
            error.request.method,
            path,
            idempotency,
            origin=origin,
            field="rc_server" if path.startswith("/restapi") else "host",
            redact=self._redact,
        )


class EngageVoiceClient(_BaseClient, SyncMethods):
    """The sync client. Use it as a context manager, or close it."""

    def _open(self, timeout: CallTimeout, options: dict[str, Any]) -> None:
        hooks: dict[str, Any] = {"request": [timeout.started], "response": [drop_redirect, bound_body]}
        self._http = httpx.Client(event_hooks=hooks, **options)

    @staticmethod
    def _proxy_transport(proxy: httpx.Proxy, certificates: ssl.SSLContext) -> httpx.HTTPTransport:
        return httpx.HTTPTransport(verify=certificates, proxy=proxy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result.

        :raises ApiError: after the retries that the request's idempotency allows
        """
        return run_steps(self.steps(procedure), self._perform)

    def account_id(self) -> str:
        """Return the id of the sub-account: the connection's, else the only one the user can see."""
        if not self._account_id:
            self._account_id = self.run(find_account()).accountId
        return self._account_id

    def _perform(self, step: Any) -> Any:
        match step:
            case Request():
                return self._exchange(step)
            case PermitPause():
                return self._rate_limiter.pause(step.permit, step.seconds)
            case AccountStep.FIND:
                return self.account_id()
            case _:
                return self._rate_limiter.perform(step)

    def _exchange(self, request: Request[Any]) -> httpx.Response:
        try:
            return self._http.send(self._http_request(self._http, request))
        except httpx.RequestError as error:
            typed = self._transport_error(request, error)
            if (permit := self._auth.unused_permit(typed)) is not None:
                self._rate_limiter.give_back(permit)
        except TooLargeError as error:
            typed = self._too_large(request, error)
        # Here, it has no context: an error of httpx may quote a line of the server with a secret.
        raise typed


class AsyncEngageVoiceClient(_BaseClient, AsyncMethods):
    """The async client. Use it as an async context manager, or close it."""

    def _open(self, timeout: CallTimeout, options: dict[str, Any]) -> None:
        self._finding_account = asyncio.Lock()
        hooks: dict[str, Any] = {"request": [timeout.astarted], "response": [adrop_redirect, abound_body]}
        self._http = httpx.AsyncClient(event_hooks=hooks, **options)

    @staticmethod
    def _proxy_transport(proxy: httpx.Proxy, certificates: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=certificates, proxy=proxy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result.

        :raises ApiError: after the retries that the request's idempotency allows
        """
        return await arun_steps(self.steps(procedure), self._perform)

    async def account_id(self) -> str:
        """Return the id of the sub-account: the connection's, else the only one the user can see."""
        async with self._finding_account:
            if not self._account_id:
                self._account_id = (await self.run(find_account())).accountId
        return self._account_id

    async def _perform(self, step: Any) -> Any:
        match step:
            case Request():
                return await self._exchange(step)
            case PermitPause():
                return await self._rate_limiter.pause_async(step.permit, step.seconds)
            case AccountStep.FIND:
                return await self.account_id()
            case _:
                return await self._rate_limiter.perform_async(step)

    async def _exchange(self, request: Request[Any]) -> httpx.Response:
        try:
            return await self._http.send(self._http_request(self._http, request))
        except httpx.RequestError as error:
            typed = self._transport_error(request, error)
            if (permit := self._auth.unused_permit(typed)) is not None:
                await asyncio.to_thread(self._rate_limiter.give_back, permit)
        except TooLargeError as error:
            typed = self._too_large(request, error)
        # Here, it has no context: an error of httpx may quote a line of the server with a secret.
        raise typed
