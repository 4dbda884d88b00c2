"""The window sensor waits in each of its modes, as long as it takes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from tests.unit.polling.conftest import GROUP, World, first_pages
from tests.unit.sensors.conftest import Wait, every_mode

HOUR = 3600


@pytest.fixture
def wait(run_sensor: Callable[..., Wait]) -> Callable[..., Wait]:
    def wait(mode: str, **arguments: Any) -> Wait:
        return run_sensor(
            EngageVoiceCampaignWindowSensor,
            mode,
            **{"campaign": "Wait for me", "dial_group": GROUP, **arguments},
        )

    return wait


@pytest.fixture
def make(world: World) -> Callable[..., int]:
    """Make a campaign whose dates are seconds from now; return its id."""

    def make(start: float, end: float, active: int = 1, **fields: object) -> int:
        campaign_id = world.add(start, end, active=active)
        world.change(campaign_id, campaignName="Wait for me", **fields)
        return campaign_id

    return make


def polls(sandbox: SandboxServer, campaign_id: int) -> list[float]:
    """Return when the campaign was read: alone, or in the list of its dial group."""
    return first_pages(sandbox, rf"/{GROUP}/campaigns(/{campaign_id})?(\?|$)")


def stored(world: World, campaign_id: int, date: str) -> float:
    return parse_vendor_date(world.row(campaign_id)[date]).timestamp()


@every_mode
@pytest.mark.parametrize("ahead", [4, 60])
def test_it_sleeps_until_the_opening_and_is_exact(make, world, sandbox, wait, mode, ahead) -> None:
    campaign_id = make(ahead, HOUR)
    done = wait(mode)
    opened = stored(world, campaign_id, "startDate")
    assert done.state == "success"
    assert opened <= done.ended < opened + 0.2
    # A poll by name takes two requests; the second poll is due at the opening. If deferred, a list is
    # requested when the triggerer starts, and shortly before the opening. In the first half minute a list may
    # be behind, so a campaign that opens by then is read once more.
    *_, last = times = polls(sandbox, campaign_id)
    assert len(times) == 4
    assert (last < opened) is (mode == "deferrable" and ahead == 60)
    assert len(done.pauses) == (mode != "deferrable")


@every_mode
@pytest.mark.parametrize("poke_interval", [300, 900])
@pytest.mark.few(2)
def test_an_hour_of_waiting_polls_once_per_interval(make, world, sandbox, wait, mode, poke_interval) -> None:
    campaign_id = make(HOUR + 10, 2 * HOUR)
    done = wait(mode, campaign=campaign_id, poke_interval=poke_interval)
    opened = stored(world, campaign_id, "startDate")
    assert done.state == "success"
    assert opened <= done.ended < opened + 0.2
    assert max(done.pauses, default=0) <= poke_interval
    times = polls(sandbox, campaign_id)
    assert abs(len(times) - (HOUR // poke_interval + 2)) <= 1
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) <= poke_interval + 1


@every_mode
def test_a_window_that_is_over_fails_at_once_and_says_so(make, wait, mode) -> None:
    make(-HOUR, -60)
    done = wait(mode)
    assert done.state == "failed"
    assert isinstance(done.error, AirflowFailException)
    assert "over" in str(done.error)
    assert done.pauses == []


@every_mode
def test_soft_fail_does_not_skip_what_is_no_timeout(make, wait, mode) -> None:
    make(-HOUR, -60)
    done = wait(mode, soft_fail=True)
    assert done.state == "failed"
    assert isinstance(done.error, AirflowFailException)
    assert "over" in str(done.error)


@every_mode
@pytest.mark.parametrize(
    ("timeout", "soft_fail", "state"), [(2, False, "failed"), (2, True, "skipped"), (HOUR, False, "failed")]
)
@pytest.mark.few(2)
def test_the_timeout_means_the_same(make, virtual, wait, mode, soft_fail, state, timeout) -> None:
    make(2 * HOUR, 3 * HOUR)
    began = virtual.time()
    done = wait(mode, timeout=timeout, soft_fail=soft_fail)
    assert done.state == state
    assert timeout <= done.ended - began < timeout + 1
    if not soft_fail:
        assert type(done.error).__name__ == "AirflowSensorTimeout"


@every_mode
def test_an_inactive_campaign_keeps_it_waiting_until_it_is_activated(
    make, world, after_first, virtual, wait, mode, capfd, caplog
) -> None:
    caplog.set_level(logging.INFO)
    campaign_id = make(-60, HOUR, active=0)
    after_first("GET", rf"/campaigns/{campaign_id}$", lambda: world.change(campaign_id, isActive=1))
    began = virtual.time()
    done = wait(mode, poke_interval=60)
    assert done.state == "success"
    assert done.ended - began < 62
    assert "inactive" in capfd.readouterr().out + caplog.text


@every_mode
def test_a_campaign_deleted_while_waiting_fails_the_wait(
    make, world, after_first, virtual, wait, mode
) -> None:
    campaign_id = make(HOUR, 2 * HOUR)
    after_first("GET", rf"/campaigns/{campaign_id}$", lambda: world.delete(campaign_id))
    began = virtual.time()
    done = wait(mode, poke_interval=60, campaign=campaign_id)
    assert done.state == "failed"
    assert "may have been deleted" in str(done.error)
    assert done.ended - began < 62 + 35


@every_mode
def test_a_transient_failure_costs_a_log_line(make, sandbox, wait, mode, caplog) -> None:
    caplog.set_level(logging.WARNING)
    campaign_id = make(2, HOUR)
    path = rf"/campaigns/{campaign_id}$"
    fault = sandbox.add_fault("status", method="GET", path=path, status=503, after=1, times=2)
    assert wait(mode).state == "success"
    if mode != "deferrable":
        (planned,) = [one for one in sandbox.faults() if one.fault == fault]
        assert planned.struck == 2


@every_mode
def test_closed_waits_for_the_end(make, world, wait, mode) -> None:
    campaign_id = make(-HOUR, 600)
    done = wait(mode, wait_for="closed")
    assert done.state == "success"
    assert 0 <= done.ended - stored(world, campaign_id, "endDate") < 0.2


@every_mode
def test_daily_hours_apply_only_with_use_daily_hours(make, wait, mode) -> None:
    make(-HOUR, 7 * 86400, **dict.fromkeys(SCHEDULE_FIELDS, "00000000"))
    done = wait(mode, use_daily_hours=True, timeout=600)
    assert done.state == "failed"
    assert type(done.error).__name__ == "AirflowSensorTimeout"


@every_mode
def test_without_use_daily_hours_they_do_not_apply(make, virtual, wait, mode) -> None:
    make(-HOUR, 7 * 86400, **dict.fromkeys(SCHEDULE_FIELDS, "00000000"))
    began = virtual.time()
    done = wait(mode)
    assert done.state == "success"
    assert done.ended - began < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"campaign": "Wait for mee"}, "nearest: 'Wait for me'"),
        ({"campaign": "{{ none }}"}, "did a template render to None"),
        ({"campaign": 99}, "there is no campaign 99"),
        ({"dial_group": "Outbound"}, "nearest: 'Outbound Renewals'"),
        ({"wait_for": "{{ 'ajar' }}"}, "must be 'open' or 'closed'"),
        ({"use_daily_hours": "{{ 'maybe' }}"}, "must be True or False"),
        (
            {"use_daily_hours": True, "timezone": "{{ 'America/Los_Angles' }}"},
            "nearest: 'America/Los_Angeles'",
        ),
    ],
)
@every_mode
def test_bad_input_is_named(make, wait, mode, arguments, message) -> None:
    make(-60, HOUR)
    done = wait(mode, **arguments)
    assert done.state == "failed"
    assert message in str(done.error)


@every_mode
def test_templates_reach_every_argument_that_may_vary(make, wait, mode) -> None:
    make(-60, HOUR)
    templates = {
        "wait_for": "{{ 'open' }}",
        "use_daily_hours": "{{ false }}",
        "dial_group": f"{{{{ {GROUP} }}}}",
    }
    assert wait(mode, **templates).state == "success"


@pytest.mark.parametrize("active", [0, 2])
@pytest.mark.parametrize("start", [-60, 600])
def test_the_log_says_that_a_campaign_must_be_activated(make, wait, capfd, caplog, active, start) -> None:
    caplog.set_level(logging.INFO)
    make(start, HOUR, active=active)
    assert wait("poke", timeout=5).state == "failed"
    log = capfd.readouterr().out + caplog.text
    assert "it will not open until it is activated (is_active=1)" in log
    assert "opens at" not in log


@every_mode
def test_the_log_shows_dates_in_the_connections_zone(make, wait, capfd, caplog, mode) -> None:
    caplog.set_level(logging.INFO)
    make(600, HOUR)
    assert wait(mode).state == "success"
    log = capfd.readouterr().out + caplog.text
    assert re.search(r"opens at \w+day \d{4}-\d\d-\d\d \d\d:\d\d:\d\d-0[78]:00; only its dates count", log)
    assert re.search(r"its dates are \d{4}-\d\d-\d\d \d\d:\d\d:\d\d-0[78]:00 to ", log)


@every_mode
def test_the_log_shows_dates_in_the_zone_of_daily_hours(make, wait, capfd, caplog, mode) -> None:
    caplog.set_level(logging.INFO)
    make(600, HOUR, **dict.fromkeys(SCHEDULE_FIELDS, "00002359"))
    assert wait(mode, use_daily_hours=True, timezone="Asia/Tokyo").state == "success"
    log = capfd.readouterr().out + caplog.text
    assert re.search(r"opens at \w+day \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+09:00", log)
    assert re.search(r"its dates are \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+09:00 to ", log)


def test_airflow_wraps_only_the_constructor_of_the_sensor_itself() -> None:
    """Each wrapped constructor takes time at every parse of a DAG file."""
    wrapped = [one for one in EngageVoiceCampaignWindowSensor.__mro__ if "__init__" in vars(one)]
    ours = [one for one in wrapped if one.__module__.startswith("airflow_provider_engagevoice")]
    assert ours == [EngageVoiceCampaignWindowSensor]
