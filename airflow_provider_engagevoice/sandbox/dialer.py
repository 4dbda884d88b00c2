"""The thread in which calls are placed, as many a second as was asked for."""

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

    :param settings: how it dials from the start
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
        """How it dials now."""
        return self._settings

    def configure(self, settings: DialerSettings) -> None:
        """Dial in another way from now on."""
        with self._changed:
            self._settings = settings
            if settings.rate > 0 and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engage-voice-dialer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Dial no more, for good."""
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
            # After a pause, or when a step took long, calls that could not be placed are not made up for.
            due += min(now - last, 2 * _STEP_SECONDS) * settings.rate
            last = now
            try:
                self._calls.step(int(due), settings)
            except Exception:
                logger.exception("The sandbox failed to dial")
            due -= int(due)

    def _wait(self) -> bool:
        """Wait for the time of the next step; False when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, _STEP_SECONDS)
            self._changed.wait_for(lambda: self._stopped or self._settings.rate > 0)
            return not self._stopped
