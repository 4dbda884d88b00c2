"""What a person finds in the log of a task that has failed."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import traceback
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.exceptions import PermissionDeniedError, ResourceNotFoundError
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCreateCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)
from airflow_provider_engagevoice.operators.statistics import EngageVoiceCampaignStatsOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from airflow_provider_engagevoice.sensors.season_drift import EngageVoiceSeasonDriftSensor
from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger
from tests.support.connections import ACCOUNT_ID, jwt_connection
from tests.support.flows import connection

TASKS: dict[str, tuple[type[Any], dict[str, Any], str]] = {
    "no such campaign": (
        EngageVoiceUpdateCampaignOperator,
        {"campaign": 999, "is_active": 1},
        "campaign: there is no campaign with id 999",
    ),
    "no such group": (
        EngageVoiceCreateCampaignOperator,
        {
            "dial_group": "Outbound Renewal",
            "campaign_name": "New",
            "campaign_start": "2098-01-01T00:00Z",
            "campaign_end": "2098-02-01T00:00Z",
            "caller_id": "4155550123",
        },
        "dial_group: there is no dial group named 'Outbound Renewal'; nearest: 'Outbound Renewals'",
    ),
    "bad rendered value": (
        EngageVoiceUpdateCampaignOperator,
        {"campaign": 999, "is_active": "{{ 7 }}"},
        "is_active='7' is not usable: must be 0 (inactive), 1 (active) or 2 (agent callbacks only)",
    ),
    "no such file": (
        EngageVoiceLoadLeadsOperator,
        {"campaign": "Holiday Renewals 2025", "source": "/nowhere/leads.csv"},
        "source='/nowhere/leads.csv' is not usable: file not found",
    ),
    "window": (
        EngageVoiceCampaignWindowSensor,
        {"campaign": "Holiday Renewals 2025"},
        "over; it will not open unless its dates are changed",
    ),
    "deferred": (
        EngageVoiceLeadsDrainedSensor,
        {"campaign": 999, "deferrable": True},
        "campaign: there is no campaign 999",
    ),
    "no such season": (
        EngageVoicePlanSeasonOperator,
        {"season": "/nowhere/spring.yaml", "record_path": "/nowhere", "output_path": "/nowhere/plan.json"},
        "season='/nowhere/spring.yaml' is not usable: there is no such file",
    ),
    "no storage": (
        EngageVoiceLoadLeadsOperator,
        {"campaign": "Holiday Renewals 2025", "source": "nowhere://leads.csv"},
        "nowhere://leads.csv: Airflow has no storage for such a path (",
    ),
    "no storage of plans": (
        EngageVoiceApplySeasonOperator,
        {"plan": "nowhere://plan.json"},
        "nowhere://plan.json: Airflow has no storage for such a path (",
    ),
    "no access to plans": (
        EngageVoicePlanSeasonOperator,
        {"season": f"{__file__}/spring.yaml", "record_path": "/nowhere", "output_path": "/nowhere/plan.json"},
        f"{__file__}/spring.yaml: no access (",
    ),
    "no access to write to storage": (
        EngageVoiceCampaignStatsOperator,
        {"output_path": f"{__file__}/rows.jsonl"},
        f"{__file__}/rows.jsonl: no access (",
    ),
    "no such plan": (
        EngageVoiceApplySeasonOperator,
        {"plan": "/nowhere/plan.json"},
        "plan: /nowhere/plan.json does not exist",
    ),
    "no such record": (
        EngageVoiceVerifySeasonOperator,
        {"record": "/nowhere/spring"},
        "record: /nowhere/spring has no record of an apply",
    ),
    "no such record to watch": (
        EngageVoiceSeasonDriftSensor,
        {"record": "/nowhere/spring"},
        "record: /nowhere/spring has no record of an apply",
    ),
    "bad rendered record": (
        EngageVoiceSeasonDriftSensor,
        {"record": "{{ {} }}", "deferrable": True},
        "record='{}' is not usable: a mapping was rendered to text; pass task.output",
    ),
}
#: Kinds that fail before anything is sent.
NOTHING_SENT = {kind for kind in TASKS if re.search("season|plan|record|rendered|storage", kind)}


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("outage", [False, True])
@pytest.mark.few(2)
@pytest.mark.usefixtures("confirmed_soon")
def test_one_clear_line_and_a_short_traceback(sandbox, run_dag, caplog, capfd, kind, outage) -> None:
    caplog.set_level("ERROR")
    operator, arguments, message = TASKS[kind]
    with DAG("fails", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        operator(task_id="it", **arguments)
    if outage:
        if kind in NOTHING_SENT:
            pytest.skip("it fails before anything is sent")
        if kind in ("window", "deferred"):
            pytest.skip("a wait goes on for minutes: see tests/unit/sensors")
        sandbox.add_fault("status", path=".", status=503, times=100_000)
        message = "status 503"
    run = run_dag(dag)
    assert run.states == {"it": "failed"}
    error = run.errors["it"]
    logged = [one.getMessage() for one in caplog.records if message in one.getMessage()]
    lines = "".join(traceback.format_exception(error)).splitlines()
    assert logged or message in "".join(capfd.readouterr())
    ours = [line for line in lines if "airflow_provider_engagevoice/" in line]
    # Two lines for each frame.
    assert 2 * len(ours) <= 15
    assert not [line for line in lines if "The above exception" in line or "During handling" in line]
    assert message in lines[-1] or outage
    # None of these mistakes is gone at the next try.
    assert outage or isinstance(error, AirflowFailException)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EngageVoiceUpdateCampaignOperator(
            task_id="it", campaign="Holiday Renewals 2025", is_active=1
        ),
        lambda: EngageVoiceCampaignWindowSensor(task_id="it", campaign="Holiday Renewals 2025"),
        lambda: EngageVoiceCampaignWindowSensor(task_id="it", campaign=7, dial_group=7, deferrable=True),
    ],
)
def test_a_wrong_account_is_answered_with_the_accounts(sandbox, run_dag, monkeypatch, make) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url, account_id="12345"))
    with DAG("wrong_account", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        make()
    run = run_dag(dag)
    assert run.states == {"it": "failed"}
    assert "account_id 12345 is not one the user can see: 99990000 (" in str(run.errors["it"])


@pytest.mark.parametrize(
    "call",
    [
        lambda hook: hook.list_dial_groups(),
        lambda hook: hook.find_campaign("Holiday Renewals 2025"),
        lambda hook: hook.search_leads({"leadStates": ["READY"]}),
        lambda hook: hook.list_dnc_numbers(),
    ],
)
def test_a_wrong_account_of_a_hook_is_answered_with_the_accounts(sandbox, monkeypatch, call) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url, account_id="12345"))
    hook = EngageVoiceHook()
    for _ in range(3):
        with pytest.raises(PermissionDeniedError) as caught:
            call(hook)
        remark = "; account_id 12345 is not one the user can see: 99990000 (Demo Sales Floor)"
        assert str(caught.value).count(remark) == 1
    # They are asked for once.
    assert len([one for one in sandbox.requests() if one.path.endswith("/accounts")]) == 1


def test_a_missing_campaign_of_the_right_account_is_explained_once(sandbox, monkeypatch) -> None:
    account = jwt_connection(sandbox.url, account_id=ACCOUNT_ID)
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", account)
    hook = EngageVoiceHook()
    for campaign in (998, 999):
        with pytest.raises(ResourceNotFoundError) as caught:
            hook.get_campaign(seed.OUTBOUND_RENEWALS_ID, campaign)
        assert "the user can see" not in str(caught.value)
    assert len([one for one in sandbox.requests() if one.path.endswith("/accounts")]) == 1


def test_an_error_names_the_host(sandbox, run_dag, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(url))
    assert (
        EngageVoiceHook()
        .test_connection()[1]
        .startswith(f"POST /restapi/oauth/token: no connection to {url}, rc_server of the connection (")
    )
    fields = json.loads(jwt_connection(sandbox.url))
    fields["extra"]["jwt_token"] = "another"
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", json.dumps(fields))
    message = EngageVoiceHook().test_connection()[1]
    assert "sign-in ringcentral_jwt was refused: " in message
    assert "(by 127.0.0.1, connection 'engagevoice_default')" in message
    https = sandbox.url.replace("http:", "https:")
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(https))
    assert "write http:// if the host has no TLS" in EngageVoiceHook().test_connection()[1]


@pytest.mark.parametrize(
    ("field", "path"), [("rc_server", "/restapi/oauth/token"), ("host", "/api/auth/login/rc/accesstoken")]
)
def test_tls_to_a_plain_port_fails_at_once_and_names_the_field(
    sandbox, run_dag, monkeypatch, field, path
) -> None:
    https = sandbox.url.replace("http:", "https:")
    fields = json.loads(jwt_connection(sandbox.url))
    (fields if field == "host" else fields["extra"])[field] = https
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", json.dumps(fields))
    with DAG("no_tls", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=7, is_active=1, retries=3)
        EngageVoiceCampaignWindowSensor(task_id="wait", campaign=7, retries=3)
    run = run_dag(dag)
    assert run.states == {"it": "failed", "wait": "failed"}
    for error in run.errors.values():
        assert isinstance(error, AirflowFailException)
        assert str(error).startswith(f"POST {path}: no connection to {https}, {field} of the connection (")


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_connection_that_is_not_defined_is_named_in_one_line_and_not_retried(
    sandbox, run_dag, caplog, deferrable
) -> None:
    caplog.set_level("ERROR")
    missing: dict[str, Any] = {"campaign": 7, "engagevoice_conn_id": "no_such", "retries": 3}
    with DAG("no_connection", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", is_active=1, **missing)
        EngageVoiceCampaignWindowSensor(task_id="opened", deferrable=deferrable, **missing)
        EngageVoiceLeadsDrainedSensor(task_id="drained", deferrable=deferrable, **missing)
    run = run_dag(dag)
    assert set(run.states.values()) == {"failed"}
    message = (
        "engagevoice_conn_id='no_such': no such connection; set AIRFLOW_CONN_NO_SUCH "
        "where Airflow's tasks run, or add it"
    )
    for error in run.errors.values():
        assert isinstance(error, AirflowFailException)
        assert str(error) == message


def test_a_trigger_fails_if_its_connection_is_not_defined() -> None:
    trigger = CampaignWindowTrigger(
        engagevoice_conn_id="no_such",
        campaign=7,
        dial_group=7,
        wait_for="open",
        use_daily_hours=False,
        timezone=None,
        poke_interval=60.0,
        deadline="2099-01-01T00:00:00+00:00",
        poll_at=None,
        end_from_trigger=False,
    )

    async def events() -> list[Any]:
        return [one async for one in trigger.run()]

    (event,) = asyncio.run(events())
    assert event.payload["status"] == "failed"
    assert event.payload["retryable"] is False
    assert "no such connection" in event.payload["message"]


@pytest.mark.parametrize(
    ("flow", "path", "fault", "hint"),
    [
        ("ringcentral_jwt", "/restapi/oauth/token", {"kind": "status", "status": 404}, "rc_server"),
        ("ringcentral_jwt", "/restapi/oauth/token", {"kind": "status", "status": 405}, "rc_server"),
        ("ringcentral_jwt", "/restapi/oauth/token", {"kind": "status", "status": 302}, "rc_server"),
        ("ringcentral_jwt", "/restapi/oauth/token", {"kind": "html"}, "rc_server"),
        ("ringcentral_jwt", "/restapi/oauth/token", {"kind": "status", "status": 503}, ""),
        ("ringcentral_jwt", "/rc/accesstoken", {"kind": "status", "status": 405}, "host"),
        ("ringcentral_password", "/rc/accesstoken", {"kind": "html"}, "host"),
        ("engage", "/api/auth/login/admin", {"kind": "empty"}, "host"),
        ("legacy", "/auth/login", {"kind": "status", "status": 501}, "host"),
    ],
)
def test_a_sign_in_that_fails_in_any_way_names_flow_host_and_field(
    sandbox, monkeypatch, flow, path, fault, hint
) -> None:
    given = connection(flow, sandbox.url)
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", given)
    sandbox.add_fault(path=path, times=100, **fault)
    assert (
        EngageVoiceHook()
        .test_connection()[1]
        .endswith(f"; sign-in {flow} at {sandbox.url}" + (f": is {hint} right?" if hint else ""))
    )
