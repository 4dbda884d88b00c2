"""Write the leads that a search finds to object storage from a DAG."""

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
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import load, request_times

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID


@pytest.fixture
def client(sandbox, client_settings):
    """A client of a sandbox with 1,203 leads in the campaign, in two lists."""
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
@pytest.mark.few(1)
def test_every_lead_is_written(client, sandbox, run_dag, tmp_path: Path, format: str) -> None:
    path = tmp_path / "new" / f"leads.{format}"
    run = run_dag(search(format, output_path=f"file://{path}"))
    assert run.xcoms["it"] == {"rows": 1203, "counted": 1203, "path": f"file://{path}"}
    assert ids(path) == ALL
    assert list(path.parent.iterdir()) == [path]


def test_criteria_are_rendered_and_combined(client, sandbox, run_dag, tmp_path: Path) -> None:
    sandbox.backend.database.change("UPDATE leads SET leadState = 'COMPLETE' WHERE externId = 'L1100'")
    dag = search(
        "criteria",
        output_path=f"file://{tmp_path}/{{{{ dag_run.conf['state'] | lower }}}}.csv",
        campaign="Holiday Renewals 2025",
        criteria={"leadStates": ["{{ dag_run.conf['state'] }}"], "loadedDtsStart": "2020-01-01T00:00:00Z"},
    )
    assert run_dag(dag, conf={"state": "COMPLETE"}).xcoms["it"]["rows"] == 1
    assert ids(tmp_path / "complete.csv") == ["L1100"]


def test_criteria_may_name_lists_or_leads_in_place_of_a_campaign(
    client, sandbox, run_dag, tmp_path: Path
) -> None:
    rows = client.search_leads({"campaignIds": [CAMPAIGN]})
    path = f"file://{tmp_path}/found.jsonl"
    for criteria, count in (({"listIds": rows[-1]["listId"]}, 203), ({"leadIds": [rows[5]["leadId"]]}, 1)):
        assert (
            run_dag(search("named", output_path=path, campaign=None, criteria=criteria)).xcoms["it"]["rows"]
            == count
        )
    assert ids(tmp_path / "found.jsonl") == ["L5"]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_search_without_matches_writes_an_empty_file(sandbox, run_dag, tmp_path: Path, format: str) -> None:
    run = run_dag(search(f"empty_{format}", output_path=f"file://{tmp_path}/leads.{format}"))
    assert (run.xcoms["it"]["rows"], run.xcoms["it"]["counted"]) == (0, 0)
    assert ids(tmp_path / f"leads.{format}") == []


def test_leads_are_written_to_other_storage(client, sandbox, run_dag) -> None:
    attach("memory", fs=MemoryFileSystem())
    run = run_dag(search("memory", output_path="memory://results/leads.jsonl"))
    assert run.states == {"it": "success"}
    path = ObjectStoragePath("memory://results/leads.jsonl")
    with path.open("rb") as file:
        assert len(file.read().splitlines()) == 1203
    path.unlink()


def test_a_failure_keeps_the_existing_file(client, sandbox, run_dag, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("yesterday's")
    sandbox.add_fault("status", path="leadSearch", status=403, after=2)
    run = run_dag(search("fails", output_path=f"file://{path}"))
    assert run.states == {"it": "failed"}
    assert path.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [path]


def test_leads_that_change_during_the_search_log_a_warning(
    client, sandbox, run_dag, tmp_path: Path, capfd, caplog
) -> None:
    caplog.set_level("WARNING")
    # It follows the count and the first page.
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
    result = run_dag(search("change", output_path=f"file://{path}", criteria={"leadStates": "READY"})).xcoms[
        "it"
    ]
    dialer.join()
    # Pages start three leads later.
    assert (result["rows"], result["counted"]) == (1202, 1203)
    assert ids(path) == [one for one in ALL if one != "L1200"]
    assert "leads changed during the search" in capfd.readouterr().out + caplog.text


LITERAL_MISTAKES = [
    ({"campaign": None}, "a search of all leads is not allowed"),
    ({"campaign": None, "dial_group": 3}, "dial_group=3"),
    ({"campaign": 2.5}, "campaign=2.5"),
    ({"criteria": {"leadStates": ["REDY"]}}, "'READY'"),
    ({"criteria": {"leadState": "READY"}}, "nearest: 'leadStates'"),
    ({"criteria": {"campaignIds": [1]}}, "campaign= is given already"),
    ({"output_path": " "}, "output_path=' '"),
]


@pytest.mark.parametrize(("arguments", "message"), LITERAL_MISTAKES)
def test_literal_mistakes_are_import_errors(arguments, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        search("bad", **({"output_path": "memory://bad.jsonl"} | arguments))
    assert message in str(caught.value)


@pytest.mark.parametrize(("arguments", "message"), LITERAL_MISTAKES)
def test_rendered_mistakes_fail_without_a_retry(assert_not_retried, arguments, message) -> None:
    assert_not_retried(search("bad", output_path="memory://bad.jsonl").get_task("it"), arguments, message)


@pytest.mark.parametrize("old", ["path", "path_conn_id"])
def test_an_old_name_is_reported_with_the_new_one(old) -> None:
    with pytest.raises(TypeError, match=f"'{old}' is now called 'output"):
        search("old", **{old: "x"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_path": "file:///tmp/leads.xlsx"}, "use a name that ends in .jsonl, .csv, .parquet"),
        ({"campaign": "{{ none }}"}, "did a template render to None"),
        ({"campaign": "Holiday"}, "there is no campaign named 'Holiday'"),
    ],
)
def test_bad_input_is_reported_and_nothing_is_searched(sandbox, run_dag, arguments, message) -> None:
    run = run_dag(search("bad", **({"output_path": "memory://bad.jsonl"} | arguments)))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not request_times(sandbox, "leadSearch")
