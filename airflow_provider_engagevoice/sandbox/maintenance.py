"""Maintenance, during which the server answers no request of the API."""

from __future__ import annotations

from typing import Final

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request

MINUTES_SECONDS: Final = 120.0
"""How long ``maintenance_length: minutes`` is."""


class Maintenance:
    """One maintenance at a time."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def begin(self, dialect: Dialect, seconds: float | None = None) -> None:
        """Begin one of ``seconds``; default: as long as the dialect says, which may be until it is ended.

        :raises HttpError: 400 if the dialect has no maintenance
        """
        if dialect.maintenance == "none":
            raise bad_request([Problem("maintenance", "is none in this dialect; choose another value first")])
        if seconds is None:
            seconds = MINUTES_SECONDS if dialect.maintenance_length == "minutes" else float("inf")
        self._until = clock.monotonic() + seconds

    def end(self) -> None:
        """End it."""
        self._until = float("-inf")

    def status(self, dialect: Dialect) -> int | None:
        """Return the status with which a page is answered now, None for no maintenance."""
        if clock.monotonic() >= self._until or dialect.maintenance == "none":
            return None
        return int(dialect.maintenance[:3])
