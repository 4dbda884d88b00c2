"""An event loop, a clock and a server in one thread, where time jumps to the next scheduled event.

Waits of hours take milliseconds, and a test runs the same way every time.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import httpx
import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client import client, shared_state
from airflow_provider_engagevoice.sandbox import gate
from airflow_provider_engagevoice.sandbox.app import create_app
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings

T = TypeVar("T")

#: Seconds that a request takes to the server, and its response back.
_LATENCY = 0.004
#: Real seconds after which a thread that acquires a token's lock is considered stuck.
_THREAD_SECONDS = 60.0


class VirtualTime:
    """A clock that advances only while the event loop has nothing to do.

    :param start: initial time of the wall clock, in seconds since the epoch
    :ivar wall: seconds by which the wall clock is ahead of the loop's; change it to set the clock
    """

    def __init__(self, start: float = 1_793_606_400.0) -> None:
        self.wall = start
        self.elapsed = 0.0

    def time(self) -> float:
        return self.wall + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += max(0.0, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, as ``asyncio.run`` does."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(main)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, virtual: VirtualTime) -> None:
        self._virtual = virtual
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._virtual.elapsed

    def skip(self) -> None:
        """Skip to the next timer."""
        self._virtual.elapsed = max(self._virtual.elapsed, self._scheduled[0].when())

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Run it here: while another thread works, the time to wait is unknown."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: _Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout == 0:
            return super().select(0)
        threads = [one for one in threading.enumerate() if isinstance(one, shared_state._LockThread)]
        if any(not one.acquired.done() for one in threads):
            # No time passes meanwhile, however busy the machine is.
            if events := super().select(_THREAD_SECONDS):
                return events
            raise RuntimeError("a thread waits for the lock of a token")
        if timeout is None:
            raise RuntimeError("everything waits, and no timer is scheduled")
        self._loop.skip()
        return super().select(0)


class InMemorySandbox(SandboxServer):
    """A sandbox without a socket or a thread."""

    def __init__(self, settings: SandboxSettings) -> None:
        super().__init__(settings)
        self.url = "http://127.0.0.1:9"
        self._app = create_app(self.backend)

    @contextmanager
    def in_use(self, virtual: VirtualTime) -> Iterator[None]:
        """Be the server of all clients created in the block, on a virtual clock that all read."""
        http = SimpleNamespace(**vars(httpx))
        http.Client = partial(httpx.Client, transport=_Wire(self._app, virtual), trust_env=False)
        http.AsyncClient = partial(httpx.AsyncClient, transport=_AsyncWire(self._app), trust_env=False)
        with pytest.MonkeyPatch.context() as patch, clock.use(virtual):
            patch.setattr(client, "httpx", http)
            patch.setattr("anyio.to_thread.run_sync", _run_here)
            patch.setattr(gate, "time", SimpleNamespace(time=virtual.time, perf_counter=virtual.monotonic))
            yield


class _Exchange:
    """A request and its response, as an ASGI server sees them; faults interrupt it through ``transport``."""

    more_body = False

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self.transport = self
        self.body = body
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.over = asyncio.Event()
        self.broken: httpx.TransportError | None = None
        self._received = False
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "server": (request.url.host, request.url.port),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }

    async def receive(self) -> Any:
        if self._received:
            await self.over.wait()
            return {"type": "http.disconnect"}
        self._received = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.parts.append(message["body"])
            if not message.get("more_body"):
                self.over.set()

    def is_closing(self) -> bool:
        return self.over.is_set()

    def close(self) -> None:
        self.broken = self.broken or httpx.RemoteProtocolError("the server has closed the connection")
        self.over.set()

    abort = close

    def get_extra_info(self, name: str) -> _Exchange:
        return self

    def setsockopt(self, *_: Any) -> None:
        self.broken = httpx.ReadError("the server has reset the connection")


class _AsyncWire(httpx.AsyncBaseTransport):
    """Sends requests to an application, with a delay."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._serving: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(request, await request.aread())
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                await asyncio.sleep(_LATENCY)
                # Continues although the client disconnects.
                serving = asyncio.create_task(self._app(exchange.scope, exchange.receive, exchange.send))
                self._serving.add(serving)
                serving.add_done_callback(self._serving.discard)
                await exchange.over.wait()
                await asyncio.sleep(_LATENCY)
        except TimeoutError:
            exchange.over.set()
            raise httpx.ReadTimeout("no response", request=request) from None
        if exchange.broken:
            raise exchange.broken
        return httpx.Response(exchange.status, headers=exchange.headers, content=b"".join(exchange.parts))


class _Wire(httpx.BaseTransport):
    def __init__(self, app: Any, virtual: VirtualTime) -> None:
        self._wire = _AsyncWire(app)
        self._virtual = virtual

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._virtual.run(self._wire.handle_async_request(request))


async def _run_here(function: Callable[..., T], *args: Any, **_: Any) -> T:
    return function(*args)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the current virtual time."""
    virtual = clock._clock
    assert isinstance(virtual, VirtualTime)
    return virtual.run(main)
