"""Creating campaigns from a DAG."""

from __future__ import annotations

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import ACCOUNT_ID

IS_AIRFLOW_3 = airflow_version.startswith("3.")
#: The logical date of `DAG.test`.
WHEN = "logical_date" if IS_AIRFLOW_3 else "execution_date"
ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"


def make_dag(dag_id: str, **options: object) -> DAG:
    return DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1), **options)


def create(**changes: object) -> EngageVoiceCreateCampaignOperator:
    arguments = {
        "task_id": "create",
        "dial_group": "Outbound Renewals",
        "campaign_name": "Holiday Renewals",
        "campaign_start": "{{ " + ANCHOR + " }}",
        "campaign_end": "{{ " + ANCHOR + " + macros.timedelta(days=30) }}",
        "timezone": "America/Los_Angeles",
        "caller_id": "4155550123",
        "is_active": 1,
        "schedule": {"mon-fri": "08:00-21:00"},
        "settings": {"maxRingTime": 30, "dialLoadedOrder": 0},
    }
    return EngageVoiceCreateCampaignOperator(**(arguments | changes))


def campaigns(sandbox: SandboxServer, name: str) -> list[dict[str, object]]:
    rows = sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)
    return [row for row in rows if row["campaignName"] == name]


def posts(sandbox: SandboxServer) -> list[str]:
    return [one.path for one in sandbox.requests() if one.method == "POST" and "/campaigns" in one.path]


def writes(sandbox: SandboxServer) -> list[str]:
    made = [one for one in sandbox.requests() if "/dialGroups" in one.path and one.method != "GET"]
    return [f"{one.method} {one.status}" for one in made]


@pytest.mark.parametrize("native", [False, True])
def test_the_dag_of_the_readme_creates_its_campaign(sandbox, run_dag, native) -> None:
    with make_dag(f"readme_{native}", render_template_as_native_obj=native) as dag:
        create(caller_id="{{ '4155550123' }}", schedule={"mon-fri": "{{ '10002100' }}", "sat": None})
    run = run_dag(dag)
    assert run.states == {"create": "success"}
    (stored,) = campaigns(sandbox, "Holiday Renewals")
    assert stored["isActive"] == 1
    assert stored["callerId"] == "4155550123"
    assert stored["maxRingTime"] == 30
    assert stored["monSched"] == stored["friSched"] == "10002100"
    assert stored["satSched"] == stored["sunSched"] == "00000000"
    xcom = run.xcoms["create"]
    assert set(xcom) == {
        "campaign_id",
        "dial_group_id",
        "campaign_name",
        "start",
        "end",
        "is_active",
        "outcome",
    }
    assert xcom["outcome"] == "created"
    assert xcom["dial_group_id"] == seed.OUTBOUND_RENEWALS_ID
    start, end = pendulum.parse(xcom["start"]), pendulum.parse(xcom["end"])
    assert end - start == pendulum.duration(days=30)
    assert run.links["create"].endswith(f"#campaign-{xcom['campaign_id']}")


@pytest.mark.skipif(not IS_AIRFLOW_3, reason="only Airflow 3 has runs without a logical date")
def test_a_manual_run_without_a_logical_date_creates_its_campaign(sandbox, run_dag) -> None:
    with make_dag("manual") as dag:
        create(campaign_name="Holiday {{ " + ANCHOR + " | ds }}")
    run = run_dag(dag, logical_date=None)
    assert run.states == {"create": "success"}
    assert run.xcoms["create"]["outcome"] == "created"


def test_a_backfilled_run_takes_the_dates_of_its_interval(sandbox, run_dag) -> None:
    logical_date = pendulum.now("UTC").subtract(days=7)
    with make_dag("backfilled") as dag:
        create(campaign_name="Holiday {{ ds }}")
    created = run_dag(dag, **{WHEN: logical_date}).xcoms["create"]
    assert created["campaign_name"] == f"Holiday {logical_date:%Y-%m-%d}"
    assert created["end"][:16] == f"{logical_date.add(days=30):%Y-%m-%dT%H:%M}"


def test_running_it_again_changes_nothing(sandbox, run_dag) -> None:
    with make_dag("again") as dag:
        create(campaign_start="2099-11-01", campaign_end="2099-12-24")
    first = run_dag(dag).xcoms["create"]
    before = writes(sandbox)
    second = run_dag(dag).xcoms["create"]
    assert second == first | {"outcome": "unchanged"}
    assert writes(sandbox) == before
    assert len(campaigns(sandbox, "Holiday Renewals")) == 1
    assert first["start"] == "2099-11-01T07:00:00+00:00"
    assert first["end"] == "2099-12-25T07:59:59+00:00"


def test_update_writes_and_logs_only_differences(sandbox, run_dag, capfd, caplog) -> None:
    caplog.set_level("INFO")
    with make_dag("first") as dag:
        create()
    run_dag(dag)
    with make_dag("second") as dag:
        create(campaign_start="2099-11-01", campaign_end="2099-12-24", settings={"maxRingTime": 20})
    run = run_dag(dag)
    assert run.xcoms["create"]["outcome"] == "updated"
    (stored,) = campaigns(sandbox, "Holiday Renewals")
    assert stored["maxRingTime"] == 20
    assert stored["dialLoadedOrder"] == 0
    log = capfd.readouterr().out + caplog.text
    assert "maxRingTime: 30 → 20" in log
    assert " → 2099-12-24 23:59:59-08:00" in log


