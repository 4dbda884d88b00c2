"""``execution_timeout`` and ``soft_fail`` mean the same in every mode of both sensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
)

try:
    from airflow.sdk.exceptions import TaskDeferralError
except ImportError:
    from airflow.exceptions import TaskDeferralError

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from tests.support.lead_lists import load
from tests.unit.polling.conftest import GROUP, World
from tests.unit.sensors.conftest import MODES, START, Wait

SENSORS = (EngageVoiceCampaignWindowSensor, EngageVoiceLeadsDrainedSensor)
both_sensors = pytest.mark.parametrize("sensor", SENSORS)
HOUR = 3600
ENOUGH = 10 * HOUR


@pytest.fixture
def campaign(world: World, client_settings: Any) -> int:
    """A campaign that opens late, with a lead to call."""
    campaign_id = world.add(24 * HOUR, 48 * HOUR)
    with EngageVoiceClient(client_settings) as client:
        load(client, campaign_id, 1)
    return campaign_id


def start_or_defer(sensor: type[BaseSensorOperator], mode: str) -> None:
    if mode == START and sensor is not EngageVoiceCampaignWindowSensor:
        pytest.skip("this sensor cannot start on the triggerer")


@both_sensors
@pytest.mark.parametrize("mode", ["deferrable", START])
@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize(("limit", "timeout"), [(12, 109), (7, ENOUGH)])
def test_a_deferred_wait_ends_at_its_execution_timeout(
    campaign, virtual, run_sensor: Callable[..., Wait], sensor, mode, soft_fail, limit, timeout
) -> None:
    start_or_defer(sensor, mode)
    began = virtual.time()
    arguments = {"campaign": campaign, "dial_group": GROUP, "timeout": timeout, "soft_fail": soft_fail}
    done = run_sensor(
        sensor, mode, catch=AirflowTaskTimeout, execution_timeout=timedelta(seconds=limit), **arguments
    )
    assert limit <= done.ended - began < limit + 1
    # A time limit of Airflow's fails the task and is retried, as from a worker.
    assert (done.state, type(done.error)) == ("failed", AirflowTaskTimeout)
    assert f"within {limit} s, its execution_timeout" in str(done.error)


@both_sensors
@pytest.mark.parametrize("mode", ["deferrable", START])
def test_a_longer_execution_timeout_changes_nothing(campaign, virtual, run_sensor, sensor, mode) -> None:
    start_or_defer(sensor, mode)
    began = virtual.time()
    limit = timedelta(seconds=60)
    done = run_sensor(sensor, mode, campaign=campaign, dial_group=GROUP, timeout=20, execution_timeout=limit)
    assert 20 <= done.ended - began < 21
    assert type(done.error) is AirflowSensorTimeout


@both_sensors
@pytest.mark.parametrize("mode", [*MODES, START])
@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.few(1)
def test_an_outage_fails_and_is_retried(
    campaign, sandbox, run_sensor: Callable[..., Wait], sensor, mode, soft_fail
) -> None:
    start_or_defer(sensor, mode)
    sandbox.add_fault("status", path=".", status=503, times=100_000)
    # In mode reschedule each poll is a process of its own, so failed ones are not counted.
    timeout = 600 if mode == "reschedule" else ENOUGH
    done = run_sensor(sensor, mode, campaign=campaign, dial_group=GROUP, timeout=timeout, soft_fail=soft_fail)
    if mode == "reschedule":
        assert done.state == ("skipped" if soft_fail else "failed")
        return
    assert done.state == "failed"
    assert isinstance(done.error, AirflowException | EngageVoiceError)
    assert not isinstance(done.error, AirflowFailException | AirflowSensorTimeout)
    assert "503" in str(done.error)


@both_sensors
@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("event", [None, {}, {"status": "ended"}, "failed", 7, {"status": "reached"}])
def test_an_unknown_event_fails_and_is_retried(sensor, soft_fail, event) -> None:
    task = sensor(task_id="wait", campaign=7, deferrable=True, soft_fail=soft_fail)
    with pytest.raises(AirflowException, match="unknown event") as caught:
        task.resume_execution("execute_complete", {"event": event}, {})
    assert not isinstance(caught.value, AirflowFailException | AirflowSkipException)


@both_sensors
@pytest.mark.parametrize("soft_fail", [False, True])
def test_a_crashed_trigger_fails_and_is_retried(sensor, soft_fail) -> None:
    task = sensor(task_id="wait", campaign=7, deferrable=True, soft_fail=soft_fail)
    with pytest.raises(TaskDeferralError):
        task.resume_execution("__fail__", {"error": "Trigger failure", "traceback": ["KeyError: 7"]}, {})


@both_sensors
@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"status": "failed", "message": "GET /: 503", "retryable": True}, AirflowException),
        ({"status": "failed", "message": "GET /: 403", "retryable": False}, AirflowFailException),
        ({"status": "unreachable", "message": "its dates are over"}, AirflowFailException),
        ({"status": "timeout", "message": "inactive"}, AirflowSkipException),
    ],
)
def test_what_soft_fail_does_with_each_event(sensor, event, kind) -> None:
    task = sensor(task_id="wait", campaign=7, deferrable=True, soft_fail=True)
    with pytest.raises(AirflowException) as caught:
        task.resume_execution("execute_complete", {"event": json.loads(json.dumps(event))}, {})
    assert type(caught.value) is kind


@both_sensors
def test_never_fail_keeps_its_meaning(sensor) -> None:
    task = sensor(task_id="wait", campaign=7, deferrable=True, never_fail=True)
    with pytest.raises(AirflowSkipException):
        task.execute({})


@pytest.mark.parametrize("mode", [*MODES, START])
@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("if_over", ["skip", "{{ 'skip' }}", "fail", "{{ 'fail' }}"])
@pytest.mark.few(8)
def test_a_window_that_is_over_may_skip_the_task(world, run_sensor, mode, soft_fail, if_over) -> None:
    campaign_id = world.add(-HOUR, -60)
    done = run_sensor(
        EngageVoiceCampaignWindowSensor,
        mode,
        campaign=campaign_id,
        dial_group=GROUP,
        soft_fail=soft_fail,
        if_over=if_over,
    )
    assert "over" in str(done.error)
    if "skip" in if_over:
        assert done.state == "skipped"
    else:
        assert isinstance(done.error, AirflowFailException)
        assert "catchup or backfill" in str(done.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_window_that_ends_meanwhile_may_skip_the_task(world, run_sensor, mode) -> None:
    campaign_id = world.add(-HOUR, 100, active=0)
    done = run_sensor(
        EngageVoiceCampaignWindowSensor, mode, campaign=campaign_id, dial_group=GROUP, if_over="skip"
    )
    assert done.state == "skipped"
