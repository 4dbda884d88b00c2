"""Keeping what is being dialed, and guarding the share of calls that nobody took."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AssetAlias
from airflow.utils.session import create_session
from sqlalchemy import text

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.statistics import (
    EngageVoiceAbandonRateGuardOperator,
    EngageVoiceCampaignStatsOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.leads.statistics import day_of
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT
from tests.support.connections import ACCOUNT_ID

SEEDED = seed.HOLIDAY_RENEWALS_2025_ID
GROUP = seed.OUTBOUND_RENEWALS_ID
NAME = "Holiday Renewals 2025"


def dag_of(operator: type, dag_id: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        operator(task_id="it", **arguments)
    return dag


def stats(dag_id: str, **arguments: object) -> DAG:
    return dag_of(EngageVoiceCampaignStatsOperator, dag_id, **arguments)


def guard(dag_id: str, **arguments: object) -> DAG:
    return dag_of(EngageVoiceAbandonRateGuardOperator, dag_id, **({"campaigns": SEEDED} | arguments))


@pytest.fixture
def calls(sandbox):
    """Count calls of today, as if the dialer had placed them."""

    def count(campaign_id: int = SEEDED, **counts: int) -> None:
        day = day_of(DEFAULT_ACCOUNT, datetime.now(UTC))
        sandbox.backend.statistics.count(campaign_id, day, counts)

    return count


@pytest.fixture
def others(client_settings) -> list[int]:
    """Two more active campaigns, in another dial group."""
    with EngageVoiceClient(client_settings) as client:
        ids = []
        for name in ("Spring", "Summer"):
            body = client.get_campaign(GROUP, SEEDED).with_changes({"campaignName": name})
            made = client.create_campaign(seed.WINBACK_ID, body)
            active = made.with_changes({"isActive": 1})
            ids.append(client.update_campaign(seed.WINBACK_ID, made.campaignId, active).campaignId)
    return ids


def is_active(sandbox, campaign_id: int) -> int:
    rows = sandbox.store.all_campaigns()
    return next(row["isActive"] for row in rows if row["campaignId"] == campaign_id)


def asked(sandbox) -> int:
    return sum("realTimeData" in one.path for one in sandbox.requests())


def test_every_campaign_takes_one_request(sandbox, run_dag, others, calls) -> None:
    calls(connects=10, answer=6, abandon=1)
    rows = run_dag(stats("all")).xcoms["it"]
    assert {row["campaignId"] for row in rows} == {row["campaignId"] for row in sandbox.store.all_campaigns()}
    (row,) = [row for row in rows if row["campaignId"] == SEEDED]
    assert (row["connects"], row["answer"], row["abandon"], row["ready"]) == (10, 6, 1, 0)
    assert row["dialGroupName"] == "Outbound Renewals"
    assert asked(sandbox) == 1


@pytest.mark.parametrize(
    "campaigns",
    [
        SEEDED,
        str(SEEDED),
        NAME,
        {"campaign_id": SEEDED, "dial_group_id": GROUP},
        [NAME],
        ["{{ dag_run.conf['it'] }}"],
    ],
)
def test_campaigns_are_named_in_any_way(sandbox, run_dag, others, campaigns) -> None:
    (row,) = run_dag(stats("named", campaigns=campaigns), conf={"it": SEEDED}).xcoms["it"]
    assert row["campaignId"] == SEEDED


def test_rows_go_to_storage(sandbox, run_dag, others, tmp_path: Path) -> None:
    path = tmp_path / "days" / "today.jsonl"
    path.parent.mkdir()
    path.write_text("yesterday's")
    run = run_dag(stats("stored", campaigns=[others[1], NAME], path=f"file://{path}"))
    assert run.xcoms["it"] == {"rows": 2, "path": f"file://{path}"}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["campaignId"] for row in rows] == [others[1], SEEDED]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("campaigns", "message"),
    [
        ("Holiday Renewals 2024", "nearest: 'Holiday Renewals 2025'"),
        ("None", "did a template render to None"),
        ([], "name at least one"),
        (99, "no campaign 99"),
    ],
)
def test_a_campaign_without_a_row_is_named(sandbox, run_dag, campaigns, message) -> None:
    run = run_dag(stats("unknown", campaigns=campaigns))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])


def test_the_guard_lets_a_rate_at_the_threshold_pass(sandbox, run_dag, calls) -> None:
    calls(connects=100, answer=60, machine=37, abandon=3)
    assert run_dag(guard("at")).xcoms["it"] == {
        "campaigns": [
            {
                "campaign_id": SEEDED,
                "dial_group_id": GROUP,
                "campaign_name": NAME,
                "connects": 100,
                "abandon": 3,
                "rate": 0.03,
                "live_rate": 0.04762,
                "breached": False,
            }
        ],
        "paused": [],
    }


def test_the_guard_warns_of_the_rate_among_people(sandbox, run_dag, calls, capfd, caplog) -> None:
    caplog.set_level("WARNING")
    calls(connects=100, answer=60, machine=37, abandon=3)
    assert run_dag(guard("live")).states == {"it": "success"}
    assert "answered by people 4.76%" in capfd.readouterr().out + caplog.text


def test_few_calls_mean_nothing(sandbox, run_dag, calls) -> None:
    calls(connects=99, answer=49, abandon=50)
    assert run_dag(guard("few")).states == {"it": "success"}
    run = run_dag(guard("fewer", min_connects="99"))
    assert run.states == {"it": "failed"}


def test_the_guard_fails_the_task_with_the_numbers(sandbox, run_dag, calls) -> None:
    calls(connects=1000, answer=900, abandon=31)
    run = run_dag(guard("over", campaigns=NAME))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    for part in (str(SEEDED), NAME, "31 of 1000", "3.10%", "3.00% from 100"):
        assert part in str(run.errors["it"])
    assert not [one for one in sandbox.requests() if one.method == "PUT"]


def test_the_guard_pauses_those_over_the_threshold(sandbox, run_dag, others, calls) -> None:
    spring, summer = others
    for campaign_id in others:
        assert is_active(sandbox, campaign_id) == 1
    calls(spring, connects=200, answer=180, abandon=20)
    calls(summer, connects=200, answer=196, abandon=4)
    run = run_dag(guard("pause", campaigns=others, threshold="0.02", on_breach="pause"))
    assert run.states == {"it": "success"}
    assert run.xcoms["it"]["paused"] == [spring]
    assert [one["breached"] for one in run.xcoms["it"]["campaigns"]] == [True, False]
    assert (is_active(sandbox, spring), is_active(sandbox, summer)) == (0, 1)
    again = run_dag(guard("again", campaigns=others, threshold=0.02, on_breach="pause"))
    assert again.xcoms["it"]["paused"] == [spring]


def test_a_paused_campaign_is_an_event_of_its_asset(sandbox, run_dag, others, calls) -> None:
    spring = others[0]
    calls(spring, connects=200, answer=180, abandon=20)
    with DAG("events", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceAbandonRateGuardOperator.partial(
            task_id="it", on_breach="pause", outlets=[AssetAlias("guarded")]
        ).expand(campaigns=others)
    run = run_dag(dag)
    assert [run.xcoms[f"it[{index}]"]["paused"] for index in (0, 1)] == [[spring], []]
    asset = "asset" if airflow_version.startswith("3.") else "dataset"
    with create_session() as session:
        found = session.execute(
            text(
                f"select {asset}.uri, {asset}_event.extra from {asset}_event"
                f" join {asset} on {asset}.id = {asset}_event.{asset}_id"
                f" join {asset}_alias_{asset}_event as link on link.event_id = {asset}_event.id"
                f" join {asset}_alias on {asset}_alias.id = link.alias_id"
                f" where {asset}_alias.name = 'guarded'"
            )
        ).all()
    ((uri, extra),) = found
    assert uri == f"engagevoice://{ACCOUNT_ID}/{seed.WINBACK_ID}/{spring}"
    assert json.loads(extra)["is_active"] == 0


def test_one_that_cannot_be_paused_keeps_no_other_dialing(sandbox, run_dag, others, calls) -> None:
    spring, summer = others
    for campaign_id in others:
        calls(campaign_id, connects=200, answer=180, abandon=20)
    sandbox.add_fault("status", method="PUT", path=rf"/campaigns/{spring}$", status=403, times=1)
    run = run_dag(guard("both", campaigns=others, on_breach="pause"))
    assert run.states == {"it": "failed"}
    assert str(spring) in str(run.errors["it"])
    assert (is_active(sandbox, spring), is_active(sandbox, summer)) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 3}, "threshold=3"),
        ({"threshold": "three"}, "threshold='three'"),
        ({"threshold": True}, "threshold=True"),
        ({"min_connects": 0}, "min_connects=0"),
        ({"min_connects": "1.5"}, "min_connects='1.5'"),
        ({"on_breach": "stop"}, "write 'fail' or 'pause'"),
        ({"campaigns": None}, "campaigns"),
        ({"campaigns": "{{ none }}"}, "did a template render to None"),
    ],
)
def test_bad_input_to_the_guard_is_named_and_nothing_is_asked(sandbox, run_dag, arguments, message) -> None:
    run = run_dag(guard("bad", **arguments))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not asked(sandbox)


def test_a_transient_failure_is_retried_by_the_client(sandbox, run_dag, calls) -> None:
    sandbox.add_fault("status", path="realTimeData", status=503, times=1)
    assert run_dag(guard("transient")).states == {"it": "success"}
