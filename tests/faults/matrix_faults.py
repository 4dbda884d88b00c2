"""The faults of the matrix: each can be injected once, or for the whole operation."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unittest.mock import patch

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from tests.faults.matrix_world import World
from tests.faults.operations import Operation
from tests.integration.stores.full_disk import full_disk
from tests.integration.stores.jobs import make_stale

#: How often a lasting fault strikes.
_LASTING = 99


@dataclass(frozen=True, slots=True)
class MatrixFault:
    """A fault.

    :param inject: injects the fault during an operation and removes it afterwards; with True it lasts
    :param variants: once (False), lasting (True), or both
    """

    name: str
    inject: Callable[[World, Operation, bool], AbstractContextManager[None]]
    variants: tuple[bool, ...] = (False, True)


def _sandbox(name: str, kind: Any, headers: Callable[[bool], dict[str, str]] | None = None, **more: Any):
    @contextmanager
    def inject(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
        world.sandbox.add_fault(
            kind,
            method=operation.method,
            path=operation.path,
            times=_LASTING if lasting else 1,
            headers=headers(lasting) if headers else None,
            **more,
        )
        yield
        _drain(world)
        world.sandbox.clear_faults()

    return MatrixFault(name, inject)


def _drain(world: World) -> None:
    """Wait until the server has handled every request, including those whose client has timed out."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        struck = sum(fault.struck for fault in world.sandbox.faults())
        if struck == sum(one.fault is not None for one in world.sandbox.requests()):
            return
        time.sleep(0.02)


def _relay(name: str, kind: str) -> MatrixFault:
    @contextmanager
    def inject(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
        world.relay.strike(kind, operation.method, operation.path, _LASTING if lasting else 1)
        yield
        world.relay.clear()

    return MatrixFault(name, inject)


@contextmanager
def _refused(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    world.relay.refuse()
    back = threading.Timer(0.1, world.relay.accept_again)
    if not lasting:
        back.start()
    yield
    if lasting:
        world.relay.accept_again()
    else:
        back.join()


@contextmanager
def _no_name(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    find = socket.getaddrinfo
    left = _LASTING if lasting else 1

    def fail(host: Any, *rest: Any, **more: Any) -> Any:
        nonlocal left
        if host in ("localhost", b"localhost") and left > 0:
            left -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return find(host, *rest, **more)

    world.host = f"http://localhost:{world.relay.port}"
    with patch.object(socket, "getaddrinfo", fail):
        yield


def _sign_in(world: World) -> Any:
    """Sign in as an earlier process did; return the state it shares."""
    shared_state = world.shared_state()
    world.patient = True
    with EngageVoiceClient(world.settings, shared_state=shared_state) as client:
        client.run(list_accounts())
    make_stale(world.settings, shared_state)
    world.patient = False
    return shared_state


@contextmanager
def _dead_refresh(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    _sign_in(world)
    world.sandbox.backend.tokens.revoke_refresh()
    yield


@contextmanager
def _rotated_refresh(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    token = _sign_in(world).tokens.known(world.settings.token_key)
    world.sandbox.backend.tokens.use_up_refresh(token.refresh)
    yield


def _clock(name: str, seconds: float) -> MatrixFault:
    @contextmanager
    def inject(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
        _sign_in(world)
        clock._clock.wall += seconds
        yield
        clock._clock.wall -= seconds

    return MatrixFault(name, inject, variants=(True,))


@contextmanager
def _disk_full(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    directory = world.folder / "full"
    with full_disk(directory):
        world.token_store = f"file://{directory}" + ("" if lasting else ", memory")
        yield
    world.token_store = world.files


@contextmanager
def _not_writable(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    """Put the store below a regular file, where not even root can create a directory."""
    (world.folder / "file").touch()
    directory = f"{world.folder}/file/shared"
    world.token_store = f"file://{directory}" + ("" if lasting else ", memory")
    yield
    world.token_store = world.files


@contextmanager
def _redis_gone(world: World, operation: Operation, lasting: bool) -> Iterator[None]:
    assert world.redis is not None
    world.token_store = world.redis.url + ("" if lasting else f", {world.files}")
    _sign_in(world)
    client = world.redis.client
    stored = [repr(client.get(name)) for name in client.scan_iter("engagevoice:value:*")]
    assert stored
    world.texts += stored
    world.redis.kill()
    yield
    world.redis.start_again()


def _date(lasting: bool) -> dict[str, str]:
    wait = timedelta(seconds=4 if lasting else 1)
    return {"Retry-After": format_datetime(datetime.now(UTC) + wait, usegmt=True)}


FAULTS = (
    MatrixFault("connection refused", _refused),
    _sandbox("reset before the answer", "reset"),
    _relay("reset mid-answer", "cut"),
    _sandbox("answer dropped", "drop_answer"),
    _sandbox("slow drip of the body", "slow_drip", seconds=20),
    _relay("slow drip of the headers", "drip"),
    _sandbox("read time-out", "delay", seconds=1.0),
    _sandbox("429 with seconds", "status", lambda lasting: {"Retry-After": str(1 + 2 * lasting)}, status=429),
    _sandbox("429 with a date", "status", _date, status=429),
    _sandbox("429 without a header", "status", status=429, body='"rate"'),
    _sandbox("500", "status", status=500, body='{"generalMessage": "failed"}'),
    _sandbox("502", "status", status=502, body="<html>bad gateway</html>", content_type="text/html"),
    _sandbox("503", "status", status=503),
    _sandbox("an HTML page", "html"),
    _sandbox("truncated JSON", "truncate"),
    _sandbox("an empty 200", "empty"),
    _sandbox("wrong content type", "wrong_content_type"),
    _sandbox("401 in mid-run", "expire_token"),
    MatrixFault("dead refresh token", _dead_refresh, (False,)),
    MatrixFault("rotated refresh token", _rotated_refresh, (False,)),
    _clock("clock +10 min", 600),
    _clock("clock -10 min", -600),
    MatrixFault("name not resolved", _no_name),
    MatrixFault("disk full", _disk_full),
    MatrixFault("directory not writable", _not_writable),
    MatrixFault("Redis gone", _redis_gone),
)
