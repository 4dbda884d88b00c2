"""Small servers on loopback for TLS, proxying and raw bytes, which the sandbox does not offer."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.connections import ACCOUNT_ID


@dataclass
class Served:
    """A running server: its address, and the requests it received, as (request line, headers)."""

    url: str
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def _serving(
    respond: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None
) -> Iterator[Served]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            served.requests.append((f"{self.command} {self.path}", dict(self.headers.items())))
            respond(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._any)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if tls is None else "https"
        served = Served(f"{scheme}://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, status: int, content_type: str, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def accounts_server(tls: ssl.SSLContext | None = None):
    """Respond to every request with one account."""
    body = json.dumps([{"accountId": ACCOUNT_ID, "accountName": "Demo Sales Floor"}]).encode()
    return _serving(lambda handler: _answer(handler, 200, "application/json", body), tls)


def proxy():
    """Serve as a forward proxy for plain HTTP."""

    def forward(handler: BaseHTTPRequestHandler) -> None:
        target = urlsplit(handler.path)
        content = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(target.hostname or "", target.port)
        path = f"{target.path}?{target.query}" if target.query else target.path
        connection.request(handler.command, path, content, dict(handler.headers.items()))
        response = connection.getresponse()
        _answer(handler, response.status, response.headers["Content-Type"], response.read())
        connection.close()

    return _serving(forward, None)


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Run ``talk`` for every connection; it must end when the event is set."""
    ending = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection, ending)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    ending.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in [accepting, *threads]:
        thread.join()


def unused_address() -> str:
    """Return an address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
