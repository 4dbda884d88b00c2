"""Store real-time statistics of campaigns, and limit their abandon rate."""

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
from airflow_provider_engagevoice.exceptions import InvalidInputError
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
    """Count calls of today as if the dialer had placed them."""

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


def statistics_requests(sandbox) -> int:
    return sum("realTimeData" in one.path for one in sandbox.requests())


def test_every_campaign_takes_one_request(sandbox, run_dag, others, calls) -> None:
    calls(connects=10, answer=6, abandon=1)
    rows = run_dag(stats("all")).xcoms["it"]
    assert {row["campaignId"] for row in rows} == {row["campaignId"] for row in sandbox.store.all_campaigns()}
    (row,) = [row for row in rows if row["campaignId"] == SEEDED]
    assert (row["connects"], row["answer"], row["abandon"], row["ready"]) == (10, 6, 1, 0)
    assert row["dialGroupName"] == "Outbound Renewals"
    assert statistics_requests(sandbox) == 1


@pytest.mark.parametrize(
    "campaigns",
    [
        SEEDED,
        str(SEEDED),
        NAME,
        {"campaign_id": SEEDED, "dial_group_id": GROUP},
        {"campaign_name": NAME},
        [NAME],
        ["{{ dag_run.conf['it'] }}"],
    ],
)
@pytest.mark.few(2)
def test_campaigns_are_given_in_any_form(sandbox, run_dag, others, campaigns) -> None:
    (row,) = run_dag(stats("named", campaigns=campaigns), conf={"it": SEEDED}).xcoms["it"]
    assert row["campaignId"] == SEEDED


def test_rows_are_written_to_storage(sandbox, run_dag, others, tmp_path: Path) -> None:
    path = tmp_path / "days" / "today.jsonl"
    path.parent.mkdir()
    path.write_text("yesterday's")
    run = run_dag(stats("stored", campaigns=[others[1], NAME], output_path=f"file://{path}"))
    assert run.xcoms["it"] == {"rows": 2, "path": f"file://{path}"}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["campaignId"] for row in rows] == [others[1], SEEDED]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("campaigns", "message"),
    [
        ("Holiday Renewals 2024", "nearest: 'Holiday Renewals 2025'"),
        ("{{ none }}", "did a template render to None"),
        (99, "no campaign 99"),
    ],
)
def test_a_campaign_without_a_row_is_reported(sandbox, run_dag, campaigns, message) -> None:
    run = run_dag(stats("unknown", campaigns=campaigns))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])


def test_a_rate_at_the_threshold_passes(sandbox, run_dag, calls) -> None:
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


def test_the_rate_among_people_logs_a_warning(sandbox, run_dag, calls, capfd, caplog) -> None:
    caplog.set_level("WARNING")
    calls(connects=100, answer=60, machine=37, abandon=3)
    assert run_dag(guard("live")).states == {"it": "success"}
    assert "answered by people 4.76%" in capfd.readouterr().out + caplog.text


def test_few_calls_are_ignored(sandbox, run_dag, calls) -> None:
    calls(connects=99, answer=49, abandon=50)
    assert run_dag(guard("few")).states == {"it": "success"}
    run = run_dag(guard("fewer", min_connects="99"))
    assert run.states == {"it": "failed"}


def test_the_guard_fails_the_task_with_the_numbers(sandbox, run_dag, calls) -> None:
    calls(connects=1000, answer=900, abandon=31)
    run = run_dag(guard("over", campaigns=NAME))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    for part in (str(SEEDED), NAME, "31 of 1000", "3.10%", "3.00% of at least 100"):
        assert part in str(run.errors["it"])
    assert not [one for one in sandbox.requests() if one.method == "PUT"]


def test_the_log_has_what_the_guard_found_in_one_line(sandbox, calls, caplog, capfd) -> None:
    calls(connects=1000, answer=900, abandon=31)
    with pytest.raises(AirflowFailException) as caught:
        guard("line", campaigns=NAME).get_task("it").execute({})
    lines = "".join([caplog.text, *capfd.readouterr()]).splitlines()
    assert [line for line in lines if "error" in line.lower() and str(caught.value) in line]


