"""Convert an HTTP response, or a failure to get one, to a result or a typed error."""

from __future__ import annotations

import codecs
import json
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    EndpointMissingError,
    FieldProblem,
    NoAnswerError,
    NoTlsError,
    OutcomeUnknownError,
    PageAnswerError,
    PermissionDeniedError,
    RateLimitedError,
    ResourceNotFoundError,
    ServerError,
    TooLargeError,
    UnexpectedAnswerError,
    UnreachableError,
)
from airflow_provider_engagevoice.models.phone import hide_phones

T = TypeVar("T")
Redact = Callable[[str], str]

_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ResourceNotFoundError,
    405: EndpointMissingError,
    409: ConflictError,
    410: EndpointMissingError,
    422: BadRequestError,
    429: RateLimitedError,
    501: EndpointMissingError,
}
_MESSAGE_FIELDS = ("generalMessage", "details", "developerMessage", "error_description", "message", "cause")
_LONGEST_MESSAGE = 300
#: Paths of requests that have people's data.
_ON_PEOPLE = r"/(campaignLeads|leadLoader|dncLists)"


def read_response(request: Request[T], response: httpx.Response, path: str, redact: Redact) -> T:
    """Return the result of ``request``.

    :param path: path of the request, for messages
    :param redact: removes secrets from the server's texts
    :raises ApiError: the subclass for the status or the problem of the body
    """
    if not response.is_success:
        raise error_of(response, request.method, path, redact, rate_limit=str(request.rate_limit))
    try:
        return request.read(_decode(response, request))
    except (ValueError, TypeError, RecursionError) as error:
        shape = str(error) if isinstance(error, TypeError) else type(error).__name__
    what = f"status {response.status_code}, but {redact(_describe(response))} ({shape})"
    # Here, it has no context: an error of pydantic quotes values of the server.
    raise _unreadable(request, what, path, response.status_code, is_page(response))


def error_of(
    response: httpx.Response, method: str, path: str, redact: Redact, *, rate_limit: str = ""
) -> ApiError:
    """Return the typed error for a response with a status other than 2xx."""
    status = response.status_code
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else UnexpectedAnswerError
    if status in (403, 404, 405) and is_page(response):
        kind = PageAnswerError
    message, problems = _vendor_message(response, redact)
    if re.search(_ON_PEOPLE, path):
        message = hide_phones(message)
        # The name of the field has to do: its value may be a person's name.
        problems = [FieldProblem(one.attribute, hide_phones(one.message), None) for one in problems]
    what = f"status {status}: {message}" if message else f"status {status}"
    if status == 429 and rate_limit:
        what += f"; rate limit {rate_limit} exceeded"
    if status in (301, 302, 303, 307, 308):
        what += ", a redirect: is the host right?"
    retry_after = _retry_after(response) if status in (429, 503) else None
    return kind(what, method=method, path=path, status=status, problems=problems, retry_after=retry_after)


def error_of_transport(
    error: httpx.RequestError,
    method: str,
    path: str,
    idempotency: Idempotency,
    *,
    origin: str = "",
    field: str = "",
    redact: Redact = str,
) -> ApiError:
    """Return the typed error for a request without a response.

    :param origin: scheme, host and port of the server, for messages
    :param field: field of the connection that has it, for messages
    :param redact: removes secrets from the error's text, which may quote a line of the server
    """
    name, text = type(error).__name__, str(error)
    if "'" in text or '"' in text:
        # It quotes what the server has sent. Redacting takes long enough to be noticed in short time-outs.
        text = redact(text)
    never_sent = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    if isinstance(error, never_sent):
        of = f", {field} of the connection" if field else ""
        what = f"no connection to {origin or 'the server'}{of} ({name}: {text})"
        if "WRONG_VERSION_NUMBER" in text:
            what += "; write http:// if the host has no TLS, or correct the port or the proxy"
            return NoTlsError(what, method=method, path=path)
        return UnreachableError(what, method=method, path=path)
    if isinstance(error, httpx.UnsupportedProtocol):
        return UnexpectedAnswerError(f"no such protocol ({text})", method=method, path=path)
    return mark_unknown_outcome(
        NoAnswerError(f"no response ({name}: {text})", method=method, path=path), idempotency
    )


