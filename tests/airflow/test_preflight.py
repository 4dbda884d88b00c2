"""A preflight of campaigns without a season, and in the plan of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.preflight import EngageVoicePreflightOperator
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.storage import ObjectStorage
from airflow_provider_engagevoice.utils.preflight_arguments import rules_of

GROUP = seed.OUTBOUND_RENEWALS_ID
NAME = "Holiday Renewals 2025"
STRICT = {
    "id": "ours",
    "country": "USA",
    "check": "hours",
    "value": {"mon-sun": "09:00-17:00"},
    "source": "our lawyers",
    "as_of": "2026-11-01",
    "primary": True,
    "text": "In office hours.",
}


def preflight(dag_id: str, **arguments: Any) -> DAG:
    with DAG(dag_id, schedule=None) as dag:
        EngageVoicePreflightOperator(task_id="preflight", **{"dial_group": GROUP, **arguments})
    return dag


def test_campaigns_and_their_list_are_checked(sandbox, run_dag, tmp_path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("state,mobile,firstName\nFL,3055550123,Ann\n,2055550123,Bob\n,2055550124,Cid\n")
    run = run_dag(
        preflight(
            "preflight_leads",
            campaigns=[NAME],
            source=str(leads),
            mapping={"mobile": "leadPhone"},
            output_path=f"{tmp_path}/findings.json",
        )
    )
    result = run.xcoms["preflight"]
    assert (result["campaigns"], result["leads"], result["findings"]["error"]) == (1, 3, 0)
    found = {one["rule"]: one for one in json.loads(Path(result["output_path"]).read_text())}
    assert found["us-fl-attempts"]["campaigns"] == [f"Outbound Renewals / {NAME}"]
    assert (found["us-fl-attempts"]["leads"], found["us-al-holidays"]["leads"]) == (1, 2)
    text = Path(result["markdown_path"]).read_text()
    assert text.startswith("# Preflight\n\n## Findings\n")
    assert not any(word in text + json.dumps(found) for word in ("Ann", "3055550123"))


def test_errors_fail_the_task_unless_they_are_accepted(sandbox, run_dag, tmp_path) -> None:
    given = {"rules": {"rules": [STRICT]}, "output_path": f"{tmp_path}/findings.json"}
    run = run_dag(preflight("preflight_error", **given))
    assert "accept_findings=['ours']" in str(run.errors["preflight"])
    assert (tmp_path / "findings.md").exists()
    run = run_dag(preflight("preflight_accepted", **given, accept_findings=["ours"]))
    assert run.xcoms["preflight"]["findings"]["error"] == 1
    assert run.xcoms["preflight"]["leads"] is None


def test_an_error_in_a_plan_stops_its_apply_and_is_accepted_by_name(sandbox, run_dag, tmp_path) -> None:
    (tmp_path / "rules.yaml").write_text(f"rules: [{json.dumps(STRICT)}]")
    season = {
        "season": "spring",
        "defaults": {"caller_id": "4155550123", "hours": {"mon-fri": "09:00-17:30"}},
        "regions": {"west": {"timezone": "America/Los_Angeles", "dial_group": GROUP, "state": "CA"}},
        "campaigns": [{"name": "Renewals {region}", "window": ["2027-03-01", "2027-03-31"]}],
    }
    (tmp_path / "west.jsonl").write_text('{"tel": "3055550123", "state": "FL"}\n{"tel": "2055550123"}\n')
    for accepted in (None, ["ours"]):
        with DAG(f"season_preflight_{bool(accepted)}", schedule=None) as dag:
            plan = EngageVoicePlanSeasonOperator(
                task_id="plan",
                season=season,
                record_path=f"{tmp_path}/seasons",
                output_path=f"{tmp_path}/plan.json",
                rules=f"{tmp_path}/rules.yaml",
                leads={"west": f"{tmp_path}/west.jsonl"},
                leads_mapping={"tel": "leadPhone"},
            )
            EngageVoiceApplySeasonOperator(
                task_id="apply", plan=plan.output, **({"accept_findings": accepted} if accepted else {})
            )
        run = run_dag(dag)
        assert run.xcoms["plan"]["findings"]["error"] == 1
        assert run.states["apply"] == ("success" if accepted else "failed")
    found = {
        one["rule"]: one["leads"] for one in json.loads((tmp_path / "plan.json").read_text())["findings"]
    }
    assert (found["ours"], found["us-al-holidays"], found["area-codes-alone"]) == (2, 1, 1)
    (record,) = (tmp_path / "seasons" / "spring").glob("0001-*.json")
    assert json.loads(record.read_text())["accepted_findings"] == ["ours"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rules": {"rules": [{"id": "us-hours", "checks": 1}]}}, "rules.us-hours.checks=1 is not usable"),
        ({"rules": 7.5}, "rules=7.5 is not usable"),
        ({"output_path": "findings.csv"}, "the name of the file must end in .json"),
        ({"source_format": "xml"}, "source_format='xml' is not usable"),
        ({"country": "Atlantis"}, "country='Atlantis' is not usable"),
        ({"accept_findings": [""]}, "accept_findings='' is not usable"),
    ],
)
def test_literal_mistakes_are_errors_of_the_dag_file(arguments, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        preflight("preflight_mistake", **arguments)


def test_lists_of_a_region_that_the_season_lacks_are_an_error(sandbox, tmp_path) -> None:
    plan = EngageVoicePlanSeasonOperator(
        task_id="plan",
        season={
            "season": "spring",
            "regions": {"west": {"timezone": "UTC", "dial_group": GROUP, "caller_id": "4155550123"}},
            "campaigns": [{"name": "C", "window": ["2027-03-01", "2027-03-31"]}],
        },
        record_path=f"{tmp_path}/seasons",
        output_path=f"{tmp_path}/plan.json",
        leads={"wset": "leads.csv"},
    )
    with pytest.raises(
        AirflowFailException, match=r"leads.wset=.* the season has no such region; nearest: 'west'"
    ):
        plan.execute({})
    with pytest.raises(InvalidInputError, match=r"leads='leads.csv' is not usable: write a mapping such as"):
        EngageVoicePlanSeasonOperator(
            task_id="plan", season="s.yaml", record_path="r", output_path="p.json", leads="leads.csv"
        )


@pytest.mark.parametrize("text", [b"as_of: 2027-13-01", b"a: b: c", b"\xff", b"rules: !!python/name:x"])
def test_a_file_that_is_not_yaml_is_an_error(tmp_path, text) -> None:
    (tmp_path / "rules.yaml").write_bytes(text)
    with pytest.raises(InvalidInputError, match="the file is not YAML: "):
        rules_of("rules.yaml", str(tmp_path), ObjectStorage(None))
