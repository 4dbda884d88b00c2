"""Load leads from a DAG."""

from __future__ import annotations

import csv
import json
import sqlite3
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowFailException, Asset, task
from airflow.providers.sqlite.hooks.sqlite import SqliteHook

from airflow_provider_engagevoice import clock
from tests.faults.lead_world import row
from tests.support.clocks import FakeClock
from tests.support.customers import write_customers
from tests.support.load_tasks import CAMPAIGN, load, make_dag, reject_one, stored


def test_a_file_is_loaded_once(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_file") as dag:
        load(source=str(leads_csv))
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    counts = {name: result[name] for name in ("supplied", "accepted", "inserted", "rejected", "duplicates")}
    assert counts == {"supplied": 120, "accepted": 120, "inserted": 120, "rejected": 0, "duplicates": 0}
    assert (result["list_name"], result["list_id"], result["lists"]) == ("Autumn", None, 3)
    assert result["campaign_id"] == CAMPAIGN
    found = stored(sandbox)
    assert len(found) == 120
    assert (found[7]["externId"], found[7]["firstName"], found[7]["city"]) == (
        "C-0000007",
        "Ada7",
        "San Francisco",
    )


def test_leads_are_sent_as_files(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_by_file") as dag:
        load(source=str(leads_csv), method="{{ 'fi' + 'le' }}", chunk_size=None)
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    counts = {name: result[name] for name in ("supplied", "accepted", "inserted", "rejected", "duplicates")}
    assert counts == {"supplied": 120, "accepted": 120, "inserted": 120, "rejected": 0, "duplicates": 0}
    assert result["list_id"] is not None
    assert [one["externId"] for one in stored(sandbox)] == [row(number)[:9] for number in range(120)]
    paths = [one.path.partition("leadLoader/")[2] for one in sandbox.requests()]
    assert [path.partition("?")[0] for path in paths if path] == ["preview", "process"]


def test_files_of_a_glob_and_a_mapping(sandbox, run_dag, tmp_path) -> None:
    for number in range(3):
        (tmp_path / f"part-{number}.csv").write_text(
            f"customer,mobile,tier\nc{number},(415) 555-01{number}7,gold\n"
        )
    with make_dag("load_glob") as dag:
        load(
            source=f"{tmp_path}/part-*.csv",
            mapping={"customer": "externId", "mobile": "leadPhone"},
            send_unmapped=True,
        )
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert [(one["externId"], one["leadPhone"]) for one in stored(sandbox)] == [
        ("c0", "4155550107"),
        ("c1", "4155550117"),
        ("c2", "4155550127"),
    ]
    assert json.loads(stored(sandbox)[0]["extendedLeadData"]) == {"tier": "gold"}
    assert run.xcoms["load"]["list_id"] is not None


def test_the_output_of_another_task_is_loaded(sandbox, run_dag) -> None:
    with make_dag("load_records") as dag:

        @task
        def extract() -> list[dict[str, str]]:
            return [
                {"externId": "a", "leadPhone": "4155550100"},
                {"externId": "b", "leadPhone": "4155550101"},
            ]

        load(records=extract())
    assert run_dag(dag).states == {"extract": "success", "load": "success"}
    assert [one["externId"] for one in stored(sandbox)] == ["a", "b"]


def test_too_many_bad_rows_load_nothing_and_are_written_out(sandbox, run_dag, leads_csv, tmp_path) -> None:
    with leads_csv.open("a") as file:
        file.write("C-x,12,Bad,Phone,,,,\n")
        file.write(",4155550100,No,Id,,,,\n")
    rejects = tmp_path / "out" / "rejects.csv"
    with make_dag("load_bad") as dag:
        load(source=str(leads_csv), rejects_path=str(rejects))
    run = run_dag(dag)
    assert run.states == {"load": "failed"}
    assert isinstance(run.errors["load"], AirflowFailException)
    assert stored(sandbox) == []
    with rejects.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(one["externId"], one["leadPhone"], one["reject_row"]) for one in found] == [
        ("C-x", "12", "122"),
        ("", "4155550100", "123"),
    ]


def test_bad_rows_within_the_limit_are_skipped(sandbox, run_dag, leads_csv, tmp_path) -> None:
    with leads_csv.open("a") as file:
        file.write("C-x,12,Bad,Phone,,,,\n")
    with make_dag("load_some") as dag:
        load(source=str(leads_csv), max_bad_rows="2%")
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert (run.xcoms["load"]["supplied"], run.xcoms["load"]["rejected"]) == (121, 1)
    assert len(stored(sandbox)) == 120


def test_a_bad_row_does_not_fail_a_second_load(sandbox, run_dag, leads_csv) -> None:
    with leads_csv.open("a") as file:
        file.write("C-bad,12,Ada,Lovelace,,,,\n")
    for dag_id, inserted in (("load_first", 120), ("load_second", 0)):
        with make_dag(dag_id) as dag:
            load(source=str(leads_csv), max_bad_rows=1)
        run = run_dag(dag)
        assert run.states == {"load": "success"}, dag_id
        result = run.xcoms["load"]
        assert (result["inserted"], result["duplicates"], result["rejected"]) == (inserted, 120 - inserted, 1)


def test_validate_only_sends_nothing(sandbox, run_dag, leads_csv) -> None:
    with make_dag("load_nothing") as dag:
        load(source=str(leads_csv), validate_only=True)
    run = run_dag(dag)
    assert run.states == {"load": "success"}
    assert run.xcoms["load"]["rows"] == 120
    assert not [one for one in sandbox.requests() if "leadLoader" in one.path]


def test_leads_that_the_server_rejects_are_written_to_a_file_and_fail_the_task(
    sandbox, run_dag, leads_csv, tmp_path
) -> None:
    """The validation and the server may disagree."""
    reject_one(sandbox)
    rejects = tmp_path / "rejects.csv"
    with make_dag("load_refused") as dag:
        load(source=str(leads_csv), rejects_path=str(rejects), max_concurrent_requests=1)
    run = run_dag(dag)
    assert run.states == {"load": "failed"}
    assert "1 of them rejected by the server" in str(run.errors["load"])
    with rejects.open(newline="") as file:
        (found,) = csv.DictReader(file)
    assert (found["externId"], found["reject_row"]) == ("C-0000003", "5")
    assert "not in service" in found["reject_reason"]
    assert not (tmp_path / "rejects.csv.parts").exists()


def test_leads_that_the_server_does_not_account_for_are_looked_up_and_rejected(
    sandbox, run_dag, leads_csv, tmp_path
) -> None:
    """It says that it has accepted fewer than it was sent, and has none of them."""
    few = {"leadsSupplied": 50, "leadsAccepted": 49, "leadsInserted": 49}
    sandbox.add_fault(
        "status",
        path="leadLoader/direct",
        status=200,
        body=json.dumps(few),
        content_type="application/json",
        times=1,
    )
    with make_dag("load_few") as dag:
        load(source=str(leads_csv), rejects_path=f"{tmp_path}/rejects.csv", max_concurrent_requests=1)
    with clock.use(FakeClock()):
        run = run_dag(dag)
    assert "50 of 120 rows are bad, 50 of them rejected by the server" in str(run.errors["load"])
    with (tmp_path / "rejects.csv").open(newline="") as file:
        rejects = list(csv.DictReader(file))
    assert [one["externId"] for one in rejects] == [row(number)[:9] for number in range(50)]
    assert {one["reject_reason"] for one in rejects} == {"the server did not load it and gave no reason"}


@pytest.mark.parametrize("bad", [["12"], ["12", "=A1"]])
def test_a_load_that_loads_nobody_fails_whatever_is_allowed(sandbox, run_dag, bad) -> None:
    records = [{"externId": str(at), "leadPhone": phone} for at, phone in enumerate(bad)]
    with make_dag("load_nobody") as dag:
        load(records=records, max_bad_rows="100%")
    run = run_dag(dag)
    with pytest.raises(AirflowFailException, match=r"no lead is loaded: \d of \d people are not called"):
        raise run.errors["load"]


def test_a_load_of_duplicates_or_of_nobody_succeeds(sandbox, run_dag, leads_csv) -> None:
    for dag_id, arguments, inserted in (
        ("load_first", {}, 120),
        ("load_second", {}, 0),
        ("load_third", {"check_existing": True, "duplicate_handling": "RETAIN_ALL"}, 0),
        ("load_empty", {"source": None, "records": []}, 0),
    ):
        with make_dag(dag_id) as dag:
            load(**({"source": str(leads_csv)} | arguments))
        run = run_dag(dag)
        assert run.states == {"load": "success"}, dag_id
        result = run.xcoms["load"]
        assert (result["inserted"], result["duplicates"]) == (inserted, result["supplied"] - inserted)
    assert len(stored(sandbox)) == 120


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 3.3 has a task's state store")
@pytest.mark.parametrize("rows", [120, 0])
def test_a_finished_load_that_is_cleared_sends_nothing_and_makes_no_event(
    sandbox, run_dag, leads_csv, rows: int
) -> None:
    source: dict[str, Any] = {"source": str(leads_csv)} if rows else {"records": []}
    with make_dag("load_cleared"):
        task = load(**source, outlets=[Asset("renewals")])
    context = {"task_state_store": _StateStore(), "ti": _ti(max_tries=0), "outlet_events": {}}
    first = task.execute(context)
    assert (first["outcome"], first["inserted"]) == ("loaded", rows)
    # It was killed before Airflow recorded its success: the next attempt makes the event.
    again = task.execute(context)
    assert (again["outcome"], again["inserted"], task.outlets) == ("unchanged", rows, [Asset("renewals")])
    for told in task.on_success_callback:
        told(context)
    assert (task.execute(context)["outcome"], task.outlets) == ("unchanged", [Asset("renewals")])
    cleared = task.execute(context | {"ti": _ti(max_tries=1)})
    assert (cleared["outcome"], task.outlets) == ("unchanged", [])
    assert sum("leadLoader" in one.path for one in sandbox.requests()) == (3 if rows else 0)


class _StateStore(dict[str, Any]):
    set = dict.__setitem__


def _ti(max_tries: int) -> Any:
    names = {"dag_id": "load_cleared", "task_id": "load", "run_id": "r", "map_index": -1}
    return SimpleNamespace(**names, try_number=1, max_tries=max_tries, xcom_push=lambda **values: None)


def test_a_retry_resumes_where_the_first_attempt_stopped(sandbox, run_dag, leads_csv) -> None:
    sandbox.add_fault(
        "status", path="leadLoader/direct", after=1, status=429, body="rate", headers={"Retry-After": "9999"}
    )
    with make_dag("load_retry") as dag:
        load(
            source=str(leads_csv),
            max_concurrent_requests=1,
            duplicate_handling="RETAIN_ALL",
            retries=1,
            retry_delay=pendulum.duration(seconds=0),
        )
    # A chunk whose outcome is unknown is searched for after some seconds.
    with clock.use(FakeClock()):
        run = run_dag(dag)
    assert run.states == {"load": "success"}
    result = run.xcoms["load"]
    assert (result["accepted"], result["settled_chunks"]) == (120, 1)
    assert len(stored(sandbox)) == 120
    # Three chunks, of which the second was sent twice, and the first once.
    assert sum("leadLoader" in one.path for one in sandbox.requests()) == 4


def test_the_rows_of_a_query_are_loaded(sandbox, run_dag, tmp_path, monkeypatch) -> None:
    database = write_customers(tmp_path, 30)
    connection = {"conn_type": "sqlite", "host": str(database)}
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMERS_DB", json.dumps(connection))
    query = "SELECT id, phone, first_name, renews FROM customers WHERE id < ? ORDER BY id"
    with make_dag("load_query") as dag:
        load(
            sql=query.replace("renews", "city AS home"),
            sql_conn_id="customers_db",
            sql_parameters=["C-00020"],
            mapping={"id": "externId", "phone": "leadPhone", "home": None},
            chunk_size=8,
        )
        load(task_id="wrong", sql=query, sql_conn_id="engagevoice_default")
    run = run_dag(dag)
    assert run.states == {"load": "success", "wrong": "failed"}
    assert [one["externId"] for one in stored(sandbox)] == [f"C-{number:05d}" for number in range(20)]
    assert "give a connection of a SQL database" in str(run.errors["wrong"])


class _UnreadResults(sqlite3.Connection):
    """A connection whose cursors, like those of MySQL's connector, fail on close before the last row."""

    def cursor(self, factory: Any = None) -> Any:
        class Cursor(sqlite3.Cursor):
            def close(self) -> None:
                raise sqlite3.InternalError("unread result found")

        return super().cursor(Cursor)


def test_an_error_between_rows_is_reported_and_not_the_unread_rows(
    sandbox, run_dag, tmp_path, monkeypatch
) -> None:
    database = write_customers(tmp_path, 5000)
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    opened = sqlite3.connect(database, factory=_UnreadResults)
    monkeypatch.setattr(SqliteHook, "get_conn", lambda hook: opened)
    # The smallest number has no absolute value.
    broken = "CASE id WHEN 'C-03000' THEN abs(-9223372036854775808) ELSE id END"
    query = f"SELECT {broken} AS id, phone FROM customers ORDER BY rowid"
    with make_dag("load_unread") as dag:
        load(sql=query, sql_conn_id="db", mapping={"id": "externId", "phone": "leadPhone"})
    run = run_dag(dag)
    assert "integer overflow" in str(run.errors["load"])
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened.execute("SELECT 1")


def test_errors_and_logs_have_no_phone_of_a_person(sandbox, run_dag, tmp_path, capfd, caplog) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "leads.csv"
    path.write_text("externId,leadPhone\n1,41555501239999\n2,4155550123\n3,4155550123\n")
    with make_dag("no_phones") as dag:
        load(source=str(path), max_bad_rows="fail", rejects_path=str(tmp_path / "rejects.csv"))
    run = run_dag(dag)
    (error,) = run.errors.values()
    assert "leads.csv, row 2, column 'leadPhone': the number is" in str(error)
    assert "41555501239999" in (tmp_path / "rejects.csv").read_text()
    for text in (str(error), *capfd.readouterr(), caplog.text):
        assert "4155550" not in text