def mark_unknown_outcome(error: ApiError, idempotency: Idempotency) -> ApiError:
    """Return an :class:`OutcomeUnknownError` for a failure that may have created something."""
    unknown = ServerError | NoAnswerError | PageAnswerError | TooLargeError
    if idempotency is Idempotency.UNSAFE and isinstance(error, unknown):
        return OutcomeUnknownError(
            error.what, method=error.method, path=error.path, status=error.status, problems=error.problems
        )
    return error


def _unreadable(request: Request[Any], what: str, path: str, status: int, is_page: bool) -> ApiError:
    kind: type[ApiError] = PageAnswerError if is_page else UnexpectedAnswerError
    if request.idempotency is Idempotency.UNSAFE:
        kind = OutcomeUnknownError
    return kind(what, method=request.method, path=path, status=status)


def _decode(response: httpx.Response, request: Request[Any]) -> Any:
    is_ignored = request.ignores_body or request.method == "DELETE"
    if not response.content.strip() and (is_ignored or request.may_be_empty):
        return None
    # A page is a gateway's: nothing was deleted or written.
    if is_ignored and not is_page(response):
        return None
    return json.loads(response.content)


def is_page(response: httpx.Response) -> bool:
    """Return whether the body is a page: of a gateway, of maintenance or of another host, not the API's."""
    if "html" in response.headers.get("content-type", ""):
        return True
    return response.content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"


def _describe(response: httpx.Response) -> str:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    if not response.content:
        return "an empty body"
    if is_page(response):
        return "an HTML page instead of JSON: is the host right?"
    return f"a body that is not the documented JSON (content type {content_type or 'none'})"


def _vendor_message(response: httpx.Response, redact: Redact) -> tuple[str, list[FieldProblem]]:
    """Return the vendor's message, without the URL in the body, which may contain a password."""
    if is_page(response):
        return "an HTML page instead of an API error: is the host right?", []
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        # Not decoded by the charset of the response: it may be no text encoding.
        return _shorten(redact(response.content.decode(errors="replace"))), []
    if not isinstance(body, dict):
        return _shorten(redact(str(body))), []
    texts: list[str] = []
    for name in _MESSAGE_FIELDS:
        text = body.get(name)
        if isinstance(text, str) and text.strip() and text not in texts:
            texts.append(text)
    if isinstance(code := body.get("errorCode") or body.get("error"), str):
        texts.append(f"[{code}]")
    entries = body.get("validationErrors")
    problems = [
        FieldProblem(
            redact(str(entry.get("attributeName"))),
            redact(str(entry.get("message"))),
            None if entry.get("value") is None else redact(str(entry["value"])),
        )
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    ]
    return _shorten(redact(" ".join(texts))), problems


def _shorten(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _retry_after(response: httpx.Response) -> float | None:
    """Parse ``Retry-After``: seconds, or an HTTP date (RFC 9110, 10.2.3) by the server's clock."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        now = server_time(response)
        return max(0.0, parsedate_to_datetime(value).timestamp() - (clock.time() if now is None else now))
    except (ValueError, TypeError, OverflowError):
        return None


log = logging.getLogger(__name__)

#: Skew that is logged: campaign windows are evaluated by this machine's clock.
_WARNED_SECONDS = 30.0
_CHECK_EVERY_SECONDS = 60.0


def server_time(response: httpx.Response) -> float | None:
    """Return the server's time in seconds since the epoch, None without a valid ``Date`` header."""
    try:
        return parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


class ClockSkewMonitor:
    """Compare the server's clock with this machine's once a minute; log one warning."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._ahead = 0.0
        self._warned = False

    def server_now(self) -> datetime:
        """Return the current instant by the server's clock; by this machine's if no response has shown it."""
        return clock.now() - timedelta(seconds=self._ahead)

    def check(self, response: httpx.Response) -> None:
        """Compare the clocks if the last check is a minute old."""
        if clock.monotonic() < self._next:
            return
        self._next = clock.monotonic() + _CHECK_EVERY_SECONDS
        server = server_time(response)
        if server is None:
            return
        self._ahead = ahead = clock.time() - server
        if self._warned or abs(ahead) < _WARNED_SECONDS:
            return
        self._warned = True
        log.warning(
            "this machine's clock is %.0f s %s the server's; campaign windows follow this machine's",
            abs(ahead),
            "ahead of" if ahead > 0 else "behind",
        )
