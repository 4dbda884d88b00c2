"""A person approves plans of seasons in a real Airflow: scheduler, workers, triggerer and API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.approvals import DAG_ID, Runs
from tests.support.connections import ACCOUNT_ID, jwt_connection

pytestmark = [
    pytest.mark.skipif(
        Version(airflow_version) < Version("3.3"), reason="tasks of Airflow 3.3 wait for people"
    ),
    pytest.mark.slow,
]

DAG_FILE = Path(__file__).parent / "dags" / "approved_season.py"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Start Airflow once, and the runs that wait for a person."""
    from tests.support.real_airflow import real_airflow

    with (
        SandboxServer(SandboxSettings(limits=False)) as server,
        real_airflow(jwt_connection(server.url, budgets="off"), [DAG_FILE]) as airflow,
    ):
        runs = Runs(airflow, server, tmp_path_factory.mktemp("storage"))
        for season in ("approved", "stale", "rejected"):
            runs.start(season)
        runs.start("skipped", on_reject="skip")
        runs.start("late", dag_id="approved_at_once")
        yield runs


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
