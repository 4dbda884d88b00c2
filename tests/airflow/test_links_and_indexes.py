"""The link to the campaign, and what the grid shows for mapped tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG
from jinja2 import Environment

from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoiceVerifySeasonOperator,
)
from airflow_provider_engagevoice.operators.statistics import (
    EngageVoiceAbandonRateGuardOperator,
    EngageVoiceCampaignStatsOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from airflow_provider_engagevoice.sensors.season_drift import EngageVoiceSeasonDriftSensor
from tests.airflow.test_typing import operators

SEEDED = seed.HOLIDAY_RENEWALS_2025_ID
DATES = {
    "campaign_start": "2099-11-01",
    "campaign_end": "2099-12-24",
    "timezone": "America/Los_Angeles",
    "dial_group": "Outbound Renewals",
}


def make_dag(dag_id: str) -> DAG:
    return DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1))


def indexes(dag_id: str) -> list[str]:
    """Return the rendered map indexes of a DAG's task instances."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(TaskInstance.rendered_map_index).filter(TaskInstance.dag_id == dag_id)
        return sorted(str(index) for (index,) in found)


def test_sensors_and_loads_lead_to_the_campaign(sandbox, run_dag, tmp_path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("externId,leadPhone\n1,4155550123\n")
    with make_dag("links") as dag:
        closed = EngageVoiceCampaignWindowSensor(task_id="closed", campaign=SEEDED, wait_for="closed")
        drained = EngageVoiceLeadsDrainedSensor(task_id="drained", campaign="Holiday Renewals 2025")
        closed >> drained >> EngageVoiceLoadLeadsOperator(task_id="load", campaign=SEEDED, source=str(path))
    run = run_dag(dag)
    assert run.states == {"closed": "success", "drained": "success", "load": "success"}
    url = f"{sandbox.url}/voice/admin/#campaign-{SEEDED}"
    assert run.links == {"closed": url, "drained": url, "load": url}


def test_a_failed_task_has_no_link_and_logs_nothing_about_it(sandbox, run_dag, caplog, capfd) -> None:
    caplog.set_level("ERROR")
    with make_dag("no_links") as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=999, is_active=1)
    run = run_dag(dag)
    assert run.states == {"it": "failed"}
    assert not run.links.get("it")
    assert "XCom not found" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("more", [{}, {"map_index_template": "{{ task.task_id }}"}])
@pytest.mark.few(1)
def test_mapped_tasks_show_the_campaigns_name(sandbox, run_dag, more) -> None:
    dag_id = f"indexes_{len(more)}"
    with make_dag(dag_id) as dag:
        EngageVoiceCreateCampaignOperator.partial(
            task_id="it", caller_id="4155550123", **DATES, **more
        ).expand(campaign_name=["North", "South"])
    run_dag(dag)
    assert indexes(dag_id) == (["it", "it"] if more else ["North", "South"])


@pytest.mark.parametrize(
    ("campaign", "shown"),
    [
        (SEEDED, str(SEEDED)),
        ("Holiday Renewals 2025", "Holiday Renewals 2025"),
        ({"campaign_name": "Holiday Renewals 2025"}, "Holiday Renewals 2025"),
        ({"campaign_id": SEEDED, "campaign_name": "Holiday Renewals 2025"}, "Holiday Renewals 2025"),
    ],
)
@pytest.mark.few(1)
def test_a_campaign_is_shown_by_its_name(sandbox, run_dag, campaign: Any, shown) -> None:
    dag_id = f"shown_{len(str(campaign))}"
    with make_dag(dag_id) as dag:
        EngageVoiceUpdateCampaignOperator.partial(task_id="it", is_active=2).expand(campaign=[campaign])
    run_dag(dag)
    assert indexes(dag_id) == [shown]


CAMPAIGN = {"campaign_id": 7, "campaign_name": "Seven"}
DRIFT = {"season": "spring", "record_path": "s3://records/spring"}


@pytest.mark.parametrize(
    ("operator", "arguments", "shown"),
    [
        (EngageVoiceLeadActionOperator, {"campaign": CAMPAIGN}, "Seven"),
        (EngageVoiceLeadActionOperator, {"campaign": None}, "3"),
        (EngageVoiceLeadSearchToStorageOperator, {"campaign": "Eight", "output_path": "a.csv"}, "Eight"),
        (EngageVoiceLeadSearchToStorageOperator, {"campaign": None, "output_path": "a.csv"}, "a.csv"),
        (EngageVoiceCampaignStatsOperator, {"campaigns": CAMPAIGN, "dial_group": 1}, "Seven"),
        (EngageVoiceCampaignStatsOperator, {"campaigns": None, "dial_group": "Winback"}, "Winback"),
        (EngageVoiceAbandonRateGuardOperator, {"campaigns": ["A", "B"], "dial_group": 1}, "['A', 'B']"),
        (EngageVoiceDncOperator, {"source": "numbers.csv", "output_path": None}, "numbers.csv"),
        (EngageVoiceDncOperator, {"source": None, "output_path": None}, "3"),
        (EngageVoiceApplySeasonOperator, {"plan": {"season": "spring", "plan_path": "p.json"}}, "spring"),
        (EngageVoiceVerifySeasonOperator, {"record": "s3://records/spring"}, "s3://records/spring"),
        (EngageVoiceSeasonDriftSensor, {"record": DRIFT}, "spring"),
    ],
)
def test_what_a_mapped_task_is_shown_by(operator: Any, arguments: dict[str, Any], shown: str) -> None:
    template = Environment().from_string(operator.default_map_index)
    assert template.render(task=SimpleNamespace(**arguments), ti=SimpleNamespace(map_index=3)) == shown


def test_every_operator_has_an_index_for_mapped_tasks() -> None:
    assert [one for one in operators() if one.default_map_index is None] == []


@pytest.mark.parametrize("is_active", [None, 1])
@pytest.mark.few(1)
def test_a_clone_says_that_it_is_inactive(sandbox, run_dag, capfd, caplog, is_active) -> None:
    caplog.set_level("INFO")
    with make_dag(f"inactive_{is_active}") as dag:
        EngageVoiceCloneCampaignOperator(
            task_id="it", source_campaign=SEEDED, campaign_name="Copy", is_active=is_active, **DATES
        )
    assert run_dag(dag).states == {"it": "success"}
    said = "a new clone will be inactive" in capfd.readouterr().out + caplog.text
    assert said is (is_active is None)
