"""No secret and no token leaks from a client into logs, exceptions or reprs."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign, list_accounts
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings, Timeouts
from airflow_provider_engagevoice.client.shared_state import open_shared_state, reset_shared_state
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.integration.client.servers import raw_server
from tests.support.clients import CLIENTS, run_sync
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import FLOWS, RENEWABLE, given, settings_of
from tests.support.watch import MARKED, SECRETS_OF, Watch, texts_of, watching

QUICK = RetryLimits(tries=2, first_wait=0.01, longest_wait=0.02)


@pytest.fixture(scope="module")
def _marked() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False, credentials=MARKED)) as server:
        yield server


@pytest.fixture
def marked(_marked: SandboxServer) -> SandboxServer:
    """A sandbox with credentials that are easy to search for."""
    _marked.reset()
    reset_shared_state()
    return _marked


@pytest.fixture
def watch(marked: SandboxServer) -> Iterator[Watch]:
    with watching(marked) as watch:
        yield watch


def shown(settings: ClientSettings) -> list[str]:
    """Return the reprs of a client and of its parts."""
    with EngageVoiceClient(settings) as client:
        things = [client, client._http, client._http.auth, settings, settings.credentials]
        things += [
            open_shared_state().tokens,
            open_shared_state().tokens.known(settings.token_key),
            settings.token_key,
        ]
        return [make(thing) for thing in things for make in (repr, str)]


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("flow", FLOWS)
def test_signing_in_and_renewing(marked, watch, capfd, kind, flow) -> None:
    settings = settings_of(flow, marked.url, MARKED)
    run = CLIENTS[kind]
    run(settings, list_accounts())
    if flow in RENEWABLE:
        token = open_shared_state().tokens.known(settings.token_key)
        assert token is not None
        open_shared_state().tokens.save(settings.token_key, dataclasses.replace(token, expires_at=0.0))
        run(settings, list_accounts())
        marked.add_fault("expire_token", path="/accounts$")
        marked.backend.tokens.revoke_refresh()
        run(settings, list_accounts())
        assert len(watch.issued) >= 6
    logged = watch.logged()
    assert any(line.startswith("httpx ") for line in logged)
    assert any(line.startswith("httpcore") for line in logged)
    assert watch.leaks(*logged, *capfd.readouterr(), *shown(settings)) == []


FAULTS: dict[str, dict[str, Any]] = {
    "drop_answer": {},
    "reset": {},
    "truncate": {},
    "html": {},
    "empty": {},
    "status": {"status": 500, "body": "<html>"},
    "slow_drip": {"seconds": 5},
    "wrong_content_type": {},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "flow"), [*(("sync", flow) for flow in FLOWS), ("async", "engage")])
@pytest.mark.few(10)
def test_signing_in_with_a_fault(marked, watch, capfd, kind, fault, flow) -> None:
    marked.add_fault(fault, path="^/restapi|/auth/|/accounts$", times=99, **FAULTS[fault])
    settings = settings_of(flow, marked.url, MARKED, timeouts=Timeouts(read=0.1, call=0.1))
    if fault == "wrong_content_type":
        CLIENTS[kind](settings, list_accounts(), limits=QUICK)
        texts = []
    else:
        with pytest.raises(EngageVoiceError) as caught:
            CLIENTS[kind](settings, list_accounts(), limits=QUICK)
        texts = texts_of(caught.value)
    assert watch.leaks(*texts, *watch.logged(), *capfd.readouterr()) == []


ECHOES: dict[str, Callable[[str], str]] = {
    "text": lambda secret: f"not good: {secret}",
    "json": lambda secret: json.dumps({"generalMessage": f"not good: {secret}"}),
    "bare": lambda secret: json.dumps(f"not good: {secret}"),
    "value": lambda secret: json.dumps(
        {"validationErrors": [{"attributeName": "x", "message": f"bad {secret}", "value": secret}]}
    ),
}


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize(
    ("flow", "name"), [(flow, name) for flow, names in SECRETS_OF.items() for name in names]
)
@pytest.mark.few(11)
def test_a_server_that_repeats_a_credential(marked, watch, capfd, flow, name, echo, status) -> None:
    body = ECHOES[echo](given(flow, MARKED)[name])
    path = "/accounts$" if flow == "api_token" else "^/restapi|/auth/"
    marked.add_fault(
        "status", path=path, status=status, body=body, times=99, content_type="text/plain; charset=utf-8"
    )
    with pytest.raises(EngageVoiceError) as caught:
        run_sync(settings_of(flow, marked.url, MARKED), list_accounts(), limits=QUICK)
    assert watch.leaks(*texts_of(caught.value), *watch.logged(), *capfd.readouterr()) == []


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("path", ["/accounts$", "refresh$", "accesstoken$"])
@pytest.mark.few(8)
def test_a_server_that_repeats_a_token(marked, watch, capfd, monkeypatch, path, status, echo) -> None:
    settings = settings_of("ringcentral_jwt", marked.url, MARKED)
    run_sync(settings, list_accounts())
    token = open_shared_state().tokens.known(settings.token_key)
    assert token is not None
    secret = token.refresh
    if path == "/accounts$":
        secret = token.value
    elif path == "accesstoken$":
        secret = watch.issued[0] if watch.issued else ""
        reset_shared_state()
        # The next RingCentral token is the one that the response repeats.
        monkeypatch.setattr(marked.backend.tokens, "ringcentral", lambda: secret)
    if path == "refresh$":
        open_shared_state().tokens.save(settings.token_key, dataclasses.replace(token, expires_at=0.0))
    assert secret in watch.issued
    marked.add_fault("status", path=path, status=status, body=ECHOES[echo](secret), times=99)
    texts: list[str] = []
    try:
        run_sync(settings, list_accounts(), limits=QUICK)
    except EngageVoiceError as error:
        texts = texts_of(error)
    assert marked.faults()[0].struck
    assert watch.leaks(*texts, *watch.logged(), *capfd.readouterr()) == []


_TOKEN = MARKED.api_token.encode()
_BODY = b"Content-Length: 2\r\n\r\nno"
#: Responses with the token outside of their bodies.
LINES = {
    "content type": b"HTTP/1.1 200 OK\r\nContent-Type: text/" + _TOKEN + b"\r\n" + _BODY,
    "status line": b"HTTP/9.x " + _TOKEN + b"\r\n\r\n",
    "reason": b"HTTP/1.1 400 " + _TOKEN + b"\r\n" + _BODY,
    "no HTTP": _TOKEN + b"\r\n\r\n",
    "header without a colon": b"HTTP/1.1 200 OK\r\n" + _TOKEN + b"\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: " + _TOKEN + b"\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _TOKEN + b"\r\n",
    "location": b"HTTP/1.1 302 OK\r\nLocation: https://h.example/?t=" + _TOKEN + b"\r\n" + _BODY,
    "Retry-After": b"HTTP/1.1 429 OK\r\nRetry-After: " + _TOKEN + b"\r\n" + _BODY,
}


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.few(6)
def test_a_server_that_repeats_a_token_outside_of_a_body(watch, kind, line) -> None:
    def talk(connection: socket.socket, ending: threading.Event) -> None:
        while connection.recv(65536):
            connection.sendall(LINES[line])
            connection.shutdown(socket.SHUT_WR)

    with raw_server(talk) as url, pytest.raises(EngageVoiceError) as caught:
        CLIENTS[kind](settings_of("api_token", url, MARKED), list_accounts(), limits=RetryLimits(tries=1))
    # At the level DEBUG, httpcore logs all that it receives.
    logged = [one for one in watch.logged() if not one.startswith("httpcore")]
    assert watch.leaks(*texts_of(caught.value), *logged) == []


#: Answers that cannot be read, with the token in them.
UNREADABLE = {
    "id": {"campaignId": MARKED.api_token},
    "field": {"campaignName": [MARKED.api_token]},
    "name": {MARKED.api_token: 1},
    "list": [MARKED.api_token],
    "text": MARKED.api_token,
}


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("answer", UNREADABLE)
def test_an_answer_with_a_token_that_cannot_be_read(marked, watch, kind, answer) -> None:
    marked.add_fault("status", path="/campaigns/", status=200, body=json.dumps(UNREADABLE[answer]), times=99)
    settings = settings_of("api_token", marked.url, MARKED, account_id=ACCOUNT_ID)
    with pytest.raises(EngageVoiceError) as caught:
        CLIENTS[kind](settings, get_campaign(1, 2), limits=RetryLimits(tries=1))
    assert watch.leaks(*texts_of(caught.value), *watch.logged()) == []


@pytest.mark.parametrize(
    "host",
    ["https://me:Q7passwordK2@example.com", "https://me:Q7passwordK2/x@example.com", "//a:Q7passwordK2@b:c"],
)
def test_a_password_in_the_host(watch, host) -> None:
    with pytest.raises(EngageVoiceError) as caught:
        settings_of("api_token", host, MARKED)
    assert watch.leaks(*texts_of(caught.value)) == []


@pytest.mark.parametrize("token", ["Q7tokenK2\nQ7tokenK2", "Q7tokenK2\u200b", "“Q7tokenK2”"])
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_token_that_no_header_can_hold(marked, watch, kind, token) -> None:
    with pytest.raises(EngageVoiceError) as caught:
        CLIENTS[kind](settings_of("api_token", marked.url, api_token=token), list_accounts(), limits=QUICK)
    assert watch.leaks(*texts_of(caught.value), *watch.logged()) == []
