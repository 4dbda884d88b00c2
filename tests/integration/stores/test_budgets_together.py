"""Processes that draw on one budget never exceed it together."""

from __future__ import annotations

import time
from itertools import chain

import pytest

from airflow_provider_engagevoice.client.rate_limits import Budget
from airflow_provider_engagevoice.sandbox.settings import Budget as Allowed
from airflow_provider_engagevoice.stores.base import Rate
from airflow_provider_engagevoice.stores.factory import choose_place
from tests.integration.stores.crew import crew, together
from tests.integration.stores.jobs import take_for, use
from tests.integration.stores.windows import too_many
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

KEY = "0c" * 32
#: 30 in 10 s and 120 in 60 s, twenty times as fast.
RATES = (Rate(30, 0.5), Rate(120, 3.0))


def test_the_count_of_these_tests_finds_what_is_too_many() -> None:
    fair = [(0.5 * (number // 30), 0.5 * (number // 30)) for number in range(120)]
    assert too_many(fair, RATES) == []
    assert too_many([*fair, (0.7, 0.7)], RATES) != []
    assert too_many([*fair, (2.2, 2.2)], RATES) != []
    assert too_many([*fair, (3.1, 3.1)], RATES) == []


@pytest.mark.parametrize("processes", [2, 6])
@pytest.mark.few(1)
def test_both_windows_hold(shared, processes) -> None:
    had = list(chain(*together([(take_for, shared, KEY, RATES, 4.5)] * processes)))
    assert too_many(had, RATES) == []
    # And they were used: 120 in the first three seconds, of which 30 at once, then as those come free.
    assert len(had) > 120


@pytest.mark.slow
def test_one_window_of_a_few(shared) -> None:
    rates = (Rate(2, 0.05),)
    had = list(chain(*together([(take_for, shared, KEY, rates, 3.0)] * 4)))
    assert too_many(had, rates) == []
    assert len(had) > 20


def test_a_pause_of_one_is_heeded_by_all(shared) -> None:
    with crew(2, take_for, shared, KEY, (Rate(1000, 60.0),), 2.5) as members:
        choose_place(shared).pause(KEY, 1.5)
        paused = time.monotonic()
        for member in members:
            member.go()
        had = list(chain(*(member.result() for member in members)))
    assert had
    assert [one for one, _ in had if one < paused + 1.4] == []


def quick(permits: int, seconds: float) -> Budget:
    # A busy machine delays requests by parts of a second, which here is much of a window.
    return Budget("provisioning", (Rate(permits, seconds), Rate(permits * 2, seconds * 4)), margin=0.6)


@pytest.mark.parametrize("hows", [("sync", "sync"), ("sync", "async")])
@pytest.mark.few(1)
def test_the_server_never_has_to_refuse(start, shared, hows) -> None:
    sandbox = start(exchange=Allowed(100, 1.0), provisioning=Allowed(6, 1.0))
    settings = settings_of("api_token", sandbox.url, account_id=ACCOUNT_ID, budgets="")
    found = together(
        [(use, settings, shared, how, None, None, "list_countries", quick(6, 1.0), 9) for how in hows]
    )
    assert all(isinstance(one.outcome, int) for one in found), found
    assert sandbox.counters()["refused"]["provisioning"] == 0
    # 18 requests at 12 in 4 s: some waited, and each wait was told once when it began and once after it.
    lines = [line for one in found for line in one.logged]
    waits = [line for line in lines if "waiting for a turn" in line]
    assert waits
    assert len(waits) == len([line for line in lines if "waited" in line])
    assert all("provisioning (6 in 1 s and 12 in 4 s)" in line for line in waits)


def test_the_server_says_wait_and_all_do(start, shared) -> None:
    """One process is answered 429 with Retry-After: the other's request of that budget waits, too."""
    sandbox = start(limits=False)
    settings = settings_of("api_token", sandbox.url, account_id=ACCOUNT_ID, budgets="")
    sandbox.add_fault("status", path="/available$", status=429, headers={"Retry-After": "2"})
    found = together([(use, settings, shared, "sync", None, None, "list_countries", None, 40)] * 2)
    assert all(isinstance(one.outcome, int) for one in found), found
    times = [one.time for one in sandbox.requests()]
    refused = next(one.time for one in sandbox.requests() if one.status == 429)
    # Whatever was on its way when the answer came has arrived within a moment.
    assert [one for one in times if refused + 0.5 < one < refused + 1.9] == []
    assert any("waiting for a turn" in line for one in found for line in one.logged)
