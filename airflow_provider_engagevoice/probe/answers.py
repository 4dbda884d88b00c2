"""Requests of the probe, all of their answers, and what these say about a server.

That includes the answers that the client takes for errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize

import httpx

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.rate_limits import (
    PROVISIONING,
    RATE_LIMITS,
    TOKEN_EXCHANGE,
    RateLimit,
)
from airflow_provider_engagevoice.client.request import Idempotency, Request
from airflow_provider_engagevoice.client.responses import is_page
from airflow_provider_engagevoice.client.settings import is_sign_in
from airflow_provider_engagevoice.client.transport import CallTimeout
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    RateLimitedError,
    UnreachableError,
)
from airflow_provider_engagevoice.probe.results import read_rate

ACCOUNT = "admin/accounts/{accountId}"
#: Other names may be of any text.
_RATE_HEADER = re.compile(r"retry-after|x-rate-limit-(limit|remaining|window|group|reset)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered.

    :param status: None if the connection broke before an answer
    :param data: decoded JSON; None for a page, another text or an empty body
    """

    status: int | None
    data: Any = None
    is_page: bool = False
    is_empty: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx, and the body is not a page."""
        return self.status is not None and 200 <= self.status < 300 and not self.is_page

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The objects of a list."""
        return [row for row in self.data if isinstance(row, dict)] if isinstance(self.data, list) else []


@dataclass
class Traffic:
    """All responses, also those of sign-ins: paths with their statuses, and headers of rate limits.

    :ivar rate_headers: names of the headers
    :ivar stated: the fewest requests that they allow, by rate limit and by the seconds of its window
    """

    answered: list[tuple[str, int]] = field(default_factory=list)
    rate_headers: set[str] = field(default_factory=set)
    stated: dict[tuple[str, float], float] = field(default_factory=dict)

    def record(self, response: httpx.Response) -> None:
        """Note a response: an event hook."""
        self.answered.append((response.request.url.path, response.status_code))
        self.rate_headers |= {name for name in response.headers if _RATE_HEADER.fullmatch(name)}
        if is_sign_in(response.request.url.path):
            self.record_rate(TOKEN_EXCHANGE, response)

    def record_rate(self, limit: RateLimit, response: httpx.Response) -> None:
        """Note what a response says of the rate limit that its request counts towards."""
        if (rate := read_rate(response.headers)) is not None:
            seconds, requests = rate
            key = limit.name, seconds
            self.stated[key] = min(requests, self.stated.get(key, requests))


class ProbeClient(EngageVoiceClient):
    """A client that keeps the responses."""

    def _open(self, timeout: CallTimeout, options: dict[str, Any]) -> None:
        super()._open(timeout, options)
        self.traffic = Traffic()
        self.last: httpx.Response | None = None
        hooks = self._http.event_hooks
        hooks["response"].append(self.traffic.record)
        self._http.event_hooks = hooks

    def _exchange(self, request: Request[Any]) -> httpx.Response:
        self.last = super()._exchange(request)
        self.traffic.record_rate(request.rate_limit, self.last)
        return self.last

    def has_secret(self, text: str) -> bool:
        """Return whether a text of the server repeats a secret."""
        return self._redact(text) != text


class Prober:
    """Sends one request at a time, within the rate limits; it retries none.

    :param client: a client that makes one attempt
    """

    def __init__(self, client: ProbeClient) -> None:
        self.client = client

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        rate_limit: str = PROVISIONING.name,
    ) -> Answer:
        """Send a request below the account; return the answer, whatever it is.

        :param rate_limit: documented limit that it counts towards
        :raises EngageVoiceError: if the server cannot be reached, or refuses to answer
        """
        request = Request(
            method,
            path,
            lambda data: data,
            Idempotency.SAFE if method == "GET" else Idempotency.UNSAFE,
            query=query or {},
            body=body,
            content=content,
            content_type=content_type,
            rate_limit=RATE_LIMITS[rate_limit],
        )
        self.client.last = None
        try:
            self.client.run(request)
        except (RateLimitedError, AuthenticationError, UnreachableError):
            raise
        except ApiError:
            if self.client.last is None and method == "GET":
                raise
        return Answer(None) if self.client.last is None else _answer_of(self.client.last)

    def campaigns(
        self, dial_group_id: int, page: int | None = None, max_rows: int | None = None
    ) -> list[dict[str, Any]]:
        """Return a page of a dial group's campaigns, as the server sends them."""
        query = {name: value for name, value in (("page", page), ("maxRows", max_rows)) if value is not None}
        return self.send("GET", f"{ACCOUNT}/dialGroups/{dial_group_id}/campaigns", query=query).rows


def _answer_of(response: httpx.Response) -> Answer:
    content = response.content
    if is_page(response):
        return Answer(response.status_code, is_page=True)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    return Answer(response.status_code, data, is_empty=not content.strip())


def kind_of_create(sent: dict[str, Any], answer: Answer) -> str | None:
    """Return which answer to a create it is, None if it is none of them."""
    if not answer.is_success:
        return None
    if answer.is_empty:
        return f"{answer.status} empty" if answer.status in (201, 202) else None
    if not isinstance(answer.data, dict):
        return None
    names = answer.data.keys()
    if names == {"campaignId"}:
        return "id"
    if names - {"campaignId"} == sent.keys():
        return "echo" if "campaignId" in names else "echo without id"
    return "stored"


def kind_of_name(sent: str, kept: str) -> str | None:
    """Return how a name was stored, None if in no known way."""
    forms = {
        "as sent": sent,
        "trimmed": sent.strip(),
        "case folded": sent.casefold(),
        "NFC": normalize("NFC", sent),
    }
    for value, form in forms.items():
        if kept == form:
            return value
    return "cut" if kept and len(kept) < len(sent) and sent.startswith(kept) else None


def kind_of_format(text: str) -> str | None:
    """Return how a date is written."""
    if text.endswith("Z"):
        return "Z"
    if text.endswith("+0530"):
        return "+0530"
    if "." not in text:
        return "no milliseconds"
    return "documented" if text.endswith("+0000") else None


def kind_of_precision(sent: str, kept: str) -> str | None:
    """Return how exactly a date was stored, None if that does not show."""
    try:
        instant, wanted = datetime.fromisoformat(kept), datetime.fromisoformat(sent)
    except ValueError:
        return None
    if instant == wanted:
        return "milliseconds"
    units = (
        ("seconds", timedelta(seconds=1)),
        ("minutes", timedelta(minutes=1)),
        ("days", timedelta(days=1)),
    )
    if instant.tzinfo is None:
        return None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    for value, unit in units:
        if instant == wanted - (wanted - epoch) % unit:
            # A text without milliseconds does not show whether they are stored.
            return None if value == "seconds" and "." not in kept else value
    return None
