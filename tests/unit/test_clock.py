"""The package's clock can be replaced, and its waits end early."""

from __future__ import annotations

import threading
import time

from airflow_provider_engagevoice import clock
from tests.support.clocks import FakeClock


def test_a_wait_ends_when_the_event_is_set() -> None:
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    began = time.monotonic()
    assert clock.wait(event, 60)
    assert time.monotonic() - began < 30
    assert clock.wait(event, 60)


def test_a_wait_without_the_event_lasts_its_time() -> None:
    began = time.monotonic()
    assert not clock.wait(threading.Event(), 0.05)
    assert time.monotonic() - began >= 0.05


def test_another_clock_takes_no_time() -> None:
    fake, event = FakeClock(), threading.Event()
    fake.call_later(7200, event.set)
    began = clock.now()
    with clock.use(fake):
        clock.sleep(3600)
        assert not clock.wait(event, 1800)
        assert clock.wait(event, 1800)
        assert clock.wait(event, 1800)
        assert fake.sleeps == [3600, 1800, 1800]
    assert (clock.now() - began).total_seconds() < 60
