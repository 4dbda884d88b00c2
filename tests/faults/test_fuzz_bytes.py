"""Whatever bytes come over a connection become a result or a typed error, and soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.answers import raw_answers
from tests.faults.asking import ASKED, asked, client, run
from tests.faults.fuzz import holds_for
from tests.integration.client.servers import raw_server


class Raw:
    """A server that answers every connection with the same bytes and closes it."""

    def __init__(self) -> None:
        self.answer = b""
        self.url = ""

    def talk(self, connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(self.answer)


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    raw = Raw()
    with raw_server(raw.talk) as raw.url:
        yield raw


@holds_for(60, 1500, answer=raw_answers, name=asked)
def test_any_bytes_are_read_or_refused(raw: Raw, answer: bytes, name: str) -> None:
    raw.answer = answer
    with client(url=raw.url) as one:
        run(one, ASKED[name]())
