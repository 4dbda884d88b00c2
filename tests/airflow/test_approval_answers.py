"""Who may answer, and when, in a real Airflow whose users have passwords."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.approvals import DAG_ID, Runs, answer, form_path
from tests.support.connections import jwt_connection
from tests.support.real_airflow import real_airflow

pytestmark = [
    pytest.mark.skipif(
        Version(airflow_version) < Version("3.3"), reason="tasks of Airflow 3.3 wait for people"
    ),
    pytest.mark.slow,
]

DAG_FILE = Path(__file__).parent / "dags" / "approved_season.py"
#: Seasons, and seconds between their question and the answer.
DELAYS = {f"after{delay}ms{n}": delay / 1000 for delay in (0, 50, 200, 500, 1000) for n in range(2)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with (
        SandboxServer(SandboxSettings(limits=False)) as server,
        real_airflow(
            jwt_connection(server.url, budgets="off"), [DAG_FILE], users=["ann", "bo", "eve"]
        ) as airflow,
    ):
        yield Runs(airflow, server, tmp_path_factory.mktemp("storage"))


def test_only_approvers_may_answer(runs: Runs) -> None:
    runs.start("restricted")
    choice = runs.form("restricted")["options"][0]
    refused = answer(runs.airflow, DAG_ID, runs.ids["restricted"], choice, user="eve")
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "User=eve (id=eve) is not a respondent for the task.",
    )
    assert runs.campaigns("restricted") == []
    runs.answer("restricted", choice, user="bo")
    assert runs.ended("restricted")["verify"] == "success"
    approval = runs.xcom("restricted")["approval"]
    assert (approval["by"], approval["by_id"]) == ("bo", "bo")
    assert len(runs.campaigns("restricted")) == 2


def test_a_task_that_is_cleared_while_it_waits_counts_an_answer_before_it_waits_again(runs: Runs) -> None:
    runs.start("cleared")
    form = runs.form("cleared")
    runs.airflow.clear(DAG_ID, runs.ids["cleared"], "apply")
    if Version(airflow_version) >= Version("3.4.0b1"):
        # There, each attempt has its own form.
        runs.form("cleared")
    runs.answer("cleared", form["options"][0])
    assert runs.ended("cleared")["verify"] == "success", runs.last_log("cleared")
    assert runs.xcom("cleared")["approval"]["by"] == "ann"
    assert len(runs.campaigns("cleared")) == 2


def test_an_answer_that_does_not_wake_the_task_counts_after_the_first_wait(runs: Runs) -> None:
    runs.start("asleep")
    form = runs.form("asleep")
    # As Airflow 3.3 stores it if it reads the task's state just before the task begins to wait.
    values = (str(datetime.now(UTC).replace(tzinfo=None)), '{"id": "ann", "name": "Ann"}')
    where = "ti_id in (select id from task_instance where run_id = ? and task_id = 'apply')"
    with closing(sqlite3.connect(runs.airflow.home / "airflow.db", timeout=60)) as database, database:
        database.execute(
            f"update hitl_detail set responded_at = ?, responded_by = ?, chosen_options = ? where {where}",
            (*values, json.dumps(form["options"][:1]), runs.ids["asleep"]),
        )
    assert runs.ended("asleep", seconds=180)["verify"] == "success"
    assert runs.xcom("asleep")["approval"]["by"] == "Ann"
    assert runs.task("asleep")["try_number"] == 1


def test_an_answer_at_any_moment_counts_once(runs: Runs) -> None:
    seasons = {runs.start(season): season for season in DELAYS}
    seen: list[str] = []

    def answer_later(season: str, choice: str) -> None:
        time.sleep(DELAYS[season])
        runs.answer(season, choice, user="bo")

    with ThreadPoolExecutor(len(DELAYS)) as pool:

        def poll() -> list[Future[None]] | None:
            forms = runs.airflow.get(f"dags/{DAG_ID}/dagRuns/~/hitlDetails?limit=100") or {"hitl_details": []}
            for form in forms["hitl_details"]:
                season = seasons.get(form["task_instance"]["dag_run_id"])
                if season is not None and season not in seen:
                    assert runs.campaigns(season) == []
                    seen.append(season)
                    answers.append(pool.submit(answer_later, season, form["options"][0]))
            return answers if len(seen) == len(seasons) else None

        answers: list[Future[None]] = []
        for one in runs.airflow.wait_until("all forms", poll, 300, every=0.02):
            one.result()
    for season in DELAYS:
        assert set(runs.ended(season, seconds=240).values()) == {"success"}, runs.last_log(season)
        approval = runs.xcom(season)["approval"]
        assert approval["by"] == "bo"
        form = runs.airflow.get(form_path(DAG_ID, runs.ids[season])) or {}
        assert datetime.fromisoformat(approval["at"]) == datetime.fromisoformat(form["responded_at"])
        assert runs.campaigns(season) == [f"{season} east", f"{season} west"]
        assert len(list((runs.folder / "seasons" / season).glob("*.json"))) == 2
