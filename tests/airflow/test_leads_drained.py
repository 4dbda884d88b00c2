"""The sensor for drained campaigns waits in each of its modes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date
from airflow_provider_engagevoice.polling import leads_drained
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from airflow_provider_engagevoice.triggers.leads_drained import LeadsDrainedTrigger
from tests.support.lead_lists import load, request_times, set_state

GROUP = seed.OUTBOUND_RENEWALS_ID
MODES = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES)
both_ways = pytest.mark.parametrize("by", ["search", "statistics"])


@pytest.fixture
def client(sandbox, client_settings):
    with EngageVoiceClient(client_settings) as client:
        yield client


@pytest.fixture
def often(monkeypatch):
    """Let waits poll ten times as often as the vendor asks."""
    monkeypatch.setattr(leads_drained, "SHORTEST_INTERVAL", 1.0)


@pytest.fixture
def make(client):
    """Make an active campaign whose dates end ``end`` seconds from now; return its id."""

    def make(end: float = 3600, name: str = "Autumn") -> int:
        now = datetime.now(UTC)
        body = {
            "campaignName": name,
            "callerId": "4155550123",
            "startDate": format_vendor_date(now - timedelta(hours=1)),
            "endDate": format_vendor_date(now + timedelta(seconds=end)),
        }
        campaign = client.create_campaign(GROUP, body)
        client.update_campaign(GROUP, campaign.campaignId, campaign.with_changes({"isActive": 1}))
        return campaign.campaignId

    return make


def drain_dag(dag_id: str, mode: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLeadsDrainedSensor(
            task_id="wait",
            **({"campaign": "Autumn", "dial_group": GROUP, "poke_interval": 1} | MODES[mode] | arguments),
        )
    return dag


@contextmanager
def meanwhile(sandbox, act: Callable[[], object], poll: str = "leadSearch") -> Iterator[None]:
    """Do something after the first poll of the sensor."""

    def run() -> None:
        assert sandbox.wait_for_request("GET" if poll == "realTimeData" else "POST", poll)
        act()

    person = threading.Thread(target=run)
    person.start()
    yield
    person.join()


POLLS = {"search": "leadSearch", "statistics": "realTimeData"}


@every_mode
@both_ways
@pytest.mark.few(3)
def test_a_campaign_without_leads_is_drained(make, sandbox, run_dag, mode, by) -> None:
    make()
    run = run_dag(drain_dag(f"empty_{mode}_{by}", mode, count_by=by))
    assert run.states == {"wait": "success"}
    assert run.xcoms == {}
    assert len(request_times(sandbox, "realTimeData")) == (by == "statistics")
    assert len(request_times(sandbox, "leadSearch")) == 1


@every_mode
@both_ways
@pytest.mark.few(3)
def test_it_waits_until_the_last_call_is_over(
    make, client, sandbox, run_dag, often, mode, by, capfd, caplog
) -> None:
    caplog.set_level("INFO")
    campaign_id = make()
    load(client, campaign_id, 3)
    set_state(sandbox, campaign_id, "PENDING")
    with meanwhile(sandbox, lambda: set_state(sandbox, campaign_id, "COMPLETE", "PENDING"), POLLS[by]):
        run = run_dag(drain_dag(f"waits_{mode}_{by}", mode, count_by=by))
    assert run.states == {"wait": "success"}
    assert "waiting: campaign" in capfd.readouterr().out + caplog.text


@every_mode
@pytest.mark.few(1)
def test_suppressed_leads_are_not_waited_for(make, client, run_dag, mode) -> None:
    campaign_id = make()
    load(client, campaign_id, 2)
    client.act_on_leads(LeadAction.SUPPRESS_LEADS, {"campaignIds": [campaign_id]})
    assert run_dag(drain_dag(f"suppressed_{mode}", mode)).states == {"wait": "success"}


@every_mode
@both_ways
@pytest.mark.few(2)
def test_leads_that_will_not_be_called_fail_it_at_once(make, client, run_dag, mode, by) -> None:
    load(client, make(end=-60), 7)
    run = run_dag(drain_dag(f"over_{mode}_{by}", mode, count_by=by))
    assert run.states == {"wait": "failed"}
    assert isinstance(run.errors["wait"], AirflowFailException)
    assert "leads left to call: 7" in str(run.errors["wait"])
    assert "dates are over" in str(run.errors["wait"])


@every_mode
@both_ways
@pytest.mark.few(2)
def test_dates_that_end_meanwhile_fail_it(make, client, run_dag, often, mode, by) -> None:
    load(client, make(end=2), 7)
    run = run_dag(drain_dag(f"ends_{mode}_{by}", mode, count_by=by))
    assert run.states == {"wait": "failed"}
    assert "dates are over" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_calls_in_progress_at_the_end_are_waited_for(make, client, sandbox, run_dag, often, mode) -> None:
    campaign_id = make(end=-60)
    load(client, campaign_id, 2)
    set_state(sandbox, campaign_id, "PENDING")
    with meanwhile(sandbox, lambda: set_state(sandbox, campaign_id, "COMPLETE", "PENDING")):
        assert run_dag(drain_dag(f"calls_{mode}", mode)).states == {"wait": "success"}


@every_mode
@pytest.mark.few(1)
def test_soft_fail_skips_instead(make, client, run_dag, mode) -> None:
    load(client, make(end=-60), 1)
    assert run_dag(drain_dag(f"soft_{mode}", mode, soft_fail=True)).states == {"wait": "skipped"}


@every_mode
@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
@pytest.mark.few(2)
def test_the_timeout_means_the_same(make, client, run_dag, often, mode, soft_fail, state) -> None:
    load(client, make(), 1)
    began = datetime.now(UTC)
    run = run_dag(drain_dag(f"timeout_{mode}_{soft_fail}", mode, timeout=2, soft_fail=soft_fail))
    assert run.states == {"wait": state}
    assert timedelta(seconds=2) <= datetime.now(UTC) - began < timedelta(seconds=12)
    if not soft_fail:
        assert type(run.errors["wait"]).__name__ == "AirflowSensorTimeout"


@every_mode
@both_ways
@pytest.mark.few(2)
def test_a_campaign_deleted_meanwhile_fails_it(make, client, sandbox, run_dag, often, mode, by) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)
    with meanwhile(sandbox, lambda: client.delete_campaign(GROUP, campaign_id), POLLS[by]):
        run = run_dag(drain_dag(f"deleted_{mode}_{by}", mode, count_by=by, campaign=campaign_id))
    assert run.states == {"wait": "failed"}
    assert "may have been deleted" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_a_transient_failure_costs_a_log_line(make, client, sandbox, run_dag, often, mode) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)
    sandbox.add_fault("status", path="leadSearch", status=503, times=2)
    with meanwhile(sandbox, lambda: set_state(sandbox, campaign_id, "COMPLETE")):
        assert run_dag(drain_dag(f"transient_{mode}", mode)).states == {"wait": "success"}


@every_mode
@pytest.mark.slow
def test_it_polls_at_most_every_ten_seconds(make, client, sandbox, run_dag, mode) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)
    with meanwhile(sandbox, lambda: set_state(sandbox, campaign_id, "COMPLETE"), "realTimeData"):
        run = run_dag(drain_dag(f"seldom_{mode}", mode, count_by="statistics", poke_interval=0))
    assert run.states == {"wait": "success"}
    first, second = request_times(sandbox, "realTimeData")
    assert second - first >= 10


@every_mode
@pytest.mark.few(1)
def test_with_outlets_it_ends_on_a_worker(make, client, sandbox, run_dag, often, mode) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)
    with meanwhile(sandbox, lambda: set_state(sandbox, campaign_id, "COMPLETE")):
        run = run_dag(drain_dag(f"outlets_{mode}", mode, outlets=[Asset("drained")]))
    assert run.states == {"wait": "success"}


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
@pytest.mark.few(4)
def test_bad_input_is_named(make, run_dag, mode, arguments, message) -> None:
    make()
    run = run_dag(drain_dag(f"bad_{mode}", mode, **arguments))
    assert run.states == {"wait": "failed"}
    assert message in str(run.errors["wait"])


@pytest.mark.parametrize(
    "event", [None, {}, "failed", {"status": "reached"}, {"status": "never", "message": 3}]
)
def test_an_unknown_event_fails_the_task(event) -> None:
    sensor = EngageVoiceLeadsDrainedSensor(task_id="wait", campaign=1)
    with pytest.raises(Exception, match="unknown event"):
        sensor.execute_complete({}, event)


def test_the_trigger_can_be_rebuilt_from_what_it_serializes() -> None:
    trigger = LeadsDrainedTrigger(
        engagevoice_conn_id="engagevoice_default",
        dial_group_id=1,
        campaign_id=2,
        by="search",
        poke_interval=60.0,
        deadline="2026-07-01T07:00:00+00:00",
        look_at="2026-06-01T07:00:00+00:00",
        ends=None,
        end_from_trigger=True,
    )
    path, kwargs = trigger.serialize()
    assert path == f"{LeadsDrainedTrigger.__module__}.{LeadsDrainedTrigger.__qualname__}"
    assert LeadsDrainedTrigger(**kwargs).serialize() == (path, kwargs)
