"""Runs of a catchup or backfill, whose windows are over."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

DATES = {
    "campaign_start": "{{ data_interval_end }}",
    "campaign_end": "{{ data_interval_end.add(days=30) }}",
    "timezone": "America/Los_Angeles",
}
TASKS: dict[str, Any] = {
    "create": lambda **more: EngageVoiceCreateCampaignOperator(
        dial_group="Outbound Renewals",
        campaign_name="Renewals {{ ds }}",
        caller_id="4155550123",
        **DATES,
        **more,
    ),
    "clone": lambda **more: EngageVoiceCloneCampaignOperator(
        source_campaign=seed.HOLIDAY_RENEWALS_2025_ID, campaign_name="Renewals {{ ds }}", **DATES, **more
    ),
    "update": lambda **more: EngageVoiceUpdateCampaignOperator(
        campaign=seed.HOLIDAY_RENEWALS_2025_ID, **DATES, **more
    ),
    "mapped": lambda **more: EngageVoiceCreateCampaignOperator.partial(
        dial_group="Outbound Renewals", caller_id="4155550123", **DATES, **more
    ).expand(campaign_name=["North {{ ds }}", "South"]),
}


def run_of_the_past(run_dag: Any, kind: str, **more: Any) -> Any:
    name = f"past_{kind}_{more.get('if_over', 'default').strip('{ }').strip(chr(39))}"
    with DAG(name, schedule="@daily", start_date=pendulum.datetime(2019, 1, 1), catchup=False) as dag:
        TASKS[kind](task_id="it", **more)
    name = "execution_date" if airflow_version.startswith("2.") else "logical_date"
    return run_dag(dag, **{name: pendulum.datetime(2020, 1, 1)})


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("if_over", ["skip", "{{ 'skip' }}"])
@pytest.mark.few(1)
def test_a_run_of_the_past_may_be_skipped(sandbox, run_dag, kind, if_over) -> None:
    assert set(run_of_the_past(run_dag, kind, if_over=if_over).states.values()) == {"skipped"}
    assert not [one for one in sandbox.requests() if one.method in ("PUT", "DELETE")]
    assert not [one for one in sandbox.requests() if one.method == "POST" and "/campaigns" in one.path]


@pytest.mark.parametrize("kind", ["create", "clone", "update"])
@pytest.mark.parametrize("more", [{}, {"if_over": "fail"}])
@pytest.mark.few(3)
def test_a_run_of_the_past_fails_and_says_why(sandbox, run_dag, kind, more) -> None:
    run = run_of_the_past(run_dag, kind, **more)
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    error = str(run.errors["it"])
    assert "the window is already over; for past runs of a catchup or backfill" in error
    # As the template rendered it, and in the campaign's time zone.
    assert error.startswith("campaign_end='2020-01-")
    assert "it is 2020-01-" in error
    assert "-08:00;" in error


@pytest.mark.parametrize(
    "make",
    [
        *(TASKS[kind] for kind in ("create", "clone", "update", "mapped")),
        lambda **more: EngageVoiceCampaignWindowSensor(campaign=7, **more),
    ],
)
def test_another_word_is_an_error_of_the_dag_file(make) -> None:
    with pytest.raises(InvalidInputError, match=r"if_over='ignore'.*must be 'fail' or 'skip'"):
        make(task_id="it", if_over="ignore")
