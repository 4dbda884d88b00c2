"""Token handling of every request: one generator of steps serves the sync and the async client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypeAlias, TypeVar

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.rate_limits import TOKEN_EXCHANGE
from airflow_provider_engagevoice.client.settings import ClientSettings, Redactor, is_sign_in
from airflow_provider_engagevoice.client.shared_state import LOCK_SECONDS, REFUSED_SECONDS, SharedState, Token
from airflow_provider_engagevoice.client.sign_in import EXCHANGE_PATH, SIGN_IN_PATH, SignInFlow, tokens_in
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    OutdatedError,
    RateLimitedError,
    UnreachableError,
)

T = TypeVar("T")


#: Extension of a request that is not sent if a token has to be obtained for it first.
SENT_AT_ONCE = "engagevoice_sent_at_once"


class _Lock(Enum):
    """What to do with the lock that lets one process at a time sign in."""

    ACQUIRE = "acquire"
    RELEASE = "release"


StoreCall: TypeAlias = partial[Any]
Step: TypeAlias = PermitRequest | StoreCall | _Lock
#: Requests to send and steps to perform, on a thread or on an event loop; each is sent its result.
Steps: TypeAlias = Generator[httpx.Request | Step, Any, T]


@dataclass(frozen=True, slots=True)
class Masks:
    """Functions that mask a token in logs, on a thread and on an event loop."""

    mask: Callable[[str], None] = lambda secret: None
    amask: Callable[[str], Awaitable[None]] | None = None


class EngageVoiceAuth(httpx.Auth):
    """Add a token to every request; sign in or renew if there is none, and once if the server refuses it.

    Of all processes that share ``shared_state`` one at a time signs in; the others use the token it obtained.

    :param deadline: instant of ``clock.monotonic``; a wait that would end later fails at once
    """

    def __init__(
        self,
        settings: ClientSettings,
        shared_state: SharedState,
        masks: Masks,
        redact: Redactor,
        deadline: float,
    ) -> None:
        self._tokens = shared_state.tokens
        self._rate_limiter = shared_state.rate_limiter
        self._masks = masks
        self._redact = redact
        self._deadline = deadline
        self._key = settings.token_key
        self._load: StoreCall = partial(self._tokens.load, self._key)
        self._permit = PermitRequest(
            key=settings.exchange_key(TOKEN_EXCHANGE),
            rate_limit=TOKEN_EXCHANGE,
            rates=settings.budgets.rates(TOKEN_EXCHANGE),
            longest=LOCK_SECONDS,
            deadline=deadline,
            method="POST",
            path=SIGN_IN_PATH,
        )
        self._flow = SignInFlow(settings, self._permit, redact)

    def unused_permit(self, error: ApiError) -> PermitRequest | None:
        """Return the permit of a sign-in that has reached no server; None for any other error."""
        # RingCentral has answered before the exchange.
        never_sent = isinstance(error, UnreachableError) and error.path != EXCHANGE_PATH
        return self._permit if never_sent and is_sign_in(error.path) else None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._usable(self._tokens.known(self._key), None)
        if token is not None:
            response = yield _with_token(request, token)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
        steps, result = self._steps(request, token), None
        with ExitStack() as lock:
            while (step := _next_step(steps, result)) is not None:
                if not isinstance(step, httpx.Request):
                    result = self._perform(step, lock)
                    continue
                result = yield step
                if step is not request:
                    result.read()
                    for secret in self._secrets_in(result):
                        self._masks.mask(secret)

    def _perform(self, step: Step, lock: ExitStack) -> Any:
        match step:
            case PermitRequest():
                return self._rate_limiter.acquire(step)
            case _Lock.ACQUIRE:
                return lock.enter_context(self._tokens.lock(self._key, self._lock_seconds()))
            case _Lock.RELEASE:
                return lock.close()
            case _:
                return step()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = self._usable(self._tokens.known(self._key), None)
        if token is not None:
            response = yield _with_token(request, token)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
        steps, result = self._steps(request, token), None
        async with AsyncExitStack() as lock:
            while (step := _next_step(steps, result)) is not None:
                if not isinstance(step, httpx.Request):
                    result = await self._aperform(step, lock)
                    continue
                result = yield step
                if step is not request:
                    await result.aread()
                    for secret in self._secrets_in(result):
                        if self._masks.amask is not None:
                            await self._masks.amask(secret)

    async def _aperform(self, step: Step, lock: AsyncExitStack) -> Any:
        match step:
            case PermitRequest():
                return await self._rate_limiter.acquire_async(step)
            case _Lock.ACQUIRE:
                held = self._tokens.async_lock(self._key, self._lock_seconds())
                return await lock.enter_async_context(held)
            case _Lock.RELEASE:
                return await lock.aclose()
            case _:
                return await asyncio.to_thread(step)

    def _steps(self, request: httpx.Request, refused: Token | None) -> Steps[None]:
        """Send ``request`` with a stored or a new token; after a 401, once again with a new one.

        :param refused: a token the server has already refused, None for none
        """
        while True:
            token = self._usable(self._tokens.known(self._key), refused)
            if token is None:
                token = self._usable((yield self._load), refused)
            if token is None:
                token = yield from self._renew(refused)
                if SENT_AT_ONCE in request.extensions:
                    raise OutdatedError(
                        "signing in took time in which its data may have changed; not sent",
                        method=request.method,
                        path=request.url.path,
                    )
            response = yield _with_token(request, token)
            if response.status_code != httpx.codes.UNAUTHORIZED or refused is not None:
                return
            refused = token

    def _renew(self, refused: Token | None) -> Steps[Token]:
        """Return a token that this process obtains under the lock, or another one obtained just before."""
        yield _Lock.ACQUIRE
        token = self._usable((yield self._load), refused)
        if token is None:
            self._check_refusal((yield partial(self._tokens.refusal, self._key)))
            try:
                token = yield from self._flow.obtain(self._tokens.known(self._key), refused)
            except AuthenticationError as error:
                yield partial(self._tokens.save_refusal, self._key, error.what)
                raise
            except RateLimitedError as error:
                if error.status is not None:
                    # Servers have been seen to send Retry-After: 1 and to refuse for the whole window.
                    error.retry_after = max(error.retry_after or 0.0, TOKEN_EXCHANGE.rates[0].seconds)
                    yield partial(self._rate_limiter.pause, self._permit, error.retry_after)
                raise
            yield partial(self._tokens.save, self._key, token)
        yield _Lock.RELEASE
        return token

    def _lock_seconds(self) -> float:
        return min(LOCK_SECONDS, self._deadline - clock.monotonic())

    def _usable(self, token: Token | None, refused: Token | None) -> Token | None:
        if token is not None:
            self._redact.add(token.value)
            self._redact.add(token.refresh)
        if token is None or not token.is_fresh():
            return None
        return None if refused is not None and token.value == refused.value else token

    def _check_refusal(self, refusal: tuple[str, float] | None) -> None:
        """Fail as another process just did with these credentials: many refused sign-ins lock an account."""
        if refusal is not None:
            reason, seconds = refusal
            raise AuthenticationError(
                f"{reason} ({seconds:.0f} s ago; the same credentials are tried again "
                f"{REFUSED_SECONDS:.0f} s after a refusal)",
                method="POST",
                path=SIGN_IN_PATH,
            )

    def _secrets_in(self, response: httpx.Response) -> list[str]:
        """Return the tokens of a sign-in response, to be masked; messages of the server lose them too."""
        secrets = tokens_in(response)
        for secret in secrets:
            self._redact.add(secret)
        return secrets


def _next_step(steps: Steps[None], result: Any) -> httpx.Request | Step | None:
    try:
        return steps.send(result)
    except StopIteration:
        return None


def _with_token(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers[token.header] = token.header_value()
    return request
