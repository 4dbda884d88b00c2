"""Leads that a search finds, written to object storage from a DAG."""

from __future__ import annotations

import csv
import json
import threading
import time
from pathlib import Path

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import asked, load

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID


@pytest.fixture
def client(sandbox, client_settings):
    """A client of a sandbox whose campaign has 1,203 leads, in two lists."""
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 1000)
        load(client, CAMPAIGN, 203, first=1000)
        yield client


def search(dag_id: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLeadSearchToStorageOperator(task_id="it", **({"campaign": CAMPAIGN} | arguments))
    return dag


def ids(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return [json.loads(line)["externId"] for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [row["externId"] for row in csv.DictReader(file)]
    parquet = pytest.importorskip("pyarrow.parquet")
    return parquet.read_table(path).column("externId").to_pylist()


ALL = [f"L{number}" for number in range(1203)]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_every_lead_is_written(client, sandbox, run_dag, tmp_path: Path, format: str) -> None:
    path = tmp_path / "new" / f"leads.{format}"
    run = run_dag(search(format, path=f"file://{path}"))
    assert run.xcoms["it"] == {"rows": 1203, "counted": 1203, "path": f"file://{path}"}
    assert ids(path) == ALL
    assert list(path.parent.iterdir()) == [path]


def test_criteria_are_rendered_and_hold_together(client, sandbox, run_dag, tmp_path: Path) -> None:
    sandbox.backend.database.change("UPDATE leads SET leadState = 'COMPLETE' WHERE externId = 'L1100'")
    dag = search(
        "criteria",
        path=f"file://{tmp_path}/{{{{ dag_run.conf['state'] | lower }}}}.csv",
        campaign="Holiday Renewals 2025",
        criteria={"leadStates": ["{{ dag_run.conf['state'] }}"], "loadedDtsStart": "2020-01-01T00:00:00Z"},
    )
    assert run_dag(dag, conf={"state": "COMPLETE"}).xcoms["it"]["rows"] == 1
    assert ids(tmp_path / "complete.csv") == ["L1100"]


def test_lists_and_leads_are_named_without_a_campaign(client, sandbox, run_dag, tmp_path: Path) -> None:
    rows = client.search_leads({"campaignIds": [CAMPAIGN]})
    path = f"file://{tmp_path}/found.jsonl"
    for criteria, count in (({"listIds": rows[-1]["listId"]}, 203), ({"leadIds": [rows[5]["leadId"]]}, 1)):
        assert (
            run_dag(search("named", path=path, campaign=None, criteria=criteria)).xcoms["it"]["rows"] == count
        )
    assert ids(tmp_path / "found.jsonl") == ["L5"]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_no_lead_makes_an_empty_file(sandbox, run_dag, tmp_path: Path, format: str) -> None:
    run = run_dag(search(f"empty_{format}", path=f"file://{tmp_path}/leads.{format}"))
    assert (run.xcoms["it"]["rows"], run.xcoms["it"]["counted"]) == (0, 0)
    assert ids(tmp_path / f"leads.{format}") == []


def test_it_writes_to_other_storage(client, sandbox, run_dag) -> None:
    attach("memory", fs=MemoryFileSystem())
    run = run_dag(search("memory", path="memory://results/leads.jsonl"))
    assert run.states == {"it": "success"}
    path = ObjectStoragePath("memory://results/leads.jsonl")
    with path.open("rb") as file:
        assert len(file.read().splitlines()) == 1203
    path.unlink()


def test_a_failure_leaves_what_was_there(client, sandbox, run_dag, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("yesterday's")
    sandbox.add_fault("status", path="leadSearch", status=403, after=2)
    run = run_dag(search("fails", path=f"file://{path}"))
    assert run.states == {"it": "failed"}
    assert path.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [path]


def test_leads_that_change_meanwhile_are_warned_of(
    client, sandbox, run_dag, tmp_path: Path, capfd, caplog
) -> None:
    caplog.set_level("WARNING")
    # The count and the first page come before it.
    fault = sandbox.add_fault("delay", path="leadSearch", seconds=0.5, after=2)

    def dial() -> None:
        while not any(one.struck for one in sandbox.faults() if one.fault is fault):
            time.sleep(0.01)
        sandbox.backend.database.change(
            "UPDATE leads SET leadState = 'COMPLETE' WHERE externId IN ('L0', 'L1', 'L2', 'L1200')"
        )

    dialer = threading.Thread(target=dial)
    dialer.start()
    path = tmp_path / "leads.jsonl"
    told = run_dag(search("change", path=f"file://{path}", criteria={"leadStates": "READY"})).xcoms["it"]
    dialer.join()
    # Pages begin three leads further on.
    assert (told["rows"], told["counted"]) == (1202, 1203)
    assert ids(path) == [one for one in ALL if one != "L1200"]
    assert "leads changed meanwhile" in capfd.readouterr().out + caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "file:///tmp/leads.xlsx"}, "use a name that ends in .jsonl, .csv, .parquet"),
        ({"campaign": None}, "a search of all leads is not allowed"),
        ({"criteria": {"leadStates": ["REDY"]}}, "'READY'"),
        ({"campaign": "{{ none }}"}, "did a template render to None"),
        ({"campaign": "Holiday"}, "there is no campaign named 'Holiday'"),
    ],
)
def test_bad_input_is_named_and_nothing_is_searched(sandbox, run_dag, arguments, message) -> None:
    run = run_dag(search("bad", **({"path": "memory://bad.jsonl"} | arguments)))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not asked(sandbox, "leadSearch")
