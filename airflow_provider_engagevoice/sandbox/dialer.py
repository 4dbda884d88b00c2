"""The background thread that places calls at the configured rate."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from airflow_provider_engagevoice.sandbox.calls import Calls
from airflow_provider_engagevoice.sandbox.settings import DialerSettings

logger = logging.getLogger(__name__)

_STEP_SECONDS: Final = 0.1


class Dialer:
    """Dials while its rate is above 0.

    :param settings: initial settings
    """

    def __init__(self, calls: Calls, settings: DialerSettings) -> None:
        self._calls = calls
        self._changed = threading.Condition()
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.configure(settings)

    @property
    def settings(self) -> DialerSettings:
        """The current settings."""
        return self._settings

    def configure(self, settings: DialerSettings) -> None:
        """Apply new settings; start the thread if needed."""
        with self._changed:
            self._settings = settings
            if settings.rate > 0 and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engage-voice-dialer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop the thread; it cannot be started again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        due, last = 0.0, time.monotonic()
        while self._wait():
            now = time.monotonic()
            settings = self._settings
            # Calls missed during a pause or a slow step are not caught up.
            due += min(now - last, 2 * _STEP_SECONDS) * settings.rate
            last = now
            try:
                self._calls.step(int(due), settings)
            except Exception:
                logger.exception("The sandbox failed to dial")
            due -= int(due)

    def _wait(self) -> bool:
        """Wait for the next step; return False once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, _STEP_SECONDS)
            self._changed.wait_for(lambda: self._stopped or self._settings.rate > 0)
            return not self._stopped
