"""A request as data, and procedures made of requests.

An endpoint is a pure function that returns a :class:`Request`. A *procedure* is a generator that yields
requests and is sent their results; it does no input or output itself, so that the sync and the async client
can both run it. ``yield from`` a request inside a procedure gives its result, typed::

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
from airflow_provider_engagevoice.client.rate_limits import PROVISIONING, Budget
from airflow_provider_engagevoice.exceptions import EngageVoiceError

T = TypeVar("T")

Procedure: TypeAlias = Generator["Request[Any]", Any, T]


class Idempotency(Enum):
    """May a request be sent again when nobody knows whether it arrived?"""

    SAFE = "safe"
    """It changes nothing."""
    IDEMPOTENT = "idempotent"
    """Carried out twice it leaves the same as once."""
    UNSAFE = "unsafe"
    """Carried out twice it makes two. Somebody has to look at the server first."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call of the API.

    :param method: HTTP method
    :param path: below the API's base, such as ``admin/accounts/{accountId}/dialGroups``; the client that
        sends it fills in ``{accountId}``
    :param read: turns the decoded JSON of the answer into the result; raises ``ValueError`` (pydantic's
        included) or ``TypeError`` when the answer has another shape
    :param idempotency: what may be done when the answer is lost
    :param query: query parameters; values are encoded as a form does (a space becomes ``+``)
    :param body: JSON body, None for none
    :param content: body that is encoded already, in place of ``body``
    :param content_type: what ``content`` is
    :param budget: the documented limit it draws on
    :param may_be_empty: whether an answer without a body is what the API documents
    :param fresh_seconds: it is not sent later than so many seconds after it was made, because what it was
        made from may have changed since; None for any time
    """

    method: str
    path: str
    read: Callable[[Any], T]
    idempotency: Idempotency
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    budget: Budget = PROVISIONING
    may_be_empty: bool = False
    fresh_seconds: float | None = None
    made_at: float = field(default_factory=clock.monotonic, compare=False, repr=False)

    def is_outdated(self) -> bool:
        """Tell whether it is too late to send it."""
        return self.fresh_seconds is not None and clock.monotonic() > self.made_at + self.fresh_seconds

    def __iter__(self) -> Generator[Request[T], T, T]:
        """Make ``yield from request`` give the result."""
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

    :param name: what the file is called
    """
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
