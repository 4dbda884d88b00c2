"""Noticing that this machine's clock and the server's differ."""

from __future__ import annotations

import logging
import time
from email.utils import parsedate_to_datetime

import httpx

log = logging.getLogger(__name__)

#: A difference worth a warning: windows of campaigns are judged by this machine's clock.
_TOLD_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 60.0


def server_time(response: httpx.Response) -> float | None:
    """Return what the server's clock showed, as seconds since the epoch; None when it does not say."""
    try:
        return parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


class ClockWatch:
    """Compares the clocks once a minute, and warns once."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._told = False

    def look(self, response: httpx.Response) -> None:
        """Compare the clocks, if it is time to."""
        if self._told or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK_EVERY_SECONDS
        shown = server_time(response)
        if shown is None or abs(ahead := time.time() - shown) < _TOLD_SECONDS:
            return
        self._told = True
        log.warning(
            "this machine's clock is %.0f s %s the server's; campaigns' windows are judged by this machine's",
            abs(ahead),
            "ahead of" if ahead > 0 else "behind",
        )
