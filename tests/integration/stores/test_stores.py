"""What every store guarantees, memory included."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS, RateLimitShares
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store
from airflow_provider_engagevoice.stores.files import library_rates
from tests.integration.stores.crew import crew, together
from tests.integration.stores.jobs import lock_for
from tests.support.clocks import FakeClock

KEY = "0a" * 32
OTHER = "0b" * 32


@pytest.fixture
def sleep(token_store) -> Iterator[Callable[[float], None]]:
    """Sleep, on a clock that jumps unless a Redis server expires values by its own clock."""
    if token_store.startswith("redis") and "file" not in token_store:
        yield time.sleep
        return
    fake = FakeClock(time.time())
    with clock.use(fake):
        yield fake.sleep


def test_values(token_store) -> None:
    store = open_store(token_store)
    assert store.read(KEY) is None
    for value in (b"one", b"", b"\n\x00\xff two\n", b"x" * 100_000):
        store.write(KEY, value, 60)
        found = store.read(KEY)
        assert found is not None
        assert found[0] == value
        assert 0 <= found[1] < 30
    assert store.read(OTHER) is None


def test_a_value_ages_and_expires(token_store, sleep) -> None:
    store = open_store(token_store)
    store.write(KEY, b"value", 1.0)
    sleep(0.4)
    found = store.read(KEY)
    assert found is None or 0.35 < found[1] < 1.0
    sleep(0.7)
    assert store.read(KEY) is None


def test_a_permit_is_given_back_and_those_in_use_count_on(token_store, sleep) -> None:
    store, rates = open_store(token_store), (Rate(2, 3.0),)
    assert store.acquire(KEY, rates) == 0
    sleep(1.0)
    assert store.acquire(KEY, rates) == 0
    store.give_back(KEY, rates)
    store.give_back(OTHER, rates)
    assert store.acquire(KEY, rates) == 0
    # The oldest one is gone.
    assert 2.0 < store.acquire(KEY, rates) <= 3.1


def test_one_at_a_time(token_store) -> None:
    store = open_store(token_store)
    inside, most, guard = 0, 0, threading.Lock()

    def one(_: int) -> None:
        nonlocal inside, most
        with store.lock(KEY, 30):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    assert most == 1


def test_one_process_at_a_time(shared) -> None:
    held = sorted(together([(lock_for, shared, KEY, 30.0, 0.05)] * 6))
    assert all(before[1] <= after[0] for before, after in pairwise(held))


def test_a_lock_that_is_not_released(token_store) -> None:
    store = open_store(token_store)
    with store.lock(KEY, 1):
        another = store if token_store == "memory" else open_store(token_store)
        with (
            pytest.raises(TokenStoreError, match="has been signing in for") as caught,
            another.lock(KEY, 0.3),
        ):
            pass
        assert caught.value.retryable
        with store.lock(OTHER, 1):
            pass
    with store.lock(KEY, 1):
        pass


def test_a_lock_is_released_after_an_error(token_store) -> None:
    store = open_store(token_store)
    with pytest.raises(ZeroDivisionError), store.lock(KEY, 1):
        raise ZeroDivisionError
    with store.lock(KEY, 1):
        pass


def test_the_lock_of_a_killed_process_is_released(shared) -> None:
    with crew(2, lock_for, shared, KEY, 60.0, 60.0) as (first, second):
        first.go()
        store = open_store(shared)
        ends = time.monotonic() + 30
        while _is_free(store):
            assert time.monotonic() < ends
        first.kill()
        began = time.monotonic()
        with store.lock(KEY, 30):
            assert time.monotonic() - began < 8
        second.kill()


def _is_free(store) -> bool:
    try:
        with store.lock(KEY, 0):
            return True
    except TokenStoreError:
        return False


@pytest.mark.slow
def test_a_lock_does_not_expire_in_use(shared) -> None:
    """It is kept beyond the lease after which the lock of a dead process expires."""
    with crew(1, lock_for, shared, KEY, 10.0, 60.0) as (process,):
        process.go()
        store = open_store(shared)
        while _is_free(store):
            pass
        time.sleep(6)
        assert not _is_free(store)


def test_all_windows_hold_at_once(token_store, sleep) -> None:
    store, rates = open_store(token_store), (Rate(3, 0.4), Rate(5, 60.0))
    assert [store.acquire(KEY, rates) for _ in range(3)] == [0, 0, 0]
    assert 0 < store.acquire(KEY, rates) <= 0.41
    sleep(0.45)
    assert [store.acquire(KEY, rates) for _ in range(2)] == [0, 0]
    assert 50 < store.acquire(KEY, rates) <= 60
    assert store.acquire(OTHER, rates) == 0


def test_a_pause(token_store, sleep) -> None:
    store, rates = open_store(token_store), (Rate(100, 60.0),)
    assert store.acquire(KEY, rates) == 0
    store.pause(KEY, 0.6)
    store.pause(KEY, 0.01)  # a shorter one does not end a longer one
    assert 0.1 < store.acquire(KEY, rates) <= 0.6
    assert store.acquire(OTHER, rates) == 0
    sleep(0.7)
    assert store.acquire(KEY, rates) == 0


@pytest.mark.parametrize("name", RATE_LIMITS)
def test_no_rate_that_can_bind_is_dropped(name) -> None:
    """A window that is dropped is implied by a shorter or a longer one."""
    for percent in range(1, 101):
        rates = RateLimitShares(share=percent / 100).rates(RATE_LIMITS[name])
        kept = {(one.limit, one.interval / 1000) for one in library_rates(rates)}
        for rate in rates:
            implied = any(
                permits * -(-rate.seconds // seconds) <= rate.permits
                if seconds <= rate.seconds
                else permits <= rate.permits
                for permits, seconds in kept
            )
            assert implied, (percent, rate, kept)
