"""What is read of a response is bounded, in both clients, whatever the server sends."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import (
    create_campaign,
    get_campaign,
    list_accounts,
)
from airflow_provider_engagevoice.client.request import LIST_BYTES, OBJECT_BYTES, Request
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.transport import bound_body
from airflow_provider_engagevoice.exceptions import (
    AuthenticationError,
    NoAnswerError,
    OutcomeUnknownError,
    ServerError,
    TooLargeError,
)
from tests.integration.client.servers import raw_server
from tests.support.clients import Run
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

MIB = 1 << 20
ONCE = RetryLimits(tries=1)
JSON = b"Content-Type: application/json\r\n"

Talk = Callable[[socket.socket, threading.Event], None]


def head(status: int, *more: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\n%s%s\r\n" % (status, JSON, b"".join(line + b"\r\n" for line in more))


def answer(status: int, encoding: str, body: bytes) -> Talk:
    """Answer each request of a connection."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        while connection.recv(65536):
            length = b"Content-Length: %d" % len(body)
            connection.sendall(head(status, b"Content-Encoding: " + encoding.encode(), length) + body)

    return talk


class Endless:
    """A server that sends until the client has gone.

    :ivar sent: bytes of the last body
    """

    def __init__(self, status: int = 200) -> None:
        self._status = status
        self.sent = 0

    def __call__(self, connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(head(self._status) + b"[")
        self.sent = 0
        while not ending.is_set():
            connection.sendall(b" " * 65536)
            self.sent += 65536


def fetch(run: Run, url: str, request: Request[Any], flow: str = "api_token") -> Any:
    return run(settings_of(flow, url, account_id=ACCOUNT_ID), request, limits=ONCE)


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """Return the most memory that was allocated, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_an_endless_body(run: Run) -> None:
    endless = Endless()
    with raw_server(endless) as url, pytest.raises(TooLargeError) as caught:
        fetch(run, url, get_campaign(1, 2))
    assert f"more than {OBJECT_BYTES:,} bytes" in str(caught.value)
    assert caught.value.path.endswith("/dialGroups/1/campaigns/2")
    assert not caught.value.retryable
    # What the sockets hold is lost.
    assert endless.sent < OBJECT_BYTES + 16 * MIB


def chunks(encoding: str, first: bytes, more: bytes, status: int = 200) -> Talk:
    """Answer with chunks until the client has gone."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        encoded = b"Content-Encoding: " + encoding.encode()
        connection.sendall(head(status, encoded, b"Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(first), first))
        while not ending.is_set():
            connection.sendall(b"%x\r\n%s\r\n" % (len(more), more))

    return talk


#: Bodies without an end: a chunk, and the one that is repeated.
ENDLESS = {
    "JSON that is over": ("identity", b"[]".ljust(65536), b" " * 65536),
    "gzip that is over": ("gzip", gzip.compress(b"[]"), b"\0" * 65536),
    "gzip after gzip": ("gzip", gzip.compress(b"[]"), gzip.compress(b" " * 65536)),
    "gzip without content": ("gzip", gzip.compress(b"")[:10], b"\0\0\0\xff\xff" * 1000),
    "unknown encoding": ("br", b"[]", b"\x8b\x02\x80" * 1000),
    "two encodings": ("gzip, deflate", b"[]", b" " * 5000),
}


@pytest.mark.parametrize("body", ENDLESS)
@pytest.mark.few(3)
def test_chunks_without_an_end(run: Run, body: str) -> None:
    with raw_server(chunks(*ENDLESS[body])) as url, pytest.raises(TooLargeError):
        fetch(run, url, get_campaign(1, 2))
    with raw_server(chunks(*ENDLESS[body], status=503)) as url, pytest.raises(ServerError):
        fetch(run, url, get_campaign(1, 2))


def test_a_list_may_be_larger(run: Run) -> None:
    body = b"[" + b" " * (OBJECT_BYTES + MIB) + b"]"
    with raw_server(answer(200, "identity", body)) as url:
        assert fetch(run, url, list_accounts()) == []
        with pytest.raises(TooLargeError):
            fetch(run, url, get_campaign(1, 2))
    assert LIST_BYTES > OBJECT_BYTES


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZIP"])
@pytest.mark.few(2)
def test_a_small_body_that_is_large_once_decompressed(
    run: Run, encoding: str, memory: Callable[[], int]
) -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 15 if encoding == "deflate" else 31)
    bomb = b"".join(squeeze.compress(b" " * MIB) for _ in range(48)) + squeeze.flush()
    assert len(bomb) < MIB
    with raw_server(answer(200, encoding, bomb)) as url, pytest.raises(TooLargeError):
        fetch(run, url, get_campaign(1, 2))
    assert memory() < 4 * OBJECT_BYTES


def test_a_sign_in(run: Run) -> None:
    endless = Endless()
    with raw_server(endless) as url, pytest.raises(TooLargeError) as caught:
        fetch(run, url, get_campaign(1, 2), flow="engage")
    assert caught.value.path == "/api/auth/login/admin"
    assert endless.sent < 16 * MIB


@pytest.mark.parametrize(("status", "error"), [(503, ServerError), (401, AuthenticationError)])
def test_the_status_of_an_endless_error_counts(run: Run, status: int, error: type[Exception]) -> None:
    endless = Endless(status)
    with raw_server(endless) as url, pytest.raises(error) as caught:
        fetch(run, url, get_campaign(1, 2))
    assert len(str(caught.value)) < 1000
    assert endless.sent < 16 * MIB


def test_a_create_may_have_been_carried_out(run: Run) -> None:
    with raw_server(Endless()) as url, pytest.raises(OutcomeUnknownError):
        fetch(run, url, create_campaign(1, {}))


ROWS = [{"accountId": "1", "accountName": "Ünïcode " * 40_000}]


def _raw_deflate(body: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(body) + squeeze.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", _raw_deflate),
    ],
)
def test_compressed_answers_are_read(run: Run, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    with raw_server(answer(200, encoding, compress(json.dumps(ROWS).encode()))) as url:
        (account,) = fetch(run, url, list_accounts())
    assert account.accountName == ROWS[0]["accountName"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damaged_answers(run: Run, encoding: str) -> None:
    damaged = bytearray(gzip.compress(b"[]" * 5000) if encoding == "gzip" else zlib.compress(b"[]" * 5000))
    damaged[12:20] = b"\xff" * 8
    with raw_server(answer(200, encoding, bytes(damaged))) as url, pytest.raises(NoAnswerError):
        fetch(run, url, get_campaign(1, 2))


def test_the_bound_is_exact() -> None:
    for size in (MIB, MIB + 1):
        response = httpx.Response(
            200, content=b"x" * size, request=httpx.Request("GET", "https://e.example/a")
        )
        response = httpx.Response(200, stream=response.stream, request=response.request)
        bound_body(response)
        if size == MIB:
            assert len(response.read()) == MIB
        else:
            with pytest.raises(TooLargeError):
                response.read()
