"""What every place promises, memory included."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from airflow_provider_engagevoice.client.rate_limits import BUDGETS, BudgetPlan
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores.base import Rate
from airflow_provider_engagevoice.stores.buckets import counted
from airflow_provider_engagevoice.stores.factory import choose_place
from tests.integration.stores.crew import crew, together
from tests.integration.stores.jobs import hold_for

KEY = "0a" * 32
OTHER = "0b" * 32


def test_values(token_store) -> None:
    place = choose_place(token_store)
    assert place.read(KEY) is None
    for value in (b"one", b"", b"\n\x00\xff two\n", b"x" * 100_000):
        place.write(KEY, value, 60)
        found = place.read(KEY)
        assert found is not None
        assert found[0] == value
        assert 0 <= found[1] < 30
    assert place.read(OTHER) is None


def test_a_value_ages_and_dies(token_store) -> None:
    place = choose_place(token_store)
    place.write(KEY, b"value", 1.0)
    time.sleep(0.4)
    found = place.read(KEY)
    assert found is None or 0.35 < found[1] < 1.0
    time.sleep(0.7)
    assert place.read(KEY) is None


def test_one_at_a_time(token_store) -> None:
    place = choose_place(token_store)
    inside, most, guard = 0, 0, threading.Lock()

    def one(_: int) -> None:
        nonlocal inside, most
        with place.hold(KEY, 30):
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
    held = sorted(together([(hold_for, shared, KEY, 30.0, 0.05)] * 6))
    assert all(before[1] <= after[0] for before, after in pairwise(held))


def test_a_lock_that_does_not_come(token_store) -> None:
    place = choose_place(token_store)
    with place.hold(KEY, 1):
        another = place if token_store == "memory" else choose_place(token_store)
        with (
            pytest.raises(TokenStoreError, match="has been signing in for") as caught,
            another.hold(KEY, 0.3),
        ):
            pass
        assert caught.value.retryable
        with place.hold(OTHER, 1):
            pass
    with place.hold(KEY, 1):
        pass


def test_a_lock_is_given_back_after_an_error(token_store) -> None:
    place = choose_place(token_store)
    with pytest.raises(ZeroDivisionError), place.hold(KEY, 1):
        raise ZeroDivisionError
    with place.hold(KEY, 1):
        pass


def test_the_lock_of_a_process_that_is_killed_comes_free(shared) -> None:
    with crew(2, hold_for, shared, KEY, 60.0, 60.0) as (first, second):
        first.go()
        place = choose_place(shared)
        ends = time.monotonic() + 30
        while _is_free(place):
            assert time.monotonic() < ends
        first.kill()
        began = time.monotonic()
        with place.hold(KEY, 30):
            assert time.monotonic() - began < 8
        second.kill()


def _is_free(place) -> bool:
    try:
        with place.hold(KEY, 0):
            return True
    except TokenStoreError:
        return False


@pytest.mark.slow
def test_a_lock_is_kept_for_as_long_as_it_is_needed(shared) -> None:
    """Longer than the lease after which the lock of a dead holder comes free."""
    with crew(1, hold_for, shared, KEY, 10.0, 60.0) as (holder,):
        holder.go()
        place = choose_place(shared)
        while _is_free(place):
            pass
        time.sleep(6)
        assert not _is_free(place)


def test_every_window_holds_at_once(token_store) -> None:
    place, rates = choose_place(token_store), (Rate(3, 0.4), Rate(5, 60.0))
    assert [place.take(KEY, rates) for _ in range(3)] == [0, 0, 0]
    assert 0 < place.take(KEY, rates) <= 0.41
    time.sleep(0.45)
    assert [place.take(KEY, rates) for _ in range(2)] == [0, 0]
    assert 50 < place.take(KEY, rates) <= 60
    assert place.take(OTHER, rates) == 0


def test_a_pause(token_store) -> None:
    place, rates = choose_place(token_store), (Rate(100, 60.0),)
    assert place.take(KEY, rates) == 0
    place.pause(KEY, 0.6)
    place.pause(KEY, 0.01)  # a shorter one does not end a longer one
    assert 0.1 < place.take(KEY, rates) <= 0.6
    assert place.take(OTHER, rates) == 0
    time.sleep(0.7)
    assert place.take(KEY, rates) == 0


@pytest.mark.parametrize("name", BUDGETS)
def test_no_rate_that_can_bind_is_dropped(name) -> None:
    """A window left out by the count is one that a shorter or longer one implies."""
    for percent in range(1, 101):
        rates = BudgetPlan(share=percent / 100).rates(BUDGETS[name])
        kept = {(one.limit, one.interval / 1000) for one in counted(rates)}
        for rate in rates:
            implied = any(
                permits * -(-rate.seconds // seconds) <= rate.permits
                if seconds <= rate.seconds
                else permits <= rate.permits
                for permits, seconds in kept
            )
            assert implied, (percent, rate, kept)
