"""A request as data, and procedures made of requests and pauses.

An endpoint is a pure function that returns a :class:`Request`. A *procedure* is a generator that yields
requests, whose results it is sent, and pauses; it does no I/O and never sleeps, so that the sync client, the
async client and a simulation can run it. ``yield from`` a request gives its typed result::

    def rename(group: int, campaign: int, name: str) -> Procedure[Campaign]:
        before = yield from get_campaign(group, campaign, followers=1)
        yield from at_once(update_campaign(group, campaign, before.with_changes({"campaignName": name})))
        yield Pause(1.0)
        return (yield from get_campaign(group, campaign))
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limits import PROVISIONING, RateLimit
from airflow_provider_engagevoice.exceptions import EngageVoiceError

T = TypeVar("T")

Procedure: TypeAlias = Generator["Request[Any] | Reserve | Pause | ServerTime", Any, T]

#: Largest response with one object.
OBJECT_BYTES = 4 << 20
#: Largest response with a list: thousands of campaigns, or of leads.
LIST_BYTES = 64 << 20

#: Seconds after which a write is no longer sent, because what it was made from may have changed.
FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Pause:
    """A step of a procedure: wait for ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ServerTime:
    """A step of a procedure: get the current instant, in UTC, by the server's clock.

    The clock of a worker may be wrong by hours. Without a server's time, it counts all the same.
    """

    def __iter__(self) -> Generator[ServerTime, datetime, datetime]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Reserve:
    """A step of a procedure: acquire the permit of a request now.

    The request is then sent with ``is_follower``, so that no wait for a permit separates it from what the
    procedure reads in between.
    """

    request: Request[Any]

    def __iter__(self) -> Generator[Reserve, Any, None]:
        """Let ``client.run`` carry it out alone."""
        yield self


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
    :param max_bytes: size of the largest response that is read, decompressed
    :param rate_limit: documented rate limit that it counts towards
    :param may_be_empty: whether a response without a body is a success
    :param ignores_body: whether a response with any body but a page is a success, as for a deletion
    :param may_be_absent: whether what it reads may not exist, for which some servers answer a page: then few
        attempts are made
    :param followers: number of requests that follow at once; their permits are acquired before it is sent
    :param is_follower: whether its permit was acquired before
    :param after_read: whether it must be sent right after the read it was made from: at once and one time, or
        not at all. The procedure reads again before it makes another one.
    :param seconds: timeout of the whole call, if longer than the client's
    :param before_send: called right before each attempt, after its permit was acquired; an error that it
        raises stops the request
    """

    method: str
    path: str
    read: Callable[[Any], T]
    idempotency: Idempotency
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    max_bytes: int = LIST_BYTES
    rate_limit: RateLimit = PROVISIONING
    may_be_empty: bool = False
    ignores_body: bool = False
    may_be_absent: bool = False
    followers: int = 0
    is_follower: bool = False
    after_read: bool = False
    seconds: float | None = None
    before_send: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    made_at: float = field(default_factory=clock.monotonic, compare=False, repr=False)

    def is_outdated(self) -> bool:
        """Return whether it is too late to send it."""
        return self.after_read and clock.monotonic() > self.made_at + FRESH_SECONDS

    @property
    def permits(self) -> int:
        """Permits to acquire before it is sent."""
        return 0 if self.is_follower else 1 + self.followers

    def __iter__(self) -> Generator[Request[T], T, T]:
        """Let ``yield from request`` give the result."""
        return (yield self)


def run_steps(steps: Generator[Any, Any, T], perform: Callable[[Any], Any]) -> T:
    """Run a generator of steps, and return its result.

    :param perform: performs one step and returns what the generator is sent; it may catch the errors
    """
    try:
        step = next(steps)
        while True:
            try:
                result = perform(step)
            except EngageVoiceError as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def arun_steps(steps: Generator[Any, Any, T], perform: Callable[[Any], Awaitable[Any]]) -> T:
    """Do as :func:`run_steps`, on an event loop."""
    try:
        step = next(steps)
        while True:
            try:
                result = await perform(step)
            except EngageVoiceError as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


def file_form(content: bytes, name: str, fields: Mapping[str, str] | None = None) -> tuple[bytes, str]:
    """Return a ``multipart/form-data`` body whose part ``file`` is a CSV file, and its content type.

    :param name: file name in the form
    :param fields: other parts
    """
    boundary = uuid.uuid4().hex
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in (fields or {}).items()
    )
    head += (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
