"""Each fault as seen by a client, and its effect on the stored data."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials
from airflow_provider_engagevoice.sandbox.faults import KINDS, Fault
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import CAMPAIGNS, Json, direct_login
from tests.support.documentation import read


def stored(sandbox: SandboxServer) -> int:
    """Return the number of campaigns created by the test."""
    return len(sandbox.store.all_campaigns()) - 1


def test_the_page_has_each_kind() -> None:
    (table,) = re.findall(r"^\| `kind` \|.*\n\|[-|]+\n((?:\|.*\n)+)", read("docs/sandbox.md"), re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(KINDS)


def test_delay(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("delay", seconds=0.2)
    started = time.monotonic()
    assert api.post(CAMPAIGNS, json=body).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_delay_is_handled_after_the_client_timed_out(
    api: httpx.Client, sandbox: SandboxServer, body: Json
) -> None:
    sandbox.add_fault("delay", seconds=0.2)
    with pytest.raises(httpx.ReadTimeout):
        api.post(CAMPAIGNS, json=body, timeout=0.05)
    deadline = time.monotonic() + 5
    while not sandbox.requests() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stored(sandbox) == 1


def send_and_disconnect(url: str, content: bytes, length: int) -> None:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-Auth-Token: {credentials.API_TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port)) as connection:  # type: ignore[arg-type]
        connection.sendall(head.encode() + content)


def test_clients_that_disconnect(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    url, content = str(api.base_url).rstrip("/") + CAMPAIGNS, json.dumps(body).encode()
    for _ in range(10):
        send_and_disconnect(url, content[:-9], len(content))
        send_and_disconnect(url, content, len(content))
    deadline = time.monotonic() + 5
    while stored(sandbox) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stored(sandbox) == 10
    assert [record.status for record in sandbox.requests()] == [200] * 10


def test_drop_answer(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("drop_answer", method="post", path=r"/campaigns$")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.post(CAMPAIGNS, json=body)
    assert stored(sandbox) == 1
    (record,) = sandbox.requests()
    assert (record.status, record.fault) == (200, "drop_answer")


def test_reset(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("reset")
    with pytest.raises(httpx.ReadError):
        api.post(CAMPAIGNS, json=body)
    assert stored(sandbox) == 0
    (record,) = sandbox.requests()
    assert (record.status, record.fault) == (None, "reset")


def test_truncate(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("truncate")
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        api.post(CAMPAIGNS, json=body)
    assert stored(sandbox) == 1


def test_status(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("status", status=429, body='"rate"', headers={"Retry-After": "7"})
    sandbox.add_fault("status", status=502, body="<h1>Bad gateway</h1>", content_type="text/html")
    throttled, broken = (api.post(CAMPAIGNS, json=body) for _ in range(2))
    assert (throttled.status_code, throttled.text, throttled.headers["Retry-After"]) == (429, '"rate"', "7")
    assert (broken.status_code, broken.headers["content-type"]) == (502, "text/html")
    assert stored(sandbox) == 0


def test_html(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("html")
    response = api.post(CAMPAIGNS, json=body)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")
    assert stored(sandbox) == 0


def test_empty(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("empty")
    response = api.post(CAMPAIGNS, json=body)
    assert (response.status_code, response.content) == (200, b"")
    assert stored(sandbox) == 1


def test_wrong_content_type(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("wrong_content_type")
    sandbox.add_fault("wrong_content_type", content_type="application/octet-stream")
    types = [api.post(CAMPAIGNS, json=body).headers.get_list("content-type") for _ in range(2)]
    assert types == [["text/html"], ["application/octet-stream"]]
    assert stored(sandbox) == 2


def test_slow_drip(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    sandbox.add_fault("slow_drip", seconds=0.3)
    started = time.monotonic()
    with api.stream("POST", CAMPAIGNS, json=body) as response:
        received = [time.monotonic() - started for _ in response.iter_bytes()]
    assert len(received) > 10
    assert received[0] < 0.15
    assert received[-1] >= 0.3
    assert stored(sandbox) == 1


def test_slow_drip_ends_when_the_client_disconnects(api: httpx.Client, sandbox: SandboxServer) -> None:
    sandbox.add_fault("slow_drip", seconds=60)
    with api.stream("GET", "/dialGroups") as response:
        next(response.iter_bytes())
    assert api.get("/dialGroups").status_code == 200


def test_expire_token(web: httpx.Client, sandbox: SandboxServer) -> None:
    signed_in = direct_login(web).json()
    headers = {"Authorization": f"Bearer {signed_in['accessToken']}"}
    path = "/voice/api/v1/admin/accounts"
    sandbox.add_fault("expire_token", after=1)
    assert web.get(path, headers=headers).status_code == 200
    for _ in range(2):
        response = web.get(path, headers=headers)
        assert (response.status_code, response.text) == (401, "Jwt is expired")

    sandbox.add_fault("revoke_refresh", path="refresh$")
    rejected = web.post("/api/auth/token/refresh", data={"refresh_token": signed_in["refreshToken"]})
    assert rejected.status_code == 401


def test_connections_are_usable_after_faults(api: httpx.Client, sandbox: SandboxServer) -> None:
    for kind in KINDS:
        sandbox.add_fault(kind, seconds=0, status=500)  # type: ignore[arg-type]
        try:
            api.get("/dialGroups")
        except httpx.TransportError:
            assert kind in ("drop_answer", "reset", "truncate")
        if kind == "expire_token":
            sandbox.backend.tokens.permanent(credentials.API_TOKEN)
        assert api.get("/dialGroups").status_code == 200
    assert [planned.struck for planned in sandbox.faults()] == [1] * len(KINDS)


def test_which_requests_a_fault_applies_to(api: httpx.Client, sandbox: SandboxServer) -> None:
    sandbox.add_fault("status", status=500, method="GET", path=r"/dialGroups$", times=2, after=1)
    statuses = [api.get("/dialGroups").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    (planned,) = sandbox.faults()
    assert (planned.seen, planned.struck) == (3, 2)
    sandbox.clear_faults()
    assert sandbox.faults() == []


def test_control_api(web: httpx.Client, api: httpx.Client) -> None:
    added = web.post("/sandbox/faults", json={"kind": "status", "status": 503, "times": 2})
    assert added.status_code == 201
    assert api.get("/dialGroups").status_code == 503
    (planned,) = web.get("/sandbox/faults").json()
    assert (planned["kind"], planned["struck"]) == ("status", 1)
    assert web.delete("/sandbox/faults").json() is True
    assert web.get("/sandbox/faults").json() == []
    assert api.get("/dialGroups").status_code == 200


@pytest.mark.parametrize(
    "invalid",
    [
        {},
        [],
        {"kind": "flood"},
        {"kind": "delay"},
        {"kind": "status"},
        {"kind": "reset", "path": "("},
        {"kind": "reset", "times": 0},
        {"kind": "reset", "often": 1},
        {"kind": "reset", "times": "two"},
    ],
)
def test_invalid_faults(web: httpx.Client, invalid: Any) -> None:
    response = web.post("/sandbox/faults", json=invalid)
    assert response.status_code == 400
    assert response.json()["validationErrors"][0]["message"]


def test_stop_aborts_requests_in_flight(start: Any) -> None:
    server: SandboxServer = start()
    server.add_fault("delay", seconds=60)
    with httpx.Client(base_url=server.url) as web:
        with pytest.raises(httpx.ReadTimeout):
            web.get("/voice/api/v1/admin/accounts", timeout=0.1)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 2


def test_fault_from_json() -> None:
    assert Fault.from_json({"kind": "reset", "times": 2}) == Fault("reset", times=2)
