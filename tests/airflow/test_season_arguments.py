"""Seasons in DAG files: what is wrong in a mapping is an error of the file, and tasks may be mapped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.seasons import Region, Season, SeasonCampaign

REGION: dict[str, Any] = {
    "timezone": "America/New_York",
    "dial_group": seed.WINBACK_ID,
    "caller_id": "4155550123",
}


def season(title: str = "spring", **campaign: Any) -> dict[str, Any]:
    window = ["2027-03-01", "2027-03-31"]
    return {
        "season": title,
        "regions": {"east": REGION},
        "campaigns": [{"name": f"{title} {{region}}", "window": window, **campaign}],
    }


def plan(given: Any) -> EngageVoicePlanSeasonOperator:
    return EngageVoicePlanSeasonOperator(task_id="plan", season=given, record_path="r", output_path="p.json")


def test_all_mistakes_of_a_mapping_are_errors_of_the_dag_file() -> None:
    given = season(windows=1, settings={"maxRingTime": 99}) | {"waves": [{"regions": ["west"]}]}
    with pytest.raises(InvalidInputError) as caught:
        plan(given)
    assert [line.partition(" ")[0] for line in str(caught.value).splitlines()] == [
        "campaigns[0].windows:",
        "waves[0].regions:",
        "waves:",
    ]
    del given["campaigns"][0]["windows"]
    with pytest.raises(InvalidInputError, match=r"campaigns\[0\].settings.maxRingTime=99 is not usable"):
        plan(given)


def test_mistakes_of_objects_are_errors_of_the_dag_file() -> None:
    wrong = Season(
        season="spring",
        regions={"east": Region(**REGION)},
        campaigns=[SeasonCampaign(name="{regoin}", window=["2027-03-01", "2027-02-31"])],
    )
    with pytest.raises(InvalidInputError, match=r"campaigns\[0\].name='{regoin}' is not usable"):
        plan(wrong)


def test_mapped_literals_are_checked_too() -> None:
    with pytest.raises(InvalidInputError, match="no such key; nearest: 'window'"):
        EngageVoicePlanSeasonOperator.partial(task_id="plan", season=season(windows=1), record_path="r")


def test_a_mapping_with_templates_is_checked_when_it_is_rendered(sandbox, run_dag, tmp_path) -> None:
    with DAG("late", schedule=None) as dag:
        EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=season(window=["{{ '2027-03-01' }}", "2027-02-31"]),
            record_path=str(tmp_path),
            output_path=f"{tmp_path}/p.json",
        )
    error = run_dag(dag).errors["plan"]
    assert isinstance(error, AirflowFailException)
    assert "campaigns[0].window[1]='2027-02-31' is not usable" in str(error)
    assert not sandbox.requests()


def test_templates_are_rendered_once(sandbox, run_dag, tmp_path) -> None:
    with DAG("once", schedule=None, params={"name": "{{ run_id }}"}) as dag:
        EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=season("{{ 'spring' }}", name="{{ params.name }}"),
            record_path=str(tmp_path),
            output_path=f"{tmp_path}/p.json",
        )
    run = run_dag(dag)
    assert run.states == {"plan": "success"}, run.errors
    assert '"name": "{ run_id }"' in (tmp_path / "p.json").read_text()


def test_a_path_imports_no_models(monkeypatch) -> None:
    for name in list(sys.modules):
        if name.startswith("airflow_provider_engagevoice.seasons"):
            monkeypatch.setitem(sys.modules, name, None)
    assert plan("spring.season.yaml").season == "spring.season.yaml"
    EngageVoiceApplySeasonOperator(task_id="apply", plan="plan.json")
    EngageVoiceVerifySeasonOperator(task_id="verify", record="seasons/spring")


def test_mapped_tasks_plan_apply_and_verify(sandbox, run_dag, tmp_path) -> None:
    path = Path(tmp_path, "fall.season.yaml")
    path.write_text(str(season("fall")))
    given = [
        {"season": one, "output_path": f"{tmp_path}/{number}.json"}
        for number, one in enumerate([season("spring"), str(path), season("{{ 'winter' }}")])
    ]
    with DAG("mapped", schedule=None) as dag:
        partial = EngageVoicePlanSeasonOperator.partial(task_id="plan", record_path=f"{tmp_path}/seasons")
        plans = partial.expand_kwargs(given)
        applies = EngageVoiceApplySeasonOperator.partial(task_id="apply").expand(plan=plans.output)
        EngageVoiceVerifySeasonOperator.partial(task_id="verify").expand(record=applies.output)
    run = run_dag(dag)
    assert set(run.states.values()) == {"success"}, run.errors
    assert len(run.states) == 9
    names = sorted(row["campaignName"] for row in sandbox.store.all_campaigns())
    assert {"fall east", "spring east", "winter east"} <= set(names)
    assert len(names) == len(set(names))
