"""``Retry-After`` and clock skew."""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_accounts
from airflow_provider_engagevoice.client.rate_limits import PROVISIONING
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import RateLimitedError
from airflow_provider_engagevoice.stores.factory import open_store
from tests.integration.stores.jobs import use
from tests.support.clients import CLIENTS, received
from tests.support.clocks import ShiftedClock

ONCE = RetryLimits(tries=1)
WINDOW = PROVISIONING.rates[0].seconds
both = pytest.mark.parametrize("how", CLIENTS)


def date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.fixture
def wrong_clock(monkeypatch):
    """Shift this machine's clock against the server's."""

    def wrong_clock(seconds: float) -> None:
        monkeypatch.setattr(clock, "_clock", ShiftedClock(wall=seconds))

    return wrong_clock


def retry_after_of(sandbox, settings, how, headers) -> float | None:
    """Return the error's ``retry_after`` for a 429 with these headers."""
    sandbox.add_fault("status", path="/accounts$", status=429, headers=headers, times=99)
    with pytest.raises(RateLimitedError) as caught:
        CLIENTS[how](settings, list_accounts(), limits=ONCE)
    return caught.value.retry_after


@both
@pytest.mark.parametrize("text", ["0", "1", "60", "60.5", "90"])
@pytest.mark.few(2)
def test_seconds(sandbox, settings, how, text) -> None:
    """At least the window of the rate limit: servers have been seen to ask for less than they wait."""
    assert retry_after_of(sandbox, settings, how, {"Retry-After": text}) == max(float(text), WINDOW)


@both
@pytest.mark.parametrize("error", [0.0, 600.0, -600.0])
@pytest.mark.few(2)
def test_a_date_counts_from_the_servers_date(sandbox, settings, how, error, wrong_clock) -> None:
    wrong_clock(error)
    seconds = retry_after_of(sandbox, settings, how, {"Retry-After": date(90)})
    assert 85 <= seconds <= 91


@both
def test_a_date_without_the_servers_date(sandbox, settings, how) -> None:
    headers = {"Retry-After": date(90), "Date": "some day"}
    seconds = retry_after_of(sandbox, settings, how, headers)
    assert 80 <= seconds <= 91


@both
def test_a_date_that_has_passed(sandbox, settings, how) -> None:
    assert retry_after_of(sandbox, settings, how, {"Retry-After": date(-30)}) == WINDOW


@both
@pytest.mark.parametrize("headers", [{}, {"Retry-After": ""}, {"Retry-After": "soon"}, {"Retry-After": "-5"}])
@pytest.mark.few(2)
def test_no_valid_value(sandbox, settings, how, headers) -> None:
    assert retry_after_of(sandbox, settings, how, headers) == WINDOW


@both
@pytest.mark.parametrize(
    "text",
    ["9" * 30, "9" * 400, "Mon, 01 Jan 2024 00:00:00 +99999999999999", "Mon, 01 Jan 9999 00:00:00 GMT"],
)
@pytest.mark.few(2)
def test_a_very_long_wait(sandbox, settings, shared, all_budgets, how, text) -> None:
    """It fails this request, and does not block others forever."""
    counting = dataclasses.replace(settings, budgets=all_budgets)
    sandbox.add_fault("status", path="/accounts$", status=429, headers={"Retry-After": text})
    found = use(counting, shared, how, limits=ONCE)
    assert found.outcome == "RateLimitedError", found
    # Listing the accounts names no account, so its requests are counted for the credentials.
    wait = open_store(shared).acquire(
        counting.rate_limit_key(PROVISIONING, ""), all_budgets.rates(PROVISIONING)
    )
    assert wait <= 3600


@both
@pytest.mark.parametrize(
    "text", ["Mon, 01 Jan 2024 00:00:00 +99999999999999", "x" * 1000, "Mon, 99 Foo 2024"]
)
@pytest.mark.few(2)
def test_an_invalid_date_of_the_server(sandbox, settings, how, text) -> None:
    sandbox.add_fault("status", path="/accounts$", status=200, body="[]", headers={"Date": text})
    assert CLIENTS[how](settings, list_accounts()) == []


@both
@pytest.mark.parametrize(("error", "logged"), [(600.0, "600 s ahead of"), (-600.0, "600 s behind")])
@pytest.mark.few(2)
def test_a_wrong_clock_is_logged_once(sandbox, settings, how, error, logged, wrong_clock, caplog) -> None:
    caplog.set_level(logging.WARNING, "airflow_provider_engagevoice")
    wrong_clock(error)

    def often():
        for _ in range(5):
            yield from list_accounts()

    CLIENTS[how](settings, often())
    (line,) = [record.getMessage() for record in caplog.records if "clock" in record.getMessage()]
    number, words = logged.split(" s ")
    assert f" s {words} the server's" in line
    assert abs(int(line.split(" s ")[0].rpartition(" ")[2]) - int(number)) <= 30
    assert len(received(sandbox, "GET")) == 5


def test_a_nearly_right_clock_is_not_logged(sandbox, settings, wrong_clock, caplog) -> None:
    wrong_clock(20.0)
    CLIENTS["sync"](settings, list_accounts())
    assert "clock" not in caplog.text
