"""The log of recent requests, without tokens, passwords or user names."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

_LOGGED_PARAMETERS: Final = frozenset(
    {
        "page",
        "maxRows",
        "count",
        "leadAction",
        "fileType",
        "campaignId",
        "newCampaignName",
        "newCountryCode",
        "includeRefresh",
        "includePermissions",
    }
)
_TOKEN_IN_PATH: Final = re.compile(r"(?<=/admin/token/)[^/]+|aws\d+:[^/]+|[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")
_ID_IN_PATH: Final = re.compile(r"(?<=/)(?:\d+|~|\{accountId\}|\*\*\*)(?=/|$)")
_MAX_RECORDS: Final = 10_000


def redact(path: str, query: str = "") -> str:
    """Return path and query with tokens and the values of unlisted parameters masked."""
    redacted = _TOKEN_IN_PATH.sub("***", path)
    pairs = [
        (name, value if name in _LOGGED_PARAMETERS else "***")
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return f"{redacted}?{urlencode(pairs, safe='*')}" if pairs else redacted


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A logged request.

    :param time: when it was received, in seconds since the epoch
    :param status: status returned by the handler; None if it was not handled
    :param ms: milliseconds from its receipt until the response was ready
    :param account_id: account it was handled for; None if the path has none
    :param fault: kind of the fault applied: the client may have received another response, or none
    """

    request_id: str
    time: float
    method: str
    path: str
    status: int | None
    ms: float
    account_id: str | None = None
    fault: str | None = None


class RequestLog:
    """Keeps the last 10,000 requests and counts all of them."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._records: deque[RequestRecord] = deque(maxlen=_MAX_RECORDS)
        self._routes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        """Add a request."""
        with self._lock:
            self._records.append(record)
            route = _ID_IN_PATH.sub("{id}", record.path.partition("?")[0])
            self._routes[f"{record.method} {route}"] += 1
            self._statuses[str(record.status)] += 1
            self._lock.notify_all()

    def wait_for(self, method: str, path: str, seconds: float) -> bool:
        """Wait for a request with this method and a path matching the pattern; return False on timeout."""

        def received() -> bool:
            return any(one.method == method and re.search(path, one.path) for one in self._records)

        with self._lock:
            return self._lock.wait_for(received, seconds)

    def last(self, limit: int | None = None) -> list[RequestRecord]:
        """Return the most recent requests, newest last."""
        with self._lock:
            records = list(self._records)
        return records if limit is None else records[len(records) - min(limit, len(records)) :]

    def routes(self) -> dict[str, int]:
        """Return the number of requests by method and path, with ids replaced by ``{id}``."""
        with self._lock:
            return dict(self._routes.most_common())

    def statuses(self) -> dict[str, int]:
        """Return the number of requests by status."""
        with self._lock:
            return dict(sorted(self._statuses.items()))

    def clear(self) -> None:
        """Clear the log and the counts."""
        with self._lock:
            self._records.clear()
            self._routes.clear()
            self._statuses.clear()
