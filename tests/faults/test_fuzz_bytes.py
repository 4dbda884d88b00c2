"""Any bytes on a connection become a result or a typed error, and quickly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.answers import raw_answers
from tests.faults.api_calls import CALLS, call_names, client, run
from tests.faults.fuzz import run_cases
from tests.integration.client.servers import raw_server


class Raw:
    """A server that sends the same bytes on every connection and closes it."""

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


@run_cases(60, 1500, answer=raw_answers, name=call_names)
def test_any_bytes_are_read_or_rejected(raw: Raw, answer: bytes, name: str) -> None:
    raw.answer = answer
    with client(url=raw.url) as one:
        run(one, CALLS[name]())
