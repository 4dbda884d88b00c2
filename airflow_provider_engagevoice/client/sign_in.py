"""The sign-in flows: requests that obtain a token."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.rate_limits import TOKEN_EXCHANGE
from airflow_provider_engagevoice.client.responses import error_of, is_page
from airflow_provider_engagevoice.client.settings import USER_AGENT, ClientSettings, Redactor, SignIn
from airflow_provider_engagevoice.client.shared_state import ACCESS_TOKEN_SECONDS, LEGACY_TOKEN_SECONDS, Token
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    EndpointMissingError,
    PageAnswerError,
    PermissionDeniedError,
    ResourceNotFoundError,
    UnexpectedAnswerError,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Requests to send, each answered by its response, and permits to acquire before them.
SignInSteps: TypeAlias = Generator[httpx.Request | PermitRequest, Any, T]

#: Names any request of a sign-in in messages about one that was not sent.
SIGN_IN_PATH = "/api/auth/login"
#: Exchanges RingCentral's token for one of Engage Voice.
EXCHANGE_PATH = "/api/auth/login/rc/accesstoken"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_FIELDS = ("access_token", "refresh_token", "accessToken", "refreshToken", "authToken")

#: What a web server answers that does not sign in anyone.
_OF_OTHER_SERVERS = (ResourceNotFoundError, EndpointMissingError, UnexpectedAnswerError)


class SignInFlow:
    """The flow of one connection, as a generator of requests.

    :param permit: what to acquire before each sign-in
    """

    def __init__(self, settings: ClientSettings, permit: PermitRequest, redact: Redactor) -> None:
        self._settings = settings
        self._permit = permit
        self._redact = redact

    def obtain(self, known: Token | None, refused: Token | None) -> SignInSteps[Token]:
        """Renew the known token if it has a refresh token; else, or if that fails, sign in.

        :param refused: the token the server has just refused, None for none
        """
        if known is not None and known.refresh:
            try:
                return (yield from self._refresh(known.refresh))
            except ApiError as error:
                if error.retryable:
                    raise
                log.info("the refresh token was refused (%s); signing in again", error.what)
        try:
            return (yield from self._sign_in(refused))
        except ApiError as error:
            if not isinstance(error, AuthenticationError):
                settings = self._settings
                is_rc = error.path.startswith("/restapi")
                field, at = ("rc_server", settings.rc_server) if is_rc else ("host", settings.base_url)
                hint = f": is {field} right?" if isinstance(error, _OF_OTHER_SERVERS) else ""
                error.add(f"sign-in {settings.sign_in} at {at}{hint}")
            raise

    def _sign_in(self, refused: Token | None) -> SignInSteps[Token]:
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
                yield self._permit
                query = {"username": given.username, "password": given.password}
                if given.platform_id:
                    query["platformId"] = given.platform_id
                url = f"{settings.base_url}/api/auth/login/admin"
                body = yield from self._send(self._post(url, query=query))
                return _access_token(body, url)
            case SignIn.LEGACY:
                yield self._permit
                url = f"{settings.base_url}{settings.api_root}/auth/login"
                form = {"username": given.username, "password": given.password}
                body = yield from self._send(self._post(url, form))
                value = _text(body, "authToken", url)
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

    def _exchange(self, grant: dict[str, str]) -> SignInSteps[Token]:
        """Obtain RingCentral's token and exchange it for one of Engage Voice."""
        # Before RingCentral's token too: the Retry-After of either server holds back both requests.
        yield self._permit
        settings, given = self._settings, self._settings.credentials
        url = f"{settings.rc_server}/restapi/oauth/token"
        basic = httpx.BasicAuth(given.client_id, given.client_secret)
        body = yield from self._send(next(basic.auth_flow(self._post(url, grant))))
        form = {"rcAccessToken": _text(body, "access_token", url), "rcTokenType": "Bearer"}
        url = f"{settings.base_url}{EXCHANGE_PATH}"
        body = yield from self._send(self._post(url, form, {"includeRefresh": "true"}))
        return _access_token(body, url)

    def _refresh(self, refresh: str) -> SignInSteps[Token]:
        # Whether the documented limit covers renewals is not documented.
        yield self._permit
        url = f"{self._settings.base_url}/api/auth/token/refresh"
        body = yield from self._send(self._post(url, {"refresh_token": refresh}))
        return _access_token(body, url)

    def _post(
        self, url: str, form: dict[str, str] | None = None, query: dict[str, str] | None = None
    ) -> httpx.Request:
        # httpx gives requests of an auth flow neither the client's headers nor its timeouts.
        return httpx.Request(
            "POST",
            url,
            params=query,
            data=form,
            headers={"User-Agent": USER_AGENT},
            extensions={"timeout": self._settings.timeouts.for_httpx().as_dict()},
        )

    def _send(self, request: httpx.Request) -> SignInSteps[dict[str, Any]]:
        response = yield request
        path = request.url.path
        if not response.is_success:
            error = error_of(response, request.method, path, self._redact, rate_limit=str(TOKEN_EXCHANGE))
            if isinstance(error, AuthenticationError | BadRequestError | PermissionDeniedError):
                connection = self._settings.connection_id
                who = request.url.host + (f", connection {connection!r}" if connection else "")
                raise AuthenticationError(
                    f"sign-in {self._settings.sign_in} was refused: {error.what} (by {who})",
                    method=error.method,
                    path=path,
                    status=error.status,
                    problems=error.problems,
                )
            raise error
        body = _json(response)
        if body is None:
            kind = PageAnswerError if is_page(response) else UnexpectedAnswerError
            raise _unexpected(path, "no JSON object", kind)
        return body


def tokens_in(response: httpx.Response) -> list[str]:
    """Return every token in a response to a sign-in."""
    body = _json(response) or {}
    return [body[name] for name in _TOKEN_FIELDS if isinstance(body.get(name), str) and body[name]]


def _access_token(body: dict[str, Any], url: str) -> Token:
    refresh = body.get("refreshToken")
    return Token(
        _text(body, "accessToken", url),
        expires_at=clock.monotonic() + ACCESS_TOKEN_SECONDS,
        refresh=refresh if isinstance(refresh, str) and _fits_a_header(refresh) else "",
    )


def _text(body: dict[str, Any], name: str, url: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _unexpected(httpx.URL(url).path, f"no {name}")
    if not _fits_a_header(value):
        raise _unexpected(httpx.URL(url).path, f"characters in {name} that no header can hold")
    return value


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable()


def _unexpected(
    path: str, missing: str, kind: type[UnexpectedAnswerError] = UnexpectedAnswerError
) -> UnexpectedAnswerError:
    return kind(f"the response to a sign-in has {missing}", method="POST", path=path, status=200)


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
