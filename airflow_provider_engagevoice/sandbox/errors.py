"""The error responses of the API, as exceptions."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.settings import Budget

PAGE: Final = (
    "<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"
)
"""A page that is answered instead of JSON."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of ``validationErrors``; the vendor types ``value`` as a string."""

    attribute: str
    message: str
    value: object = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry with the vendor's field names."""
        value = None if self.value is None else str(self.value)
        return {"attributeName": self.attribute, "message": self.message, "value": value}


class HttpError(Exception):
    """An error response.

    :param status: HTTP status
    :param message: ``generalMessage`` of the vendor's error body
    :param plain: text/plain body that replaces the vendor's error body
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        error_code: str | None = None,
        headers: Mapping[str, str] | None = None,
        plain: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = tuple(problems)
        self.error_code = error_code
        self.headers = dict(headers or {})
        self.plain = plain

    def body(self, request_uri: str) -> Any:
        """Return the vendor's error body; ``timestamp`` is in milliseconds since the epoch."""
        body: dict[str, Any] = {
            "cause": None,
            "details": "; ".join(f"{problem.attribute} {problem.message}" for problem in self.problems)
            or None,
            "developerMessage": None,
            "generalMessage": self.message,
            "requestUri": request_uri,
            "timestamp": int(time.time() * 1000),
            "validationErrors": [problem.as_json() for problem in self.problems],
        }
        if self.error_code is not None:
            body["errorCode"] = self.error_code
        return body


class RateLimitedError(HttpError):
    """429 with the JSON string ``"rate"`` as body and the headers observed from the vendor.

    :param too_many: the dialect's ``too_many``: what ``Retry-After`` says
    """

    def __init__(self, budget: Budget, group: str, wait: float, too_many: str = "seconds") -> None:
        headers = {
            "X-Rate-Limit-Limit": str(budget.limit),
            "X-Rate-Limit-Remaining": "0",
            "X-Rate-Limit-Window": f"{budget.seconds:g}",
            "X-Rate-Limit-Group": group,
        }
        if too_many == "seconds":
            headers["Retry-After"] = str(max(1, math.ceil(wait)))
        elif too_many == "date":
            headers["Retry-After"] = formatdate(time.time() + wait + 1, usegmt=True)
        elif too_many == "1, for the whole window":
            headers["Retry-After"] = "1"
        super().__init__(429, "rate", headers=headers)

    def body(self, request_uri: str) -> Any:
        """Return the JSON string."""
        return "rate"


class OAuthError(HttpError):
    """An error of the RingCentral token endpoint: ``{"error": …, "error_description": …}``."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, description)
        self.error = error

    def body(self, request_uri: str) -> Any:
        """Return the body of RFC 6749, section 5.2."""
        return {"error": self.error, "error_description": self.message}


def bad_request(problems: Sequence[Problem]) -> HttpError:
    """400 with one entry for each invalid value."""
    return HttpError(400, "The request has values that are not valid.", problems=problems)


def unauthorized(message: str = "Authentication is required.") -> HttpError:
    """401 for a missing or unknown token."""
    return HttpError(401, message)


def token_expired() -> HttpError:
    """401 for an expired access token: the plain text that clients check for."""
    return HttpError(401, "Jwt is expired", plain="Jwt is expired")


def access_denied(message: str = "Access is denied.") -> HttpError:
    """403 for an account the user has no access to, whether it exists or not."""
    return HttpError(403, message, error_code="access.denied.exception")


class PageError(HttpError):
    """An HTML page instead of the API's answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status, "page")


class NotFoundError(HttpError):
    """An unknown id or path: 404, or what the dialect answers instead."""


def not_found(what: str) -> HttpError:
    """Return the error for an unknown id or path."""
    return NotFoundError(404, f"{what} was not found.")
