"""People approve plans of seasons in a real Airflow whose users have passwords: who may answer, and when."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.approvals import DAG_ID, Runs, answer, form_path
from tests.support.connections import ACCOUNT_ID, jwt_connection

pytestmark = [
    pytest.mark.skipif(
        Version(airflow_version) < Version("3.3"), reason="tasks of Airflow 3.3 wait for people"
    ),
    pytest.mark.slow,
]

DAG_FILE = Path(__file__).parents[1] / "dags" / "approved_season.py"
#: Seasons, and seconds between their question and the answer.
DELAYS = {f"after{delay}ms": delay / 1000 for delay in (0, 50, 200, 500, 1000)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Start Airflow once, and the runs that wait for a person."""
    from tests.support.real_airflow import real_airflow

    with (
        SandboxServer(SandboxSettings(limits=False)) as server,
        real_airflow(
            jwt_connection(server.url, budgets="off"), [DAG_FILE], users=["ann", "bo", "eve"]
        ) as airflow,
    ):
        runs = Runs(airflow, server, tmp_path_factory.mktemp("storage"))
        for season in ("asleep", "approved", "stale", "rejected", "restricted", "cleared"):
            runs.start(season)
        runs.start("skipped", on_reject="skip")
        runs.start("late", dag_id="approved_at_once")
        # It waits for a minute, in which the other tests run.
        _answer_without_waking(runs, "asleep")
        yield runs


def _answer_without_waking(runs: Runs, season: str) -> None:
    """Store an answer as Airflow 3.3 does if it reads the task's state just before the task waits."""
    form = runs.form(season)
    values = (str(datetime.now(UTC).replace(tzinfo=None)), '{"id": "ann", "name": "Ann"}')
    where = "ti_id in (select id from task_instance where run_id = ? and task_id = 'apply')"
    with closing(sqlite3.connect(runs.airflow.home / "airflow.db", timeout=60)) as database, database:
        database.execute(
            f"update hitl_detail set responded_at = ?, responded_by = ?, chosen_options = ? where {where}",
            (*values, json.dumps(form["options"][:1]), runs.ids[season]),
        )


def test_an_approval_by_the_api_applies_the_plan(runs: Runs) -> None:
    form = runs.form("approved")
    plan = runs.airflow.xcom(DAG_ID, runs.ids["approved"], "plan")
    assert form["options"] == [f"Apply {plan['digest'][:12]}", "Reject"]
    assert form["subject"] == f"Apply plan {plan['digest'][:12]} of season approved?"
    assert "# Season approved" in form["body"]
    assert [one["id"] for one in form["assigned_users"]] == ["ann", "bo"]
    pid = runs.task("approved")["pid"]
    runs.airflow.wait_until("end of the process", lambda: None if psutil.pid_exists(pid) else True, 30)
    assert runs.airflow.get("pools/default_pool")["deferred_slots"] == 0
    assert runs.campaigns("approved") == []
    runs.answer("approved", form["options"][0])
    assert runs.ended("approved") == {"plan": "success", "apply": "success", "verify": "success"}
    assert runs.campaigns("approved") == ["approved east", "approved west"]
    approval = runs.xcom("approved")["approval"]
    assert (approval["by"], approval["by_id"], approval["choice"]) == ("ann", "ann", form["options"][0])
    record = json.loads((runs.folder / "seasons" / "approved" / runs.xcom("approved")["record"]).read_text())
    assert record["approval"] == approval
    # Cleared after it has ended, it neither asks nor writes.
    runs.airflow.clear(DAG_ID, runs.ids["approved"], "apply")
    assert runs.ended("approved")["apply"] == "success"
    assert runs.xcom("approved")["approval"] == approval


def test_a_stale_approval_is_refused(runs: Runs) -> None:
    form = runs.form("stale")
    # Someone has made a campaign of the season by hand, and the plan is made again.
    (template, *_) = runs.server.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)
    row = {**template, "campaignName": "stale east", "callerId": "4155550188"}
    runs.server.store.seed_campaign(ACCOUNT_ID, seed.WINBACK_ID, row)
    before = runs.airflow.xcom(DAG_ID, runs.ids["stale"], "plan")["digest"]
    runs.airflow.clear(DAG_ID, runs.ids["stale"], "plan")

    def planned() -> str | None:
        plan = runs.airflow.xcom(DAG_ID, runs.ids["stale"], "plan") or {"digest": before}
        return plan["digest"] if plan["digest"] != before else None

    digest = runs.airflow.wait_until("another plan", planned, 90)
    runs.answer("stale", form["options"][0])
    if Version(airflow_version) < Version("3.4.0b1"):
        assert runs.ended("stale")["apply"] == "failed"
        log = runs.last_log("stale")
        assert f"is for another plan than {digest[:12]}; asking again" in log
        assert "trigger a new run of the DAG" in log
        assert runs.campaigns("stale") == ["stale east"]
        runs.start("stale")
    assert runs.form("stale")["options"][0] == f"Apply {digest[:12]}"
    assert runs.campaigns("stale") == ["stale east"]
    runs.answer("stale", f"Apply {digest[:12]}", user="bo")
    assert runs.ended("stale")["verify"] == "success"
    assert runs.xcom("stale")["approval"]["by"] == "bo"


def test_a_rejection_fails_without_a_retry_and_a_cleared_task_asks_again(runs: Runs) -> None:
    form = runs.form("rejected")
    runs.answer("rejected", "Reject")
    assert runs.ended("rejected") == {"plan": "success", "apply": "failed", "verify": "upstream_failed"}
    # If the answer was too quick for Airflow, the second attempt has found it.
    assert runs.task("rejected")["try_number"] <= 2
    assert "was rejected by ann at" in runs.last_log("rejected")
    assert runs.campaigns("rejected") == []
    runs.airflow.clear(DAG_ID, runs.ids["rejected"], "apply", "verify")
    assert runs.form("rejected")["options"] == form["options"]
    runs.answer("rejected", form["options"][0])
    assert runs.ended("rejected")["verify"] == "success"
    assert len(runs.campaigns("rejected")) == 2


def test_a_rejection_skips(runs: Runs) -> None:
    runs.form("skipped")
    runs.answer("skipped", "Reject")
    assert runs.ended("skipped") == {"plan": "success", "apply": "skipped", "verify": "skipped"}
    assert runs.campaigns("skipped") == []


def test_no_answer_in_time_fails_without_a_retry(runs: Runs) -> None:
    assert runs.ended("late", "approved_at_once")["apply"] == "failed"
    assert runs.task("late", "approved_at_once")["try_number"] == 1
    assert "was not approved within 0:00:01; nothing was applied" in runs.last_log("late", "approved_at_once")
    assert runs.campaigns("late") == []


def test_only_approvers_may_answer(runs: Runs) -> None:
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
