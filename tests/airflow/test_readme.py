"""The README's code works unchanged."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jinja2
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, Connection

from airflow_provider_engagevoice.client.settings import SignIn
from airflow_provider_engagevoice.hooks.engagevoice import read_connection

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_dag_runs(sandbox, run_dag) -> None:
    source, *_ = blocks("python")
    if airflow_version.startswith("2."):
        source = source.replace("from airflow.sdk import DAG", "from airflow import DAG")
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)
    create = names["create"]
    assert isinstance(create.dag, DAG)
    run = run_dag(create.dag)
    assert run.states == {"create": "success", "opened": "success"}
    assert run.xcoms["create"]["is_active"] == 1


def test_its_dag_that_loads_leads_runs(sandbox, run_dag, tmp_path) -> None:
    _, source, *_ = blocks("python")
    if airflow_version.startswith("2."):
        source = source.replace("from airflow.sdk import DAG", "from airflow import DAG")
    source = source.replace("s3://lists/renewals/{{ ds }}", str(tmp_path)).replace(".parquet", ".csv")
    source = source.replace('"Holiday Renewals"', '"Holiday Renewals 2025"')
    lead_list = "customer_id,mobile,first_name\n" + "".join(
        f"c{number},(415) 555-{2000 + number},Ada\n" for number in range(100)
    )
    (tmp_path / "a.csv").write_text(f"{lead_list}c100,none,Bo\n")
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)
    run = run_dag(names["dag"])
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["inserted"], run.xcoms["load"]["rejected"]) == (100, 1)
    assert (tmp_path / "rejects.csv").read_text().startswith("customer_id,mobile,first_name,reject_source")


def test_its_dag_that_runs_on_campaigns_runs(run_dag) -> None:
    _, _, source, *_ = blocks("python")
    if airflow_version.startswith("2."):
        both = "from airflow import DAG\nfrom airflow.decorators import task"
        source = source.replace("from airflow.sdk import DAG, task", both)
        source = source.replace("triggering_asset_events", "triggering_dataset_events")
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)
    assert run_dag(names["dag"]).states == {"tell": "success"}


def test_its_sensor_starts_from_the_trigger() -> None:
    *_, source, _ = blocks("python")
    names: dict[str, object] = {}
    if airflow_version.startswith("3.3"):
        exec(compile(source, "README.md", "exec"), names)
        assert names["opened"].start_from_trigger
    else:
        with pytest.warns(UserWarning, match="needs Airflow 3.3"):
            exec(compile(source, "README.md", "exec"), names)


@pytest.mark.skipif(not airflow_version.startswith("3."), reason="Airflow 3 watches assets")
def test_its_dag_that_runs_on_the_opening_has_a_watcher() -> None:
    *_, source = blocks("python")
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)
    assert isinstance(names["dag"], DAG)
    (watcher,) = names["opened"].watchers
    assert (watcher.trigger.event, watcher.trigger.campaign) == ("opened", "Holiday *")


@pytest.mark.parametrize(
    ("source", "flow"), zip(blocks("json"), [*SignIn, SignIn.RINGCENTRAL_JWT], strict=True)
)
def test_its_connections_use_the_sign_in_they_are_shown_for(source, flow) -> None:
    fields = json.loads(source)
    extra = fields.pop("extra", {})
    assert read_connection(Connection(conn_id="readme", **fields), extra).settings.sign_in == flow


def test_its_templates_are_jinja() -> None:
    for line in "".join(blocks("jinja")).splitlines():
        jinja2.Environment(undefined=jinja2.StrictUndefined).parse(line)


def test_its_make_targets_exist() -> None:
    output = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^ +([a-z0-9-]+) ", output, re.MULTILINE))
    assert set(re.findall(r"(?:^\$ |`)make ([a-z]+)", README, re.MULTILINE)) <= targets
