"""Signing in: one generator of requests serves the sync and the async client (``httpx.Auth``)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.credentials import Redactor, SignIn
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.rate_limits import TOKEN_EXCHANGE
from airflow_provider_engagevoice.client.responses import error_of
from airflow_provider_engagevoice.client.settings import USER_AGENT, ClientSettings
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.client.tokens import (
    ACCESS_TOKEN_SECONDS,
    LEGACY_TOKEN_SECONDS,
    LOCK_SECONDS,
    REFUSED_SECONDS,
    Token,
)
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    RateLimitedError,
    UnexpectedAnswerError,
)

log = logging.getLogger(__name__)

#: Requests to send, and rate_limiter to wait for (which are answered by nothing).
SignInSteps: TypeAlias = Generator[httpx.Request | PermitRequest, Any, Token]

#: Stands for all of signing in, in messages about what was not sent.
_SIGN_IN_PATH = "/api/auth/login"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_FIELDS = ("access_token", "refresh_token", "accessToken", "refreshToken", "authToken")


@dataclass(frozen=True, slots=True)
class Masks:
    """Tell the log masker of each token obtained, from a thread or on an event loop."""

    mask: Callable[[str], None] = lambda secret: None
    amask: Callable[[str], Awaitable[None]] | None = None


class EngageVoiceAuth(httpx.Auth):
    """Put a token on every request; sign in or renew when there is none, and once when it is refused.

    Of all who share the shared_state one at a time signs in or renews, and the others take the token it got.

    :param give_up_at: no wait is begun that ends after this instant of ``clock.monotonic``
    """

    def __init__(
        self,
        settings: ClientSettings,
        shared_state: SharedState,
        masks: Masks,
        redact: Redactor,
        give_up_at: float,
    ) -> None:
        self._settings = settings
        self._tokens = shared_state.tokens
        self._rate_limiter = shared_state.rate_limiter
        self._masks = masks
        self._redact = redact
        self._give_up_at = give_up_at
        self._key = settings.token_key
        self._turn = PermitRequest(
            key=settings.exchange_key(TOKEN_EXCHANGE),
            budget=TOKEN_EXCHANGE,
            rates=settings.budgets.rates(TOKEN_EXCHANGE),
            longest=LOCK_SECONDS,
            give_up_at=give_up_at,
            method="POST",
            path=_SIGN_IN_PATH,
        )

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        refused: Token | None = None
        while True:
            token = self._usable(self._tokens.known(self._key), refused)
            if token is None:
                token = self._usable(self._tokens.load(self._key), refused)
            if token is None:
                with self._tokens.lock(self._key, self._lock_seconds()):
                    token = self._usable(self._tokens.load(self._key), refused)
                    if token is None:
                        self._heed_refusal(self._tokens.refusal(self._key))
                        steps = self._sign_in_steps(refused)
                        try:
                            step = next(steps)
                            while True:
                                if isinstance(step, PermitRequest):
                                    self._rate_limiter.wait(step)
                                    step = next(steps)
                                    continue
                                response = yield step
                                response.read()
                                for secret in self._tokens_in(response):
                                    self._masks.mask(secret)
                                step = steps.send(response)
                        except StopIteration as stop:
                            token = stop.value
                            self._tokens.keep(self._key, token)
                        except AuthenticationError as error:
                            self._tokens.refuse(self._key, error.what)
                            raise
                        except RateLimitedError as error:
                            self._rate_limiter.pause(self._turn, _pause_after(error))
                            raise
            response = yield _with_token(request, token)
            if response.status_code != httpx.codes.UNAUTHORIZED or refused is not None:
                return
            refused = token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        refused: Token | None = None
        while True:
            token = self._usable(self._tokens.known(self._key), refused)
            if token is None:
                token = self._usable(await asyncio.to_thread(self._tokens.load, self._key), refused)
            if token is None:
                async with self._tokens.async_lock(self._key, self._lock_seconds()):
                    token = self._usable(await asyncio.to_thread(self._tokens.load, self._key), refused)
                    if token is None:
                        self._heed_refusal(await asyncio.to_thread(self._tokens.refusal, self._key))
                        steps = self._sign_in_steps(refused)
                        try:
                            step = next(steps)
                            while True:
                                if isinstance(step, PermitRequest):
                                    await self._rate_limiter.wait_async(step)
                                    step = next(steps)
                                    continue
                                response = yield step
                                await response.aread()
                                for secret in self._tokens_in(response):
                                    if self._masks.amask is not None:
                                        await self._masks.amask(secret)
                                step = steps.send(response)
                        except StopIteration as stop:
                            token = stop.value
                            await asyncio.to_thread(self._tokens.keep, self._key, token)
                        except AuthenticationError as error:
                            await asyncio.to_thread(self._tokens.refuse, self._key, error.what)
                            raise
                        except RateLimitedError as error:
                            await self._rate_limiter.pause_async(self._turn, _pause_after(error))
                            raise
            response = yield _with_token(request, token)
            if response.status_code != httpx.codes.UNAUTHORIZED or refused is not None:
                return
            refused = token

    def _lock_seconds(self) -> float:
        return min(LOCK_SECONDS, self._give_up_at - clock.monotonic())

    def _usable(self, token: Token | None, refused: Token | None) -> Token | None:
        if token is not None:
            self._redact.add(token.value)
            self._redact.add(token.refresh)
        if token is None or not token.is_fresh():
            return None
        return None if refused is not None and token.value == refused.value else token

    def _heed_refusal(self, refusal: tuple[str, float] | None) -> None:
        """Fail as whoever tried these credentials a moment ago: many refused sign-ins lock an account."""
        if refusal is not None:
            reason, seconds = refusal
            raise AuthenticationError(
                f"{reason} ({seconds:.0f} s ago; the same credentials are tried again "
                f"{REFUSED_SECONDS:.0f} s after a refusal)",
                method="POST",
                path=_SIGN_IN_PATH,
            )

    def _tokens_in(self, response: httpx.Response) -> list[str]:
        """Return the tokens in an answer to a sign-in, to be masked; texts of the server lose them too."""
        body = _json(response) or {}
        found = [body[name] for name in _TOKEN_FIELDS if isinstance(body.get(name), str) and body[name]]
        for secret in found:
            self._redact.add(secret)
        return found

    def _sign_in_steps(self, refused: Token | None) -> SignInSteps:
        """Renew by the refresh token where there is one, else, or when that fails, sign in anew."""
        old = self._tokens.known(self._key)
        if old is not None and old.refresh:
            try:
                return (yield from self._refresh(old.refresh))
            except ApiError as error:
                if error.retryable:
                    raise
                log.info("the refresh token is no longer good (%s); signing in anew", error.what)
        return (yield from self._sign_in(refused))

    def _sign_in(self, refused: Token | None) -> SignInSteps:
        settings, given = self._settings, self._settings.credentials
        match settings.sign_in:
            case SignIn.RINGCENTRAL_JWT:
                grant = {"grant_type": _JWT_GRANT, "assertion": given.jwt_token}
                return (yield from self._exchange(grant))
            case SignIn.RINGCENTRAL_PASSWORD:
                grant = {"grant_type": "password", "username": given.username, "password": given.password}
                if given.extension:
                    grant["extension"] = given.extension
                return (yield from self._exchange(grant))
            case SignIn.ENGAGE:
                yield self._turn
                query = {"username": given.username, "password": given.password}
                if given.platform_id:
                    query["platformId"] = given.platform_id
                url = f"{settings.base_url}/api/auth/login/admin"
                answer = yield from self._ask(self._post(url, query=query))
                return _access_token(answer, url)
            case SignIn.LEGACY:
                yield self._turn
                url = f"{settings.base_url}{settings.api_root}/auth/login"
                form = {"username": given.username, "password": given.password}
                answer = yield from self._ask(self._post(url, form))
                value = _text(answer, "authToken", url)
                return Token(value, "X-Auth-Token", clock.monotonic() + LEGACY_TOKEN_SECONDS)
            case SignIn.API_TOKEN:
                if refused is not None:
                    raise AuthenticationError(
                        "the API token was refused; it may have been removed",
                        method="GET",
                        path=settings.api_root,
                        status=httpx.codes.UNAUTHORIZED,
                    )
                return Token(given.api_token, "X-Auth-Token")

    def _exchange(self, grant: dict[str, str]) -> SignInSteps:
        """RingCentral first, then its token for one of Engage Voice."""
        # Before RingCentral's token, too: what a 429 of either server asks for holds back both.
        yield self._turn
        settings, given = self._settings, self._settings.credentials
        url = f"{settings.rc_server}/restapi/oauth/token"
        basic = httpx.BasicAuth(given.client_id, given.client_secret)
        answer = yield from self._ask(next(basic.auth_flow(self._post(url, grant))))
        form = {"rcAccessToken": _text(answer, "access_token", url), "rcTokenType": "Bearer"}
        url = f"{settings.base_url}/api/auth/login/rc/accesstoken"
        answer = yield from self._ask(self._post(url, form, {"includeRefresh": "true"}))
        return _access_token(answer, url)

    def _refresh(self, refresh: str) -> SignInSteps:
        # Whether the documented limit holds for renewals, too, is not documented.
        yield self._turn
        url = f"{self._settings.base_url}/api/auth/token/refresh"
        answer = yield from self._ask(self._post(url, {"refresh_token": refresh}))
        return _access_token(answer, url)

    def _post(
        self, url: str, form: dict[str, str] | None = None, query: dict[str, str] | None = None
    ) -> httpx.Request:
        # Requests of an auth flow get neither the client's headers nor its time-outs.
        return httpx.Request(
            "POST",
            url,
            params=query,
            data=form,
            headers={"User-Agent": USER_AGENT},
            extensions={"timeout": self._settings.timeouts.for_httpx().as_dict()},
        )

    def _ask(self, request: httpx.Request) -> Generator[httpx.Request | PermitRequest, Any, dict[str, Any]]:
        response = yield request
        path = request.url.path
        if not response.is_success:
            error = error_of(response, request.method, path, self._redact, budget=str(TOKEN_EXCHANGE))
            if isinstance(error, AuthenticationError | BadRequestError | PermissionDeniedError):
                raise AuthenticationError(
                    f"sign-in {self._settings.sign_in} was refused: {error.what}",
                    method=error.method,
                    path=path,
                    status=error.status,
                    problems=error.problems,
                )
            raise error
        answer = _json(response)
        if answer is None:
            raise _unexpected(request.url.path, "no JSON object")
        return answer


def _pause_after(error: RateLimitedError) -> float:
    """Return how long nobody signs in after a 429: as the server says, else the exchange's own window."""
    return TOKEN_EXCHANGE.rates[0].seconds if error.retry_after is None else error.retry_after


def _with_token(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers[token.header] = token.header_value()
    return request


def _access_token(answer: dict[str, Any], url: str) -> Token:
    refresh = answer.get("refreshToken")
    return Token(
        _text(answer, "accessToken", url),
        expires_at=clock.monotonic() + ACCESS_TOKEN_SECONDS,
        refresh=refresh if isinstance(refresh, str) and _fits_a_header(refresh) else "",
    )


def _text(answer: dict[str, Any], name: str, url: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise _unexpected(httpx.URL(url).path, f"no {name}")
    if not _fits_a_header(value):
        raise _unexpected(httpx.URL(url).path, f"characters in {name} that no header can carry")
    return value


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable()


def _unexpected(path: str, missing: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"the answer to a sign-in has {missing}: is the host right?", method="POST", path=path, status=200
    )


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
