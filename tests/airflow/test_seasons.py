"""Seasons in DAGs: plan, apply, verify, drift."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow.providers.common.compat.standard import triggers

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.seasons import Defaults, Region, Season, SeasonCampaign, Wave
from airflow_provider_engagevoice.sensors.season_drift import EngageVoiceSeasonDriftSensor
from tests.support.connections import ACCOUNT_ID

SEASON: dict[str, Any] = {
    "season": "spring",
    "defaults": {"caller_id": "4155550123"},
    "regions": {
        "west": {"timezone": "America/Los_Angeles", "dial_group": "Outbound Renewals"},
        "east": {"timezone": "America/New_York", "dial_group": seed.WINBACK_ID},
    },
    "campaigns": [{"name": "Renewals {region}", "window": ["2027-03-01", "{{ params.last_day }}"]}],
}


def season_dag(name: str, tmp_path: Path, season: Any = SEASON) -> DAG:
    with DAG(name, schedule=None, params={"last_day": "2027-03-31"}) as dag:
        plan = EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=season,
            record_path=f"{tmp_path}/seasons",
            output_path=f"{tmp_path}/plans/{{{{ run_id }}}}.json",
        )
        apply = EngageVoiceApplySeasonOperator(task_id="apply", plan=plan.output)
        EngageVoiceVerifySeasonOperator(task_id="verify", record=apply.output)
    return dag


def campaigns(sandbox: Any) -> dict[str, dict[str, Any]]:
    return {row["campaignName"]: row for row in sandbox.store.all_campaigns()}


def edit(sandbox: Any, name: str, **changes: Any) -> None:
    """Change a campaign as a person does."""
    row = campaigns(sandbox)[name]
    ids = ACCOUNT_ID, seed.WINBACK_ID, row["campaignId"]
    sandbox.store.replace_campaign(*ids, {**row, **changes}, request_id="person")


@pytest.mark.slow
def test_a_second_run_finds_nothing_to_do_and_a_changed_file_updates(sandbox, run_dag, tmp_path) -> None:
    dag = season_dag("spring_again", tmp_path)
    assert run_dag(dag).xcoms["apply"]["outcomes"] == {"created": 2}
    again = run_dag(dag)
    assert again.xcoms["plan"]["has_changes"] is False
    assert again.xcoms["apply"]["outcomes"] == {"unchanged": 2}
    requests = len(sandbox.requests())
    longer = run_dag(dag, conf={"last_day": "2027-04-15"})
    assert longer.xcoms["apply"]["outcomes"] == {"updated": 2}
    writes = [one for one in sandbox.requests()[requests:] if one.method in ("PUT", "POST", "DELETE")]
    assert [one.method for one in writes if "campaigns" in one.path] == ["PUT", "PUT"]
    assert campaigns(sandbox)["Renewals east"]["endDate"] == "2027-04-16T03:59:59.000+0000"
    last = json.loads((tmp_path / "seasons" / "spring" / "latest.json").read_text())
    assert (last["serial"], last["status"]) == (3, "applied")


@pytest.mark.slow
@pytest.mark.parametrize("deferrable", [False, True])
def test_what_a_person_changes_is_drift(sandbox, run_dag, tmp_path, deferrable) -> None:
    run_dag(season_dag("spring_drift", tmp_path))
    edit(sandbox, "Renewals east", callerId="4155550188", isActive=1)
    with DAG(f"drift_{deferrable}", schedule=None) as dag:
        EngageVoiceSeasonDriftSensor(
            task_id="drift", record=f"{tmp_path}/seasons/spring", deferrable=deferrable, timeout=60
        )
        EngageVoiceVerifySeasonOperator(task_id="verify", record=f"{tmp_path}/seasons/spring")
    run = run_dag(dag)
    assert run.states == {"drift": "success", "verify": "failed"}
    (found,) = run.xcoms["drift"]
    assert (found["name"], found["what"], found["may_dial"]) == ("Renewals east", "changed", True)
    assert found["fields"] == {"callerId": ["4155550123", "4155550188"]}
    assert "and it may dial: callerId '4155550123' → '4155550188'" in str(run.errors["verify"])


@pytest.mark.slow
def test_what_changed_since_the_plan_is_left_and_the_others_go_on(sandbox, run_dag, tmp_path) -> None:
    dag = season_dag("spring_changed", tmp_path)
    run_dag(dag)
    with DAG("spring_plan", schedule=None, params={"last_day": "2027-04-15"}) as plan_dag:
        EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=SEASON,
            record_path=f"{tmp_path}/seasons",
            output_path=f"{tmp_path}/plan.json",
        )
    run_dag(plan_dag)
    edit(sandbox, "Renewals east", endDate="2027-05-01T00:00:00.000+0000")
    with DAG("spring_apply", schedule=None) as apply_dag:
        EngageVoiceApplySeasonOperator(task_id="apply", plan=f"{tmp_path}/plan.json")
    run = run_dag(apply_dag)
    error = run.errors["apply"]
    assert isinstance(error, AirflowFailException)
    assert "1 of 2 campaigns were not applied" in str(error)
    assert "'Renewals east' in dial group 'Winback': changed since the plan: endDate was" in str(error)
    assert campaigns(sandbox)["Renewals east"]["endDate"] == "2027-05-01T00:00:00.000+0000"
    assert campaigns(sandbox)["Renewals west"]["endDate"] == "2027-04-16T06:59:59.000+0000"
    edit(sandbox, "Renewals east", endDate="2027-04-01T03:59:59.000+0000")
    with DAG("spring_verify", schedule=None) as verify_dag:
        EngageVoiceVerifySeasonOperator(task_id="verify", record=f"{tmp_path}/seasons/spring")
    error = run_dag(verify_dag).errors["verify"]
    assert "1 of 2 campaigns were not applied: 'Renewals east'" in str(error)


@pytest.mark.slow
def test_waves_are_applied_one_after_the_other_without_a_worker_between(
    sandbox, run_dag, tmp_path, monkeypatch
) -> None:
    waits: list[float] = []

    class Skipping(triggers.TimeDeltaTrigger):
        """Ends at once, and sets the clock to the end of its wait."""

        def __init__(self, delta: timedelta) -> None:
            waits.append(delta.total_seconds())
            clock.sleep(waits[-1])
            super().__init__(timedelta(0))

    monkeypatch.setattr(triggers, "TimeDeltaTrigger", Skipping)
    season = SEASON | {"waves": [{"regions": ["east"]}, {"regions": "rest", "after": "1m"}]}
    dag = season_dag("spring_waves", tmp_path, season)
    run = run_dag(dag)
    assert set(run.states.values()) == {"success"}, run.errors
    assert waits == [pytest.approx(60, abs=5)]
    ids = {name: row["campaignId"] for name, row in campaigns(sandbox).items()}
    assert ids["Renewals east"] < ids["Renewals west"]


@pytest.mark.slow
def test_the_verify_tells_what_waits_for_the_next_wave(sandbox, run_dag, tmp_path, capfd, caplog) -> None:
    caplog.set_level("INFO")
    run_dag(season_dag("spring_waiting", tmp_path))
    (path,) = (tmp_path / "seasons" / "spring").glob("0001-*.json")
    record = json.loads(path.read_text())
    key = next(key for key in record["changes"] if key.endswith("/Renewals west"))
    record["changes"][key]["outcome"] = "pending"
    with DAG("verify_waiting", schedule=None) as dag:
        EngageVoiceVerifySeasonOperator(task_id="verify", record=f"{tmp_path}/seasons/spring")

    def verify(**state: Any) -> Any:
        path.write_text(json.dumps(record | state))
        return run_dag(dag)

    now = time.time()
    run = verify(status="waiting", waits_until=now + 3600)
    assert run.xcoms["verify"] == {"season": "spring", "record": path.name, "campaigns": 2, "waiting": 1}
    log = capfd.readouterr().out + caplog.text
    assert re.search("1 campaigns wait for the next wave at 20.*: 'Renewals west'", log)
    late = verify(status="waiting", waits_until=now - 3600)
    assert "1 of 2 campaigns were not applied: 'Renewals west'" in str(late.errors["verify"])
    running = verify(status="applying", written_at=now)
    assert "another apply of season 'spring' is running" in str(running.errors["verify"])


@pytest.mark.slow
def test_a_season_from_objects_is_the_same(sandbox, run_dag, tmp_path) -> None:
    season = Season(
        season="spring",
        defaults=Defaults(caller_id="4155550123"),
        regions={
            "west": Region(timezone="America/Los_Angeles", dial_group="Outbound Renewals"),
            "east": Region(timezone="America/New_York", dial_group=seed.WINBACK_ID),
        },
        campaigns=[SeasonCampaign(name="Renewals {region}", window=["2027-03-01", "{{ params.last_day }}"])],
        waves=[Wave(regions="rest")],
    )
    run = run_dag(season_dag("spring_objects", tmp_path, season))
    assert set(run.states.values()) == {"success"}, run.errors
    assert run.xcoms["apply"]["outcomes"] == {"created": 2}


def test_mistakes_of_a_file_name_line_and_column_and_send_nothing(sandbox, run_dag, tmp_path) -> None:
    path = tmp_path / "bad.season.yaml"
    path.write_text(
        "season: spring\n"
        "regions:\n"
        "  west: {timezone: America/Los_Angles, dial_group: 115802, caller_id: 4155550123}\n"
        "campaigns:\n"
        "  - {name: 'A {region}', window: ['{{ run_id[:0] }}2027-03-01', 2027-03-31]}\n"
        "  - {name: B, window: [2027-04-30, 2027-03-31]}\n"
    )
    with DAG("bad_season", schedule=None) as dag:
        EngageVoicePlanSeasonOperator(
            task_id="plan",
            season=str(path),
            record_path=str(tmp_path),
            output_path=f"{tmp_path}/plan.json",
        )
    error = str(run_dag(dag).errors["plan"])
    path.write_text(path.read_text().replace("run_id[:0]", "no_such"))
    found = str(run_dag(dag).errors["plan"])
    assert f"{path}:5:35: campaigns[0].window[0]='{{{{ no_such }}}}2027-03-01' is not usable" in found
    assert "the template cannot be rendered: UndefinedError" in found
    assert f"{path}:3:10: regions.west.timezone='America/Los_Angles' is not usable: " in error
    assert "nearest: 'America/Los_Angeles'" in error
    assert not sandbox.requests()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"season": 7}, "season"),
        ({"output_path": "plan.yaml"}, r"output_path='plan.yaml'.*must end in .json"),
        ({"season": ""}, "season"),
        ({"season": "{'season': 'spring'}"}, "a mapping was rendered to text; pass task.output"),
    ],
)
def test_literal_mistakes_are_errors_of_the_dag_file(arguments, message) -> None:
    given = {"season": "a.season.yaml", "record_path": "r", "output_path": "p.json"} | arguments
    with pytest.raises(InvalidInputError, match=message):
        EngageVoicePlanSeasonOperator(task_id="plan", **given)


@pytest.mark.slow
@pytest.mark.skipif(airflow_version.startswith("2."), reason="assets have no names there")
def test_an_apply_adds_events_to_the_season_and_its_campaigns(sandbox, run_dag, tmp_path) -> None:
    from airflow.utils.session import create_session
    from sqlalchemy import text

    run_dag(season_dag("spring_events", tmp_path, SEASON | {"season": "events"}))
    with create_session() as session:
        uris = [uri for (uri,) in session.execute(text("select uri from asset"))]
    assert f"engagevoice://{ACCOUNT_ID}/seasons/events" in uris


@pytest.mark.slow
def test_the_dates_of_a_plan_are_those_of_the_run(sandbox, run_dag, tmp_path) -> None:
    window = ["{{ macros.ds_add('2027-01-31', 1) }}", "2027-03-31"]
    season = SEASON | {"campaigns": [{"name": "R {region}", "window": window}]}
    run = run_dag(season_dag("spring_dates", tmp_path, season))
    assert set(run.states.values()) == {"success"}, run.errors
    assert campaigns(sandbox)["R west"]["startDate"] == "2027-02-01T08:00:00.000+0000"
