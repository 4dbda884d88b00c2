"""The window sensor waits in each of its modes."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date, parse_vendor_date
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

GROUP = seed.OUTBOUND_RENEWALS_ID
MODES = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def make(sandbox, client_settings):
    """Make a campaign whose dates are seconds from now; return its id."""
    with EngageVoiceClient(client_settings) as client:

        def make(start: float, end: float, active: int = 1, **fields: object) -> int:
            now = datetime.now(UTC)
            body = {
                "campaignName": "Wait for me",
                "callerId": "4155550123",
                "startDate": format_vendor_date(now + timedelta(seconds=start)),
                "endDate": format_vendor_date(now + timedelta(seconds=end)),
                **fields,
            }
            campaign = client.create_campaign(GROUP, body)
            client.update_campaign(GROUP, campaign.campaignId, campaign.with_changes({"isActive": active}))
            return campaign.campaignId

        yield make


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
        if one.method == "GET" and re.search(rf"/{GROUP}/campaigns(/{campaign_id})?(\?|$)", one.path)
    ]


def stored(sandbox: SandboxServer, campaign_id: int, date: str) -> float:
    rows = sandbox.store.all_campaigns()
    (campaign,) = [row for row in rows if row["campaignId"] == campaign_id]
    return parse_vendor_date(campaign[date]).timestamp()


@every_mode
def test_an_open_window_succeeds_at_once(make, sandbox, run_dag, mode) -> None:
    campaign_id = make(-60, 3600)
    run = run_dag(wait_dag(f"open_{mode}", mode))
    assert run.states == {"wait": "success"}
    assert run.xcoms == {}
    # One request finds the campaign by name, one reads it.
    assert len(times_of_polls(sandbox, campaign_id)) == 2


@every_mode
@pytest.mark.few(3)
def test_it_sleeps_until_the_opening_and_is_exact(make, sandbox, run_dag, mode) -> None:
    campaign_id = make(4, 3600)
    run = run_dag(wait_dag(f"opens_{mode}", mode))
    assert run.states == {"wait": "success"}
    opened = stored(sandbox, campaign_id, "startDate")
    # A poll by name takes two requests. The second poll is due at the opening; if deferred, it is one request
    # when the triggerer starts, so shortly before the opening that no further one is needed.
    *_, last = times = times_of_polls(sandbox, campaign_id)
    assert len(times) == (3 if mode == "deferrable" else 4)
    if mode == "deferrable":
        assert last < opened <= run.ended["wait"] < opened + 2
    else:
        # A rescheduled task resumes when the scheduler next runs, not at the instant itself.
        assert 0 <= last - opened < (4 if mode == "reschedule" else 1.5)


@every_mode
@pytest.mark.few(1)
def test_a_window_that_is_over_fails_at_once_and_says_so(make, run_dag, mode) -> None:
    make(-3600, -60)
    run = run_dag(wait_dag(f"over_{mode}", mode))
    assert run.states == {"wait": "failed"}
    assert isinstance(run.errors["wait"], AirflowFailException)
    assert "over" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_soft_fail_skips_instead(make, run_dag, mode) -> None:
    make(-3600, -60)
    assert run_dag(wait_dag(f"soft_{mode}", mode, soft_fail=True)).states == {"wait": "skipped"}


@every_mode
@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
@pytest.mark.few(2)
def test_the_timeout_means_the_same(make, run_dag, mode, soft_fail, state) -> None:
    make(3600, 7200)
    began = datetime.now(UTC)
    run = run_dag(wait_dag(f"timeout_{mode}_{soft_fail}", mode, timeout=2, soft_fail=soft_fail))
    assert run.states == {"wait": state}
    assert timedelta(seconds=2) <= datetime.now(UTC) - began < timedelta(seconds=12)
    if not soft_fail:
        assert type(run.errors["wait"]).__name__ == "AirflowSensorTimeout"


@every_mode
@pytest.mark.few(1)
def test_an_inactive_campaign_keeps_it_waiting_until_it_is_activated(
    make, sandbox, run_dag, client_settings, mode, capfd, caplog
) -> None:
    caplog.set_level("INFO")
    campaign_id = make(-60, 3600, active=0)

    def activate_after_the_first_poll() -> None:
        with EngageVoiceClient(client_settings) as client:
            assert sandbox.wait_for_request("GET", rf"/campaigns/{campaign_id}$")
            campaign = client.get_campaign(GROUP, campaign_id)
            client.update_campaign(GROUP, campaign_id, campaign.with_changes({"isActive": 1}))

    person = threading.Thread(target=activate_after_the_first_poll)
    person.start()
    run = run_dag(wait_dag(f"inactive_{mode}", mode, poke_interval=1))
    person.join()
    assert run.states == {"wait": "success"}
    assert "inactive" in capfd.readouterr().out + caplog.text


@every_mode
@pytest.mark.few(1)
def test_a_campaign_deleted_while_waiting_fails_the_wait(
    make, sandbox, run_dag, client_settings, mode
) -> None:
    campaign_id = make(3600, 7200)

    def delete_after_the_first_poll() -> None:
        with EngageVoiceClient(client_settings) as client:
            assert sandbox.wait_for_request("GET", rf"/campaigns/{campaign_id}$")
            client.delete_campaign(GROUP, campaign_id)

    person = threading.Thread(target=delete_after_the_first_poll)
    person.start()
    run = run_dag(wait_dag(f"deleted_{mode}", mode, poke_interval=1, campaign=campaign_id))
    person.join()
    assert run.states == {"wait": "failed"}
    assert "may have been deleted" in str(run.errors["wait"])


@every_mode
@pytest.mark.few(1)
def test_a_transient_failure_costs_a_log_line(make, sandbox, run_dag, mode) -> None:
    campaign_id = make(2, 3600)
    sandbox.add_fault(
        "status", method="GET", path=rf"/campaigns/{campaign_id}$", status=503, after=1, times=2
    )
    assert run_dag(wait_dag(f"transient_{mode}", mode)).states == {"wait": "success"}


@every_mode
@pytest.mark.few(1)
def test_closed_waits_for_the_end(make, sandbox, run_dag, mode) -> None:
    campaign_id = make(-3600, 2)
    run = run_dag(wait_dag(f"closed_{mode}", mode, wait_for="closed"))
    assert run.states == {"wait": "success"}
    assert run.ended["wait"] >= stored(sandbox, campaign_id, "endDate")


@every_mode
@pytest.mark.few(1)
def test_daily_hours_apply_only_with_use_daily_hours(make, run_dag, mode) -> None:
    closed = dict.fromkeys(
        [f"{day}Sched" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")], "00000000"
    )
    make(-3600, 7 * 86400, **closed)
    run = run_dag(wait_dag(f"hours_{mode}", mode, use_daily_hours=True, timeout=1, poke_interval=1))
    assert run.states == {"wait": "failed"}
    assert type(run.errors["wait"]).__name__ == "AirflowSensorTimeout"
    assert run_dag(wait_dag(f"no_hours_{mode}", mode)).states == {"wait": "success"}


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
@pytest.mark.few(7)
def test_bad_input_is_named(make, run_dag, mode, arguments, message) -> None:
    make(-60, 3600)
    run = run_dag(wait_dag(f"bad_{mode}", mode, **arguments))
    assert run.states == {"wait": "failed"}
    assert message in str(run.errors["wait"])


@every_mode
def test_templates_reach_every_argument_that_may_vary(make, run_dag, mode) -> None:
    make(-60, 3600)
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
