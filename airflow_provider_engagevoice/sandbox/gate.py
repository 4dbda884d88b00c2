"""The outermost ASGI layer: logs every API request and applies the configured faults.

It buffers the whole request and the whole response. A request is therefore handled even if its client has
timed out, and is logged before its response is sent.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, cast

from fastapi.responses import PlainTextResponse

from airflow_provider_engagevoice.sandbox.access import token_of
from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.errors import PAGE
from airflow_provider_engagevoice.sandbox.faults import Fault
from airflow_provider_engagevoice.sandbox.origins import why_foreign
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord, redact

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)

_CONTROL_PATHS: Final = ("/sandbox/", "/voice/admin", "/favicon.ico")
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class BufferedResponse:
    """A whole response."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def with_content_type(self, content_type: str) -> Headers:
        """Return the headers with the content type replaced."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-type"]
        return [*kept, (b"content-type", content_type.encode("latin-1"))]


class Gate:
    """Wraps the application.

    :param app: the routes
    :param backend: provides the faults and the request log
    """

    def __init__(self, app: App, backend: Backend) -> None:
        self._app = app
        self._backend = backend

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        path = str(scope["path"]) if scope["type"] == "http" else "/"
        if path == "/" or path.startswith(_CONTROL_PATHS):
            await self._control(scope, receive, send)
            return
        connection = Connection(receive, send)
        try:
            await self._serve(scope, connection)
        except asyncio.CancelledError:
            # The sandbox is being stopped during a delay.
            await connection.drop()

    async def _control(self, scope: Message, receive: Receive, send: Send) -> None:
        foreign = why_foreign(_headers_of(scope), self._backend.settings.host)
        if foreign is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(foreign, 403)(scope, receive, send)

    async def _serve(self, scope: Message, connection: Connection) -> None:
        received, started = time.time(), time.perf_counter()
        method, path = str(scope["method"]), str(scope["path"])
        state = scope.setdefault("state", {})
        state["request_id"] = uuid.uuid4().hex
        body = await connection.body()
        if body is None:
            return
        fault = self._backend.faults.take(method, path)
        if fault is not None:
            await self._apply_before(fault, scope)
        self._backend.later.run_due()
        response = _fixed_response(fault)
        if response is None and (status := self._backend.maintenance.status(self._backend.dialect)):
            response = _page_response(status)
        if response is None and not (fault and fault.kind == "reset"):
            response = await self._handle(scope, body)
        record = RequestRecord(
            request_id=state["request_id"],
            time=received,
            method=method,
            path=redact(path, scope["query_string"].decode("latin-1")),
            status=None if response is None else response.status,
            ms=round((time.perf_counter() - started) * 1000, 3),
            account_id=state.get("account_id"),
            fault=None if fault is None else fault.kind,
        )
        self._backend.log.add(record)
        if response is None:
            await connection.drop(reset=True)
        elif state.get("breaks"):
            await connection.drop()
        else:
            await _deliver(connection, response, fault)

    async def _apply_before(self, fault: Fault, scope: Message) -> None:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds or 0)
        elif fault.kind == "revoke_refresh":
            self._backend.tokens.revoke_refresh()
        elif fault.kind == "expire_token":
            token = token_of(_headers_of(scope))
            if token is not None:
                self._backend.tokens.expire(token)

    async def _handle(self, scope: Message, body: bytes) -> BufferedResponse:
        response = BufferedResponse()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status, response.headers = message["status"], list(message.get("headers", []))
            else:
                response.body += message.get("body", b"")

        try:
            await self._app(scope, receive, send)
        except Exception:
            logger.exception("The sandbox failed to handle %s %s", scope["method"], scope["path"])
        return response


def _headers_of(scope: Message) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}


class Connection:
    """The connection of a request, in uvicorn's h11 protocol."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    @property
    def _cycle(self) -> Any:
        # ASGI cannot abort without a response; uvicorn's `receive` is bound to the object that can.
        cycle: Any = getattr(self._receive, "__self__", None)
        if not hasattr(cycle, "transport"):
            raise RuntimeError("The sandbox must run under uvicorn with http='h11'")
        return cycle

    @property
    def _transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self._cycle.transport)

    @property
    def closed(self) -> bool:
        """Whether the client has disconnected."""
        return self._transport.is_closing()

    async def body(self) -> bytes | None:
        """Return the body of the request; None if the client disconnected before sending all of it."""
        parts = []
        while (message := await self._receive())["type"] == "http.request":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)
        # The client has disconnected. A complete request is handled anyway, so that the outcome does not
        # depend on a race.
        cycle = self._cycle
        return None if cycle.more_body else b"".join((*parts, cycle.body))

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers, with the time of now unless they have one."""
        if not any(name == b"date" for name, _ in headers):
            headers = [(b"date", formatdate(time.time(), usegmt=True).encode()), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, data: bytes, *, more: bool = False) -> None:
        """Send part of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def finish_early(self) -> None:
        """Flush what was sent so far, then close."""
        self._transport.close()
        await self._wait_disconnected()

    async def drop(self, *, reset: bool = False) -> None:
        """Close immediately, with TCP FIN or with a reset (TCP RST)."""
        transport = self._transport
        if reset and not transport.is_closing():
            client: socket.socket = transport.get_extra_info("socket")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        await self._wait_disconnected()

    async def _wait_disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _fixed_response(fault: Fault | None) -> BufferedResponse | None:
    """Return the response of a fault that replaces the handler."""
    if fault is None or fault.kind not in ("status", "html"):
        return None
    if fault.kind == "html":
        return _page_response(200)
    content_type = fault.content_type or "text/plain; charset=utf-8"
    return _response(fault.status or 500, (fault.body or "").encode(), content_type, fault.headers)


def _page_response(status: int) -> BufferedResponse:
    return _response(status, PAGE.encode(), "text/html; charset=utf-8", {})


def _response(status: int, body: bytes, content_type: str, more: Mapping[str, str]) -> BufferedResponse:
    headers = {"content-type": content_type, "content-length": str(len(body)), **more}
    return BufferedResponse(
        status,
        [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        body,
    )


async def _deliver(connection: Connection, response: BufferedResponse, fault: Fault | None) -> None:
    kind = None if fault is None else fault.kind
    if kind == "drop_answer":
        await connection.drop()
    elif kind == "truncate":
        await connection.start(response.status, response.headers)
        await connection.send(response.body[: len(response.body) // 2], more=True)
        await connection.finish_early()
    elif kind == "empty":
        await connection.start(200, [(b"content-length", b"0")])
        await connection.send(b"")
    elif fault is not None and kind == "wrong_content_type":
        await connection.start(response.status, response.with_content_type(fault.content_type or "text/html"))
        await connection.send(response.body)
    elif fault is not None and kind == "slow_drip":
        await _send_slowly(connection, response, fault.seconds or 0)
    else:
        await connection.start(response.status, response.headers)
        await connection.send(response.body)


async def _send_slowly(connection: Connection, response: BufferedResponse, seconds: float) -> None:
    await connection.start(response.status, response.headers)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for index in range(len(response.body)):
        due = started + seconds * (index + 1) / len(response.body)
        await asyncio.sleep(max(0.0, due - loop.time()))
        if connection.closed:
            return
        await connection.send(response.body[index : index + 1], more=True)
    await connection.send(b"")
