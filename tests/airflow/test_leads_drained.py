"""The sensor for drained campaigns waits in real DAG runs; tests/unit/sensors has all its cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.polling import leads_drained
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.base import GRACE
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from airflow_provider_engagevoice.triggers.leads_drained import LeadsDrainedTrigger
from tests.support.connections import ACCOUNT_ID
from tests.support.lead_lists import load, request_times, set_state
from tests.support.waits import MODES, active_campaign, every_mode

GROUP = seed.OUTBOUND_RENEWALS_ID
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
    return lambda end=3600, name="Autumn": active_campaign(client, name, -3600, end)


def drain_dag(dag_id: str, mode: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLeadsDrainedSensor(
            task_id="wait",
            **({"campaign": "Autumn", "dial_group": GROUP, "poke_interval": 1} | MODES[mode] | arguments),
        )
    return dag


#: The request of a poll, by ``count_by``.
POLLS = {"search": ("POST", "leadSearch"), "statistics": ("GET", "realTimeData")}


@pytest.mark.parametrize(
    ("mode", "by"), [("poke", "search"), ("reschedule", "statistics"), ("deferrable", "search")]
)
@pytest.mark.few(1)
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
    make, client, sandbox, run_dag, often, after_first, mode, by, capfd, caplog
) -> None:
    caplog.set_level("INFO")
    campaign_id = make()
    load(client, campaign_id, 3)
    set_state(sandbox, campaign_id, "PENDING")
    after_first(*POLLS[by], lambda: set_state(sandbox, campaign_id, "COMPLETE", "PENDING"))
    run = run_dag(drain_dag(f"waits_{mode}_{by}", mode, count_by=by))
    assert run.states == {"wait": "success"}
    assert run.xcoms == {}
    assert "waiting: campaign" in capfd.readouterr().out + caplog.text


@every_mode
@pytest.mark.few(1)
def test_leads_that_will_not_be_called_fail_it_at_once(make, client, run_dag, mode) -> None:
    load(client, make(end=-60), 7)
    run = run_dag(drain_dag(f"over_{mode}", mode))
    assert run.states == {"wait": "failed"}
    assert isinstance(run.errors["wait"], AirflowFailException)
    assert "leads left to call: 7" in str(run.errors["wait"])
    assert "dates are over" in str(run.errors["wait"])


@pytest.mark.parametrize(
    ("mode", "soft_fail", "state"),
    [
        ("reschedule", False, "failed"),
        ("poke", False, "failed"),
        ("deferrable", True, "skipped"),
        ("deferrable", False, "failed"),
    ],
)
@pytest.mark.few(1)
def test_the_timeout_means_the_same(make, client, run_dag, often, mode, soft_fail, state) -> None:
    load(client, make(), 1)
    began = datetime.now(UTC)
    run = run_dag(drain_dag(f"timeout_{mode}_{soft_fail}", mode, timeout=1, soft_fail=soft_fail))
    assert run.states == {"wait": state}
    # One that Airflow has ended takes longer.
    assert timedelta(seconds=1) <= datetime.now(UTC) - began < GRACE
    if not soft_fail:
        assert type(run.errors["wait"]).__name__ == "AirflowSensorTimeout"
    if mode == "deferrable" and not soft_fail:
        assert "leads left to call: 1" in str(run.errors["wait"])


@pytest.mark.parametrize(
    ("mode", "by"), [("deferrable", "search"), ("deferrable", "statistics"), ("reschedule", "search")]
)
@pytest.mark.few(1)
@pytest.mark.usefixtures("confirmed_soon")
def test_a_campaign_deleted_meanwhile_fails_it(
    make, client, sandbox, run_dag, often, after_first, mode, by
) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)

    def delete() -> None:
        sandbox.store.delete_campaign(ACCOUNT_ID, GROUP, campaign_id, request_id="")

    after_first(*POLLS[by], delete)
    run = run_dag(drain_dag(f"deleted_{mode}_{by}", mode, count_by=by, timeout=60, campaign=campaign_id))
    assert run.states == {"wait": "failed"}
    assert isinstance(run.errors["wait"], AirflowFailException)
    assert "may have been deleted" in str(run.errors["wait"])


def test_with_outlets_it_ends_on_a_worker(make, client, sandbox, run_dag, often, after_first) -> None:
    campaign_id = make()
    load(client, campaign_id, 1)
    after_first(*POLLS["search"], lambda: set_state(sandbox, campaign_id, "COMPLETE"))
    run = run_dag(drain_dag("outlets", "deferrable", outlets=[Asset("drained")]))
    assert run.states == {"wait": "success"}


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
