"""A Redis server that is missing, stops, restarts empty, or requires another password."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store
from tests.integration.client.servers import raw_server
from tests.integration.stores.jobs import shared_state_at, use
from tests.support.child import free_ports
from tests.support.clients import sign_ins
from tests.support.services import RedisServer, missing_programs, redis_server
from tests.support.watch import texts_of

pytest.importorskip("redis")

KEY = "0d" * 32
OTHER_KEY = "0e" * 32
RATES = (Rate(5, 30.0),)
SECRET = "Q7redis/K2"
ONCE = RetryLimits(tries=1)


@pytest.fixture
def server(tmp_path) -> Iterator[RedisServer]:
    """A server for one test."""
    if "redis-server" in missing_programs():
        pytest.skip("redis-server is not installed")
    with redis_server(tmp_path, password=SECRET) as server:
        yield server


def operations(store):
    """Return every operation of a store, by name."""

    def lock() -> None:
        with store.lock(KEY, 1):
            pass

    return {
        "read": lambda: store.read(KEY),
        "write": lambda: store.write(KEY, b"value", 60),
        "lock": lock,
        "acquire": lambda: store.acquire(KEY, RATES),
        "pause": lambda: store.pause(OTHER_KEY, 1),
    }


@pytest.mark.slow
def test_missing_at_the_start() -> None:
    store = open_store(f"redis://:{SECRET.replace('/', '%2F')}@127.0.0.1:{free_ports(1)[0]}/0")
    for name, do in operations(store).items():
        began = time.monotonic()
        with pytest.raises(TokenStoreError, match="does not work") as caught:
            do()
        assert time.monotonic() - began < 10, name
        assert caught.value.retryable
        assert not any("Q7redis" in one for one in texts_of(caught.value))


@pytest.mark.slow
def test_silent() -> None:
    """A listener that accepts connections and never responds."""
    with raw_server(lambda connection, ending: ending.wait(60)) as url:
        began = time.monotonic()
        with pytest.raises(TokenStoreError, match="does not work"):
            open_store(url.replace("http", "redis")).read(KEY)
        assert time.monotonic() - began < 20


def test_stopped_in_use_and_restarted_empty(server) -> None:
    store = open_store(server.url)
    for do in operations(store).values():
        do()
    server.kill()
    for do in operations(store).values():
        with pytest.raises(TokenStoreError, match="does not work"):
            do()
    server.start_again()
    assert store.read(KEY) is None
    assert [store.acquire(KEY, RATES) for _ in range(5)] == [0] * 5
    assert store.acquire(KEY, RATES) > 0
    for do in operations(store).values():
        do()


def test_scripts_lost_in_use(server) -> None:
    store = open_store(server.url)
    assert store.acquire(KEY, RATES) == 0
    with store.lock(KEY, 1):
        server.client.script_flush()
        assert store.acquire(KEY, RATES) == 0
    server.client.script_flush()
    with store.lock(KEY, 1):
        pass


def test_killed_while_a_lock_is_held(server) -> None:
    store = open_store(server.url)
    with store.lock(KEY, 1):
        server.kill()
        time.sleep(1.5)


@pytest.mark.parametrize("user", ["", ":wrong@", ":@", "nobody:wrong@"])
def test_wrong_password(server, user) -> None:
    store = open_store(f"redis://{user}127.0.0.1:{server.port}/0")
    with pytest.raises(TokenStoreError, match="does not work") as caught:
        store.read(KEY)
    assert not any("wrong" in one.replace("wrong number", "") for one in [str(caught.value)] if user == ":")


@pytest.mark.slow
def test_not_a_redis_server(sandbox) -> None:
    with pytest.raises(TokenStoreError, match="does not work"):
        open_store(sandbox.url.replace("http", "redis")).read(KEY)


def test_no_such_database(server) -> None:
    with pytest.raises(TokenStoreError, match="does not work"):
        open_store(server.url[:-1] + "99").read(KEY)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_without_a_fallback_a_client_fails_within_seconds(sandbox, settings, how) -> None:
    found = use(settings, f"redis://127.0.0.1:{free_ports(1)[0]}", how, limits=ONCE)
    assert found.outcome == "TokenStoreError"
    assert "does not work" in found.message
    assert found.seconds < 15
    assert sandbox.requests() == []


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_fallback_is_logged_and_used(sandbox, settings, files, how) -> None:
    found = use(settings, f"redis://127.0.0.1:{free_ports(1)[0]}, {files}", how, times=3)
    assert found.outcome == 1
    warnings = [line for line in found.logged if line.startswith("WARNING")]
    assert len(warnings) == 1
    assert "does not work" in warnings[0]
    assert "using files in " in warnings[0]
    assert use(settings, files).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 1


def test_stopped_while_a_client_works(sandbox, settings, server, files) -> None:
    token_store = f"{server.url}, {files}"
    shared_state = shared_state_at(token_store)
    assert use(settings, token_store).outcome == 1
    server.kill()
    assert use(settings, token_store).outcome == 1
    assert use(settings, files).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 2
    assert shared_state.label.startswith("redis://127.0.0.1")


def test_encrypted_with_a_key(sandbox, settings, server) -> None:
    key = Fernet.generate_key()
    assert use(settings, server.url, key=key).outcome == 1
    token = shared_state_at(server.url, key).tokens.load(settings.token_key)
    assert token is not None
    client = server.client
    stored = [client.get(name) for name in client.scan_iter("engagevoice:value:*")]
    assert stored
    for secret in (token.value, token.refresh):
        assert not any(secret.encode() in value for value in stored if value)
    assert use(settings, server.url, key=Fernet.generate_key()).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 2


def test_every_key_expires(settings, server) -> None:
    assert use(settings, server.url).outcome == 1
    store = open_store(server.url)
    store.acquire(KEY, RATES)
    store.pause(KEY, 5)
    client = server.client
    names = list(client.scan_iter("*"))
    assert names
    assert all(name.startswith(b"engagevoice:") for name in names)
    assert all(0 < client.pttl(name) <= 86_400_000 for name in names)


#: As documented in docs/platforms.md.
ACL = re.search(r"`(ACL SETUSER .*?)`", (Path(__file__).parents[3] / "docs/platforms.md").read_text())


def test_the_documented_rights_suffice_and_others_are_not_retried(server) -> None:
    server.client.execute_command(
        "ACL", "SETUSER", "airflow", *ACL[1].replace("<password>", "hush").split()[3:]
    )
    url = server.database(0).replace(f":{SECRET.replace('/', '%2F')}@", "airflow:hush@")
    for do in operations(open_store(url)).values():
        do()
    server.client.execute_command("ACL", "SETUSER", "airflow", "-get", "-zadd", "-set")
    for name, do in operations(open_store(url)).items():
        with pytest.raises(TokenStoreError, match="check its user, password and ACL") as caught:
            do()
        assert not caught.value.retryable, name


def test_a_wrong_password_is_not_retried(server, sandbox, client_settings) -> None:
    began = time.monotonic()
    store = open_store(server.database(0).replace("Q7", "Q8"))
    for do in operations(store).values():
        with pytest.raises(TokenStoreError, match="check its user, password and ACL") as caught:
            do()
        assert not caught.value.retryable
        assert "redis/K2" not in str(caught.value)
    assert time.monotonic() - began < 2


def test_a_pause_survives_a_restart_in_each_process_that_knew_it(server, tmp_path) -> None:
    """The server comes back empty: both the store that paused and one that has only waited still wait."""
    pausing, waiting, other = (open_store(server.url) for _ in range(3))
    pausing.pause(KEY, 30)
    assert 25 < waiting.acquire(KEY, RATES) <= 30
    server.stop()
    server.start_again()
    assert 25 < pausing.acquire(KEY, RATES) <= 30
    assert 25 < waiting.acquire(KEY, RATES) <= 30
    assert other.acquire(KEY, RATES) == 0


def test_a_pause_holds_in_the_store_that_stands_in(server) -> None:
    store = open_store(f"{server.url}, memory")
    store.pause(KEY, 30)
    server.stop()
    assert 25 < store.acquire(KEY, RATES) <= 30
