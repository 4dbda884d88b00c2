"""Processes that share a rate limit never exceed it together."""

from __future__ import annotations

import time
from itertools import chain

import pytest

from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.sandbox.settings import Budget
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store
from tests.integration.stores.crew import crew, together
from tests.integration.stores.jobs import acquire_for, use
from tests.integration.stores.windows import too_many
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

KEY = "0c" * 32
#: 30 in 10 s and 120 in 60 s, twenty times as fast.
RATES = (Rate(30, 0.5), Rate(120, 3.0))


def test_too_many_finds_excess_permits() -> None:
    fair = [(0.5 * (number // 30), 0.5 * (number // 30)) for number in range(120)]
    assert too_many(fair, RATES) == []
    assert too_many([*fair, (0.7, 0.7)], RATES) != []
    assert too_many([*fair, (2.2, 2.2)], RATES) != []
    assert too_many([*fair, (3.1, 3.1)], RATES) == []


@pytest.mark.parametrize("processes", [2, 6])
@pytest.mark.few(1)
def test_both_windows_hold(shared, processes) -> None:
    had = list(chain(*together([(acquire_for, shared, KEY, RATES, 4.5)] * processes)))
    assert too_many(had, RATES) == []
    # The permits are used: 120 in the first three seconds, 30 of them at once, then as permits are released.
    assert len(had) > 120


@pytest.mark.slow
def test_one_window_of_a_few(shared) -> None:
    rates = (Rate(2, 0.05),)
    had = list(chain(*together([(acquire_for, shared, KEY, rates, 3.0)] * 4)))
    assert too_many(had, rates) == []
    assert len(had) > 20


def test_a_pause_applies_to_all(shared) -> None:
    with crew(2, acquire_for, shared, KEY, (Rate(1000, 60.0),), 2.5) as members:
        open_store(shared).pause(KEY, 1.5)
        paused = time.monotonic()
        for member in members:
            member.go()
        had = list(chain(*(member.result() for member in members)))
    assert had
    assert [one for one, _ in had if one < paused + 1.4] == []


def quick(permits: int, seconds: float) -> RateLimit:
    # A busy machine delays requests by fractions of a second, a large part of these windows.
    return RateLimit("provisioning", (Rate(permits, seconds), Rate(permits * 2, seconds * 4)), margin=0.6)


@pytest.mark.parametrize("hows", [("sync", "sync"), ("sync", "async")])
@pytest.mark.few(1)
def test_the_server_never_returns_429(start, shared, hows) -> None:
    sandbox = start(exchange=Budget(100, 1.0), provisioning=Budget(6, 1.0))
    settings = settings_of("api_token", sandbox.url, account_id=ACCOUNT_ID, budgets="")
    found = together(
        [(use, settings, shared, how, None, None, "list_countries", quick(6, 1.0), 9) for how in hows]
    )
    assert all(isinstance(one.outcome, int) for one in found), found
    assert sandbox.counters()["refused"]["provisioning"] == 0
    # 18 requests at 12 in 4 s: some waited, and each wait was logged at its start and at its end.
    lines = [line for one in found for line in one.logged]
    waits = [line for line in lines if "waiting at least" in line]
    assert waits
    assert len(waits) == len([line for line in lines if "waited" in line])
    assert all("provisioning (6 in 1 s and 12 in 4 s)" in line for line in waits)


def test_a_retry_after_applies_to_all(start, shared) -> None:
    """One process receives a 429: requests of the other under that rate limit wait for its window, too."""
    sandbox = start(limits=False)
    settings = settings_of("api_token", sandbox.url, account_id=ACCOUNT_ID, budgets="")
    sandbox.add_fault("status", path="/available$", status=429, headers={"Retry-After": "1"})
    limit = RateLimit("provisioning", (Rate(1000, 2.0),))
    found = together([(use, settings, shared, "sync", None, None, "list_countries", limit, 40)] * 2)
    assert all(isinstance(one.outcome, int) for one in found), found
    times = [one.time for one in sandbox.requests()]
    refused = next(one.time for one in sandbox.requests() if one.status == 429)
    # Requests in transit at that time arrive within a moment.
    assert [one for one in times if refused + 0.5 < one < refused + 1.9] == []
    assert any("waiting at least" in line for one in found for line in one.logged)
