"""The database of permits: damaged, forked, and with a clock that is set."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store
from tests.integration.stores.jobs import shared_state_at, use
from tests.support.clients import sign_ins
from tests.support.clocks import ShiftedClock

KEY = "1b" * 32
RATES = (Rate(2, 30.0),)


@pytest.fixture
def database(files) -> Path:
    """The database in the directory of ``files``."""
    return Path(files.removeprefix("file://")) / "budgets.sqlite3"


@pytest.fixture
def set_clock(monkeypatch):
    """Set this process's clock ahead by ``seconds``, or back."""

    def set_clock(seconds: float) -> None:
        monkeypatch.setattr(clock, "_clock", ShiftedClock(wall=seconds))

    return set_clock


def damage(database: Path) -> None:
    """Overwrite the database in place, so that processes that have it open are affected too."""
    database.write_bytes(os.urandom(16_384))
    for path in database.parent.glob(f"{database.name}-*"):
        path.write_bytes(b"")


def test_damaged_before_it_is_opened(settings, files, database) -> None:
    open_store(files).write(KEY, b"", 1.0)
    damage(database)
    store = open_store(files)
    with pytest.raises(TokenStoreError, match="the database was removed") as caught:
        store.acquire(KEY, RATES)
    assert caught.value.retryable
    assert [store.acquire(KEY, RATES) for _ in range(2)] == [0, 0]
    assert store.acquire(KEY, RATES) > 0


def test_damaged_in_use(files, database) -> None:
    """Two processes detect the damage one after the other, and then count together."""
    one, two = open_store(files), open_store(files)
    for store in (one, two):
        store.acquire("ff" * 32, RATES)
    damage(database)
    for store in (one, two):
        for _ in range(3):
            try:
                store.acquire(KEY, (Rate(1000, 30.0),))
                break
            except TokenStoreError:
                pass
    taken = [store.acquire("2c" * 32, RATES) for store in (one, two, one, two)]
    assert taken[:2] == [0, 0]
    assert min(taken[2:]) > 0


def test_a_client_continues(settings, files, database, all_budgets) -> None:
    open_store(files).write(KEY, b"", 1.0)
    damage(database)
    found = use(dataclasses.replace(settings, budgets=all_budgets), files)
    assert found.outcome == 1
    assert [line for line in found.logged if "the database was removed" in line]


def test_both_sides_of_a_fork_count_together(files) -> None:
    store = open_store(files)
    assert store.acquire(KEY, RATES) == 0
    child = os.fork()
    if child == 0:
        os._exit(0 if store.acquire(KEY, RATES) == 0 and store.acquire(KEY, RATES) > 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.acquire(KEY, RATES) > 0


# Clocks.


@pytest.mark.parametrize("seconds", [600.0, -600.0])
def test_setting_the_clock_costs_at_most_one_renewal(sandbox, settings, files, set_clock, seconds) -> None:
    assert use(settings, files).outcome == 1
    set_clock(seconds)
    for _ in range(2):
        assert use(settings, files).outcome == 1
    set_clock(0.0)
    assert use(settings, files).outcome == 1
    assert sandbox.counters()["exchanges"] <= 3
    assert len([line for line in sign_ins(sandbox) if not line.endswith("200")]) == 0


@pytest.mark.parametrize("seconds", [600.0, -600.0])
def test_permits_do_not_depend_on_the_wall_clock(files, set_clock, seconds) -> None:
    store = open_store(files)
    assert [store.acquire(KEY, RATES) for _ in range(2)] == [0, 0]
    set_clock(seconds)
    assert 0 < store.acquire(KEY, RATES) <= 31


@pytest.mark.parametrize("seconds", [600.0, -600.0])
def test_a_pause_does_not_depend_on_the_wall_clock(files, set_clock, seconds) -> None:
    store = open_store(files)
    store.pause(KEY, 5)
    set_clock(seconds)
    assert 0 < store.acquire(KEY, RATES) <= 5
    store.pause(KEY, 20)
    assert 10 < store.acquire(KEY, RATES) <= 20


def test_permits_from_before_a_restart_of_the_host_are_removed(files, monkeypatch) -> None:
    store = open_store(files)
    assert [store.acquire(KEY, RATES) for _ in range(2)] == [0, 0]
    store.pause(KEY, 5)
    monkeypatch.setattr(clock, "_clock", ShiftedClock(uptime=-600))
    assert [store.acquire(KEY, RATES) for _ in range(2)] == [0, 0]
    assert 0 < store.acquire(KEY, RATES) <= 31


def test_a_lock_does_not_depend_on_the_wall_clock(files, set_clock) -> None:
    store = open_store(files)
    with store.lock(KEY, 1):
        set_clock(-600.0)
        with pytest.raises(TokenStoreError, match="has been signing in"), open_store(files).lock(KEY, 0.2):
            pass
    with open_store(files).lock(KEY, 0.2):
        pass


def test_a_token_written_in_the_future(settings, files, set_clock) -> None:
    set_clock(600.0)
    assert use(settings, files).outcome == 1
    set_clock(0.0)
    assert shared_state_at(files).tokens.load(settings.token_key) is None
