"""A TCP relay in front of the sandbox, for faults below HTTP."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_HEAD = re.compile(rb"(GET|POST|PUT|DELETE) (\S+) HTTP/1")
#: Seconds between two bytes of a slow response.
DRIP_SECONDS = 0.1


class Relay:
    """A context manager that forwards everything unless a fault is active.

    :ivar url: its address
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._kind = ""
        self._method, self._path, self._times = b"", re.compile(b""), 0
        self._ending = threading.Event()

    def __enter__(self) -> Relay:
        self._accept()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.set()
        self.refuse()

    def strike(self, kind: str, method: str, path: str, times: int) -> None:
        """Break the responses to the next requests that match.

        :param kind: ``cut`` resets the connection in the middle of the response, ``drip`` sends its
            head byte by byte
        """
        self._kind, self._method, self._times = kind, method.encode(), times
        self._path = re.compile(path.encode())

    def clear(self) -> None:
        """Forward everything from now on."""
        self._times = 0

    def refuse(self) -> None:
        """Stop listening, and close all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def accept_again(self) -> None:
        """Listen on the same port again."""
        self._listener = self._listen(self.port)
        self._accept()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=64)

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            struck = threading.Event()
            answering = threading.Thread(target=self._answer, args=(server, client, struck), daemon=True)
            answering.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self._strikes(data):
                        struck.set()
                    server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answering.join()
            with self._lock:
                self._open -= {client, server}

    def _strikes(self, data: bytes) -> bool:
        head = _HEAD.match(data)
        if head is None or self._times <= 0 or head[1] != self._method:
            return False
        if not self._path.search(head[2].partition(b"?")[0]):
            return False
        self._times -= 1
        return True

    def _answer(self, server: socket.socket, client: socket.socket, struck: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not struck.is_set():
                    client.sendall(data)
                elif self._kind == "cut":
                    client.sendall(data[:40])
                    # Data already sent must arrive before the reset, which would overtake it.
                    time.sleep(0.02)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    client.close()
                    return
                else:
                    for byte in data:
                        client.sendall(bytes([byte]))
                        if self._ending.wait(DRIP_SECONDS):
                            return
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
