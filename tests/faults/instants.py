"""Act at an exact instant of a request: the sandbox itself triggers the action, on its own event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum

from airflow_provider_engagevoice.sandbox.faults import Fault, FaultBook
from airflow_provider_engagevoice.sandbox.request_log import RequestLog, RequestRecord
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.faults.forking import Process


class Phase(StrEnum):
    """The stage of a request."""

    ARRIVED = "arrived, not yet handled"
    HANDLED = "handled, not yet answered"
    ANSWERED = "answered"


@dataclass
class Aim:
    """Act on a process at one instant.

    :param number: of the request, counted from 1 since the aim was set
    :param after: seconds to wait once a response is sent
    :ivar victim: the process, which is started only after the aim is set
    :ivar struck: file descriptor, readable once it is done
    """

    number: int
    phase: Phase
    act: Callable[[Process], None]
    after: float = 0.0
    victim: Future[Process] = field(default_factory=Future)
    struck: int = field(default_factory=lambda: os.eventfd(0))
    done: bool = False

    def strike(self) -> None:
        """Act now."""
        self.done = True
        self.act(self.victim.result())
        os.eventfd_write(self.struck, 1)

    def close(self) -> None:
        """Close its file descriptor."""
        os.close(self.struck)


class _Arrivals(FaultBook):
    """Notifies of every request as soon as it has been received completely."""

    def __init__(self, notify: Callable[[], None]) -> None:
        super().__init__()
        self._notify = notify

    def take(self, method: str, path: str) -> Fault | None:
        self._notify()
        return super().take(method, path)


class _Handled(RequestLog):
    """Notifies of every request when it is handled, before any of its response is sent."""

    def __init__(self, notify: Callable[[], None]) -> None:
        super().__init__()
        self._notify = notify

    def add(self, record: RequestRecord) -> None:
        super().add(record)
        self._notify()


class Instants:
    """Count the requests of a sandbox and strike at the selected one."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._changed = threading.Condition()
        self._aim: Aim | None = None
        self.arrived = 0
        self.handled = 0
        sandbox.backend.faults = _Arrivals(self._on_arrival)
        sandbox.backend.log = _Handled(self._on_handled)

    def restart(self, aim: Aim | None = None) -> None:
        """Reset the count, and strike as requested."""
        with self._changed:
            self.arrived = self.handled = 0
            self._aim = aim

    def disarm(self) -> None:
        """Do not strike any more."""
        with self._changed:
            self._aim = None

    def wait_until_all_is_handled(self) -> None:
        """Wait until every request that was received is handled."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.arrived == self.handled, timeout=30)

    def _on_arrival(self) -> None:
        with self._changed:
            self.arrived += 1
            self._strike_if(Phase.ARRIVED, self.arrived)

    def _on_handled(self) -> None:
        with self._changed:
            self.handled += 1
            self._changed.notify_all()
            self._strike_if(Phase.HANDLED, self.handled)
            aim = self._aim
            if aim is not None and (aim.phase, aim.number) == (Phase.ANSWERED, self.handled):
                # The response is sent before the loop runs anything else.
                asyncio.get_running_loop().call_later(aim.after, self._strike_later, aim)

    def _strike_if(self, phase: Phase, number: int) -> None:
        if self._aim is not None and (self._aim.phase, self._aim.number) == (phase, number):
            self._aim.strike()

    def _strike_later(self, aim: Aim) -> None:
        with self._changed:
            if self._aim is aim:
                aim.strike()
