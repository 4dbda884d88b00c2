"""The window sensor waits in real DAG runs, in each of its modes; tests/unit/sensors has all its cases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pendulum
import pytest
from airflow.models import Connection
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow.utils.session import create_session

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sensors.base import GRACE
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.waits import MODES, active_campaign, every_mode

GROUP = seed.OUTBOUND_RENEWALS_ID
HOUR = 3600


@pytest.fixture
def make(sandbox, client_settings):
    """Make an active campaign whose dates are seconds from now; return its id."""
    with EngageVoiceClient(client_settings) as client:
        yield partial(active_campaign, client, "Wait for me")


def wait_dag(dag_id: str, mode: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCampaignWindowSensor(
            task_id="wait",
            **({"campaign": "Wait for me", "dial_group": GROUP} | MODES[mode] | arguments),
        )
    return dag


def times_of_polls(sandbox: SandboxServer, campaign_id: int) -> list[float]:
    """Return when the campaign was read: alone, or in the triggerer's list of its dial group."""
    return [
        one.time + one.ms / 1000
        for one in sandbox.requests()
        if one.method == "GET"
        and re.search(rf"/{GROUP}/campaigns(/{campaign_id})?(\?|$)", one.path)
        and "page=" not in one.path
    ]


def stored(sandbox: SandboxServer, campaign_id: int, date: str) -> float:
    rows = sandbox.store.all_campaigns()
    (campaign,) = [row for row in rows if row["campaignId"] == campaign_id]
    return parse_vendor_date(campaign[date]).timestamp()


@every_mode
def test_an_open_window_succeeds_at_once(make, sandbox, run_dag, mode) -> None:
    campaign_id = make(-60, HOUR)
    run = run_dag(wait_dag(f"open_{mode}", mode))
    assert run.states == {"wait": "success"}
    assert run.xcoms == {}
    # One request finds the campaign by name, one reads it.
    assert len(times_of_polls(sandbox, campaign_id)) == 2


@every_mode
@pytest.mark.few(1)
def test_it_sleeps_until_the_opening(make, sandbox, run_dag, after_first, mode) -> None:
    campaign_id = make(HOUR, 2 * HOUR)

    def move_to_three_seconds_from_now() -> None:
        opens_at = datetime.now(UTC) + timedelta(seconds=3)
        row = sandbox.store.campaign(ACCOUNT_ID, GROUP, campaign_id)
        row |= {"startDate": format_vendor_date(opens_at)}
        sandbox.store.replace_campaign(ACCOUNT_ID, GROUP, campaign_id, row, request_id="")

    # A poll by name takes two requests; the first poll waits for the second one.
    after_first("GET", rf"/{GROUP}/campaigns(\?|$)", move_to_three_seconds_from_now)
    run = run_dag(wait_dag(f"opens_{mode}", mode))
    assert run.states == {"wait": "success"}
    opened = stored(sandbox, campaign_id, "startDate")
    assert opened <= run.ended["wait"] < opened + 30
    times = times_of_polls(sandbox, campaign_id)
    assert times[1] < opened
    # If deferred, the campaign is read at the opening: a list may be behind so soon after the start.
    assert len(times) == 4


@pytest.mark.slow
def test_a_deferred_wait_sees_a_connection_of_the_database(make, sandbox, run_dag, after_first) -> None:
    """In ``airflow dags test``, where the supervisor of a trigger takes no async calls."""
    campaign_id = make(HOUR, 2 * HOUR)

    def open_it() -> None:
        row = sandbox.store.campaign(ACCOUNT_ID, GROUP, campaign_id)
        row |= {"startDate": format_vendor_date(datetime.now(UTC))}
        sandbox.store.replace_campaign(ACCOUNT_ID, GROUP, campaign_id, row, request_id="")

    # The sensor's own poll still finds it closed.
    after_first("GET", rf"/{GROUP}/campaigns/{campaign_id}$", open_it)
    dag = wait_dag("stored", "deferrable", poke_interval=1, engagevoice_conn_id="stored")
    connection = Connection.from_json(jwt_connection(sandbox.url), conn_id="stored")
    with create_session() as session:
        session.add(connection)
    try:
        run = run_dag(dag)
    finally:
        with create_session() as session:
            session.delete(connection)
    assert run.states == {"wait": "success"}


@pytest.mark.parametrize(
    ("mode", "soft_fail", "state"),
    [
        ("reschedule", False, "failed"),
        ("poke", False, "failed"),
        ("deferrable", True, "skipped"),
        ("deferrable", False, "failed"),
        ("reschedule", True, "skipped"),
    ],
)
@pytest.mark.few(1)
def test_the_timeout_means_the_same(make, run_dag, mode, soft_fail, state) -> None:
    make(HOUR, 2 * HOUR)
    began = datetime.now(UTC)
    run = run_dag(wait_dag(f"timeout_{mode}_{soft_fail}", mode, timeout=1, soft_fail=soft_fail))
    assert run.states == {"wait": state}
    # One that slept for its poke interval, or that Airflow has ended, takes at least this long.
    assert timedelta(seconds=1) <= datetime.now(UTC) - began < GRACE
    if not soft_fail:
        assert type(run.errors["wait"]).__name__ == "AirflowSensorTimeout"


@pytest.mark.few(2)
def test_a_timeout_before_the_trigger_polls_says_what_the_sensor_found(make, sandbox, run_dag) -> None:
    campaign_id = make(HOUR, 2 * HOUR)
    run = run_dag(wait_dag("timeout_early", "deferrable", timeout=1, poke_interval=300))
    error = str(run.errors["wait"])
    assert error.startswith(f"not open within 1 s: campaign {campaign_id} ")
    assert "; opens at " in error


@every_mode
@pytest.mark.few(1)
@pytest.mark.usefixtures("confirmed_soon")
def test_a_campaign_deleted_while_waiting_fails_the_wait(make, sandbox, run_dag, after_first, mode) -> None:
    campaign_id = make(HOUR, 2 * HOUR)

    def delete() -> None:
        sandbox.store.delete_campaign(ACCOUNT_ID, GROUP, campaign_id, request_id="")

    after_first("GET", rf"/campaigns/{campaign_id}$", delete)
    run = run_dag(wait_dag(f"deleted_{mode}", mode, poke_interval=1, timeout=60, campaign=campaign_id))
    assert run.states == {"wait": "failed"}
    assert isinstance(run.errors["wait"], AirflowFailException)
    assert "may have been deleted" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_bad_input_is_named(make, run_dag, mode) -> None:
    make(-60, HOUR)
    run = run_dag(wait_dag(f"bad_{mode}", mode, campaign="{{ none }}"))
    assert run.states == {"wait": "failed"}
    assert "did a template render to None" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_templates_reach_every_argument_that_may_vary(make, run_dag, mode) -> None:
    make(-60, HOUR)
    templates = {
        "wait_for": "{{ 'open' }}",
        "use_daily_hours": "{{ false }}",
        "dial_group": f"{{{{ {GROUP} }}}}",
    }
    run = run_dag(wait_dag(f"templates_{mode}", mode, **templates))
    assert run.states == {"wait": "success"}


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        "failed",
        {"status": "reached"},
        {"status": "reached", "message": 3, "campaign": {}},
        {"status": "reached", "message": "open", "campaign": 3},
    ],
)
def test_an_unknown_event_fails_the_task(event) -> None:
    sensor = EngageVoiceCampaignWindowSensor(task_id="wait", campaign=1)
    with pytest.raises(Exception, match="unknown event"):
        sensor.execute_complete({}, event)
