"""From an HTTP response, or the lack of one, to a result or a typed error."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
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
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    ResourceNotFoundError,
    ServerError,
    UnexpectedAnswerError,
    UnreachableError,
)

T = TypeVar("T")
Redact = Callable[[str], str]

_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ResourceNotFoundError,
    405: EndpointMissingError,
    409: ConflictError,
    422: BadRequestError,
    429: RateLimitedError,
    501: EndpointMissingError,
}
_MESSAGE_FIELDS = ("generalMessage", "details", "developerMessage", "error_description", "message", "cause")
_LONGEST_MESSAGE = 300


def read_answer(request: Request[T], response: httpx.Response, path: str, redact: Redact) -> T:
    """Return the result of ``request``.

    :param path: the path that was asked for, for messages
    :param redact: takes secrets out of texts of the server
    :raises ApiError: of the type that fits
    """
    if not response.is_success:
        raise error_of(response, request.method, path, redact, budget=str(request.budget))
    try:
        return request.read(_decode(response, request))
    except (ValueError, TypeError, RecursionError) as error:
        shape = str(error) if isinstance(error, TypeError) else type(error).__name__
        what = f"status {response.status_code}, but {_describe(response)} ({shape})"
        raise _of_doubtful_answer(request, what, path, response.status_code) from None


def error_of(
    response: httpx.Response, method: str, path: str, redact: Redact, *, budget: str = ""
) -> ApiError:
    """Return the typed error for a response whose status is not 2xx."""
    status = response.status_code
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else UnexpectedAnswerError
    message, problems = _vendor_message(response, redact)
    what = f"status {status}: {message}" if message else f"status {status}"
    if status == 429 and budget:
        what += f"; a request budget is spent: {budget}"
    if status in (301, 302, 303, 307, 308):
        what += ", a redirect: is the host right?"
    retry_after = _retry_after(response) if status in (429, 503) else None
    return kind(what, method=method, path=path, status=status, problems=problems, retry_after=retry_after)


def error_of_transport(
    error: httpx.RequestError, method: str, path: str, idempotency: Idempotency
) -> ApiError:
    """Return the typed error for a request that brought no response."""
    name = type(error).__name__
    never_sent = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    if isinstance(error, never_sent):
        return UnreachableError(f"no connection ({name}: {error})", method=method, path=path)
    if isinstance(error, httpx.UnsupportedProtocol):
        return UnexpectedAnswerError(f"no such protocol ({error})", method=method, path=path)
    return doubt(NoAnswerError(f"no answer ({name}: {error})", method=method, path=path), idempotency)


def doubt(error: ApiError, idempotency: Idempotency) -> ApiError:
    """Return the error as it is to be told: a failed create whose outcome nobody knows says so."""
    if idempotency is Idempotency.UNSAFE and isinstance(error, ServerError | NoAnswerError):
        return OutcomeUnknownError(
            error.what, method=error.method, path=error.path, status=error.status, problems=error.problems
        )
    return error


def _of_doubtful_answer(request: Request[Any], what: str, path: str, status: int) -> ApiError:
    kind: type[ApiError] = UnexpectedAnswerError
    if request.idempotency is Idempotency.UNSAFE:
        kind = OutcomeUnknownError
    return kind(what, method=request.method, path=path, status=status)


def _decode(response: httpx.Response, request: Request[Any]) -> Any:
    # Any answer to a deletion will do but a page: that is a proxy's, and nothing was deleted.
    if request.method == "DELETE" and not _is_markup(response):
        return None
    if request.may_be_empty and not response.content.strip():
        return None
    return json.loads(response.content)


def _is_markup(response: httpx.Response) -> bool:
    return response.content.lstrip()[:1] == b"<"


def _describe(response: httpx.Response) -> str:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    if not response.content:
        return "an empty body"
    if "html" in content_type or _is_markup(response):
        return "an HTML page instead of JSON: is the host right?"
    return f"a body that is not the documented JSON (content type {content_type or 'not given'})"


def _vendor_message(response: httpx.Response, redact: Redact) -> tuple[str, list[FieldProblem]]:
    """Return the vendor's own words, without the URL its bodies repeat (it may hold a password)."""
    if "html" in response.headers.get("content-type", "") or _is_markup(response):
        return "an HTML page instead of an API error: is the host right?", []
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        # Not by the charset the server names: it may be no encoding of text.
        return _shorten(redact(response.content.decode(errors="replace"))), []
    if not isinstance(body, dict):
        return _shorten(redact(str(body))), []
    words: list[str] = []
    for name in _MESSAGE_FIELDS:
        text = body.get(name)
        if isinstance(text, str) and text.strip() and text not in words:
            words.append(text)
    if isinstance(code := body.get("errorCode") or body.get("error"), str):
        words.append(f"[{code}]")
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
    return _shorten(redact(" ".join(words))), problems


def _shorten(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _retry_after(response: httpx.Response) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date (RFC 9110, 10.2.3), by the server's clock."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        now = server_time(response)
        return max(0.0, parsedate_to_datetime(value).timestamp() - (clock.time() if now is None else now))
    except (ValueError, TypeError, OverflowError):
        return None


log = logging.getLogger(__name__)

#: A difference worth a warning: windows of campaigns are judged by this machine's clock.
_TOLD_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 60.0


def server_time(response: httpx.Response) -> float | None:
    """Return what the server's clock showed, as seconds since the epoch; None when it does not say."""
    try:
        return parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


class ClockSkewMonitor:
    """Compares the clocks once a minute, and warns once."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._told = False

    def look(self, response: httpx.Response) -> None:
        """Compare the clocks, if it is time to."""
        if self._told or clock.monotonic() < self._next:
            return
        self._next = clock.monotonic() + _LOOK_EVERY_SECONDS
        shown = server_time(response)
        if shown is None or abs(ahead := clock.time() - shown) < _TOLD_SECONDS:
            return
        self._told = True
        log.warning(
            "this machine's clock is %.0f s %s the server's; campaigns' windows are judged by this machine's",
            abs(ahead),
            "ahead of" if ahead > 0 else "behind",
        )
