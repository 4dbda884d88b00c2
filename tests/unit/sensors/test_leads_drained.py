"""The sensor for drained campaigns waits in each of its modes, as long as it takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, Asset

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.polling.awaited import CONFIRM_AFTER
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from tests.support.lead_lists import load, request_times, set_state
from tests.unit.polling.conftest import GROUP, World
from tests.unit.sensors.conftest import Wait, every_mode

HOUR = 3600
PATIENCE = CONFIRM_AFTER.total_seconds()
PAGE = "<html><body>Back soon</body></html>"
#: The request of a poll, by ``count_by``.
POLLS = {"search": ("POST", "leadSearch"), "statistics": ("GET", "realTimeData")}
both_ways = pytest.mark.parametrize("by", POLLS)


@pytest.fixture
def wait(run_sensor: Callable[..., Wait]) -> Callable[..., Wait]:
    def wait(mode: str, **arguments: Any) -> Wait:
        return run_sensor(
            EngageVoiceLeadsDrainedSensor, mode, **{"campaign": "Autumn", "dial_group": GROUP, **arguments}
        )

    return wait


@pytest.fixture
def client(sandbox, client_settings):
    with EngageVoiceClient(client_settings) as client:
        yield client


@pytest.fixture
def make(world: World, client) -> Callable[..., int]:
    """Make an active campaign whose dates end ``end`` seconds from now; return its id."""

    def make(leads: int, end: float = 24 * HOUR) -> int:
        campaign_id = world.add(-HOUR, end)
        world.change(campaign_id, campaignName="Autumn")
        if leads:
            load(client, campaign_id, leads)
        return campaign_id

    return make


@every_mode
@both_ways
def test_a_campaign_without_leads_is_drained(make, sandbox, wait, mode, by) -> None:
    make(0)
    done = wait(mode, count_by=by)
    assert (done.state, done.pauses) == ("success", [])
    assert len(request_times(sandbox, "realTimeData")) == (by == "statistics")
    assert len(request_times(sandbox, "leadSearch")) == 1


@every_mode
@both_ways
def test_it_waits_until_the_last_call_is_over(
    make, sandbox, after_first, virtual, wait, mode, by, capfd, caplog
) -> None:
    caplog.set_level(logging.INFO)
    campaign_id = make(3)
    set_state(sandbox, campaign_id, "PENDING")
    after_first(*POLLS[by], lambda: set_state(sandbox, campaign_id, "COMPLETE", "PENDING"))
    began = virtual.time()
    done = wait(mode, count_by=by)
    assert done.state == "success"
    assert 60 <= done.ended - began < 62
    assert "waiting: campaign" in capfd.readouterr().out + caplog.text


@every_mode
@both_ways
@pytest.mark.few(1)
def test_an_hour_of_calls_polls_once_per_interval(make, sandbox, after_each, virtual, wait, mode, by) -> None:
    campaign_id = make(3)
    began = virtual.time()

    def finish_after_an_hour() -> None:
        if virtual.time() - began > HOUR:
            set_state(sandbox, campaign_id, "COMPLETE")

    after_each(*POLLS[by], finish_after_an_hour)
    done = wait(mode, count_by=by, campaign=campaign_id)
    assert done.state == "success"
    assert HOUR < done.ended - began < HOUR + 125
    polls = request_times(sandbox, POLLS[by][1])
    assert 60 <= len(polls) <= 64
    assert all(59 < later - earlier < 62 for earlier, later in pairwise(polls[:-1]))


@every_mode
def test_suppressed_leads_are_not_waited_for(make, client, wait, mode) -> None:
    campaign_id = make(2)
    client.act_on_leads(LeadAction.SUPPRESS_LEADS, {"campaignIds": [campaign_id]})
    assert wait(mode).state == "success"


@every_mode
@both_ways
def test_leads_that_will_not_be_called_fail_it_at_once(make, wait, mode, by) -> None:
    make(7, end=-60)
    done = wait(mode, count_by=by)
    assert (done.state, done.pauses) == ("failed", [])
    assert isinstance(done.error, AirflowFailException)
    assert "leads left to call: 7" in str(done.error)
    assert "dates are over" in str(done.error)


@every_mode
@both_ways
@pytest.mark.parametrize("end", [2, 600])
@pytest.mark.few(3)
def test_dates_that_end_meanwhile_fail_it(make, virtual, wait, mode, by, end) -> None:
    make(7, end=end)
    began = virtual.time()
    done = wait(mode, count_by=by)
    assert done.state == "failed"
    assert "dates are over" in str(done.error)
    assert end <= done.ended - began < end + 61


@every_mode
def test_calls_in_progress_at_the_end_are_waited_for(make, sandbox, after_first, wait, mode) -> None:
    campaign_id = make(2, end=-60)
    set_state(sandbox, campaign_id, "PENDING")
    after_first(*POLLS["search"], lambda: set_state(sandbox, campaign_id, "COMPLETE", "PENDING"))
    assert wait(mode).state == "success"


@every_mode
def test_soft_fail_does_not_skip_what_is_no_timeout(make, wait, mode) -> None:
    make(1, end=-60)
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
    make(1)
    began = virtual.time()
    done = wait(mode, timeout=timeout, soft_fail=soft_fail)
    assert done.state == state
    assert timeout <= done.ended - began < timeout + 1
    if not soft_fail:
        assert type(done.error).__name__ == "AirflowSensorTimeout"


@every_mode
@both_ways
def test_a_campaign_deleted_meanwhile_fails_it(make, world, after_first, virtual, wait, mode, by) -> None:
    campaign_id = make(1)
    after_first(*POLLS[by], lambda: world.delete(campaign_id))
    began = virtual.time()
    done = wait(mode, count_by=by, campaign=campaign_id)
    assert done.state == "failed"
    assert "may have been deleted" in str(done.error)
    assert PATIENCE < done.ended - began < 62 + PATIENCE


@every_mode
@both_ways
def test_a_name_means_the_campaign_that_has_it_now(
    make, world, sandbox, days, virtual, wait, mode, by
) -> None:
    ids = [make(2), make(3)]
    world.change(ids[1], campaignName="Next autumn")

    def replace() -> None:
        world.delete(ids[0])
        world.change(ids[1], campaignName="Autumn")

    days.at(100, replace)
    days.at(200, lambda: set_state(sandbox, ids[1], "COMPLETE"))
    began = virtual.time()
    done = wait(mode, count_by=by)
    assert done.state == "success"
    assert 200 <= done.ended - began < 262


@every_mode
@pytest.mark.parametrize("act", ["rename", "twin"])
def test_a_name_that_is_not_one_campaign_s_fails_it_after_another_poll(
    make, world, days, virtual, wait, mode, act
) -> None:
    campaign_id = make(1)
    acts = {"rename": lambda: world.change(campaign_id, campaignName="Winter"), "twin": lambda: make(0)}
    days.at(100, acts[act])
    began = virtual.time()
    done = wait(mode)
    assert done.state == "failed"
    message = {"rename": "there is no campaign named 'Autumn'", "twin": "are all named 'Autumn'"}
    assert message[act] in str(done.error)
    assert 100 + PATIENCE <= done.ended - began < 162 + PATIENCE


@every_mode
@both_ways
@pytest.mark.parametrize("campaign", ["by name", "by id"])
@pytest.mark.parametrize(
    ("status", "body"), [(200, PAGE), (404, PAGE), (502, PAGE), (503, ""), (200, '[{"campaig')]
)
@pytest.mark.few(12)
def test_one_odd_response_ends_nothing(
    make, sandbox, days, virtual, wait, mode, by, campaign, status, body
) -> None:
    campaign_id = make(1)
    days.answer(-1, 20, "/campaigns|realTimeData", status, body)
    days.at(100, lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    began = virtual.time()
    done = wait(mode, count_by=by, campaign=campaign_id if campaign == "by id" else "Autumn")
    assert done.state == "success"
    assert 100 <= done.ended - began < 162


@every_mode
def test_statistics_of_others_that_cannot_be_read_end_nothing(make, days, sandbox, wait, mode) -> None:
    campaign_id = make(1)
    row = {"campaignId": campaign_id, "ready": 1, "pending": 0, "connects": 0, "answer": 0, "abandon": 0}
    rows = [{"campaignId": 1, "ready": None}, 7, None, row, {"ready": 3}]
    days.answer(-1, 100, "realTimeData", 200, json.dumps(rows))
    days.at(100, lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    assert wait(mode, count_by="statistics").state == "success"


@every_mode
def test_a_transient_failure_costs_a_log_line(make, sandbox, after_first, wait, mode) -> None:
    campaign_id = make(1)
    sandbox.add_fault("status", path="leadSearch", status=503, times=2)
    after_first(*POLLS["search"], lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    assert wait(mode).state == "success"


@every_mode
def test_it_polls_at_most_every_ten_seconds(make, sandbox, after_first, wait, mode) -> None:
    campaign_id = make(1)
    after_first(*POLLS["statistics"], lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    assert wait(mode, count_by="statistics", poke_interval=0).state == "success"
    first, second = request_times(sandbox, "realTimeData")
    assert 10 <= second - first < 11


@every_mode
def test_with_outlets_it_ends_on_a_worker(make, sandbox, after_first, wait, mode) -> None:
    campaign_id = make(1)
    after_first(*POLLS["search"], lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    done = wait(mode, outlets=[Asset("drained")])
    assert done.state == "success"
    if mode == "deferrable":
        assert done.event["status"] == "reached"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"campaign": "Autum"}, "nearest: 'Autumn'"),
        ({"campaign": "{{ none }}"}, "did a template render to None"),
        ({"campaign": 99}, "there is no campaign 99"),
        ({"count_by": "{{ 'count' }}"}, "must be 'search' or 'statistics'"),
    ],
)
@every_mode
def test_bad_input_is_named(make, wait, mode, arguments, message) -> None:
    make(0)
    done = wait(mode, **arguments)
    assert done.state == "failed"
    assert message in str(done.error)