@pytest.mark.parametrize(("if_exists", "state"), [("skip", "success"), ("fail", "failed")])
@pytest.mark.few(1)
def test_skip_and_fail_keep_a_campaign_unchanged(sandbox, run_dag, if_exists, state) -> None:
    with make_dag("first") as dag:
        create()
    run_dag(dag)
    before = writes(sandbox)
    with make_dag(f"second_{if_exists}") as dag:
        create(settings={"maxRingTime": 20}, if_exists=if_exists)
    run = run_dag(dag)
    assert run.states == {"create": state}
    assert writes(sandbox) == before
    if if_exists == "skip":
        assert run.xcoms["create"]["outcome"] == "unchanged"
    else:
        assert "is named 'Holiday Renewals'" in str(run.errors["create"])


def pause(sandbox: SandboxServer, client_settings, name: str) -> None:
    from airflow_provider_engagevoice.client.client import EngageVoiceClient

    with EngageVoiceClient(client_settings) as client:
        found = client.find_campaign(name)
        client.update_campaign(
            found.dial_group_id, found.campaign_id, found.campaign.with_changes({"isActive": 0})
        )


@pytest.mark.parametrize(("enforce", "state", "outcome"), [(False, 0, "unchanged"), (True, 1, "updated")])
@pytest.mark.few(1)
def test_a_users_pause_is_kept_unless_the_state_is_enforced(
    sandbox, run_dag, client_settings, enforce, state, outcome
) -> None:
    dates = {"campaign_start": "2099-11-01", "campaign_end": "2099-12-24"}
    with make_dag("first") as dag:
        create(**dates)
    assert run_dag(dag).xcoms["create"]["is_active"] == 1
    pause(sandbox, client_settings, "Holiday Renewals")
    with make_dag("second") as dag:
        create(**dates, enforce_active=enforce)
    xcom = run_dag(dag).xcoms["create"]
    assert (xcom["is_active"], xcom["outcome"]) == (state, outcome)


def test_the_default_state_is_inactive(sandbox, run_dag) -> None:
    with make_dag("inactive") as dag:
        create(is_active=None)
    assert run_dag(dag).xcoms["create"]["is_active"] == 0


def test_two_campaigns_with_the_name_are_an_error_with_both_ids(sandbox, run_dag) -> None:
    fields = {
        "campaignName": "Holiday Renewals",
        "callerId": "4155550123",
        "startDate": "2099-07-01T07:00:00.000+0000",
        "endDate": "2099-08-01T07:00:00.000+0000",
    }
    ids = [_post(sandbox, fields) for _ in range(2)]
    with make_dag("ambiguous") as dag:
        create()
    run = run_dag(dag)
    assert run.states == {"create": "failed"}
    assert all(str(one) in str(run.errors["create"]) for one in ids)
    assert len(campaigns(sandbox, "Holiday Renewals")) == 2


def _post(sandbox: SandboxServer, fields: dict[str, object]) -> int:
    import httpx

    from airflow_provider_engagevoice.sandbox import credentials

    url = f"{sandbox.url}/voice/api/v1/admin/accounts/{ACCOUNT_ID}/dialGroups/{seed.OUTBOUND_RENEWALS_ID}"
    answer = httpx.post(f"{url}/campaigns", json=fields, headers={"X-Auth-Token": credentials.API_TOKEN})
    return int(answer.raise_for_status().json()["campaignId"])


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "reset", "empty", "html"])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.few(1)
def test_a_lost_response_ends_with_one_campaign(sandbox, run_dag, fault, method) -> None:
    with make_dag(f"lost_{fault}_{method}") as dag:
        create()
    sandbox.add_fault(fault, method=method, path=r"/campaigns")
    run = run_dag(dag)
    assert run.states == {"create": "success"}
    assert len(campaigns(sandbox, "Holiday Renewals")) == 1
    names = [row["campaignName"] for row in sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)]
    assert sorted(names) == ["Holiday Renewals", "Holiday Renewals 2025"]


def test_mapped_tasks_and_xcom_input(sandbox, run_dag) -> None:
    with make_dag("mapped") as dag:

        @task
        def names() -> list[str]:
            return ["North", "South", "West"]

        @task
        def group() -> str:
            return "Outbound Renewals"

        EngageVoiceCreateCampaignOperator.partial(
            task_id="create",
            dial_group=group(),
            campaign_start="2099-11-01",
            campaign_end="2099-12-24",
            timezone="America/Los_Angeles",
            caller_id="4155550123",
        ).expand(campaign_name=names())
    run = run_dag(dag)
    created = {run.xcoms[f"create[{index}]"]["campaign_name"] for index in range(3)}
    assert created == {"North", "South", "West"}
    assert len({run.xcoms[f"create[{index}]"]["campaign_id"] for index in range(3)}) == 3
