"""Run the sandbox in a thread, for tests, or as a process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import uvicorn

from airflow_provider_engagevoice.sandbox.app import create_app
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.faults import Fault, Kind, PlannedFault
from airflow_provider_engagevoice.sandbox.history import HistoryEntry
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.store import Store


def listen(settings: SandboxSettings) -> socket.socket:
    """Return a listening socket.

    :raises OSError: if the address is not available
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=512)


def url_of(listener: socket.socket) -> str:
    """Return the base URL of a listener, without a trailing slash."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class UvicornServer(uvicorn.Server):
    """A server that reports when it is ready."""

    def __init__(self, backend: Backend, on_started: Callable[[], None]) -> None:
        # The faults need access to the connection of the h11 protocol.
        config = uvicorn.Config(
            create_app(backend),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            # It would be up to seconds old on a busy machine.
            date_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call ``on_started``."""
        await super().startup(sockets=sockets)
        self._on_started()


class SandboxServer:
    """A sandbox in a thread, as a context manager.

    .. code-block:: python

        with SandboxServer(SandboxSettings(limits=False)) as sandbox:
            sandbox.add_fault("drop_answer", method="POST", path=r"/campaigns$")
            httpx.get(f"{sandbox.url}/voice/api/v1/admin/accounts", headers=...)

    :ivar url: base URL, set by :meth:`start`
    :ivar store: dial groups and campaigns
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.backend = Backend(self.settings)
        self.store: Store = self.backend.store
        self.url = ""
        self._listener: socket.socket | None = None
        self._started = threading.Event()
        self._server = UvicornServer(self.backend, self._started.set)
        self._thread = threading.Thread(target=self._run, name="engage-voice-sandbox", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return once connections are accepted."""
        self._listener = listen(self.settings)
        self.url = url_of(self._listener)
        self._thread.start()
        self._started.wait()
        if not self._server.started:
            raise RuntimeError("The sandbox did not start; see its log.")

    def stop(self) -> None:
        """Stop, aborting requests in flight. A stopped sandbox cannot be started again."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self.backend.close()

    def add_fault(
        self,
        kind: Kind,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int = 1,
        after: int = 0,
        seconds: float | None = None,
        status: int | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> Fault:
        """Add a fault: see :class:`~airflow_provider_engagevoice.sandbox.faults.Fault`."""
        fault = Fault(
            kind, method, path, times, after, seconds, status, body, dict(headers or {}), content_type
        )
        self.backend.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.backend.faults.clear()

    def faults(self) -> list[PlannedFault]:
        """Return the configured faults with their counts."""
        return self.backend.faults.planned()

    def requests(self, limit: int | None = None) -> list[RequestRecord]:
        """Return the most recent requests, newest last."""
        return self.backend.log.last(limit)

    def wait_for_request(self, method: str, path: str, seconds: float = 30) -> bool:
        """Wait for a request whose path matches the pattern ``path``; return False on timeout."""
        return self.backend.log.wait_for(method, path, seconds)

    def history(self, campaign_id: int | None = None) -> list[HistoryEntry]:
        """Return the writes to one campaign, or to all, oldest first."""
        self.backend.later.run_due()
        return self.backend.store.history.entries(campaign_id)

    def counters(self) -> dict[str, Any]:
        """Return the counts of ``GET /sandbox/counters``."""
        return self.backend.counters()

    def set_dialer(self, **settings: float) -> None:
        """Change dialer settings: ``rate``, ``abandon_share``, ``minute_seconds``."""
        self.backend.dialer.configure(replace(self.backend.dialer.settings, **settings))

    def set_dialect(self, **values: str) -> None:
        """Change points of the dialect: see :mod:`airflow_provider_engagevoice.sandbox.dialects`."""
        self.backend.dialect = self.backend.dialect.with_values(values)

    def begin_maintenance(self, seconds: float | None = None) -> None:
        """Begin a maintenance of ``seconds``; default: as long as the dialect says."""
        self.backend.maintenance.begin(self.backend.dialect, seconds)

    def reset(self) -> None:
        """Restore the initial data and dialect, and invalidate all tokens."""
        self.backend.reset()

    def _run(self) -> None:
        assert self._listener is not None
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._started.set()
