"""A request as data, and procedures made of requests.

An endpoint is a pure function that returns a :class:`Request`. A *procedure* is a generator that yields
requests and is sent their results; it does no I/O, so both the sync and the async client can run it.
``yield from`` a request inside a procedure gives its typed result::

    def rename(group: int, campaign: int, name: str) -> Procedure[Campaign]:
        before = yield from get_campaign(group, campaign)
        return (yield from put_campaign(group, campaign, before.with_changes({"campaignName": name})))
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limits import PROVISIONING, RateLimit
from airflow_provider_engagevoice.exceptions import EngageVoiceError

T = TypeVar("T")

Procedure: TypeAlias = Generator["Request[Any]", Any, T]


class Idempotency(Enum):
    """Whether a request may be sent again if its outcome is unknown."""

    SAFE = "safe"
    """It changes nothing."""
    IDEMPOTENT = "idempotent"
    """Executed twice it has the same effect as once."""
    UNSAFE = "unsafe"
    """Executed twice it creates a duplicate. Check the server before sending it again."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call of the API.

    :param method: HTTP method
    :param path: path below the API's base, such as ``admin/accounts/{accountId}/dialGroups``; the client
        fills in ``{accountId}``
    :param read: converts the decoded JSON of the response to the result; raises ``ValueError`` (pydantic's
        included) or ``TypeError`` if the response has another shape
    :param idempotency: whether it may be sent again if the response is lost
    :param query: query parameters; values are form-encoded (a space becomes ``+``)
    :param body: JSON body, None for none
    :param content: encoded body, instead of ``body``
    :param content_type: media type of ``content``
    :param rate_limit: documented rate limit that it counts towards
    :param may_be_empty: whether the API documents a response without a body
    :param fresh_seconds: seconds after which it is no longer sent, because the data it was made from may have
        changed; None for no limit
    """

    method: str
    path: str
    read: Callable[[Any], T]
    idempotency: Idempotency
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    rate_limit: RateLimit = PROVISIONING
    may_be_empty: bool = False
    fresh_seconds: float | None = None
    made_at: float = field(default_factory=clock.monotonic, compare=False, repr=False)

    def is_outdated(self) -> bool:
        """Return whether it is too late to send it."""
        return self.fresh_seconds is not None and clock.monotonic() > self.made_at + self.fresh_seconds

    def __iter__(self) -> Generator[Request[T], T, T]:
        """Let ``yield from request`` give the result."""
        return (yield self)


def drive(procedure: Procedure[T] | Request[T], send: Callable[[Request[Any]], Any]) -> T:
    """Run a procedure and return its result.

    :param send: sends one request and returns its result; the procedure may catch its errors
    """
    steps = iter(procedure)
    try:
        request = next(steps)
        while True:
            try:
                result = send(request)
            except EngageVoiceError as error:
                request = steps.throw(error)
            else:
                request = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def adrive(procedure: Procedure[T] | Request[T], send: Callable[[Request[Any]], Awaitable[Any]]) -> T:
    """Run a procedure as :func:`drive` does, on an event loop."""
    steps = iter(procedure)
    try:
        request = next(steps)
        while True:
            try:
                result = await send(request)
            except EngageVoiceError as error:
                request = steps.throw(error)
            else:
                request = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


def file_form(content: bytes, name: str) -> tuple[bytes, str]:
    """Return a ``multipart/form-data`` body whose part ``file`` is a CSV file, and its content type.

    :param name: file name in the form
    """
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
