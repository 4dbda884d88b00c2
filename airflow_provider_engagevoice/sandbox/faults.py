"""Faults to inject: each applies to the next matching requests, in the order added."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args

Kind = Literal[
    "delay",
    "drop_answer",
    "reset",
    "truncate",
    "status",
    "html",
    "empty",
    "wrong_content_type",
    "expire_token",
    "revoke_refresh",
    "slow_drip",
]

KINDS: Final[tuple[str, ...]] = get_args(Kind)
_TIMED: Final = ("delay", "slow_drip")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject.

    ===================== ====================================================================================
    ``delay``             wait ``seconds`` before handling; handle even if the client has disconnected
    ``drop_answer``       handle, then close the connection without a response
    ``reset``             reset the connection (TCP RST) before handling; nothing is stored
    ``truncate``          handle, then send half of the body with the full ``Content-Length`` and close
    ``status``            respond ``status`` with ``body``, ``headers``, ``content_type``; nothing is stored
    ``html``              respond 200 with an HTML page; nothing is stored
    ``empty``             handle, then respond 200 with an empty body
    ``wrong_content_type`` handle, then respond with ``content_type`` (default: ``text/html``)
    ``expire_token``      expire the request's token before handling: 401
    ``revoke_refresh``    revoke all refresh tokens before handling
    ``slow_drip``         handle, then send the body byte by byte over ``seconds``
    ===================== ====================================================================================

    :param method: HTTP method to match; None matches any
    :param path: regular expression searched in the path (without query); None matches any
    :param times: number of requests it applies to
    :param after: number of matching requests to skip first
    """

    kind: Kind
    method: str | None = None
    path: str | None = None
    times: int = 1
    after: int = 0
    seconds: float | None = None
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r}: must be one of {', '.join(KINDS)}")
        if self.times < 1 or self.after < 0:
            raise ValueError("times must be at least 1 and after at least 0")
        if self.kind in _TIMED and (self.seconds is None or self.seconds < 0):
            raise ValueError(f"{self.kind} requires seconds, 0 or more")
        if self.kind == "status" and not (isinstance(self.status, int) and 200 <= self.status <= 599):
            raise ValueError("a status fault requires status, 200 to 599")
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(f"path={self.path!r} is not a regular expression: {error}") from error

    @classmethod
    def from_json(cls, value: Any) -> Fault:
        """Parse a fault from a JSON object.

        :raises ValueError: if a field is missing, unknown or invalid
        """
        if not isinstance(value, dict) or "kind" not in value:
            raise ValueError("a fault must be an object with a kind")
        unknown = sorted(set(value) - {known.name for known in fields(cls)})
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(unknown)}")
        try:
            return cls(**value)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def matches(self, method: str, path: str) -> bool:
        """Whether it applies to such a request."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or re.search(self.path, path) is not None


@dataclass(slots=True)
class PlannedFault:
    """A fault with its counts: ``seen`` matching requests, of which it ``struck`` some."""

    fault: Fault
    seen: int = 0
    struck: int = 0


class FaultBook:
    """The configured faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[PlannedFault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._planned.append(PlannedFault(fault))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._planned.clear()

    def planned(self) -> list[PlannedFault]:
        """Return all faults, including exhausted ones, in the order added."""
        with self._lock:
            return [PlannedFault(one.fault, one.seen, one.struck) for one in self._planned]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if any: the first one added that matches."""
        with self._lock:
            for planned in self._planned:
                fault = planned.fault
                if planned.struck >= fault.times or not fault.matches(method, path):
                    continue
                planned.seen += 1
                if planned.seen > fault.after:
                    planned.struck += 1
                    return fault
        return None
