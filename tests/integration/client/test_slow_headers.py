"""A server that sends its response, headers included, byte by byte, each within the read timeout."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from airflow_provider_engagevoice.client.endpoints.campaigns import create_campaign, list_accounts
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import Timeouts
from airflow_provider_engagevoice.exceptions import NoAnswerError, OutcomeUnknownError
from tests.integration.client.servers import raw_server
from tests.support.clients import run_sync
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Padding: " + b"x" * 1000
ONCE = RetryLimits(tries=1)
TIMEOUTS = Timeouts(connect=5, read=5, call=0.5)


def drip(connection: socket.socket, ending: threading.Event) -> None:
    connection.recv(65536)
    for byte in HEAD:
        connection.sendall(bytes([byte]))
        if ending.wait(0.05):
            return


@pytest.mark.parametrize("flow", ["api_token", "legacy"])
@pytest.mark.few(1)
def test_it_is_limited_by_the_timeout_of_the_call(run, flow) -> None:
    with raw_server(drip) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="the whole call took too long"):
            run(settings_of(flow, url, timeouts=TIMEOUTS), list_accounts(), limits=ONCE)
        assert 0.4 < time.monotonic() - began < 5


@pytest.mark.few(1)
def test_a_create_has_an_unknown_outcome(run) -> None:
    with raw_server(drip) as url:
        settings = settings_of("api_token", url, account_id=ACCOUNT_ID, timeouts=TIMEOUTS)
        with pytest.raises(OutcomeUnknownError, match="the whole call took too long"):
            run(settings, create_campaign(1, {"campaignName": "New"}), limits=ONCE)


@pytest.mark.few(1)
def test_a_reused_connection_is_limited_by_the_current_call(run) -> None:
    """The second response is slow on the connection of the first, whose timeout has passed."""
    body = b"[]"
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n" + body
    connections = []

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        connections.append(connection)
        for _ in range(2):
            connection.recv(65536)
            connection.sendall(whole)
            ending.wait(0.3)
        drip(connection, ending)

    def often():
        for _ in range(3):
            yield from list_accounts()

    timeouts = Timeouts(connect=5, read=5, call=1.0)
    with raw_server(talk) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="the whole call took too long"):
            run(settings_of("api_token", url, timeouts=timeouts), often(), limits=ONCE)
        assert 1.2 < time.monotonic() - began < 8
    assert len(connections) == 1


@pytest.mark.few(1)
def test_a_body_without_end(run) -> None:
    """Every read returns data."""

    def flood(connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not ending.wait(0.0002):
            connection.sendall(b"1\r\n[\r\n")

    with raw_server(flood) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="the whole call took too long"):
            run(settings_of("api_token", url, timeouts=TIMEOUTS), list_accounts(), limits=ONCE)
        assert 0.4 < time.monotonic() - began < 5


def test_silence_is_still_limited_by_the_read_timeout() -> None:
    with raw_server(lambda connection, ending: ending.wait(20)) as url:
        settings = settings_of("api_token", url, timeouts=Timeouts(connect=5, read=0.2, call=20))
        with pytest.raises(NoAnswerError, match="ReadTimeout: timed out"):
            run_sync(settings, list_accounts(), limits=ONCE)
