"""The simulated vendor's answers, and its budget of requests."""

from __future__ import annotations

import json
from collections import deque
from email.utils import formatdate
from typing import Any

from tests.simulation.dialects import Dialect

_HTML = b"<!DOCTYPE html><html><body>RingCX</body></html>"
BUDGET, WINDOW = 120, 60.0


class LostConnectionError(Exception):
    """The connection broke before an answer came."""


class Answer:
    """An HTTP response, with as much of httpx's interface as the client reads."""

    __slots__ = ("content", "headers", "is_success", "request", "status_code")

    def __init__(
        self, status_code: int, content: bytes, now: float, content_type: str = "application/json"
    ) -> None:
        self.status_code = status_code
        self.content = content
        self.headers = {"content-type": content_type, "date": formatdate(now, usegmt=True)}
        self.request: Any = None
        self.is_success = 200 <= status_code < 300


def json_answer(data: Any, now: float) -> Answer:
    return Answer(200, json.dumps(data).encode(), now)


def html_answer(status: int, now: float) -> Answer:
    return Answer(status, _HTML, now, "text/html")


def error_answer(status: int, message: str, now: float) -> Answer:
    body = {"generalMessage": message, "details": None}
    if status == 403:
        body["errorCode"] = "access.denied.exception"
    return Answer(status, json.dumps(body).encode(), now)


def unknown_answer(dialect: Dialect, now: float) -> Answer:
    """Return the answer for an unknown path or id."""
    status = int(dialect.unknown[:3])
    if dialect.unknown.endswith("HTML"):
        return html_answer(status, now)
    return error_answer(status, "no such resource", now)


class Budget:
    """Requests that the server takes: 120 in any 60 seconds.

    :ivar refused_until: end of the penalty for the last request too many
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._taken: deque[float] = deque()
        self.refused_until = 0.0

    def use(self, now: float, requests: int = BUDGET) -> None:
        """Count requests of another application."""
        self._taken.extend([now] * requests)

    def refusal(self, now: float) -> Answer | None:
        """Take a request, or return the answer that refuses it."""
        wait = self._wait(now)
        if wait <= 0:
            return None
        answer = Answer(429, b"rate", now, "text/plain")
        form = self._dialect.too_many
        if form == "seconds":
            answer.headers["retry-after"] = str(int(wait) + 1)
        elif form == "date":
            answer.headers["retry-after"] = formatdate(now + wait + 1, usegmt=True)
        elif form.startswith("1"):
            answer.headers["retry-after"] = "1"
        return answer

    def _wait(self, now: float) -> float:
        if now < self.refused_until:
            return self.refused_until - now
        taken = self._taken
        while taken and taken[0] <= now - WINDOW:
            taken.popleft()
        if len(taken) < BUDGET:
            taken.append(now)
            return 0.0
        wait = taken[0] + WINDOW - now
        if self._dialect.too_many.startswith("1"):
            # The penalty is a whole window, and the requests before it are forgotten then.
            wait = WINDOW
            taken.clear()
        self.refused_until = now + wait
        return wait
