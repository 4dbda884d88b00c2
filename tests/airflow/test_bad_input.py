"""Invalid input to the create operator is reported with the valid form before anything is sent."""

from __future__ import annotations

import datetime
import json

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator
from tests.support.connections import jwt_connection

GOOD = {
    "task_id": "create",
    "dial_group": "Outbound Renewals",
    "campaign_name": "Holiday Renewals",
    "campaign_start": "2099-11-01",
    "campaign_end": "2099-12-24",
    "caller_id": "4155550123",
}


def dag_of(dag_id: str, **changes: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCreateCampaignOperator(**(GOOD | changes))
    return dag


@pytest.mark.parametrize(
    "missing", ["dial_group", "campaign_name", "campaign_start", "campaign_end", "caller_id"]
)
def test_a_missing_argument_is_named_when_the_dag_is_parsed(missing) -> None:
    arguments = {key: value for key, value in GOOD.items() if key != missing}
    with pytest.raises(Exception, match=missing):
        EngageVoiceCreateCampaignOperator(**arguments)


#: Obvious mistakes: errors of the DAG file, or of the run in a mapped task.
LITERALS = [
    ({"campaign_name": ""}, "campaign_name=''", "must be text"),
    (
        {"campaign_name": "x" * 300},
        "campaign_name=",
        "(300 characters) is not usable: at most 200 characters",
    ),
    ({"caller_id": "call me"}, "caller_id='call me'", "4155550123"),
    ({"caller_id": "123"}, "caller_id='123'", "phone number"),
    ({"caller_id": "415555012"}, "caller_id='415555012'", "ten digits"),
    ({"settings": {"countryId": "GBR"}}, "caller_id='4155550123'", "no number of GBR"),
    ({"caller_id": None}, "caller_id", "a value is required"),
    ({"campaign_end": None}, "campaign_end", "a value is required"),
    ({"campaign_start": "1 November"}, "campaign_start='1 November'", "2026-12-01"),
    ({"campaign_start": "2099-02-30"}, "campaign_start='2099-02-30'", "day is out of range"),
    ({"campaign_start": 20991301}, "campaign_start='20991301'", "month must be in"),
    ({"campaign_end": "2099-10-31"}, "campaign_end", "must be after the start"),
    ({"campaign_end": "2099-10-31T09:00:00Z"}, "campaign_end", "must be after the start"),
    ({"timezone": "America/Los_Angles"}, "timezone", "nearest: 'America/Los_Angeles'"),
    ({"is_active": 3}, "is_active=3", "0 (inactive), 1 (active) or 2 ("),
    ({"is_active": "yes"}, "is_active='yes'", "0 (inactive), 1 (active) or 2 ("),
    ({"schedule": {"mon-fri": "21:00-08:00"}}, "schedule['mon-fri']", "overnight"),
    ({"schedule": {"mon": "08:00-24:00"}}, "schedule['mon']", "00:00 to 23:59"),
    ({"schedule": {"monday": "08:00-21:00"}}, "schedule='monday'", "name days as 'mon'"),
    ({"schedule": "mon-fri 8-21"}, "schedule=", "write a mapping"),
    ({"if_exists": "replace"}, "if_exists='replace'", "'update', 'skip' or 'fail'"),
    ({"enforce_active": "perhaps"}, "enforce_active='perhaps'", "True or False"),
    (
        {"campaign_start": "2027-03-14T02:30", "timezone": "America/Denver"},
        "campaign_start",
        "clocks in America/Denver jump over it",
    ),
    ({"dial_group": "{'dial_group_id': 5}"}, "dial_group=", "pass task.output"),
    ({"dial_group": ""}, "dial_group=''", "did a template render to None"),
    ({"settings": {"callerId": "4155550123"}}, "settings.callerId", "give it as caller_id="),
    ({"settings": "maxRingTime=30"}, "settings=", "write a mapping"),
]
#: Mistakes that depend on a template, the current time, the connection or the fields of the API.
AT_RUN_TIME = [
    ({"campaign_name": "{{ none }}"}, "campaign_name=", "did a template render to None"),
    ({"caller_id": "{{ none }}"}, "caller_id", "did a template render to None"),
    ({"campaign_start": "{{ none }}"}, "campaign_start", "did a template render to None"),
    ({"campaign_end": "2099-10-31T12:00:00Z"}, "campaign_end", "must be after the start"),
    ({"campaign_start": "2020-11-01", "campaign_end": "2020-12-01"}, "campaign_end", "already over"),
    (
        {"campaign_start": "2027-03-14T02:30", "campaign_end": "2027-04-01"},
        "campaign_start",
        "clocks in America/Los_Angeles jump over it",
    ),
    (
        {"campaign_start": "2027-11-07T01:30", "campaign_end": "2027-12-01"},
        "campaign_start",
        "happens twice",
    ),
    ({"settings": {"maxRingTime": 61}}, "settings.maxRingTime=61", "60"),
    ({"settings": {"maxRingTime": -1}}, "settings.maxRingTime=-1", "0"),
    ({"settings": {"maxRingTimeTransfer": 121}}, "settings.maxRingTimeTransfer=121", "120"),
    ({"settings": {"campaignPriority": 6}}, "settings.campaignPriority=6", "1, 2, 3, 4 or 5"),
    ({"settings": {"campaignPriority": 0}}, "settings.campaignPriority=0", "1, 2, 3, 4 or 5"),
    ({"settings": {"dialLoadedOrder": 5}}, "settings.dialLoadedOrder=5", "0, 1, 2, 3 or 4"),
    ({"settings": {"transferCallerId": "12"}}, "settings.transferCallerId='12'", "phone number"),
    ({"settings": {"maxRingTme": 30}}, "settings.maxRingTme=30", "nearest: 'maxRingTime'"),
    ({"settings": {"campaignId": 1}}, "settings.campaignId=1", "only the server writes this field"),
    ({"settings": {"billingCode": "{{ none }}"}}, "settings.billingCode", "did a template render to None"),
    ({"schedule": {"mon": None}, "settings": {"monSched": "08002100"}}, "settings.monSched", "schedule="),
]


@pytest.mark.parametrize(("changes", "named", "right"), LITERALS)
def test_a_literal_mistake_is_an_error_of_the_dag_file(changes, named, right) -> None:
    with pytest.raises(InvalidInputError) as caught:
        EngageVoiceCreateCampaignOperator(**(GOOD | changes))
    assert named in str(caught.value)
    assert right in str(caught.value)


def test_invalid_input_of_a_mapped_task_is_not_retryable(sandbox, run_dag) -> None:
    errors: dict[int, BaseException] = {}

    def note(context) -> None:
        errors[context["ti"].map_index] = context["exception"]

    with DAG("mapped", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCreateCampaignOperator.partial(
            task_id="create", retries=3, on_failure_callback=[note]
        ).expand_kwargs(
            [{key: value for key, value in (GOOD | one).items() if key != "task_id"} for one, *_ in LITERALS]
        )
    run = run_dag(dag)
    assert set(run.states.values()) == {"failed"}
    for index, (_, named, right) in enumerate(LITERALS):
        assert isinstance(errors[index], AirflowFailException)
        assert named in str(errors[index])
        assert right in str(errors[index])
    assert sandbox.requests() == []


@pytest.mark.parametrize(("changes", "named", "right"), AT_RUN_TIME)
@pytest.mark.few(4)
def test_the_error_names_field_value_and_the_valid_form(sandbox, run_dag, changes, named, right) -> None:
    run = run_dag(dag_of("bad", **changes))
    assert run.states == {"create": "failed"}
    error = run.errors["create"]
    assert isinstance(error, AirflowFailException)
    assert named in str(error)
    assert right in str(error)
    # Whether a window that is over or an unknown field is refused depends on the campaigns that exist.
    paths = {(one.method, one.path.rpartition("/")[2]) for one in sandbox.requests()}
    assert not paths or right == "already over" or "maxRingTme" in named
    assert ("POST", "campaigns") not in paths


def test_a_date_without_a_zone_is_an_error(sandbox, run_dag, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url, timezone=""))
    for value in ("2099-11-01", datetime.datetime(2099, 11, 1, 8), datetime.date(2099, 11, 1)):
        run = run_dag(dag_of("naive", campaign_start=value))
        assert "add one, give timezone=, or set the connection's" in str(run.errors["create"])
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("Outbound Renewal", "nearest: 'Outbound Renewals'"),
        (4711, "no dial group with id 4711"),
        ("{{ {'dial_group_id': 5} }}", "pass task.output"),
        ("{{ '' }}", "did a template render to None"),
    ],
)
@pytest.mark.few(1)
def test_an_unknown_dial_group_is_named_and_nothing_is_written(sandbox, run_dag, group, message) -> None:
    run = run_dag(dag_of("group", dial_group=group))
    assert message in str(run.errors["create"])
    assert not [one for one in sandbox.requests() if one.method != "GET" and "dialGroups" in one.path]


@pytest.mark.parametrize("status", [400, 403, 409, 422])
@pytest.mark.few(1)
def test_a_rejection_by_the_server_is_final_and_names_the_field(sandbox, run_dag, status) -> None:
    problem = {"attributeName": "callerId", "message": "unknown number", "value": "4155550123"}
    body = json.dumps({"generalMessage": "no such luck", "validationErrors": [problem]})
    sandbox.add_fault("status", status=status, method="POST", path="/campaigns$", body=body)
    run = run_dag(dag_of("refused"))
    error = run.errors["create"]
    assert isinstance(error, AirflowFailException)
    assert f"status {status}: no such luck" in str(error)
    assert "callerId: unknown number (was '4155550123')" in str(error)
    assert "POST" in str(error)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_of_the_server_is_retried_by_the_task(sandbox, run_dag, monkeypatch, status) -> None:
    monkeypatch.setattr(
        "airflow_provider_engagevoice.hooks.engagevoice.RetryLimits", lambda: RetryLimits(tries=1)
    )
    sandbox.add_fault("status", status=status, path="/dialGroups", times=9)
    error = run_dag(dag_of("failing")).errors["create"]
    assert isinstance(error, EngageVoiceError)
    assert error.retryable
