"""Updating and deleting campaigns from a DAG."""

from __future__ import annotations

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID

SEEDED = seed.HOLIDAY_RENEWALS_2025_ID
GROUP = seed.OUTBOUND_RENEWALS_ID


def one_task(operator: type, dag_id: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        operator(task_id="it", **arguments)
    return dag


def update(dag_id: str, **arguments: object) -> DAG:
    return one_task(EngageVoiceUpdateCampaignOperator, dag_id, **arguments)


def delete(dag_id: str, **arguments: object) -> DAG:
    return one_task(EngageVoiceDeleteCampaignOperator, dag_id, **arguments)


def seeded(sandbox) -> dict[str, object]:
    rows = sandbox.store.campaigns(ACCOUNT_ID, GROUP)
    return next(row for row in rows if row["campaignId"] == SEEDED)


@pytest.mark.parametrize(
    "reference",
    [
        SEEDED,
        str(SEEDED),
        "Holiday Renewals 2025",
        {"campaign_id": SEEDED, "dial_group_id": GROUP},
        {"campaign_name": "Holiday Renewals 2025"},
    ],
)
@pytest.mark.few(1)
def test_only_the_given_fields_change(sandbox, run_dag, reference) -> None:
    before = seeded(sandbox)
    dag = update(
        "update",
        campaign=reference,
        campaign_end="2099-01-31",
        timezone="America/New_York",
        is_active=2,
        schedule={"sat": "10:00-12:00"},
        settings={"maxRingTime": "{{ 20 }}"},
    )
    run = run_dag(dag)
    assert run.states == {"it": "success"}
    assert run.xcoms["it"]["outcome"] == "updated"
    assert seeded(sandbox) == before | {
        "endDate": "2099-02-01T04:59:59.000+0000",
        "isActive": 2,
        "satSched": "10001200",
        "maxRingTime": 20,
    }


def test_a_name_of_digits_can_be_given_as_a_name(sandbox, run_dag) -> None:
    run_dag(update("digits", campaign=SEEDED, campaign_name="20261201"))
    by_id = run_dag(update("by_id", campaign="20261201", is_active=2))
    assert "no campaign with id 20261201" in str(by_id.errors["it"])
    by_name = run_dag(update("by_name", campaign={"campaign_name": "20261201"}, is_active=2))
    assert by_name.xcoms["it"]["campaign_id"] == SEEDED


def test_nothing_is_written_when_nothing_differs(sandbox, run_dag) -> None:
    run = run_dag(update("same", campaign=SEEDED, settings={"maxRingTime": 25}))
    assert run.xcoms["it"]["outcome"] == "unchanged"
    assert not [one for one in sandbox.requests() if one.method == "PUT"]


def test_unknown_fields_are_kept(sandbox, run_dag, client_settings) -> None:
    with EngageVoiceClient(client_settings) as client:
        campaign = client.get_campaign(GROUP, SEEDED)
        client.update_campaign(GROUP, SEEDED, campaign.with_changes({"newThing": {"a": [1, None]}}))
    run_dag(update("unknown", campaign=SEEDED, settings={"maxRingTime": 20}))
    assert seeded(sandbox)["newThing"] == {"a": [1, None]}


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
@pytest.mark.few(1)
def test_a_rename_survives_a_lost_response_and_a_retry(sandbox, run_dag, fault) -> None:
    dag = update("rename", campaign="Holiday Renewals 2025", campaign_name="Winter 2025")
    sandbox.add_fault(fault, method="PUT")
    assert run_dag(dag).xcoms["it"]["outcome"] == "updated"
    again = run_dag(dag)
    assert "there is no campaign named 'Holiday Renewals 2025'" in str(again.errors["it"])
    assert seeded(sandbox)["campaignName"] == "Winter 2025"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"caller_id": "+442071838750"}, "a campaign of USA needs ten digits"),
        ({"campaign_end": "2020-01-01"}, "must be after the start"),
        ({"campaign_end": "2025-12-01"}, "already over"),
        ({"campaign_start": "2099-01-01"}, "must be after the start"),
        ({"settings": "{{ {'isActive': 1} | tojson }}"}, "give it as is_active="),
        ({"campaign_name": "{{ '' }}"}, "must be text"),
        ({"campaign": "Holiday Renewals 2024", "is_active": 1}, "nearest: 'Holiday Renewals 2025'"),
        ({"campaign": "{{ none }}", "is_active": 1}, "did a template render to None"),
    ],
)
@pytest.mark.few(2)
def test_invalid_updates_are_reported_and_nothing_is_written(sandbox, run_dag, arguments, message) -> None:
    run = run_dag(update("bad", **({"campaign": SEEDED} | arguments)))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not [one for one in sandbox.requests() if one.method == "PUT"]


@pytest.mark.parametrize("reference", [SEEDED, "Holiday Renewals 2025"])
def test_delete_and_delete_again(sandbox, run_dag, reference) -> None:
    dag = delete("delete", campaign=reference, dial_group=GROUP)
    first = run_dag(dag).xcoms["it"]
    assert (first["outcome"], first["campaign_id"]) == ("deleted", SEEDED)
    assert sandbox.store.campaigns(ACCOUNT_ID, GROUP) == []
    assert run_dag(dag).xcoms["it"]["outcome"] == "absent"


@pytest.mark.parametrize("fault", ["drop_answer", "reset", "truncate"])
@pytest.mark.few(1)
def test_a_lost_response_to_a_delete_is_a_success(sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, method="DELETE")
    assert run_dag(delete("lost", campaign=SEEDED)).states == {"it": "success"}
    assert sandbox.store.campaigns(ACCOUNT_ID, GROUP) == []


def test_an_unknown_dial_group_is_an_error_even_for_a_delete(sandbox, run_dag) -> None:
    run = run_dag(delete("group", campaign=SEEDED, dial_group="Outbound Renewal"))
    assert run.states == {"it": "failed"}
    assert "nearest: 'Outbound Renewals'" in str(run.errors["it"])


def test_a_created_campaign_is_passed_on_by_xcom(sandbox, run_dag) -> None:
    with DAG("chain", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        create = EngageVoiceCreateCampaignOperator(
            task_id="create",
            dial_group="Outbound Renewals",
            campaign_name="Chained",
            campaign_start="2099-01-01",
            campaign_end="2099-01-31",
            caller_id="4155550123",
        )
        activate = EngageVoiceUpdateCampaignOperator(task_id="activate", campaign=create.output, is_active=1)
        EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=activate.output)
    run = run_dag(dag)
    assert run.xcoms["activate"] == run.xcoms["create"] | {"is_active": 1, "outcome": "updated"}
    assert run.xcoms["delete"]["outcome"] == "deleted"
