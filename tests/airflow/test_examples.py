"""The examples run from the first task to the last."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID
from tests.support.customers import results, write_customers
from tests.support.lists import PARTNERS, REGIONS, write_lists

EXAMPLES = Path(__file__).parents[2] / "example_dags"
#: make test runs these in a real Airflow alone, see real/test_real_airflow.py.
also_real = pytest.mark.slow


def load(name: str) -> DAG:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (dag,) = [value for value in vars(module).values() if isinstance(value, DAG)]
    return dag


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@also_real
def test_seasonal_rollout(sandbox, run_dag) -> None:
    conf = {"campaign_start": in_seconds(4), "campaign_end": in_seconds(86400)}
    run = run_dag(load("seasonal_rollout"), conf=conf)
    assert set(run.states.values()) == {"success"}
    assert run.xcoms["create"]["is_active"] == run.xcoms["clone"]["is_active"] == 1


def test_seasonal_rollout_takes_its_dates_from_the_run(sandbox, run_dag) -> None:
    run = run_dag(load("seasonal_rollout"))
    assert set(run.states.values()) == {"success"}
    start, end = (datetime.fromisoformat(run.xcoms["create"][key]) for key in ("start", "end"))
    assert end - start == timedelta(days=30)


@also_real
def test_clone_last_season(sandbox, run_dag) -> None:
    run = run_dag(load("clone_last_season"), conf={"season": "2026"})
    assert run.states == {"plan": "success", "clone[0]": "success"}
    assert run.xcoms["clone[0]"]["campaign_name"] == "Holiday Renewals 2025 (2026)"
    assert run.xcoms["clone[0]"]["is_active"] == 0


@also_real
def test_campaign_lifecycle(sandbox, run_dag) -> None:
    run = run_dag(load("campaign_lifecycle"))
    assert set(run.states.values()) == {"success"}
    outcomes = {task: xcom["outcome"] for task, xcom in run.xcoms.items()}
    assert outcomes == {
        "create": "created",
        "activate": "updated",
        "extend": "updated",
        "pause": "updated",
        "delete": "deleted",
    }
    assert len(sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)) == 1


@also_real
def test_lead_etl_rollout(sandbox, run_dag, tmp_path) -> None:
    database = write_customers(tmp_path, 300)
    sandbox.set_dialer(rate=2000, minute_seconds=0.001)
    conf = {
        "database": str(database),
        "storage": f"file://{tmp_path}",
        "campaign_start": in_seconds(5),
        "hours": "00:00-23:59",
    }
    dag = load("lead_etl_rollout")
    dag.get_task("drained").poke_interval = 1
    run = run_dag(dag, conf=conf)
    assert set(run.states.values()) == {"success"}, run.errors
    loaded = run.xcoms["load"]
    assert (loaded["supplied"], loaded["inserted"], loaded["rejected"]) == (297, 294, 3)
    # Three have opted out, and three have no number.
    assert results(database).count(None) == 6
    assert sum(run.xcoms["write_back"].values()) == 294


@also_real
def test_lead_lists(sandbox, run_dag, tmp_path) -> None:
    write_lists(tmp_path)
    run = run_dag(load("lead_lists"), conf={"storage": f"file://{tmp_path}"})
    assert set(run.states.values()) == {"success"}, run.errors
    assert run.xcoms["do_not_call"]["numbers"] == 2
    partners = run.xcoms["partners"]
    assert (partners["supplied"], partners["inserted"], partners["rejected"], partners["do_not_call"]) == (
        *(PARTNERS, PARTNERS - 2, 1, 1),
    )
    assert {one["campaign_name"]: one["inserted"] for one in partners["campaigns"]} == {
        "Partners East": PARTNERS // 2,
        "Partners West": PARTNERS // 2 - 2,
    }
    assert run.xcoms["regions"]["inserted"] == sum(REGIONS.values())
    states = sandbox.backend.database.rows("SELECT state, count(*) AS leads FROM leads GROUP BY state")
    assert {row["state"]: row["leads"] for row in states} == {None: PARTNERS - 2, **REGIONS}


@pytest.mark.slow
def test_spring_season(sandbox, run_dag, tmp_path) -> None:
    run = run_dag(load("spring_season"), conf={"storage": f"file://{tmp_path}"})
    assert set(run.states.values()) == {"success"}, run.errors
    assert run.xcoms["plan"]["counts"]["create"] == 2
    assert run.xcoms["apply"]["outcomes"] == {"created": 2, "cloned": 1}
    assert run.xcoms["verify"]["campaigns"] == 3
    west = {row["campaignName"]: row for row in sandbox.store.all_campaigns()}["Spring Renewals west"]
    assert (west["startDate"], west["endDate"]) == (
        "2027-03-01T08:00:00.000+0000",
        "2027-04-01T06:59:59.000+0000",
    )
    assert (west["monSched"], west["sunSched"], west["maxRingTime"]) == ("08002000", "00000000", 30)
    assert "| create | 2 |" in Path(run.xcoms["plan"]["markdown_path"].removeprefix("file://")).read_text()


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES.glob("*.py")])
def test_every_example_has_a_test_here(name) -> None:
    assert f"test_{name}" in globals()


@pytest.mark.skipif(not airflow_version.startswith("3."), reason="Airflow 3 watches assets")
def test_on_campaign_opened(run_dag) -> None:
    # Run manually, so that no event has triggered it.
    assert run_dag(load("on_campaign_opened")).states == {
        "opened_campaigns": "success",
        "begin_the_day": "skipped",
    }


@pytest.mark.slow
def test_days_without_calls(sandbox, run_dag, tmp_path) -> None:
    run_dag(load("spring_season"), conf={"storage": f"file://{tmp_path}"})
    run = run_dag(load("days_without_calls"), conf={"storage": f"file://{tmp_path}"})
    assert set(run.states.values()) == {"success"}, run.errors
    assert run.xcoms["exclude"]["outcomes"] == {}
