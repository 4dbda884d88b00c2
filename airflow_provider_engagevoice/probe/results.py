"""What the probe has found out, what it cannot find out, and the rate limits that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS, RateLimitShares
from airflow_provider_engagevoice.exceptions import EngageVoiceError

Probe = Literal["read", "write", "never"]

#: Each point with how it can be found out, and what it concerns.
POINTS: dict[str, tuple[Probe, str]] = {
    "first_page": ("read", "number of the first page of a list"),
    "cap": ("read", "rows of a page, whatever maxRows asks for"),
    "order": ("read", "order of a list"),
    "numbers": ("read", "how numbers and flags are written"),
    "list_rows": ("read", "what the rows of a list have"),
    "unknown": ("read", "answer for an unknown path or id"),
    "phone_list": ("read", "body of a lead search by phone list"),
    "audit_log": ("read", "whether the user may read the audit log"),
    "list_shows": ("write", "when a list shows a write"),
    "get_shows": ("write", "when a read of one campaign shows a write"),
    "create_answer": ("write", "what a create is answered with"),
    "create_state": ("write", "state of a new campaign"),
    "clone_answer": ("write", "what the clone endpoint is answered with"),
    "clone_copies": ("write", "what a clone has of its source"),
    "put_answer": ("write", "what an update is answered with"),
    "names": ("write", "how names are stored"),
    "date_precision": ("write", "how dates are stored"),
    "date_format": ("write", "how dates are written"),
    "z_dates": ("write", "dates that end in Z"),
    "sparse_put": ("write", "fields that an update omits"),
    "delete": ("write", "what a delete does"),
    "lead_answer": ("write", "what a load of leads is answered with"),
    "lead_found": ("write", "when a search finds a new lead"),
    "remove_all_existing": ("write", "leads that REMOVE_ALL_EXISTING compares"),
    "file_columns": ("write", "number of the first column of a lead file"),
    "list_names": ("write", "how names of lead lists are stored"),
    "phone_search": ("write", "which phones the criteria of a search match"),
    "day_hours_zone": ("never", "time zone of the daily hours"),
    "end_date": ("never", "what the end date includes"),
    "maintenance": ("never", "answers during maintenance"),
    "maintenance_length": ("never", "how long maintenance lasts"),
    "too_many": ("never", "Retry-After of a 429"),
    "refresh_token": ("never", "how long a refresh token lives"),
}

#: Values under which tasks may end in a typed error, with what that means for a user.
LIMITS: dict[tuple[str, str], str] = {
    ("order", "another each time"): "lists of several pages end in UnstableListError",
    ("list_shows", "never"): "creates and clones end in an error, with nothing left active",
    ("names", "cut"): "names that are longer than the server keeps are refused",
    ("names", "case folded"): "names with capitals are refused",
    ("date_precision", "minutes"): "dates with seconds are refused",
    ("date_precision", "days"): "dates with a time are refused",
    ("delete", "not gone"): "deletes end in an error",
    ("delete", "405"): "deletes end in an error",
}

#: Extras of the connection that name the account: the JSON is made to be published.
_OF_THE_ACCOUNT: Final = frozenset({"account_id"})


@dataclass
class Findings:
    """Values by point, and other facts; nothing of customers.

    :ivar values: of points; a point that is missing is unknown
    :ivar notes: why a point is unknown, or what was seen
    :ivar facts: of the account and the connection
    :ivar suggested: extras of the connection
    :ivar left: campaigns that could not be deleted
    :ivar is_shuffled: whether lists have several pages, in another order each time: pages may lack a row
    :ivar writes: whether the part that writes has begun
    :ivar problem: the error that has ended the part that writes, in full; the JSON has its type alone
    """

    values: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    suggested: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    is_shuffled: bool = False
    writes: bool = False
    problem: str = ""

    def found(self, point: str, value: str | None, note: str = "") -> None:
        """Note the value of a point, None for unknown."""
        if value is not None:
            self.values[point] = value
        if note:
            self.notes[point] = note

    def unknown(self, point: str, note: str) -> None:
        """Note why a point is unknown after all."""
        self.values.pop(point, None)
        self.notes[point] = note

    @contextmanager
    def going_on(self, part: str) -> Iterator[None]:
        """Note a part whose answers have a shape that nobody expects, and go on with the next one."""
        try:
            yield
        except EngageVoiceError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            self.facts.setdefault("not_understood", []).append(part)

    def note(self, point: str) -> str:
        """Return why a point is unknown, or what was seen."""
        if point in self.values or point in self.notes:
            return self.notes.get(point, "")
        probe = POINTS[point][0]
        if probe == "never":
            return "cannot be found out"
        if probe == "write" and not self.writes:
            return "needs --write"
        return "the part that writes ended early" if self.problem else "not seen"

    def as_json(self) -> dict[str, Any]:
        """Return all of it but the account, in types of JSON."""
        return {
            "points": {
                point: {"value": self.values.get(point, "unknown"), "note": self.note(point)}
                for point in POINTS
            },
            "facts": self.facts,
            "suggested_extras": {
                name: value for name, value in self.suggested.items() if name not in _OF_THE_ACCOUNT
            },
            "left": self.left,
        }

    def table(self) -> str:
        """Return the table: each point with its value, and what holds under it."""
        rows = [("point", "the server", "what holds")]
        for point, (_, title) in POINTS.items():
            value, note = self.values.get(point, "unknown"), self.note(point)
            if point not in self.values:
                holds = note
            else:
                holds = LIMITS.get((point, value), "every promise") + (f" ({note})" if note else "")
            rows.append((f"{point.replace('_', ' ')}: {title}", value, holds))
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(
            f"{one:<{widths[0]}}  {value:<{widths[1]}}  {holds}".rstrip() for one, value, holds in rows
        )


LIMIT_HEADER: Final = "x-rate-limit-limit"
WINDOW_HEADER: Final = "x-rate-limit-window"

#: What the headers of answers say: a number of requests, by rate limit and by the seconds of its window.
Stated = Mapping[tuple[str, float], float]


def read_rate(headers: Mapping[str, str]) -> tuple[float, float] | None:
    """Return the seconds of a window and the requests that it allows, None without such headers."""
    try:
        seconds, requests = float(headers[WINDOW_HEADER]), float(headers[LIMIT_HEADER])
    except (KeyError, ValueError):
        return None
    return (seconds, requests) if math.isfinite(seconds) and 0 < requests < math.inf else None


def within_limits(budgets: RateLimitShares) -> RateLimitShares:
    """Return the shares of a connection, with the documented limits where it has switched them off."""
    shares = {name: share or 1.0 for name, share in budgets.shares.items()}
    return RateLimitShares(shares, budgets.share or 1.0)


def suggested_budgets(stated: Stated, current: RateLimitShares) -> str:
    """Return ``budgets`` that keep the limits that the server states, where these are lower than documented.

    :param current: the shares that the connection has; they are kept where they are lower
    :return: empty if the connection keeps them already
    """
    lower: dict[str, float] = {}
    for (name, seconds), requests in stated.items():
        for rate in RATE_LIMITS[name].rates:
            share = requests / rate.permits
            if rate.seconds == seconds and share < min(1.0, lower.get(name, 1.0)):
                lower[name] = share
    shares = {name: share for name, share in lower.items() if share < current.shares.get(name, current.share)}
    if not shares:
        return ""
    parts = [] if current.share == 1 else [_written(current.share)]
    parts += [f"{name}={_written(share)}" for name, share in sorted({**current.shares, **shares}.items())]
    return ", ".join(parts)


def _written(share: float) -> str:
    # Rounded down, and never to nothing, which no connection takes.
    return f"{max(1, math.floor(share * 1000 + 1e-6)) / 10:g}%" if share else "off"