def test_the_guard_pauses_campaigns_over_the_threshold(sandbox, run_dag, others, calls) -> None:
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


def test_a_campaign_that_cannot_be_paused_does_not_stop_the_others(sandbox, run_dag, others, calls) -> None:
    spring, summer = others
    for campaign_id in others:
        calls(campaign_id, connects=200, answer=180, abandon=20)
    sandbox.add_fault("status", method="PUT", path=rf"/campaigns/{spring}$", status=403, times=1)
    run = run_dag(guard("both", campaigns=others, on_breach="pause"))
    assert run.states == {"it": "failed"}
    assert str(spring) in str(run.errors["it"])
    assert (is_active(sandbox, spring), is_active(sandbox, summer)) == (1, 0)


LITERAL_MISTAKES = [
    ({"threshold": 3}, "threshold=3"),
    ({"threshold": "three"}, "threshold='three'"),
    ({"threshold": True}, "threshold=True"),
    ({"min_connects": 0}, "min_connects=0"),
    ({"min_connects": "1.5"}, "min_connects='1.5'"),
    ({"on_breach": "stop"}, "must be 'fail' or 'pause'"),
    ({"campaigns": None}, "campaigns=None"),
    ({"campaigns": []}, "must name at least one"),
    ({"campaigns": [SEEDED, ""]}, "campaigns=''"),
    ({"campaigns": "None"}, "did a template render to None"),
    ({"dial_group": 2.5}, "dial_group=2.5"),
]


@pytest.mark.parametrize(("arguments", "message"), LITERAL_MISTAKES)
def test_literal_mistakes_are_import_errors(arguments, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        guard("bad", **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(("arguments", "message"), LITERAL_MISTAKES)
def test_rendered_mistakes_fail_without_a_retry(assert_not_retried, arguments, message) -> None:
    assert_not_retried(guard("bad").get_task("it"), arguments, message)


@pytest.mark.parametrize("old", ["path", "path_conn_id"])
def test_an_old_name_is_reported_with_the_new_one(old) -> None:
    with pytest.raises(TypeError, match=f"'{old}' is now called 'output"):
        stats("old", **{old: "x"})


@pytest.fixture
def namesake(client_settings) -> int:
    """A campaign of the seeded one's name in another dial group."""
    with EngageVoiceClient(client_settings) as client:
        body = client.get_campaign(GROUP, SEEDED).with_changes({"campaignName": NAME})
        return client.create_campaign(seed.WINBACK_ID, body).campaignId


def test_a_name_is_looked_up_in_its_dial_group(sandbox, run_dag, namesake, calls) -> None:
    run = run_dag(stats("ambiguous", campaigns=NAME))
    assert "are all named" in str(run.errors["it"])
    for group, campaign_id in (("{{ 'Outbound Renewals' }}", SEEDED), (seed.WINBACK_ID, namesake)):
        (row,) = run_dag(stats("group", campaigns=NAME, dial_group=group)).xcoms["it"]
        assert row["campaignId"] == campaign_id
    calls(namesake, connects=200, answer=180, abandon=20)
    run = run_dag(guard("its", campaigns=NAME, dial_group=seed.WINBACK_ID, on_breach="pause"))
    assert run.xcoms["it"]["paused"] == [namesake]
    rows = run_dag(stats("whole", dial_group={"dial_group_id": seed.WINBACK_ID})).xcoms["it"]
    assert {row["dialGroupId"] for row in rows} == {seed.WINBACK_ID}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"campaigns": "Spring", "dial_group": GROUP}, f"no campaign 'Spring' in dial group {GROUP}"),
        ({"dial_group": "Outbound"}, "there is no dial group named 'Outbound'"),
    ],
)
def test_a_campaign_of_another_dial_group_is_not_found(sandbox, run_dag, others, arguments, message) -> None:
    assert message in str(run_dag(stats("other", **arguments)).errors["it"])


def test_a_transient_failure_is_retried_by_the_client(sandbox, run_dag, calls) -> None:
    sandbox.add_fault("status", path="realTimeData", status=503, times=1)
    assert run_dag(guard("transient")).states == {"it": "success"}
