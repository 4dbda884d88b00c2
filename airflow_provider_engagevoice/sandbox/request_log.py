"""The last requests, fit to be shown: no token, password or user name gets in."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

_SHOWN_PARAMETERS: Final = frozenset(
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
_KEPT: Final = 10_000


def redact(path: str, query: str = "") -> str:
    """Return path and query with every token replaced, and every parameter not known to be harmless."""
    shown = _TOKEN_IN_PATH.sub("***", path)
    pairs = [
        (name, value if name in _SHOWN_PARAMETERS else "***")
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return f"{shown}?{urlencode(pairs, safe='*')}" if pairs else shown


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that came.

    :param time: seconds since 1970 when it came
    :param status: what the handler answered; None when it was not handled
    :param ms: milliseconds from its arrival until the answer was ready
    :param account_id: the account it was served for, None outside accounts
    :param fault: kind of the fault that struck it: the client may have seen another answer, or none
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
    """Keeps the last 10,000 requests and counts them all."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._routes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        """Keep one more."""
        with self._lock:
            self._records.append(record)
            route = _ID_IN_PATH.sub("{id}", record.path.partition("?")[0])
            self._routes[f"{record.method} {route}"] += 1
            self._statuses[str(record.status)] += 1
            self._lock.notify_all()

    def wait_for(self, method: str, path: str, seconds: float) -> bool:
        """Wait until a request of the method came whose path the pattern is found in; False if none did."""

        def came() -> bool:
            return any(one.method == method and re.search(path, one.path) for one in self._records)

        with self._lock:
            return self._lock.wait_for(came, seconds)

    def last(self, limit: int | None = None) -> list[RequestRecord]:
        """Return the last ones, newest last."""
        with self._lock:
            records = list(self._records)
        return records if limit is None else records[len(records) - min(limit, len(records)) :]

    def routes(self) -> dict[str, int]:
        """Return the number of requests by method and path, ids replaced by ``{id}``."""
        with self._lock:
            return dict(self._routes.most_common())

    def statuses(self) -> dict[str, int]:
        """Return the number of requests by status."""
        with self._lock:
            return dict(sorted(self._statuses.items()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._routes.clear()
            self._statuses.clear()
