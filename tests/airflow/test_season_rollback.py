"""Take the apply of a season back, pause a season and resume it, in DAGs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.operators.season_rollback import (
    EngageVoicePauseSeasonOperator,
    EngageVoiceResumeSeasonOperator,
    EngageVoiceRollbackSeasonOperator,
)
from airflow_provider_engagevoice.operators.seasons import EngageVoiceApplySeasonOperator
from tests.airflow.test_seasons import SEASON, campaigns, edit, season_dag

ACTIVE = SEASON | {"defaults": {"caller_id": "4155550123", "is_active": 1}}


def states(sandbox: Any) -> dict[str, int]:
    return {name: row["isActive"] for name, row in campaigns(sandbox).items() if name.startswith("Renewals")}


def run_operator(run_dag: Any, tmp_path: Path, operator: Any) -> Any:
    with DAG(f"{operator.__name__}_{tmp_path.name}", schedule=None) as dag:
        operator(task_id="it", record=f"{tmp_path}/seasons/spring")
    return run_dag(dag)


def roll_back(run_dag: Any, tmp_path: Path) -> Any:
    with DAG(f"rollback_{tmp_path.name}", schedule=None) as dag:
        plan = EngageVoiceRollbackSeasonOperator(
            task_id="plan", record=f"{tmp_path}/seasons/spring", output_path=f"{tmp_path}/rollback.json"
        )
        EngageVoiceApplySeasonOperator(task_id="apply", plan=plan.output)
    return run_dag(dag)


def test_a_season_is_paused_and_resumed_and_what_a_person_paused_stays_so(sandbox, run_dag, tmp_path) -> None:
    run_dag(season_dag("paused", tmp_path, ACTIVE))
    edit(sandbox, "Renewals east", isActive=0)
    run = run_operator(run_dag, tmp_path, EngageVoicePauseSeasonOperator)
    assert run.xcoms["it"]["outcomes"] == {"updated": 1}
    assert states(sandbox) == {"Renewals west": 0, "Renewals east": 0}
    run = run_operator(run_dag, tmp_path, EngageVoiceResumeSeasonOperator)
    assert run.xcoms["it"]["outcomes"] == {"updated": 1}
    assert states(sandbox) == {"Renewals west": 1, "Renewals east": 0}


@pytest.mark.slow
def test_an_update_is_taken_back_but_not_what_others_have_changed(sandbox, run_dag, tmp_path) -> None:
    dag = season_dag("taken_back", tmp_path, ACTIVE)
    run_dag(dag)
    run_dag(dag, conf={"last_day": "2027-04-15"})
    edit(sandbox, "Renewals east", endDate="2027-05-01T00:00:00.000+0000")
    run = roll_back(run_dag, tmp_path)
    assert set(run.states.values()) == {"success"}, run.errors
    assert run.xcoms["apply"]["outcomes"] == {"updated": 1, "unchanged": 1}
    ends = {name: row["endDate"] for name, row in campaigns(sandbox).items() if name.startswith("Renewals")}
    assert ends == {
        "Renewals west": "2027-04-01T06:59:59.000+0000",
        "Renewals east": "2027-05-01T00:00:00.000+0000",
    }
    assert "changed by someone since: endDate " in Path(run.xcoms["plan"]["markdown_path"]).read_text()


@pytest.mark.slow
def test_created_campaigns_become_inactive_and_keep_their_names_with_a_mark(
    sandbox, run_dag, tmp_path
) -> None:
    run_dag(season_dag("created", tmp_path, ACTIVE))
    run = roll_back(run_dag, tmp_path)
    assert run.xcoms["apply"]["outcomes"] == {"updated": 2}
    assert states(sandbox) == {"Renewals west [rolled back 1]": 0, "Renewals east [rolled back 1]": 0}
    again = roll_back(run_dag, tmp_path)
    assert again.xcoms["apply"]["outcomes"] == {"updated": 2}
    assert states(sandbox) == {"Renewals west": 1, "Renewals east": 1}
